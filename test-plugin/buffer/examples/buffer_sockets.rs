//! Two network devices of the kind that plugins of the buffer ABI speak to, each only with its part
//! of the configuration:
//! - `radar`: finds a Furuno radar and takes its data. A beacon of 16 bytes goes to `address`:`port`
//!   (broadcast) at the start and with each poll until a radar has answered; an answer begins with
//!   the eleven bytes of `ANSWER` and has `R` at offset 16. Then the delta `radars.furuno.address`
//!   is sent, the group `group`:`data_port` is joined, and with each poll its datagrams are counted:
//!   the first four bytes of each are its number (little-endian), so a lost one is seen. Delta
//!   `radars.furuno.data`: `{"received":n,"lost":n,"bytes":n}`. With `"stream": true` each datagram
//!   also goes to the binary stream `radars/furuno`; `radar_get_radars` lists that radar.
//! - `listen`: listens on `address`:`port`, logs `from ADDRESS` of each connection, and answers each of its
//!   lines with `TEXT!` and a line break; woken by `on_tcp_accept` and `on_tcp_data`, without a poll.
//! - `tcp`: connects, with `"tls": true` by TLS, to `address`:`port`, sends `hello` and a line break when connected,
//!   and logs `tcp line TEXT` or, with `"raw": true`, `tcp raw HEX` for all that arrives.
//!
//! What each call gives is logged (`udp bind -> 0`); options are set before bind, as plugins do.

use std::cell::RefCell;

use buffer_guests::{abi, allocator, described, emit_value, exports};
use serde_json::{Value, json};

const BEACON: [u8; 16] = [1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 8, 1, 0, 0, 0];
const ANSWER: [u8; 11] = [1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0];

#[derive(Default)]
struct Plugin {
    radar: Option<Radar>,
    tcp: Option<Tcp>,
    listener: Option<i32>,
}

struct Radar {
    options: Value,
    beacons: i32,
    data: Option<i32>,
    next: u32,
    received: u64,
    lost: u64,
    bytes: u64,
}

struct Tcp {
    id: i32,
    lines: bool,
    greeted: bool,
}

thread_local! {
    static PLUGIN: RefCell<Plugin> = RefCell::default();
}

/// Calls an import with numbers and texts, and logs what it gave.
fn call(name: &str, id: i32, texts: &[&str], number: Option<i32>) -> i32 {
    let mut arguments = vec![id];
    for text in texts {
        arguments.extend(abi::pair(text.as_bytes()));
    }
    arguments.extend(number);
    let result = abi::call(name, &arguments).unwrap_or(-2);
    abi::debug(&format!("{name} -> {result}"));
    result
}

fn text<'a>(options: &'a Value, key: &str) -> &'a str {
    options[key].as_str().unwrap_or_default()
}

fn number(options: &Value, key: &str) -> i32 {
    options[key].as_i64().and_then(|n| i32::try_from(n).ok()).unwrap_or_default()
}

impl Radar {
    fn new(options: &Value) -> Self {
        let beacons = call("sk_udp_create", 4, &[], None);
        call("sk_udp_set_broadcast", beacons, &[], Some(1));
        call("sk_udp_bind", beacons, &[], Some(0));
        let radar = Radar {
            options: options.clone(),
            beacons,
            data: None,
            next: 0,
            received: 0,
            lost: 0,
            bytes: 0,
        };
        radar.beacon();
        radar
    }

    fn beacon(&self) {
        let port = u16::try_from(number(&self.options, "port")).unwrap_or_default();
        let sent = abi::udp_send(self.beacons, text(&self.options, "address"), port, &BEACON);
        abi::debug(&format!("beacon -> {sent}"));
    }

    fn poll(&mut self) {
        match self.data {
            None => self.look(),
            Some(data) => self.take(data),
        }
    }

    fn look(&mut self) {
        let mut buffer = [0_u8; 256];
        loop {
            let (count, sender, port) = abi::udp_receive(self.beacons, &mut buffer);
            if count <= 0 {
                return self.beacon();
            }
            if buffer.starts_with(&ANSWER) && buffer[16] == b'R' {
                abi::debug(&format!("radar at {sender}:{port}"));
                emit_value("radars.furuno.address", &json!(sender));
                return self.join();
            }
            abi::debug(&format!("{count} other bytes from {sender}:{port}"));
        }
    }

    fn join(&mut self) {
        let data = call("sk_udp_create", 4, &[], None);
        call(
            "sk_udp_join_multicast",
            data,
            &[text(&self.options, "group"), text(&self.options, "interface")],
            None,
        );
        call("sk_udp_bind", data, &[], Some(number(&self.options, "data_port")));
        call("sk_udp_close", self.beacons, &[], None);
        self.data = Some(data);
    }

    fn take(&mut self, data: i32) {
        let mut buffer = [0_u8; 2048];
        loop {
            let (count, _, _) = abi::udp_receive(data, &mut buffer);
            let Some(datagram) =
                usize::try_from(count).ok().filter(|n| *n > 0).map(|n| &buffer[..n])
            else {
                break;
            };
            if let Some(Ok(first)) = datagram.get(..4).map(<[u8; 4]>::try_from) {
                let number = u32::from_le_bytes(first);
                self.lost += u64::from(number.saturating_sub(self.next));
                self.next = number.wrapping_add(1);
            }
            self.received += 1;
            self.bytes += datagram.len() as u64;
            if self.options["stream"] == true {
                abi::stream("radars/furuno", datagram);
            }
        }
        let counts = json!({ "received": self.received, "lost": self.lost, "bytes": self.bytes });
        emit_value("radars.furuno.data", &counts);
    }
}

impl Tcp {
    fn new(options: &Value) -> Self {
        let id = abi::call("sk_tcp_create", &[]).unwrap_or_default();
        let lines = options["raw"] != true;
        call("sk_tcp_set_line_buffering", id, &[], Some(i32::from(lines)));
        let connect = if options["tls"] == true { "sk_tcp_connect_tls" } else { "sk_tcp_connect" };
        call(connect, id, &[text(options, "address")], Some(number(options, "port")));
        Tcp { id, lines, greeted: false }
    }

    fn poll(&mut self) {
        if !self.greeted && call("sk_tcp_connected", self.id, &[], None) == 1 {
            call("sk_tcp_send", self.id, &["hello\r\n"], None);
            self.greeted = true;
        }
        let mut buffer = [0_u8; 4096];
        loop {
            let count = abi::tcp_receive(self.id, self.lines, &mut buffer);
            if count < 0 {
                self.say_error();
            }
            let Some(bytes) = usize::try_from(count).ok().filter(|n| *n > 0).map(|n| &buffer[..n])
            else {
                return;
            };
            if self.lines {
                abi::debug(&format!("tcp line {}", String::from_utf8_lossy(bytes)));
            } else {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                abi::debug(&format!("tcp raw {hex}"));
            }
        }
    }
}

impl Tcp {
    fn say_error(&self) {
        let mut buffer = [0_u8; 400];
        let [out, max] = abi::pair_mut(&mut buffer);
        let len = abi::call("sk_tcp_last_error", &[self.id, out, max]).unwrap_or_default();
        let text = usize::try_from(len).ok().and_then(|len| buffer.get(..len)).unwrap_or_default();
        abi::debug(&format!("tcp error {}", String::from_utf8_lossy(text)));
    }
}

fn listen(options: &Value) -> i32 {
    let [address, len] = abi::pair(text(options, "address").as_bytes());
    let arguments = [address, len, number(options, "port")];
    let listener = abi::call("sk_tcp_listen", &arguments).unwrap_or(-2);
    abi::debug(&format!("sk_tcp_listen -> {listener}"));
    listener
}

/// Somebody has connected.
fn knocked(listener: i32) {
    let (mut address, mut port) = ([0_u8; 46], [0_u8; 2]);
    loop {
        let [at, _] = abi::pair_mut(&mut address);
        let [of, _] = abi::pair_mut(&mut port);
        if abi::call("sk_tcp_accept", &[listener, at, of]).unwrap_or(-2) <= 0 {
            return;
        }
        // Black box: the compiler has not seen that the host wrote here.
        let address = std::hint::black_box(&address[..]);
        let end = address.iter().position(|byte| *byte == 0).unwrap_or_default();
        abi::debug(&format!("from {}", String::from_utf8_lossy(&address[..end])));
    }
}

/// Something came over a connection; those of `tcp` wait for the poll.
fn arrived(socket: i32) {
    if PLUGIN.with_borrow(|plugin| plugin.listener.is_none()) {
        return;
    }
    let mut buffer = [0_u8; 4096];
    loop {
        let count = abi::tcp_receive(socket, true, &mut buffer);
        let Some(line) = usize::try_from(count).ok().filter(|n| *n > 0).map(|n| &buffer[..n])
        else {
            return;
        };
        let answer = format!("{}!\r\n", String::from_utf8_lossy(line));
        call("sk_tcp_send", socket, &[&answer], None);
    }
}

fn describe(export: &str) -> String {
    described(export, "buffer-sockets", "Buffer sockets")
}

fn radars(_: &str) -> String {
    r#"["furuno"]"#.to_owned()
}

fn start(config: &str) -> i32 {
    let config: Value = serde_json::from_str(config).unwrap_or_default();
    PLUGIN.set(Plugin {
        radar: config["radar"].is_object().then(|| Radar::new(&config["radar"])),
        tcp: config["tcp"].is_object().then(|| Tcp::new(&config["tcp"])),
        listener: config["listen"].is_object().then(|| listen(&config["listen"])),
    });
    0
}

/// The sockets stay open: closing them is the host's duty.
fn stop() -> i32 {
    0
}

fn poll() -> i32 {
    PLUGIN.with_borrow_mut(|plugin| {
        if let Some(radar) = &mut plugin.radar {
            radar.poll();
        }
        if let Some(tcp) = &mut plugin.tcp {
            tcp.poll();
        }
    });
    0
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
        poll = poll;
    }
    tells {}
    asks {}
    wakes {
        on_tcp_accept = knocked;
        on_tcp_data = arrived;
    }
}
