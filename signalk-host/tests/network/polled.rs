//! TCP of an existing plugin, which is polled once a second and reads what is there then.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use serde_json::json;

use super::{
    Owner, PATIENCE, accept,
    common::{Host, eventually, free_port, http},
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

/// F56: who connects to such a plugin wakes it; it need not be polled.
#[test]
fn f56_a_plugin_of_the_buffer_interface_listens() {
    let port = free_port();
    let owner = Owner { guest: "buffer_sockets", ..Owner::generous() };
    let host = owner.host(&json!({ "listen": { "address": "127.0.0.1", "port": port } }), &[]);
    host.logged("sk_tcp_listen -> 1");
    let talk = || talk(port);
    talk();
    host.logged("from 127.0.0.1");
    // W20: it starts anew, and has its port again.
    let configuration = json!({ "listen": { "address": "127.0.0.1", "port": port } });
    let body = json!({ "enabled": true, "enableDebug": true, "configuration": configuration });
    let json = &["Content-Type: application/json"];
    let saved = body.to_string();
    let answer =
        http(&host.address, "POST", "/skServer/plugins/net/config", json, saved.as_bytes());
    assert_eq!(answer.status, 200);
    let twice = || (host.log().matches("sk_tcp_listen -> 1").count() == 2).then_some(());
    eventually("a second listener", twice, || host.log());
    talk();
}

/// Three at once.
fn talk(port: u16) {
    let peers: Vec<_> = (0..3).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    for (number, mut peer) in peers.into_iter().enumerate() {
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        peer.write_all(format!("line {number}\n").as_bytes()).unwrap();
        let mut answer = [0; 9];
        peer.read_exact(&mut answer).unwrap();
        assert_eq!(answer, *format!("line {number}!\r\n").as_bytes());
    }
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
