//! UDP and TCP.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
};

use serde_json::json;

use super::{PATIENCE, accept, common::namespace, disable, host, port, reported};

#[test]
fn datagrams_come_by_unicast_broadcast_and_multicast() {
    if !namespace::inside("sockets::datagrams_come_by_unicast_broadcast_and_multicast") {
        return;
    }
    let udp = json!([
        { "name": "one", "echo": true },
        { "name": "broad", "port": 5001 },
        { "name": "group", "port": 5002, "group": "239.1.1.1", "interface": "172.31.0.1" },
    ]);
    let host = host(&json!({ "udp": udp }));
    let own = u16::try_from(reported(&host, "one", "port").as_u64().unwrap()).unwrap();
    let peer = UdpSocket::bind("172.31.0.1:0").unwrap();
    peer.set_broadcast(true).unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    peer.send_to(b"hello", ("172.31.0.1", own)).unwrap();
    assert_eq!(reported(&host, "one", "from"), "172.31.0.1");
    let mut buffer = [0; 9];
    assert_eq!(peer.recv(&mut buffer).unwrap(), 5, "it answers");
    for (name, to) in [("broad", "172.31.255.255:5001"), ("group", "239.1.1.1:5002")] {
        reported(&host, name, "port");
        peer.send_to(name.as_bytes(), to).unwrap();
        assert_eq!(reported(&host, name, "text"), name);
    }
}

#[test]
fn datagrams_come_to_a_group_of_ipv6() {
    let name = "sockets::datagrams_come_to_a_group_of_ipv6";
    if !namespace::inside(name) || !namespace::has_ipv6(name) {
        return;
    }
    // The interface by an address that it has, and as Node.js names it.
    let interfaces = [("address", "::1"), ("name", "::%lo"), ("number", "::%1")];
    let udp = interfaces.iter().zip(5003..).map(|((name, interface), port)| {
        json!({ "name": name, "port": port, "group": "ff15::1234", "interface": interface, "ipv6": true })
    });
    let host = host(&json!({ "udp": udp.collect::<Vec<_>>() }));
    let peer = UdpSocket::bind("[::1]:0").unwrap();
    for ((name, _), port) in interfaces.iter().zip(5003..) {
        reported(&host, name, "port");
        peer.send_to(b"six", ("ff15::1234", port)).unwrap();
        assert_eq!(reported(&host, name, "text"), "six", "{name}");
    }
}

#[test]
fn a_beacon_goes_out_by_broadcast() {
    if !namespace::inside("sockets::a_beacon_goes_out_by_broadcast") {
        return;
    }
    let radar = UdpSocket::bind("0.0.0.0:10010").unwrap();
    radar.set_read_timeout(Some(PATIENCE)).unwrap();
    let to = json!({ "host": "172.31.255.255", "port": 10010 });
    let host = host(&json!({ "udp": [{ "name": "beacon", "to": to }] }));
    let mut buffer = [0; 64];
    let (len, from) = radar.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"beacon");
    radar.send_to(b"here", from).unwrap();
    assert_eq!(reported(&host, "beacon", "text"), "here");
}

/// F56: a plugin is a server, on loopback by itself; elsewhere its owner has to say so.
#[test]
fn f56_a_plugin_listens_accepts_and_closes_all_when_it_stops() {
    let listen = json!([
        { "name": "lines", "host": "127.0.0.1", "port": 0 },
        { "name": "bytes", "host": "::1", "port": 0, "raw": true },
        { "name": "outside", "host": "0.0.0.0", "port": 0 },
    ]);
    let host = host(&json!({ "listen": listen }));
    let port = |name| u16::try_from(reported(&host, name, "port").as_u64().unwrap()).unwrap();
    let (lines, bytes) = (port("lines"), port("bytes"));
    let connect = |address: &str, port: u16| {
        let mut peer = TcpStream::connect((address, port)).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut hello = [0; 6];
        peer.read_exact(&mut hello).unwrap();
        assert_eq!(&hello, b"hello\n");
        peer
    };
    let mut first = connect("127.0.0.1", lines);
    assert_eq!(reported(&host, "lines", "from"), "127.0.0.1");
    first.write_all(b"$GPRMC,1\r\n").unwrap();
    assert_eq!(reported(&host, "lines", "line"), "$GPRMC,1");
    drop(first);
    let mut second = connect("127.0.0.1", lines);
    let mut raw = connect("::1", bytes);
    raw.write_all(&[0, 255]).unwrap();
    assert!(reported(&host, "bytes", "hex").as_str().unwrap().starts_with("00"));
    let failed = reported(&host, "outside", "failed");
    let failed = failed.as_str().unwrap();
    assert!(
        failed.contains("plugin `net`: `tcp.listen`")
            && failed.contains("plugin-config-data/net.json"),
        "{failed}"
    );
    let counters = &host.json("/plugins/net/diagnostics")["counters"];
    assert_eq!((&counters["tcpAccepted"], &counters["tcpRefused"]), (&json!(3), &json!(0)));
    disable(&host);
    assert_eq!(second.read(&mut [0]).unwrap(), 0, "closed with the plugin");
    assert_eq!(raw.read(&mut [0]).unwrap_or(0), 0, "closed with the plugin");
}

/// W19, W39: lines and bytes come as they were sent, and what is open when a plugin stops is closed.
#[test]
fn w19_connections_carry_lines_and_bytes_and_close_with_the_plugin() {
    let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (lines, raw) = (listen(), listen());
    let tcp = json!([
        { "name": "lines", "host": "127.0.0.1", "port": port(&lines) },
        { "name": "raw", "host": "127.0.0.1", "port": port(&raw), "raw": true },
    ]);
    let host = host(&json!({ "tcp": tcp }));
    let greeted = |listener: &TcpListener| {
        let mut peer = accept(listener, || host.log());
        let mut hello = [0; 6];
        peer.read_exact(&mut hello).unwrap();
        assert_eq!(&hello, b"hello\n");
        peer
    };
    let (mut lines, mut raw) = (greeted(&lines), greeted(&raw));
    // A character that straddles two pieces, and no end of line at the end.
    let text = "$GPRMC,\u{e4}\r\n".as_bytes();
    lines.write_all(&text[..8]).unwrap();
    lines.write_all(&text[8..]).unwrap();
    assert_eq!(reported(&host, "lines", "line"), "$GPRMC,\u{e4}");
    lines.write_all(b"last").unwrap();
    drop(lines);
    host.value("test.net.lines", |value| value["closed"] == "" && value["n"] == 3);
    raw.write_all(&[0, 255]).unwrap();
    assert!(reported(&host, "raw", "hex").as_str().unwrap().starts_with("00"));
    disable(&host);
    assert_eq!(raw.read(&mut [0]).unwrap(), 0, "closed with the plugin");
}
