//! TCP of an existing plugin, which is polled once a second and reads what is there then.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use serde_json::json;

use super::{
    Owner, accept,
    common::{Host, eventually},
    disable, port,
};

/// The plugin, connected to us, and our end of the connection after its first words.
fn connected(raw: bool) -> (Host, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = json!({ "address": "127.0.0.1", "port": port(&listener), "raw": raw });
    let owner = Owner { guest: "buffer_sockets", ..Owner::generous() };
    let host = owner.host(&json!({ "tcp": tcp }), &[]);
    let mut peer = accept(&listener, || host.log());
    let mut hello = [0; 7];
    peer.read_exact(&mut hello).unwrap();
    assert_eq!(&hello, b"hello\r\n");
    (host, peer)
}

/// R81, W39: whole lines however they come, and the last one without its end.
#[test]
fn w39_a_polled_plugin_reads_lines() {
    let (host, mut peer) = connected(false);
    let text = "$GPRMC,\u{e4}\r\n\r\nlast".as_bytes();
    peer.write_all(&text[..8]).unwrap();
    peer.write_all(&text[8..]).unwrap();
    host.logged("tcp line $GPRMC,\u{e4}");
    drop(peer);
    host.logged("tcp line last");
}

/// R79, R81, W19: bytes as they come, and the end of the connection is the end of the plugin.
#[test]
fn w19_a_polled_plugin_reads_bytes_and_its_connection_ends_with_it() {
    let (host, mut peer) = connected(true);
    peer.write_all(&[0, 255, 10]).unwrap();
    // In as many pieces as the network makes of it.
    let all = || {
        let log = host.log();
        let pieces =
            log.lines().filter_map(|line| line.rsplit_once("tcp raw ")).map(|(_, hex)| hex);
        (pieces.collect::<String>() == "00ff0a").then_some(())
    };
    eventually("three bytes", all, || host.log());
    disable(&host);
    assert_eq!(peer.read(&mut [0]).unwrap(), 0, "closed with the plugin");
}
