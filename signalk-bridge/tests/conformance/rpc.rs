//! The methods of JSON-RPC plugins, called by a guest that writes its requests and logs whatever
//! comes: with everything granted, without the capability, and with what is no request.
//!
//! What each asks of the world in all its forms is in `src/methods/tests.rs`.

use signalk_bridge::methods::METHODS;
use signalk_bridge::{Capabilities, Interface};

use crate::call::Faults;
use crate::world::{self, World};

/// One call: method and params.
pub(crate) type Call = (&'static str, &'static str);

/// One method, called well: the calls before it, which make what it needs, and its params.
pub(crate) struct Case {
    method: &'static str,
    pub(crate) before: &'static [Call],
    pub(crate) params: &'static str,
    /// What a good answer has.
    pub(crate) says: &'static str,
}

const UDP: &[Call] = &[("udp.create", "{}")];
const BOUND: &[Call] = &[("udp.create", "{}"), ("udp.bind", "[1,5000]")];
const TCP: &[Call] = &[("tcp.connect", r#"{"host":"pilot.local","port":10110,"lines":true}"#)];
const LISTENING: &[Call] = &[("tcp.listen", "[10111]")];
const WS: &[Call] = &[("ws.connect", r#"["ws://a.b/"]"#)];
const STREAMED: &[Call] = &[("http.request", r#"{"url":"http://a.b/","stream":true}"#)];
const OPENED: &[Call] = &[("http.open", r#"{"url":"http://a.b/"}"#)];

macro_rules! cases {
    ($($method:literal $(after $before:ident)? $(says $says:literal)? $params:literal;)*) => {
        &[$(Case {
            method: $method,
            before: cases!(@before $($before)?),
            params: $params,
            says: cases!(@says $($says)?),
        },)*]
    };
    (@says) => { r#""result":"# };
    (@says $says:literal) => { $says };
    (@before) => { &[] };
    (@before $before:ident) => { $before };
}

/// In the order of the host's table.
const CASES: &[Case] = cases! {
    "deltas.emit" r#"{"delta":{"updates":[{"values":[{"path":"a.b","value":1}]}]}}"#;
    "deltas.subscribe" r#"{"path":"navigation.*"}"#;
    "deltas.unsubscribe" "{}";
    "deltas.intercept" r#"{"paths":["navigation.*"]}"#;
    "paths.get" r#"{"path":"navigation.speedOverGround"}"#;
    "meta.get" r#"{"path":"navigation.speedOverGround"}"#;
    "meta.set" r#"{"path":"a.b","meta":{"units":"K"}}"#;
    "options.read" "{}";
    "options.save" r#"{"options":{"radius":40}}"#;
    "status.set" r#"{"message":"fine"}"#;
    "status.error" r#"{"message":"no GPS"}"#;
    "notifications.raise" r#"{"path":"x","state":"alarm","message":"!"}"#;
    "notifications.clear" r#"{"path":"x"}"#;
    "log" r#"{"level":"debug","message":"hello"}"#;
    "put.register" r#"{"path":"a.b"}"#;
    "put.send" r#"{"path":"a.b","value":true}"#;
    "resources.register" r#"{"type":"fishing"}"#;
    "weather.register" r#"{"name":"Sky"}"#;
    "radar.register" r#"{"name":"Halo"}"#;
    "http.register" r#"{"endpoints":[{"method":"GET","path":"/x","handler":"x"}]}"#;
    "http.request" r#"{"url":"http://a.b/","method":"put","body":"hi"}"#;
    "http.next" after STREAMED "[1]";
    "http.open" r#"{"url":"http://a.b/","length":5}"#;
    "http.send" after OPENED r#"{"request":1,"text":"hello"}"#;
    "http.finish" after OPENED "[1]";
    "http.cancel" after STREAMED "[1]";
    "http.read" says "there is no exchange 7" "[7]";
    "http.respond" says "there is no exchange 7" r#"{"exchange":7,"statusCode":200,"headers":{"content-length":"5"}}"#;
    "http.write" says "there is no exchange 7" r#"{"exchange":7,"text":"hello"}"#;
    "websocket.register" r#"{"paths":["/live"]}"#;
    "websocket.send" r#"{"connection":1,"text":"hello"}"#;
    "websocket.close" r#"{"connection":1,"code":4001}"#;
    "streams.emit" r#"{"stream":"plugins/p/x","data":"AAE="}"#;
    "udp.create" r#"{"ipv6":true}"#;
    "udp.bind" after UDP "[1,5000]";
    "udp.set" after BOUND r#"{"socket":1,"broadcast":true}"#;
    "udp.join" after BOUND r#"[1,"236.6.7.8"]"#;
    "udp.leave" after BOUND r#"[1,"236.6.7.8"]"#;
    "udp.send" after BOUND r#"{"socket":1,"host":"172.31.3.4","port":10010,"text":"hello"}"#;
    "udp.close" after BOUND "[1]";
    "tcp.connect" r#"["pilot.local",10110]"#;
    "tcp.listen" "[10111]";
    "tcp.accept" after LISTENING "[1]";
    "tcp.send" after TCP r#"{"socket":1,"text":"hello"}"#;
    "tcp.receive" after TCP "[1]";
    "tcp.close" after TCP "[1]";
    "ws.connect" r#"{"url":"wss://a.b/","protocols":["v1"]}"#;
    "ws.send" after WS r#"{"socket":1,"text":"hello"}"#;
    "ws.receive" after WS "[1]";
    "ws.close" after WS r#"[1,4001,"enough"]"#;
};

/// Params of no method; what needs none may take the third.
pub(crate) const BAD: [&str; 4] =
    [r#""text""#, "7", r#"{"path":7,"delta":[],"level":{}}"#, "[[],[],[],[],[],[],[]]"];
pub(crate) const NEED_NONE: [&str; 3] = ["options.read", "deltas.unsubscribe", "udp.create"];

/// The case of a method.
pub(crate) fn case(method: &str) -> &'static Case {
    let case = CASES.iter().find(|case| case.method == method);
    case.unwrap_or_else(|| panic!("`{method}` has no case; add one to rpc.rs"))
}

/// One method: name, capability, and the cells.
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) needs: &'static str,
    pub(crate) granted: String,
    pub(crate) denied: String,
    pub(crate) spoilt: String,
    /// Of plugins by exports, as `by_name.rs` says it.
    pub(crate) by_name: &'static str,
}

/// Every method of the host's table.
pub(crate) fn rows(faults: &mut Faults) -> Vec<Row> {
    METHODS.iter().map(|method| row(method.name, method.needs.map(|c| c.key()), faults)).collect()
}

fn row(method: &'static str, needs: Option<&'static str>, faults: &mut Faults) -> Row {
    let case = case(method);
    let mut demand = |holds: bool, what: &str, found: &str| {
        if !holds {
            faults.push(format!("{method}: {what}: {found}"));
        }
    };
    let calls: Vec<_> = case.before.iter().copied().chain([(method, case.params)]).collect();
    let (granted, _) = answer(&calls, world::all());
    demand(granted.contains(case.says), "refused", &granted);
    let mut denied = "-".to_owned();
    if let Some(capability) = needs {
        let (answer, world) = answer(&[(method, case.params)], world::without(capability));
        let said = format!("needs the capability `{capability}`");
        demand(answer.contains("-32040") && answer.contains(&said), "not denied", &answer);
        let errors = world.counters().host_call_errors;
        demand(errors == 1, "not counted", &errors.to_string());
        demand(world.effects.is_empty(), "does something", &format!("{:?}", world.effects));
        denied = "-32040, said".to_owned();
    }
    let mut codes = Vec::new();
    for bad in BAD {
        let (answer, _) = answer(&[(method, bad)], world::all());
        let refused = answer.contains(r#""error":"#);
        demand(refused || NEED_NONE.contains(&method), bad, &answer);
        codes.extend(refused.then(|| code(&answer)));
    }
    codes.sort();
    codes.dedup();
    let spoilt = if codes.is_empty() { "takes none".into() } else { codes.join(", ") };
    // A guest that makes calls and answers none never has a client's exchange: what is one is in `session/tests`.
    let cell = granted.clone();
    let granted = match case.says.starts_with('"') {
        true => outcome(&granted),
        false => format!("`{}`, which nobody has opened", case.says),
    };
    let by_name = crate::by_name::row(method, needs, &cell, faults);
    Row { method, needs: needs.unwrap_or("-"), granted, denied, spoilt, by_name }
}

/// What a guest that makes these calls, each after the answer to the one before, gets back for the last.
fn answer(calls: &[(&str, &str)], rights: Capabilities) -> (String, World) {
    let line = |(number, (method, params)): (usize, &(&str, &str))| {
        format!(r#"{{"jsonrpc":"2.0","id":"nn{number}","method":"{method}","params":{params}}}"#)
    };
    let lines: Vec<String> = calls.iter().enumerate().map(line).collect();
    let world = World::new(&guest(&lines), rights, Interface::JsonRpc);
    let last = format!(r#""id":"nn{}""#, calls.len() - 1);
    let got = world.server.trace.iter().filter_map(|line| line.split_once(": "));
    // What is no request has no number.
    let is_it = |text: &&str| text.contains(&last) || text.contains(r#""id":null"#);
    let mut got = got.map(|(_, text)| text).filter(is_it);
    (got.next().unwrap_or("no answer").to_owned(), world)
}

fn code(answer: &str) -> String {
    let rest = answer.split_once(r#""code":"#).map_or("", |(_, rest)| rest);
    rest.chars().take_while(|c| *c == '-' || c.is_ascii_digit()).collect()
}

fn outcome(answer: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap_or_default();
    format!("`{}`", answer["result"])
}

/// A command that writes its first line, logs every byte that comes, and writes the next line for each
/// answer among it.
fn guest(lines: &[String]) -> String {
    const TEXT: usize = 4096;
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let bytes: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let mut at = TEXT;
    let mut rows = String::new();
    for line in lines {
        let len = line.len() + 1;
        for word in [at, len] {
            let word = u32::try_from(word).unwrap().to_le_bytes();
            rows.extend(word.map(|byte| format!("\\{byte:02x}")));
        }
        at += len;
    }
    // What an answer to this guest has: 8 bytes, so one load.
    let mark = i64::from_le_bytes(*b"\"id\":\"nn");
    format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (global $next (mut i32) (i32.const 0))
            (data (i32.const 1024) "{rows}")
            (data (i32.const {TEXT}) "{bytes}")
            (func $io (param $at i32) (param $len i32)
                (i32.store (i32.const 16) (local.get $at)) (i32.store (i32.const 20) (local.get $len)))
            (func $say (param $fd i32)
                (drop (call $write (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 28))))
            (func $line (local $row i32)
                (if (i32.ge_u (global.get $next) (i32.const {count})) (then (return)))
                (local.set $row (i32.add (i32.const 1024) (i32.shl (global.get $next) (i32.const 3))))
                (global.set $next (i32.add (global.get $next) (i32.const 1)))
                (call $io (i32.load (local.get $row)) (i32.load offset=4 (local.get $row)))
                (call $say (i32.const 1)))
            (func (export "_start") (local $at i32) (local $end i32)
                (call $line)
                (loop $more
                    (call $io (i32.const 65536) (i32.const 60000))
                    (br_if 1 (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
                    (br_if 1 (i32.eqz (i32.load (i32.const 24))))
                    (call $io (i32.const 65536) (i32.load (i32.const 24)))
                    (call $say (i32.const 2))
                    (local.set $at (i32.const 65536))
                    (local.set $end (i32.add (i32.const 65536) (i32.load (i32.const 24))))
                    (loop $scan
                        (if (i64.eq (i64.load align=1 (local.get $at)) (i64.const {mark})) (then (call $line)))
                        (local.set $at (i32.add (local.get $at) (i32.const 1)))
                        (br_if $scan (i32.lt_u (local.get $at) (local.get $end))))
                    (br $more))))"#,
        count = lines.len()
    )
}
