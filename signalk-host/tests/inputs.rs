//! NMEA 0183 from every kind of source, over the real thing: sockets, files, a pseudo-terminal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
};

use common::{Host, free_port, heading, is_degrees};

const HEADING: &str = "navigation.headingTrue";

#[test]
fn a_gateway_is_connected_and_connected_again_when_it_breaks() {
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let source = format!("tcp://localhost:{}?id=gateway", gateway.local_addr().unwrap().port());
    let host = Host::start(&["--nmea0183", &source]);
    for degrees in [10.0, 20.0] {
        let (mut peer, _) = gateway.accept().unwrap();
        let text = heading(degrees);
        let (half, rest) = text.split_at(9);
        peer.write_all(half.as_bytes()).unwrap();
        peer.write_all(rest.as_bytes()).unwrap();
        host.value(HEADING, |value| is_degrees(value, degrees));
    }
    let source = host.json("/signalk/v1/api/vessels/self/navigation/headingTrue/$source");
    assert_eq!(source, "gateway.II");
}

#[test]
fn several_peers_of_a_listener_do_not_mix() {
    let port = free_port();
    let host = Host::start(&["--nmea0183", &format!("tcp-listen://:{port}")]);
    host.logged(&format!("tcp-listen://:{port}"));
    let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let (mut one, mut two) = (connect(), connect());
    let text = heading(30.0);
    let (half, rest) = text.split_at(9);
    one.write_all(half.as_bytes()).unwrap();
    two.write_all(common::sentence("$IIDBT,,f,7.00,M,,F").as_bytes()).unwrap();
    host.value("environment.depth.belowTransducer", |value| value == 7.0);
    one.write_all(rest.as_bytes()).unwrap();
    host.value(HEADING, |value| is_degrees(value, 30.0));
}

#[test]
fn datagrams_are_read_also_without_a_line_end() {
    let port = free_port();
    let host = Host::start(&["--nmea0183", &format!("udp://:{port}")]);
    host.logged(&format!("udp://:{port}"));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for degrees in [40.0, 50.0] {
        let text = heading(degrees);
        socket.send_to(text.trim_end().as_bytes(), (Ipv4Addr::LOCALHOST, port)).unwrap();
        host.value(HEADING, |value| is_degrees(value, degrees));
    }
}

#[test]
fn a_listener_may_be_open_to_one_address_only() {
    let port = free_port();
    let host = Host::start(&[
        "--nmea0183",
        &format!("tcp-listen://127.0.0.1:{port}"),
        "--nmea0183",
        &format!("udp://127.0.0.1:{port}"),
    ]);
    host.logged(&format!("tcp-listen://127.0.0.1:{port} is open"));
    host.logged(&format!("udp://127.0.0.1:{port} is open"));
    // Another address of this machine: still free, so nobody listens there.
    drop(TcpListener::bind(("127.0.0.2", port)).unwrap());
    drop(UdpSocket::bind(("127.0.0.2", port)).unwrap());
    let mut peer = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    peer.write_all(heading(90.0).as_bytes()).unwrap();
    host.value(HEADING, |value| is_degrees(value, 90.0));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(heading(100.0).as_bytes(), (Ipv4Addr::LOCALHOST, port)).unwrap();
    host.value(HEADING, |value| is_degrees(value, 100.0));
}

#[test]
fn a_log_is_played_in_time_or_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("sailing.log");
    let mut text = String::from("garbage\r\n");
    for degrees in 0..200 {
        text += &heading(f64::from(degrees));
    }
    fs::write(&log, &text).unwrap();
    let at_once = Host::start(&["--nmea0183", &format!("file:{}?pace=max", log.display())]);
    at_once.value(HEADING, |value| is_degrees(value, 199.0));
    at_once.logged("read to its end");

    let paced = Host::start(&["--nmea0183", &format!("file:{}", log.display())]);
    for degrees in [0.0, 1.0, 2.0] {
        paced.value(HEADING, |value| is_degrees(value, degrees));
    }
}

#[test]
fn a_missing_log_is_named_and_the_rest_goes_on() {
    let host = Host::start(&["--demo", "--nmea0183", "file:/no/such/sailing.log"]);
    host.logged("/no/such/sailing.log: there is no such file");
    host.value("navigation.speedOverGround", |value| value.is_number());
}

#[test]
fn a_port_that_another_program_uses_is_named() {
    let other = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let host = Host::start(&["--nmea0183", &format!("udp://:{port}")]);
    host.logged(&format!("udp://:{port}"));
    host.logged("another program uses this port");
    assert_eq!(host.get("/signalk").status, 200);
}

#[test]
fn a_connection_of_settings_json_is_opened() {
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = gateway.local_addr().unwrap().port();
    let settings = serde_json::json!({ "pipedProviders": [{
        "id": "gps", "enabled": true,
        "pipeElements": [{ "type": "providers/simple", "options": {
            "type": "NMEA0183", "subOptions": { "type": "tcp", "host": "127.0.0.1", "port": port.to_string() } } }],
    }] });
    let host = Host::start_with(&[], &[], |dir| {
        fs::write(dir.join("settings.json"), settings.to_string()).unwrap()
    });
    let (mut peer, _) = gateway.accept().unwrap();
    peer.write_all(heading(60.0).as_bytes()).unwrap();
    host.value(HEADING, |value| is_degrees(value, 60.0));
}

#[test]
fn a_multiplexed_log_is_played_with_its_times() {
    let log = format!("1516133443123;N;{}1516133443223;N;{}", heading(10.0), heading(20.0));
    let settings = |path: &std::path::Path| {
        serde_json::json!({ "pipedProviders": [{
            "id": "log", "enabled": true,
            "pipeElements": [{ "type": "providers/simple", "options": {
                "type": "FileStream", "subOptions": { "dataType": "Multiplexed", "filename": path } } }],
        }] })
    };
    let host = Host::start_with(&[], &[], |dir| {
        let path = dir.join("a.log");
        fs::write(&path, &log).unwrap();
        fs::write(dir.join("settings.json"), settings(&path).to_string()).unwrap();
    });
    host.value(HEADING, |value| is_degrees(value, 20.0));
    let time = host.json("/signalk/v1/api/vessels/self/navigation/headingTrue/timestamp");
    assert_eq!(time, "2018-01-16T20:10:43.223Z");
}

/// A pseudo-terminal behaves as a USB adapter that is plugged in and pulled out.
#[cfg(target_os = "linux")]
#[test]
fn a_serial_line_is_read_and_opened_again_after_it_was_unplugged() {
    let dir = tempfile::tempdir().unwrap();
    let device = dir.path().join("ttyUSB0");
    let mut adapter = plug_in(&device);
    let host =
        Host::start(&["--nmea0183", &format!("serial:{}?baud=38400&id=tty", device.display())]);
    host.logged("ttyUSB0");
    adapter.write_all(heading(70.0).as_bytes()).unwrap();
    host.value(HEADING, |value| is_degrees(value, 70.0));
    drop(adapter);
    host.logged("trying again");
    let mut adapter = plug_in(&device);
    adapter.write_all(heading(80.0).as_bytes()).unwrap();
    host.value(HEADING, |value| is_degrees(value, 80.0));
}

/// The adapter's side of a new line with this name.
#[cfg(target_os = "linux")]
fn plug_in(device: &std::path::Path) -> fs::File {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    // CLOEXEC: the server must not inherit the adapter, or it would never be unplugged.
    let adapter = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&adapter).unwrap();
    unlockpt(&adapter).unwrap();
    let line = ptsname(&adapter, Vec::new()).unwrap();
    let _ = fs::remove_file(device);
    std::os::unix::fs::symlink(line.to_str().unwrap(), device).unwrap();
    fs::File::from(adapter)
}
