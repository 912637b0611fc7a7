//! R80, T9, F58: a plugin finds a Furuno radar by broadcast, takes its spokes by multicast and streams them to a
//! WebSocket client; from a fake radar in a network of the test's own.
//!
//! `full_pace` is four turns of the antenna at its own speed, in which nothing may be lost. `full_rate` is a
//! measurement and ignored; `benches/README.md` says how it is run and what came out. The guests are built by `cargo
//! xtask guests`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    net::{TcpStream, UdpSocket},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use common::{Host, eventually, guest, namespace};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, connect, stream::MaybeTlsStream};

/// 8192 spokes a turn, 48 turns a minute (F58); a spoke is 512 bytes.
const SPOKES_PER_SECOND: u32 = 8192 * 48 / 60;
const SPOKE: usize = 512;
const BEACON_PORT: u16 = 10_010;
const DATA_PORT: u16 = 10_024;
const GROUP: &str = "239.255.0.2";

/// A radar that answers beacons and sends when told.
struct Radar {
    socket: UdpSocket,
    number: u32,
}

impl Radar {
    fn new() -> Radar {
        let socket = UdpSocket::bind(("0.0.0.0", BEACON_PORT)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Radar { socket, number: 0 }
    }

    /// Waits for the beacon and answers it.
    fn answer(&self) {
        let mut buffer = [0; 64];
        let (len, from) = self.socket.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], [1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 8, 1, 0, 0, 0]);
        let mut answer = [0; 32];
        answer[..11].copy_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0]);
        answer[16] = b'R';
        self.socket.send_to(&answer, from).unwrap();
    }

    fn send(&mut self, spokes: u32) {
        let mut spoke = [0; SPOKE];
        for _ in 0..spokes {
            spoke[..4].copy_from_slice(&self.number.to_le_bytes());
            spoke[4..12].copy_from_slice(&now().to_le_bytes());
            self.socket.send_to(&spoke, (GROUP, DATA_PORT)).unwrap();
            self.number += 1;
        }
    }
}

/// Microseconds.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_micros()).unwrap()
}

/// A server with one guest as plugin `radar`.
fn host(guest: &str, configuration: &Value, limits: &Value) -> Host {
    let capabilities = json!({ "rawSockets": true, "radarProvider": true });
    let options = json!({ "enabled": true, "configuration": configuration, "limits": limits });
    guest::host("radar", guest, &capabilities, &options, &[])
}

fn options() -> Value {
    json!({
        "address": "172.31.255.255", "port": BEACON_PORT, "group": GROUP, "interface": "172.31.0.1", "data_port": DATA_PORT,
    })
}

/// Datagrams that the plugin did not get.
fn dropped(host: &Host) -> u64 {
    host.json("/plugins/radar/diagnostics")["counters"]["datagramsDropped"].as_u64().unwrap()
}

/// A client of the radar's picture.
struct Picture(WebSocket<MaybeTlsStream<TcpStream>>);

impl Picture {
    fn open(host: &Host) -> Picture {
        let path = "signalk/v2/api/vessels/self/radars/furuno/spokes";
        let (socket, _) = connect(format!("ws://{}/{path}", host.address)).unwrap();
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        }
        Picture(socket)
    }

    /// Number of the next spoke, and when it was sent; `None`: there are no more.
    fn next(&mut self) -> Option<(u32, u64)> {
        loop {
            match self.0.read() {
                Ok(Message::Binary(spoke)) if spoke.len() == SPOKE => {
                    let number = u32::from_le_bytes(spoke[..4].try_into().unwrap());
                    return Some((number, u64::from_le_bytes(spoke[4..12].try_into().unwrap())));
                }
                Ok(Message::Ping(_)) => {}
                Ok(Message::Close(_)) => return None,
                Ok(other) => panic!("{other:?}"),
                Err(_) => return None,
            }
        }
    }
}

#[test]
fn a_furuno_is_found_by_broadcast_and_its_spokes_come() {
    if namespace::inside("a_furuno_is_found_by_broadcast_and_its_spokes_come") {
        finds_and_streams("buffer_radar");
    }
}

#[test]
fn a_json_rpc_plugin_finds_a_furuno_and_streams_its_spokes() {
    if namespace::inside("a_json_rpc_plugin_finds_a_furuno_and_streams_its_spokes") {
        finds_and_streams("signalk_radar");
    }
}

fn finds_and_streams(guest: &str) {
    let mut radar = Radar::new();
    let host = host(guest, &options(), &json!({}));
    radar.answer();
    assert_eq!(host.value("radars.furuno.address", |_| true), "172.31.0.1");
    host.value("radars.furuno.ready", |ready| *ready == true);
    let mut picture = Picture::open(&host);
    // Bursts as a radar sends them, each when the client has had the last: none may be lost.
    for _ in 0..20 {
        let first = radar.number;
        radar.send(128);
        for number in first..radar.number {
            assert_eq!(picture.next().map(|(number, _)| number), Some(number), "{}", host.log());
        }
    }
    let all = u64::from(radar.number);
    let data = host.value("radars.furuno.data", |data| data["received"].as_u64() == Some(all));
    assert_eq!((&data["lost"], dropped(&host)), (&json!(0), 0), "{data}");
    let stream = &host.json("/signalk-host/status")["binary"]["streams"][0];
    assert_eq!((&stream["frames"], &stream["clients"][0]["skipped"]), (&json!(all), &json!(0)));
}

/// T9: the whole pace of the radar, and no spoke may be lost. How long that takes is printed and judged by nobody:
/// where builds run beside the test, the radar waits for its viewer instead of flooding a kernel that has no time.
#[test]
fn full_pace() {
    if namespace::inside("full_pace") {
        at_full_pace("buffer_radar", &json!({}));
    }
}

/// JSON and base64 of all spokes take more fuel than a plugin has per second unless its owner says otherwise.
#[test]
fn full_pace_by_json_rpc() {
    if namespace::inside("full_pace_by_json_rpc") {
        at_full_pace("signalk_radar", &json!({ "fuelPerSecond": 2_000_000_000_u32 }));
    }
}

fn at_full_pace(guest: &str, limits: &Value) {
    /// Four turns: five seconds.
    const ALL: u32 = 4 * 8192;
    /// Spokes that the viewer may be behind, 20 ms of them: what fits into the buffer that a kernel gives every socket.
    const BEHIND: u32 = 128;
    let mut radar = Radar::new();
    let host = host(guest, &options(), limits);
    radar.answer();
    host.value("radars.furuno.ready", |ready| *ready == true);
    let mut picture = Picture::open(&host);
    let (seen, sees) = std::sync::mpsc::channel();
    let viewer = std::thread::spawn(move || {
        for number in 0..ALL {
            assert_eq!(picture.next().map(|(number, _)| number), Some(number));
            // The radar has ended when the last ones come.
            let _ = seen.send(number + 1);
        }
        picture
    });
    let begun = Instant::now();
    let (mut last, mut waited) = (0, 0);
    while radar.number < ALL {
        // As a radar packs them.
        radar.send(32);
        waited += u32::from(radar.number - last > BEHIND);
        let due = Duration::from_secs(radar.number.into()) / SPOKES_PER_SECOND;
        loop {
            let late = radar.number - last > BEHIND;
            let left = due.saturating_sub(begun.elapsed());
            match sees.recv_timeout(if late { Duration::from_secs(30) } else { left }) {
                Ok(number) => last = number,
                Err(_) if !late => break,
                Err(error) => {
                    viewer.join().unwrap();
                    panic!("{last} of {} seen: {error}: {}", radar.number, host.log());
                }
            }
        }
    }
    let _picture = viewer.join().unwrap();
    let took = begun.elapsed();
    let all = u64::from(ALL);
    let data = host.value("radars.furuno.data", |data| data["received"].as_u64() == Some(all));
    assert_eq!((&data["lost"], dropped(&host)), (&json!(0), 0), "{data}");
    let stream = &host.json("/signalk-host/status")["binary"]["streams"][0];
    assert_eq!((&stream["frames"], &stream["clients"][0]["skipped"]), (&json!(all), &json!(0)));
    println!("{guest}: {ALL} spokes in {took:.1?}, of 5 s; waited {waited} times for the viewer");
}

/// An existing plugin reads once a second: what is over 1000 datagrams goes, the oldest first, and is counted.
#[test]
fn datagrams_that_an_old_plugin_does_not_read_in_time_are_counted() {
    if !namespace::inside("datagrams_that_an_old_plugin_does_not_read_in_time_are_counted") {
        return;
    }
    let mut radar = Radar::new();
    let host = host("buffer_sockets", &json!({ "radar": options() }), &json!({}));
    radar.answer();
    host.value("radars.furuno.data", |data| data["received"] == 0);
    let log = || host.log();
    let flood = || {
        radar.send(1500);
        (dropped(&host) > 0).then_some(())
    };
    eventually("a drop counter", flood, log);
    let sent = u64::from(radar.number);
    let all_told = || {
        let data = host.value("radars.furuno.data", |_| true);
        let (received, lost) = (data["received"].as_u64()?, data["lost"].as_u64()?);
        let dropped = dropped(&host);
        (received + dropped == sent).then_some((lost, dropped))
    };
    let (lost, dropped) = eventually("each datagram received or counted", all_told, log);
    // The last ones may be missing, which the plugin cannot see.
    assert!(lost <= dropped, "{lost} of {dropped}");
}

/// Spokes come faster than the plugin may compute: what is over its queue goes, the oldest first, is counted, and it
/// lives on.
#[test]
fn a_json_rpc_plugin_out_of_fuel_loses_spokes_and_nothing_else() {
    if !namespace::inside("a_json_rpc_plugin_out_of_fuel_loses_spokes_and_nothing_else") {
        return;
    }
    let mut radar = Radar::new();
    let host = host("signalk_radar", &options(), &json!({ "fuelPerSecond": 50_000_000 }));
    radar.answer();
    host.value("radars.furuno.ready", |ready| *ready == true);
    let log = || host.log();
    let flood = || {
        radar.send(100);
        (dropped(&host) > 0).then_some(())
    };
    eventually("a drop counter", flood, log);
    let all = u64::from(radar.number / 64 * 64) - 64;
    let caught_up = || {
        let data = host.value("radars.furuno.data", |_| true);
        (data["received"].as_u64()? + dropped(&host) >= all).then_some(())
    };
    eventually("the plugin to catch up", caught_up, log);
    let counters = host.json("/plugins/radar/diagnostics")["counters"].take();
    assert_eq!(counters["crashes"], 0, "{}", host.log());
}

/// 60 s of each, or as many as `RADAR_SECONDS` says. Left out of the tests because it takes minutes and judges nothing:
/// it prints the figures of `benches/README.md`.
#[test]
#[ignore = "a measurement"]
fn full_rate() {
    if namespace::inside("full_rate") {
        let seconds = std::env::var("RADAR_SECONDS").ok().and_then(|text| text.parse().ok());
        // JSON and base64 of all spokes take more fuel than a plugin has per second unless told otherwise.
        let more = json!({ "fuelPerSecond": 2_000_000_000_u32 });
        let all =
            [("buffer_radar", json!({})), ("signalk_radar", more), ("signalk_radar", json!({}))];
        for (guest, limits) in all {
            measure(guest, &limits, seconds.unwrap_or(60));
        }
    }
}

fn measure(guest: &str, limits: &Value, seconds: u32) {
    let mut radar = Radar::new();
    let host = host(guest, &options(), limits);
    let begun = Instant::now();
    radar.answer();
    host.value("radars.furuno.address", |_| true);
    let found = begun.elapsed();
    host.value("radars.furuno.ready", |ready| *ready == true);
    let mut picture = Picture::open(&host);
    let all = SPOKES_PER_SECOND * seconds;
    let reading = std::thread::spawn(move || {
        let mut delays = Vec::new();
        while let Some((number, sent)) = picture.next() {
            delays.push(now().saturating_sub(sent));
            if number + 1 == all {
                break;
            }
        }
        delays
    });
    let before = host.processor_time();
    let begun = Instant::now();
    // 32 spokes at a time, as a radar packs them: about 205 times a second.
    while radar.number < all {
        radar.send(32.min(all - radar.number));
        let due = Duration::from_secs_f64(f64::from(radar.number) / f64::from(SPOKES_PER_SECOND));
        // A measurement in real time: this sleep is the radar's pace, nothing waits for a result by it.
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
    }
    let took = begun.elapsed();
    let mut delays = reading.join().unwrap();
    let used = (host.processor_time() - before).as_secs_f64();
    delays.sort_unstable();
    let at = |per_mille: usize| delays[(delays.len() - 1) * per_mille / 1000];
    let [p50, p99, p999, most] = [500, 990, 999, 1000].map(at);
    let got = delays.len();
    println!(
        "{guest} {limits}: found after {found:?}; {all} spokes in {took:.1?}, {got} at the client, {} dropped before the plugin",
        dropped(&host)
    );
    println!("log: {}", host.log());
    println!("datagram to client: p50 {p50} us, p99 {p99} us, p99.9 {p999} us, longest {most} us");
    println!(
        "processor {:.1} %, {:.1} us per spoke; {} kB resident",
        used / took.as_secs_f64() * 100.0,
        used * 1e6 / f64::from(all),
        host.memory_kb()
    );
}
