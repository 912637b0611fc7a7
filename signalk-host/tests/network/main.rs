//! The network of plugins end to end: real guests, the real binary, real sockets.
//!
//! With `signalk_network`, a JSON-RPC plugin written with `wasmi-pdk`: `sockets`: UDP and TCP; `web`: HTTP with retries
//! and a cache, and who may; `tls`: HTTPS and WebSockets. With `buffer_sockets`, as existing plugins are: `polled`:
//! TCP. With the guests that call any import, in Rust, AssemblyScript, C and Go: `library`: HTTP and WebSockets. With
//! `as_fetch` and its kin, several at once: `assemblyscript`; `served` is what they ask. All on loopback; what
//! needs broadcast or groups runs in a network of its own (`common/namespace.rs`). The guests are built by
//! `cargo xtask guests`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod assemblyscript;
#[path = "../common/mod.rs"]
mod common;
mod library;
mod polled;
mod served;
mod sockets;
mod tls;
mod web;

use std::{
    net::{TcpListener, TcpStream},
    time::Duration,
};

use common::{Host, eventually, guest, http};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

/// What the guest is, and what its owner allows.
struct Owner {
    guest: &'static str,
    capabilities: Value,
    egress: Value,
}

impl Owner {
    /// All that the tests need.
    fn generous() -> Owner {
        Owner {
            guest: "signalk_network",
            capabilities: json!({ "rawSockets": true, "network": true }),
            egress: json!({ "allow": ["127.0.0.0/8", "::1"] }),
        }
    }

    /// A server with the guest as plugin `net`.
    fn host(&self, configuration: &Value, env: &[(&str, &str)]) -> Host {
        let options = json!({
            "enabled": true, "enableDebug": true, "configuration": configuration, "egress": self.egress,
        });
        guest::host("net", self.guest, &self.capabilities, &options, env)
    }
}

/// A server with the guest, which may do everything.
fn host(configuration: &Value) -> Host {
    Owner::generous().host(configuration, &[])
}

/// Waits until the part `name` has reported `member`.
fn reported(host: &Host, name: &str, member: &str) -> Value {
    host.value(&format!("test.net.{name}"), |value| !value[member].is_null())[member].clone()
}

/// The next connection, waited for no longer than the tests wait for anything.
fn accept(listener: &TcpListener, log: impl Fn() -> String) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let accepted = || listener.accept().ok().map(|(stream, _)| stream);
    let stream = eventually("a connection", accepted, log);
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Stops the plugin.
fn disable(host: &Host) {
    let body = json!({ "enabled": false, "configuration": {} }).to_string();
    let json = &["Content-Type: application/json"];
    let answer = http(&host.address, "POST", "/skServer/plugins/net/config", json, body.as_bytes());
    assert_eq!(answer.status, 200);
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}
