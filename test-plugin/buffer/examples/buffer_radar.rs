//! Finds a Furuno radar and takes its spokes as they come, by `on_datagram`, without `poll`.
//!
//! A beacon of 16 bytes goes to `address`:`port` (broadcast); an answer begins with the eleven bytes
//! of `ANSWER` and has `R` at offset 16. Then the delta `radars.furuno.address` is sent, the group
//! `group` joined on `interface`, and when `data_port` is bound the delta `radars.furuno.ready`. The
//! first four bytes of each spoke are its number (little-endian), so a lost one is seen. Each spoke
//! goes to the binary stream `radars/furuno`, if the plugin may, and with every 64th the delta
//! `radars.furuno.data`: `{"received":n,"lost":n}`.

use std::cell::RefCell;

use buffer_guests::{abi, allocator, described, emit_value, exports};
use serde_json::{Value, json};

const BEACON: [u8; 16] = [1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 8, 1, 0, 0, 0];
const ANSWER: [u8; 11] = [1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0];
const EVERY: u64 = 64;

#[derive(Default)]
struct Radar {
    options: Value,
    beacons: i32,
    data: Option<i32>,
    may_stream: bool,
    next: u32,
    received: u64,
    lost: u64,
}

thread_local! {
    static RADAR: RefCell<Radar> = RefCell::default();
}

impl Radar {
    fn text(&self, key: &str) -> &str {
        self.options[key].as_str().unwrap_or_default()
    }

    fn number(&self, key: &str) -> u16 {
        self.options[key].as_u64().and_then(|n| u16::try_from(n).ok()).unwrap_or_default()
    }

    fn look(&mut self) {
        let mut buffer = [0_u8; 256];
        loop {
            let (count, sender, _) = abi::udp_receive(self.beacons, &mut buffer);
            if count <= 0 {
                return;
            }
            if buffer.starts_with(&ANSWER) && buffer[16] == b'R' && self.data.is_none() {
                emit_value("radars.furuno.address", &json!(sender));
                self.join();
            }
        }
    }

    /// Options before the bind, as plugins do.
    fn join(&mut self) {
        let data = call("sk_udp_create", &[4]);
        let [group, len] = abi::pair(self.text("group").as_bytes());
        let [interface, interface_len] = abi::pair(self.text("interface").as_bytes());
        call("sk_udp_join_multicast", &[data, group, len, interface, interface_len]);
        let bound = call("sk_udp_bind", &[data, i32::from(self.number("data_port"))]);
        self.data = Some(data);
        emit_value("radars.furuno.ready", &json!(bound == 0));
    }

    fn take(&mut self, data: i32) {
        let mut buffer = [0_u8; 2048];
        loop {
            let (count, _, _) = abi::udp_receive(data, &mut buffer);
            let spoke = usize::try_from(count).ok().filter(|n| *n > 0).map(|n| &buffer[..n]);
            let Some(spoke) = spoke else { return };
            let Some(number) = spoke.first_chunk().copied().map(u32::from_le_bytes) else {
                continue;
            };
            if self.may_stream {
                abi::stream("radars/furuno", spoke);
            }
            self.lost += u64::from(number.wrapping_sub(self.next));
            self.next = number.wrapping_add(1);
            self.received += 1;
            if self.received.is_multiple_of(EVERY) {
                let counts = json!({ "received": self.received, "lost": self.lost });
                emit_value("radars.furuno.data", &counts);
            }
        }
    }
}

fn call(name: &str, arguments: &[i32]) -> i32 {
    let result = abi::call(name, arguments).unwrap_or(-2);
    abi::debug(&format!("{name} -> {result}"));
    result
}

fn describe(export: &str) -> String {
    described(export, "buffer-radar", "Buffer radar")
}

fn radars(_: &str) -> String {
    r#"["furuno"]"#.to_owned()
}

fn start(config: &str) -> i32 {
    let mut radar =
        Radar { options: serde_json::from_str(config).unwrap_or_default(), ..Radar::default() };
    let [name, len] = abi::pair(b"radarProvider");
    radar.may_stream = call("sk_has_capability", &[name, len]) == 1;
    radar.beacons = call("sk_udp_create", &[4]);
    call("sk_udp_set_broadcast", &[radar.beacons, 1]);
    let sent = abi::udp_send(radar.beacons, radar.text("address"), radar.number("port"), &BEACON);
    abi::debug(&format!("beacon -> {sent}"));
    RADAR.set(radar);
    0
}

fn stop() -> i32 {
    0
}

fn woken(socket: i32) {
    RADAR.with_borrow_mut(|radar| match radar.data {
        Some(data) if data == socket => radar.take(data),
        _ => radar.look(),
    });
}

allocator!();

exports! {
    texts {
        plugin_id = describe;
        plugin_name = describe;
        plugin_schema = describe;
        radar_get_radars = radars;
    }
    takes {
        plugin_start = start;
    }
    runs {
        plugin_stop = stop;
    }
    tells {}
    asks {}
    wakes {
        on_datagram = woken;
    }
}
