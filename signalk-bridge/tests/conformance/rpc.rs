//! The methods of JSON-RPC plugins, called by a guest that writes its requests and logs whatever
//! comes: with everything granted, without the capability, and with what is no request.

use signalk_bridge::methods::METHODS;
use signalk_bridge::{Capabilities, Interface};

use crate::call::Faults;
use crate::cases::CASES;
use crate::world::{self, World};

/// Params that succeed, of methods that no import stands for.
const MORE: &[(&str, &str)] = &[
    ("deltas.subscribe", r#"{"path":"navigation.*"}"#),
    ("deltas.unsubscribe", "{}"),
    ("meta.get", r#"{"path":"navigation.speedOverGround"}"#),
    ("meta.set", r#"{"path":"a.b","meta":{"units":"K"}}"#),
    ("notifications.clear", r#"{"path":"x"}"#),
    ("http.register", r#"{"endpoints":[{"method":"GET","path":"/x","handler":"x"}]}"#),
];

/// The network's rows: what the world answers is shown there.
const ELSEWHERE: &str = "in `methods/tests`";

/// One method: name, capability, and the three cells.
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) needs: &'static str,
    pub(crate) granted: String,
    pub(crate) denied: String,
    pub(crate) spoilt: String,
}

/// Every method of the host's table.
pub(crate) fn rows(faults: &mut Faults) -> Vec<Row> {
    METHODS.iter().map(|method| row(method.name, method.needs.map(|c| c.key()), faults)).collect()
}

fn row(method: &'static str, needs: Option<&'static str>, faults: &mut Faults) -> Row {
    let named = CASES.iter().filter_map(|case| case.rpc).find(|rpc| rpc.method == method);
    let more = MORE.iter().find(|(name, _)| *name == method);
    let params = named.map(|rpc| rpc.params).or(more.map(|(_, params)| *params));
    let Some(params) = params else {
        return Row {
            method,
            needs: needs.unwrap_or("-"),
            granted: ELSEWHERE.into(),
            denied: ELSEWHERE.into(),
            spoilt: ELSEWHERE.into(),
        };
    };
    let request = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":"x","method":"{method}","params":{params}}}"#)
    };
    let mut demand = |holds: bool, what: &str, found: &str| {
        if !holds {
            faults.push(format!("{method}: {what}: {found}"));
        }
    };
    let (granted, _) = answer(&request(params), world::all());
    demand(granted.contains(r#""result":"#), "refused", &granted);
    let mut denied = "-".to_owned();
    if let Some(capability) = needs {
        let (answer, world) = answer(&request(params), world::without(capability));
        let said = format!("needs the capability `{capability}`");
        demand(answer.contains("-32040") && answer.contains(&said), "not denied", &answer);
        let errors = world.counters().host_call_errors;
        demand(errors == 1, "not counted", &errors.to_string());
        denied = "-32040, said".to_owned();
    }
    let mut codes = Vec::new();
    for bad in [r#""text""#, "7", r#"{"path":7,"delta":[],"level":{}}"#, "[[],[],[],[],[],[],[]]"] {
        let (answer, _) = answer(&request(bad), world::all());
        let takes_none = matches!(method, "options.read" | "deltas.unsubscribe");
        let refused = answer.contains(r#""error":"#);
        demand(refused || takes_none, bad, &answer);
        codes.extend(refused.then(|| code(&answer)));
    }
    codes.sort();
    codes.dedup();
    let spoilt = if codes.is_empty() { "takes none".into() } else { codes.join(", ") };
    let granted = outcome(&granted);
    Row { method, needs: needs.unwrap_or("-"), granted, denied, spoilt }
}

/// What a guest that writes these lines at once gets back, the handshake left out.
pub(crate) fn answer(lines: &str, rights: Capabilities) -> (String, World) {
    let world = World::new(&guest(lines), rights, Interface::JsonRpc);
    let got = world.server.trace.iter().filter_map(|line| line.split_once(": ")).map(|(_, t)| t);
    let got: Vec<&str> = got
        .filter(|text| text.starts_with('{') && !text.contains(r#""method":"initialize""#))
        .collect();
    (got.join("\n"), world)
}

fn code(answer: &str) -> String {
    let rest = answer.split_once(r#""code":"#).map_or("", |(_, rest)| rest);
    rest.chars().take_while(|c| *c == '-' || c.is_ascii_digit()).collect()
}

fn outcome(answer: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap_or_default();
    format!("`{}`", answer["result"])
}

/// A command that writes its text, then logs every byte that comes.
fn guest(lines: &str) -> String {
    let bytes: String = lines.bytes().chain([b'\n']).map(|byte| format!("\\{byte:02x}")).collect();
    let len = lines.len() + 1;
    format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (data (i32.const 4096) "{bytes}")
            (func $io (param $at i32) (param $len i32)
                (i32.store (i32.const 16) (local.get $at)) (i32.store (i32.const 20) (local.get $len)))
            (func (export "_start")
                (call $io (i32.const 4096) (i32.const {len}))
                (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))
                (loop $more
                    (call $io (i32.const 65536) (i32.const 60000))
                    (if (i32.eqz (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
                        (then
                            (if (i32.load (i32.const 24)) (then
                                (call $io (i32.const 65536) (i32.load (i32.const 24)))
                                (drop (call $write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 28)))
                                (br $more))))))))"#
    )
}
