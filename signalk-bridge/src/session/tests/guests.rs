//! Every import called by real guests, as their compilers declare it: with every right, without any,
//! and with addresses that are not there. Rust in its three flavours, C, Go and AssemblyScript get the
//! same list of calls (`guests/calls.rs`) and have to answer the same; `guests/lives.rs`: what the
//! other guests in C and Go do; `guests/values.rs`: values without JSON.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::built::built;
use super::*;
use crate::{ConnectionId, FetchHead, FetchNews, WebSocketMessage};

mod calls;
mod lives;
mod values;

use calls::Call;

/// Those that can call everything in `env`.
const BUFFER: [&str; 5] = [
    "buffer_everything",
    "buffer_everything_reactor",
    "buffer_everything_command",
    "c_everything",
    "go_everything",
];
/// Its compiler declares its own functions where they are used: `w14` in `assemblyscript.rs`.
const SCRIPT: &str = "as_everything";

/// Every guest and what it is asked to call.
fn guests() -> Vec<(&'static str, Vec<Call>)> {
    let own = || calls::web().into_iter().chain(calls::by_name());
    let shared = || calls::server().into_iter().chain(calls::wasi()).chain(own());
    let buffer = BUFFER.map(|name| (name, shared().chain(calls::assemblyscript()).collect()));
    buffer.into_iter().chain([(SCRIPT, shared().collect())]).collect()
}

fn every_right() -> Capabilities {
    Capability::ALL.into_iter().fold(Capabilities::NONE, Capabilities::with)
}

/// A clock that the test moves; each look at it takes a microsecond, or Go's scheduler would wait for ever.
struct Clock(AtomicU64);

impl wasmi_hdk::Platform for Clock {
    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn wall_clock(&self) -> Duration {
        self.monotonic()
    }

    fn fill_random(&self, buf: &mut [u8]) {
        buf.fill(4);
    }
}

/// A built guest with a folder and as much fuel as it needs.
fn begun(name: &str, mut server: Fake, rights: Capabilities) -> (Drive, Arc<Clock>) {
    let path = "vessels.urn:x.navigation.speedOverGround";
    server.values.insert(path.into(), r#"{"value":3.1}"#.into());
    // For Go a clock at zero is a broken one.
    let clock = Arc::new(Clock(AtomicU64::new(1)));
    let platform = clock.clone();
    let mut drive = Drive::with_config(server, built(name), Purpose::Run, rights, |config| {
        config.limits.call_fuel = None;
        config.fs = Some(Box::new(wasmi_hdk::vfs::MemoryFs::new()));
        config.platform = platform;
    });
    nap(&mut drive, &clock);
    (drive, clock)
}

/// Lets a guest sleep that sleeps for less than a second; what is further away is its next poll.
fn nap(drive: &mut Drive, clock: &Clock) {
    for _ in 0..1000 {
        let soon = drive.now + Duration::from_millis(900);
        let Some(until) = drive.poll().filter(|until| *until < soon) else { return };
        drive.now = until.max(drive.now) + Duration::from_micros(1);
        clock.0.fetch_max(u64::try_from(drive.now.as_micros()).unwrap(), Ordering::Relaxed);
        drive.input(Input::Tick);
    }
    panic!("never rests: {:?}", drive.said);
}

/// What a request is answered.
const ANSWER: &str =
    r#"{"status":200,"headers":[],"url":"http://a.b","redirected":false,"body":"12 knots"}"#;

/// What one is whose answer comes in pieces.
const HEAD: &str =
    r#"{"status":200,"headers":[],"url":"http://a.b","redirected":false,"request":2}"#;

/// What the world says to an effect: whatever is opened is, a request is answered, a WebSocket says `first`, and
/// somebody comes to a listener.
fn news(effect: Effect) -> Vec<Report> {
    match effect {
        Effect::UdpBind { socket, .. } => vec![Report::UdpBound { socket, result: Ok(5000) }],
        Effect::UdpSet { socket, .. } => vec![Report::UdpSet { socket, result: Ok(()) }],
        Effect::Fetch { request, .. } if request.upload.is_some() => vec![],
        Effect::FetchWrite { id, data } => {
            vec![Report::Fetch { id, news: FetchNews::Written(data.len()) }]
        }
        Effect::FetchFinish { id } => {
            let url = "http://a.b".to_owned();
            let head = FetchHead { status: 200, url, ..FetchHead::default() };
            vec![Report::Fetch { id, news: FetchNews::Head(head) }]
        }
        Effect::FetchMore { id } => {
            vec![Report::Fetch { id, news: FetchNews::Piece("12 knots".into()) }]
        }
        Effect::Fetch { id, request } => {
            let head = FetchHead { status: 200, url: request.url, ..FetchHead::default() };
            vec![Report::Fetch { id, news: FetchNews::Whole(head, "12 knots".into()) }]
        }
        Effect::TcpConnect { socket, .. } => {
            vec![Report::Connected { socket, result: Ok(String::new()) }]
        }
        Effect::TcpSend { socket, data } => vec![Report::Sent { socket, bytes: data.len() }],
        Effect::WebSocketConnect { socket, .. } => {
            let message = WebSocketMessage::Text("first".to_owned());
            vec![
                Report::Connected { socket, result: Ok(String::new()) },
                Report::WebSocketMessage { socket, message },
            ]
        }
        Effect::WebSocketSend { socket, message } => {
            vec![Report::Sent { socket, bytes: message.weight() }]
        }
        Effect::TcpListen { socket, at } => {
            let (connection, from) = (ConnectionId(1), "127.0.0.1:40000".parse().unwrap());
            vec![
                Report::Listening { socket, result: Ok(at) },
                Report::Accepted { listener: socket, connection, from },
            ]
        }
        _ => vec![],
    }
}

/// The guest, asked to make these calls when it starts.
fn started(name: &str, calls: &[Value], rights: Capabilities) -> Drive {
    let options = json!({ "start": calls }).to_string();
    let (mut drive, _) = begun(name, Fake { options: Some(options), ..Fake::default() }, rights);
    while let Some(effect) = drive.effects.pop_front() {
        for report in news(effect) {
            drive.input(Input::Report(report));
        }
    }
    drive
}

/// Name and number of each call that the guest logged.
fn answers(drive: &mut Drive) -> Vec<(String, i32)> {
    let all = drive.server.take();
    let lines = all.iter().filter_map(|line| line.strip_prefix("p debug: start "));
    let parts = lines.filter_map(|line| line.split_once(" -> "));
    let number = |rest: &str| rest.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(-999);
    parts.map(|(name, rest)| (name.to_owned(), number(rest))).collect()
}

fn expected(calls: &[Call], of: impl Fn(&Call) -> i32) -> Vec<(String, i32)> {
    calls.iter().map(|call| (call.name().to_owned(), of(call))).collect()
}

/// The list is the specification's: 62 imports of `env`, of which two end the plugin, and 46 of WASI, of which one
/// does.
#[test]
fn the_guests_are_asked_to_call_every_import() {
    let count = |calls: Vec<Call>| {
        calls.iter().map(|call| call.name().to_owned()).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(count(calls::server()) + count(calls::assemblyscript()) + 2, 62);
    assert_eq!(count(calls::wasi()) + 1, 46);
    let rows = wasmi_hdk::wasi::table().iter().map(|row| row.name).collect::<BTreeSet<_>>();
    let asked = calls::wasi();
    let missing = rows.into_iter().filter(|name| asked.iter().all(|call| call.name() != *name));
    assert_eq!(missing.collect::<Vec<_>>(), ["proc_exit"]);
}

#[test]
fn real_guests_make_every_call_with_every_right_and_without_any() {
    for (name, calls) in guests() {
        let list: Vec<Value> = calls.iter().map(|call| call.call.clone()).collect();
        let mut drive = started(name, &list, every_right());
        assert_eq!(drive.said.last().unwrap(), "Started", "{name}: {:?}", drive.server.trace);
        assert_eq!(answers(&mut drive), expected(&calls, |call| call.granted), "{name}");
        let mut drive = started(name, &list, Capabilities::NONE);
        assert_eq!(drive.said.last().unwrap(), "Started", "{name}: {:?}", drive.server.trace);
        let denied = expected(&calls, |call| call.denied);
        assert_eq!(answers(&mut drive), denied, "{name}, without rights");
    }
}

/// The call with every text, buffer and object where no memory is.
fn spoilt(call: &Value) -> Value {
    let given = call.as_array().unwrap();
    let words = given.iter().enumerate().flat_map(|(at, word)| match word {
        Value::String(_) if at > 0 => vec![json!(-16), json!(64)],
        Value::Object(object) if object.contains_key("max") => vec![json!(-16), json!(64)],
        Value::Object(_) => vec![json!(-16)],
        word => vec![word.clone()],
    });
    words.collect()
}

/// What is wrong with the answer of a spoilt call.
fn wrong(call: &Call, number: i32) -> Option<String> {
    let takes_numbers_only = call.call.as_array().unwrap().iter().skip(1).all(Value::is_number);
    let wanted = match call.name() {
        // Of these nothing is served, whatever they are given.
        "sk_emit_event" | "sk_exec_command" => return None,
        // Nor was the request that is closed opened.
        "sk_save_config" | "sk_call" | "sk_call_answer" | "sk_http_close" => -1,
        // A file that was not opened: what follows fails, whatever it is given.
        name if wasmi_hdk::wasi::table().iter().any(|row| row.name == name) => {
            let may_succeed = takes_numbers_only || number != 0;
            return (!may_succeed).then(|| format!("{}: succeeds", call.call));
        }
        _ if takes_numbers_only => call.granted,
        _ => call.denied.min(0),
    };
    (number != wanted).then(|| format!("{} -> {number}, not {wanted}", call.call))
}

/// An answer that is the failure value also with every right would not tell granted from denied.
#[test]
fn every_call_of_the_network_answers_something_else_with_rights() {
    let calls: Vec<Call> = calls::server().into_iter().chain(calls::web()).collect();
    let needs = |key| crate::host_calls().filter(move |(_, needs)| *needs == Some(key));
    for (name, _) in needs(Capability::Network).chain(needs(Capability::RawSockets)) {
        let mut own = calls.iter().filter(|call| call.name() == name);
        // They answer 0 whatever happens (plugin ABI 6): what they do is seen in what the world is asked for.
        let is_told = !["sk_udp_close", "sk_tcp_close"].contains(&name);
        let differs = own.any(|call| call.granted != call.denied);
        assert!(differs == is_told, "`{name}` is not asked for something that it can do");
    }
}

#[test]
fn real_guests_survive_addresses_that_are_not_there() {
    for (name, calls) in guests() {
        let list: Vec<Value> = calls.iter().map(|call| spoilt(&call.call)).collect();
        let mut drive = started(name, &list, every_right());
        assert_eq!(drive.said.last().unwrap(), "Started", "{name}: {:?}", drive.server.trace);
        let faults = drive.session.counters().guest_faults;
        let given = answers(&mut drive);
        assert_eq!(given.len(), calls.len(), "{name}");
        let wrong: Vec<_> = given
            .iter()
            .zip(&calls)
            .filter_map(|((_, number), call)| wrong(call, *number))
            .collect();
        assert_eq!(wrong, [""; 0], "{name}");
        assert!(faults >= 25, "{name}: {faults}");
        drive.at(1000);
        drive.input(Input::Stop);
        assert_eq!(drive.said.last().unwrap(), "Stopped", "{name}");
    }
}

#[test]
fn calls_that_end_a_plugin_end_real_guests() {
    let script = |text: &str| json!({ "script": text });
    let abort = json!(["abort", script("broken"), script("a.ts"), 3, 4]);
    let ends = [
        (abort, "abort: broken at a.ts:3:4"),
        (json!(["process.exit", 7]), "`plugin_start` exited with code 7"),
        (json!(["proc_exit", 7]), "`plugin_start` exited with code 7"),
    ];
    for name in BUFFER.into_iter().chain([SCRIPT]) {
        for (call, words) in &ends {
            if name == SCRIPT && call[0] != "proc_exit" {
                continue;
            }
            let drive = started(name, std::slice::from_ref(call), every_right());
            let last = drive.said.last().unwrap();
            assert!(last.starts_with("crashed") && last.contains(words), "{name} {call}: {last}");
        }
    }
}
