//! What a plugin finds on the disk of the real program (plugin ABI 9): its three folders, its quota, and no way out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{fs, path::Path};

use common::{Host, eventually};
use serde_json::{Value, json};

/// Writes eight bytes to `path` in its start; what WASI says is what the start returns.
fn writer(path: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module
            (import "wasi_snapshot_preview1" "path_open"
                (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (data (i32.const 100) {path:?})
            (data (i32.const 400) "\90\01\00\00\08\00\00\00")
            (func (export "allocate") (param i32) (result i32) (i32.const 65536))
            (func (export "plugin_start") (param i32 i32) (result i32)
                (local $errno i32)
                ;; O_CREAT and O_TRUNC; to read and write.
                (local.set $errno (call $open (i32.const 3) (i32.const 1) (i32.const 100) (i32.const {length})
                    (i32.const 9) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 500)))
                (if (local.get $errno) (then (return (local.get $errno))))
                (call $write (i32.load (i32.const 500)) (i32.const 400) (i32.const 1) (i32.const 504))))"#,
        length = path.len()
    ))
    .unwrap()
}

fn install(config: &Path, name: &str, path: &str, more: Value) {
    let folder = config.join("node_modules").join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("plugin.wasm"), writer(path)).unwrap();
    let mut manifest = json!({
        "name": name, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"], "wasmManifest": "plugin.wasm",
        "signalk-plugin-enabled-by-default": true,
    });
    manifest.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    fs::write(folder.join("package.json"), manifest.to_string()).unwrap();
}

fn data(config: &Path, id: &str) -> std::path::PathBuf {
    config.join("plugin-config-data").join(id)
}

/// What became of its start.
fn started(host: &Host, id: &str) -> String {
    let entry = || {
        let list = host.json("/plugins");
        let entry = list.as_array()?.iter().find(|entry| entry["id"] == id)?.clone();
        matches!(entry["state"].as_str(), Some("running" | "error")).then_some(entry)
    };
    let entry = eventually(id, entry, || host.log());
    entry["statusMessage"].as_str().unwrap_or_default().to_owned()
}

/// W1, W44: the folder is the real one from the first instruction at boot on, and its scratch is empty.
#[test]
fn w01_a_plugin_that_is_enabled_at_boot_keeps_what_it_writes() {
    let host_of = |config: &Path| {
        install(config, "@boat/w", "data/x", json!({}));
        let old = data(config, "_boat_w").join("vfs/tmp");
        fs::create_dir_all(&old).unwrap();
        fs::write(old.join("left"), "over").unwrap();
    };
    let config = tempfile::tempdir().unwrap();
    host_of(config.path());
    let host = Host::start_in(config.path(), &[]);
    assert_eq!(started(&host, "_boat_w"), "Started");
    let own = data(config.path(), "_boat_w").join("vfs");
    assert_eq!(fs::read(own.join("data/x")).unwrap().len(), 8);
    assert_eq!(fs::read_dir(own.join("tmp")).unwrap().count(), 0);
    assert!(own.join("config").is_dir());
    let usage = &host.json("/signalk-host/status")["plugins"]["_boat_w"]["storage"];
    assert_eq!(
        *usage,
        json!({ "bytes": 8, "files": 4, "refused": 0, "maxBytes": 64 << 20, "maxFiles": 4096 })
    );
}

/// W17: `storage: "none"` means no files at all; EBADF is 8.
#[test]
fn w17_a_plugin_without_storage_has_no_folder() {
    let config = tempfile::tempdir().unwrap();
    install(config.path(), "none", "data/x", json!({ "wasmCapabilities": { "storage": "none" } }));
    let host = Host::start_in(config.path(), &[]);
    assert_eq!(started(&host, "none"), "Plugin start() returned error code: 8");
    assert!(!data(config.path(), "none").exists());
}

/// W25: the owner's limit, and what is refused by it: EDQUOT is 19.
#[test]
fn w25_files_have_a_limit_that_its_owner_may_change() {
    let config = tempfile::tempdir().unwrap();
    install(config.path(), "full", "data/x", json!({}));
    let options = json!({ "enabled": true, "limits": { "storageFiles": 3 } });
    fs::create_dir_all(config.path().join("plugin-config-data")).unwrap();
    fs::write(data(config.path(), "full.json"), options.to_string()).unwrap();
    let host = Host::start_in(config.path(), &[]);
    assert_eq!(started(&host, "full"), "Plugin start() returned error code: 19");
}

/// ENOTCAPABLE is 76.
#[cfg(unix)]
#[test]
fn no_path_and_no_link_leads_out_of_a_plugins_folder() {
    use std::os::unix::fs::symlink;

    let config = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    for (id, path) in [
        ("up", "../x"),
        ("deep", "data/../../x"),
        ("absolute", "/etc/signalk-test"),
        ("link", "data/out/x"),
        ("relative", "data/near/x"),
        ("file", "data/file"),
    ] {
        install(config.path(), id, path, json!({}));
        let folder = data(config.path(), id).join("vfs/data");
        fs::create_dir_all(&folder).unwrap();
        symlink(outside.path(), folder.join("out")).unwrap();
        symlink("../../..", folder.join("near")).unwrap();
        symlink(outside.path().join("x"), folder.join("file")).unwrap();
    }
    let host = Host::start_in(config.path(), &[]);
    for id in ["up", "deep", "absolute", "link", "relative", "file"] {
        assert_eq!(started(&host, id), "Plugin start() returned error code: 76", "{id}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert!(!data(config.path(), "x").exists());
}
