//! Packages that cannot be read as they lie on the disk: each is named with its remedy, and the plugin beside them
//! runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use common::{Host, eventually};
use serde_json::json;

/// A package that works.
fn install(modules: &Path, name: &str) -> PathBuf {
    let guest =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests/signalk_speed_logger.wasm");
    assert!(guest.is_file(), "{} is missing: run `cargo xtask guests`", guest.display());
    let folder = modules.join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(guest, folder.join("plugin.wasm")).unwrap();
    let manifest = json!({
        "name": name, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"], "wasmManifest": "plugin.wasm",
        "wasmInterface": "json-rpc", "signalk-plugin-enabled-by-default": true,
    });
    fs::write(folder.join("package.json"), manifest.to_string()).unwrap();
    folder
}

fn runs(host: &Host, id: &str) {
    let state = || host.json("/signalk-host/status")["plugins"][id]["state"].clone();
    eventually(&format!("{id} to run"), || (state() == "running").then_some(()), || host.log());
}

/// A file of so many bytes, which takes no room on the disk.
fn hollow(path: &Path, length: u64) {
    File::create(path).unwrap().set_len(length).unwrap();
}

#[test]
fn what_lies_in_the_place_of_a_file_is_named_and_the_others_go_on() {
    let work = tempfile::tempdir().unwrap();
    let named = work.path().join("named");
    fs::create_dir_all(named.join("package.json")).unwrap();
    let host = Host::start_with(&["--plugin", named.to_str().unwrap()], &[], |config| {
        let modules = config.join("node_modules");
        install(&modules, "good");
        let huge = install(&modules, "huge");
        hollow(&huge.join("package.json"), (1 << 20) + 1);
        let folder = install(&modules, "folder");
        fs::remove_file(folder.join("package.json")).unwrap();
        fs::create_dir(folder.join("package.json")).unwrap();
        let latin = install(&modules, "latin");
        fs::write(latin.join("package.json"), b"{\"name\":\"signalk-f\xe9\"}").unwrap();
        let vast = install(&modules, "vast");
        hollow(&vast.join("plugin.wasm"), (256 << 20) + 1);
        let hole = install(&modules, "hole");
        fs::remove_file(hole.join("plugin.wasm")).unwrap();
        fs::create_dir(hole.join("plugin.wasm")).unwrap();
    });
    runs(&host, "good");
    for part in [
        "huge/package.json: cannot be read: it is larger than 1 MiB, the limit of a package.json; shorten it",
        "folder/package.json: cannot be read: is a directory; move away what lies there",
        "latin/package.json: cannot be read: invalid utf-8",
        "vast/plugin.wasm: larger than 256 MiB, so this is no plugin; name its .wasm file",
        "hole/plugin.wasm: cannot be read",
        "name the .wasm file",
        "named/package.json: cannot be read: is a directory; move away what lies there",
    ] {
        host.logged(part);
    }
}

/// The same command line as root without the privilege to read everything; `None` where that cannot be had.
#[cfg(target_os = "linux")]
fn unprivileged(command: &Command) -> Option<Command> {
    const LESS: &str = "--bounding-set=-dac_override,-dac_read_search";
    let tried = Command::new("setpriv").args([LESS, "true"]).output();
    tried.ok().filter(|tried| tried.status.success())?;
    let mut setpriv = Command::new("setpriv");
    setpriv.arg(LESS).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => setpriv.env(name, value),
            None => setpriv.env_remove(name),
        };
    }
    Some(setpriv)
}

/// The rights of a file mean nothing to root, who runs the tests of CI: then the server runs without that privilege.
#[cfg(target_os = "linux")]
#[test]
fn what_the_user_may_not_read_is_named_and_the_others_go_on() {
    use std::os::unix::fs::PermissionsExt;

    let may_not =
        |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    let config = tempfile::tempdir().unwrap();
    let modules = config.path().join("node_modules");
    install(&modules, "good");
    let closed = install(&modules, "closed");
    let sealed = install(&modules, "sealed");
    may_not(&sealed.join("plugin.wasm"));
    let scope = modules.join("@scope");
    install(&scope, "inner");
    may_not(&scope);
    may_not(&closed);
    let is_root = fs::read_dir(&closed).is_ok();

    let serve = common::command(&["serve", "--port", "0", "--config"]);
    let mut command = match unprivileged(&serve) {
        Some(command) if is_root => command,
        None if is_root => {
            return eprintln!(
                "SKIPPED: root may read everything, and setpriv (util-linux) is not here"
            );
        }
        _ => serve,
    };
    let host = Host::run(command.arg(config.path()));
    runs(&host, "good");
    for part in [
        "closed/package.json: cannot be read: Permission denied (os error 13); allow it to the user that runs the server",
        "sealed/plugin.wasm: cannot be read: Permission denied (os error 13); allow it to the user that runs the server",
        "@scope: cannot be read: Permission denied (os error 13); allow it to the user that runs the server; the plugins in it are not loaded",
    ] {
        host.logged(part);
    }
    drop(host);
    // The folder is removed afterwards, by whoever may.
    for path in [&closed, &scope] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
