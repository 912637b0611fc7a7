//! Plugins in the real program: found, started, crashed, configured, stopped. What each hostile guest does is tested
//! where it is run (`wasmi-hdk`, `signalk-core`); here it is the threads and the disk around them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{Host, eventually, http};
use serde_json::{Value, json};

/// Built by `cargo xtask guests`.
fn guest(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/guests")
        .join(name)
        .with_extension("wasm");
    assert!(path.is_file(), "{} is missing: run `cargo xtask guests`", path.display());
    path
}

/// A package folder with one of the guests in it.
fn package(parent: &Path, name: &str, guest_name: &str, more: Value) -> PathBuf {
    let folder = parent.join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(guest(guest_name), folder.join("plugin.wasm")).unwrap();
    let mut manifest = json!({
        "name": name, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"], "wasmManifest": "plugin.wasm",
        "wasmInterface": "json-rpc", "signalk-plugin-enabled-by-default": true,
    });
    manifest.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    fs::write(folder.join("package.json"), manifest.to_string()).unwrap();
    folder
}

fn status(host: &Host, id: &str) -> Option<Value> {
    let status = host.json("/signalk-host/status");
    let plugins = &status["plugins"];
    let listed = plugins.as_array().and_then(|all| all.iter().find(|plugin| plugin["id"] == id));
    listed.or_else(|| plugins.get(id)).cloned()
}

fn in_state(host: &Host, id: &str, state: &str) -> Value {
    let reached = || status(host, id).filter(|plugin| plugin["state"] == state);
    eventually(&format!("{id} to be {state}"), reached, || {
        format!("{:?}\n{}", status(host, id), host.log())
    })
}

fn folders(folders: &[PathBuf]) -> Vec<&str> {
    folders.iter().flat_map(|folder| ["--plugin", folder.to_str().unwrap()]).collect()
}

#[test]
fn installed_and_named_plugins_run_and_one_that_crashes_is_reported() {
    let work = tempfile::tempdir().unwrap();
    let named = [
        package(work.path(), "good", "signalk_speed_logger", json!({})),
        package(work.path(), "bad", "signalk_crash_on_delta", json!({})),
    ];
    let mut args = vec!["--demo"];
    args.extend(folders(&named));
    let host = Host::start_with(&args, &[], |config| {
        package(&config.join("node_modules"), "@boat/installed", "signalk_speed_logger", json!({}));
    });
    in_state(&host, "good", "running");
    in_state(&host, "_boat_installed", "running");
    host.logged("bad: call");
    let crashed = eventually(
        "the error of the crash",
        || status(&host, "bad").filter(|bad| !bad["lastError"].is_null()),
        || host.log(),
    );
    assert!(crashed["lastError"].to_string().contains("rpc_poll"), "{crashed}");
    in_state(&host, "good", "running");
}

#[test]
fn a_plugin_is_disabled_and_enabled_and_that_outlives_the_process() {
    let work = tempfile::tempdir().unwrap();
    let config = tempfile::tempdir().unwrap();
    let named = [package(work.path(), "good", "signalk_speed_logger", json!({}))];
    let configure = |host: &Host, enabled: bool| {
        let body = json!({ "enabled": enabled, "configuration": {} }).to_string();
        let json = &["Content-Type: application/json"];
        let answer =
            http(&host.address, "POST", "/skServer/plugins/good/config", json, body.as_bytes());
        assert_eq!(answer.status, 200);
    };
    let mut host = Host::start_in(config.path(), &folders(&named));
    in_state(&host, "good", "running");
    configure(&host, false);
    eventually(
        "good to be at rest",
        || status(&host, "good").filter(|good| good["state"] != "running").map(drop),
        || host.log(),
    );
    host.signal("TERM");
    assert_eq!(host.wait().code(), Some(0), "{}", host.log());

    let host = Host::start_in(config.path(), &folders(&named));
    assert_eq!(host.json("/skServer/plugins/good")["enabled"], false);
    configure(&host, true);
    in_state(&host, "good", "running");
}

#[test]
fn beside_a_computing_plugin_the_server_answers_and_ends_in_good_order() {
    let work = tempfile::tempdir().unwrap();
    let named = [package(work.path(), "spin", "signalk_spin_on_delta", json!({}))];
    let mut args = vec!["--demo"];
    args.extend(folders(&named));
    let mut host = Host::start(&args);
    for fuel in (1..=10).map(|step| step * 10_000_000) {
        // Each look is an answer of the server while the same call goes on.
        eventually(
            "spin to compute on",
            || status(&host, "spin").filter(|spin| spin["fuelUsed"].as_u64() > Some(fuel)),
            || host.log(),
        );
    }
    host.signal("TERM");
    assert_eq!(host.wait().code(), Some(0), "{}", host.log());
}

#[test]
fn a_broken_package_is_named_and_the_others_go_on() {
    let work = tempfile::tempdir().unwrap();
    let good = package(work.path(), "good", "signalk_speed_logger", json!({}));
    let gone = package(work.path(), "gone", "signalk_speed_logger", json!({}));
    fs::remove_file(gone.join("plugin.wasm")).unwrap();
    let torn = package(work.path(), "torn", "signalk_speed_logger", json!({}));
    fs::write(torn.join("plugin.wasm"), b"\0asm\x01\0\0\0\x01").unwrap();
    let text = package(work.path(), "text", "signalk_speed_logger", json!({}));
    fs::write(text.join("package.json"), "{ \"name\": ").unwrap();
    let host = Host::start(&folders(&[gone, torn, text.clone(), good]));
    in_state(&host, "good", "running");
    host.logged("build the plugin, or correct `wasmManifest`");
    host.logged("torn:");
    host.logged(text.to_str().unwrap());
}

#[test]
fn without_plugins_none_is_started() {
    let work = tempfile::tempdir().unwrap();
    let named = [package(work.path(), "good", "signalk_speed_logger", json!({}))];
    let host = Host::start_with(&folders(&named), &[("DISABLEPLUGINS", "true")], |_| {});
    let listed =
        eventually("the list", || status(&host, "good").or(Some(Value::Null)), || host.log());
    assert_ne!(listed["state"], "running");
    assert!(!host.log().contains("good: started"), "{}", host.log());
}
