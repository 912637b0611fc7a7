//! Logging in to the real program, and that a configuration directory that was secured is never served open.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{fs, path::Path};

use common::{Host, Response, Stream, free_port, http};
use serde_json::{Value, json};

/// The password is `admin-pw`.
const ADMIN: &str = "$2b$04$abcdefghijklmnopqrstuunjjXVilITTjGtFH/emy.ACeBYJBzOuG";
const KEY: &str = "5ecret-key-of-this-boat";

fn secured(config: &Path) {
    let file = json!({
        "users": [{ "username": "admin", "type": "admin", "password": ADMIN }],
        "devices": [], "acls": [], "allow_readonly": false, "expiration": "1d", "secretKey": KEY,
    });
    fs::write(config.join("security.json"), file.to_string()).unwrap();
}

fn login(host: &Host, password: &str) -> Response {
    let body = json!({ "username": "admin", "password": password }).to_string();
    let kind = "Content-Type: application/json";
    http(&host.address, "POST", "/signalk/v1/auth/login", &[kind], body.as_bytes())
}

fn token(host: &Host) -> String {
    let answer = login(host, "admin-pw");
    assert_eq!(answer.status, 200, "{}", host.log());
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["timeToLive"], 86_400);
    body["token"].as_str().unwrap().to_owned()
}

#[test]
fn an_owner_logs_in_with_the_password_of_the_reference() {
    let host = Host::start_with(&[], &[("RUST_LOG", "debug")], secured);
    for path in ["/signalk/v1/api/self", "/skServer/plugins", "/skServer/settings"] {
        let refused = host.get(path);
        assert_eq!((refused.status, refused.body.as_slice()), (401, b"Unauthorized".as_slice()));
    }
    assert_eq!(host.get("/admin/").status, 200);
    assert_eq!(login(&host, "wrong-pw").status, 401);
    let token = token(&host);
    let cookie = format!("Cookie: JAUTHENTICATION={token}");
    for path in ["/signalk/v1/api/self", "/skServer/plugins", "/signalk-host/status"] {
        assert_eq!(http(&host.address, "GET", path, &[&cookie], b"").status, 200, "{path}");
    }
    let log = host.log();
    for secret in [&token, "admin-pw", "wrong-pw", KEY, "$2b$"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[test]
fn a_stream_needs_a_token_or_a_login() {
    let host = Host::start_with(&[], &[], secured);
    let token = token(&host);
    assert!(Stream::try_open(&host.address, "?subscribe=none&token=x").is_err());
    let mut known = Stream::open(&host.address, &format!("?subscribe=none&token={token}"));
    let mut mute = Stream::open(&host.address, "?subscribe=self");
    assert!(known.next().unwrap()["self"].is_string() && mute.next().unwrap()["self"].is_string());
    known.send(&json!({ "updates": [{ "values": [{ "path": "a.b", "value": 7 }] }] }));
    mute.send(&json!({ "context": "vessels.self", "subscribe": [{ "path": "a.b" }] }));
    mute.send(
        &json!({ "requestId": "r", "login": { "username": "admin", "password": "admin-pw" } }),
    );
    let granted = mute.next().unwrap();
    assert_eq!((&granted["requestId"], &granted["statusCode"]), (&json!("r"), &json!(200)));
    mute.send(&json!({ "context": "vessels.self", "subscribe": [{ "path": "a.b" }] }));
    assert_eq!(mute.value_of("a.b"), 7);
}

/// What is there and cannot be read is not none.
#[test]
fn a_security_file_that_cannot_be_read_locks() {
    let damaged = |config: &Path| fs::write(config.join("security.json"), "{\"users\":").unwrap();
    let folder = |config: &Path| fs::create_dir(config.join("security.json")).unwrap();
    let link = |config: &Path| {
        std::os::unix::fs::symlink("nowhere", config.join("security.json")).unwrap();
    };
    let prepared: [&dyn Fn(&Path); 3] = [&damaged, &folder, &link];
    for prepare in prepared {
        let host = Host::start_with(&[], &[], |config| prepare(config));
        assert_eq!(host.get("/signalk/v1/api/self").status, 401);
        assert_eq!(host.get("/skServer/settings").status, 401);
        assert_eq!(login(&host, "admin-pw").status, 401);
        host.logged("security.json");
    }
}

#[test]
fn lines_by_tcp_are_for_boats_whose_data_everybody_may_read() {
    let port = free_port().to_string();
    let host = Host::start_with(&["--tcp-stream-port", &port], &[], secured);
    host.logged("no TCP stream");
    assert!(std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err());
}
