//! `sk_call`: every method of the host's table by guests that are called by their exports, beside what a JSON-RPC
//! plugin is answered: with everything granted, without the capability, with bad params, and with addresses that are
//! not there.

use signalk_bridge::{Capabilities, Interface};

use crate::call::{Faults, ways};
use crate::guest::{Flavour, Word};
use crate::rpc::{self, Call};
use crate::world::{self, World};

/// The cell of one method; `by_rpc`: the whole answer that a JSON-RPC plugin gets.
pub(crate) fn row(
    method: &'static str,
    needs: Option<&'static str>,
    by_rpc: &str,
    faults: &mut Faults,
) -> &'static str {
    let before = faults.len();
    let case = rpc::case(method);
    let calls: Vec<Call> = case.before.iter().copied().chain([(method, case.params)]).collect();
    for flavour in [Flavour::Buffer, Flavour::AssemblyScript] {
        let mut demand = |holds: bool, what: &str, found: &dyn std::fmt::Debug| {
            if !holds {
                faults.push(format!("{method} by sk_call {flavour:?}: {what}: {found:?}"));
            }
        };
        let (granted, _) = answer(flavour, &calls, None, world::all());
        let same = is_same(&granted, by_rpc);
        demand(same, "is not answered as by JSON-RPC", &(&granted, by_rpc));
        if let Some(capability) = needs {
            let rights = world::without(capability);
            let (denied, world) = answer(flavour, &[(method, case.params)], None, rights);
            demand(denied.starts_with("-1 ") && denied.contains(r#""code":-32040"#), "", &denied);
            let said = world.server.trace.iter().filter(|line| line.contains("p warn")).count();
            let errors = world.counters().host_call_errors;
            demand((said, errors) == (1, 1), "not said and counted once", &world.server.trace);
            demand(world.effects.is_empty(), "does something", &world.effects);
        }
        for bad in rpc::BAD {
            let (answer, world) = answer(flavour, &[(method, bad)], None, world::all());
            let refused = answer.starts_with("-1 ") && answer.contains(r#""code":-3"#);
            demand(refused || rpc::NEED_NONE.contains(&method), bad, &answer);
            demand(world.last() == "Started", "does not live on", &world.said);
        }
        for (index, value) in ways(&words(&calls)) {
            let (answer, world) = answer(flavour, &calls, Some((index, value)), world::all());
            let refused = answer.starts_with("-1 ") && answer.contains(r#""code":-32024"#);
            demand(refused, &format!("argument {index} = {value}"), &answer);
            demand(world.counters().guest_faults == 1, "not counted once", &world.counters());
        }
    }
    if faults.len() == before { "the same" } else { "DIFFERS" }
}

/// Whether the number and text of an `sk_call` say what the answer of a JSON-RPC call does.
fn is_same(told: &str, by_rpc: &str) -> bool {
    let by_rpc: serde_json::Value = serde_json::from_str(by_rpc).unwrap_or_default();
    let (number, text) = told.split_once(' ').unwrap_or_default();
    let text: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    match by_rpc.get("error") {
        Some(error) => number == "-1" && text == *error,
        None => number == "+1" && text == by_rpc["result"],
    }
}

/// Where texts begin, and where answers go.
const TEXTS: usize = 4096;
const ROOM: usize = 65_536;
const ROOM_LEN: usize = 30_000;

/// The arguments of the last call: of method, params and answer an address and a length.
fn words(calls: &[Call]) -> Vec<Word> {
    let (name, params) = calls.last().map_or((0, 0), |(name, params)| (name.len(), params.len()));
    let at: usize = calls[..calls.len() - 1].iter().map(|(name, p)| name.len() + p.len()).sum();
    let values = [TEXTS + at, name, TEXTS + at + name, params, ROOM, ROOM_LEN];
    let word = |(index, value): (usize, usize)| {
        let value = i64::try_from(value).unwrap();
        if index % 2 == 0 { Word::Pointer(value) } else { Word::Length(value) }
    };
    values.into_iter().enumerate().map(word).collect()
}

/// `+1` or `-1` and the text of the last of these calls, each made in `plugin_start`.
fn answer(
    flavour: Flavour,
    calls: &[Call],
    spoilt: Option<(usize, i64)>,
    rights: Capabilities,
) -> (String, World) {
    let world = World::new(&guest(flavour, calls, spoilt), rights, Interface::Auto);
    let told = world.server.trace.iter().filter_map(|line| line.strip_prefix("p debug: "));
    let mut told = told.filter(|text| text.starts_with("+1 ") || text.starts_with("-1 "));
    let last = told.next_back().unwrap_or("no answer").to_owned();
    (last, world)
}

fn guest(flavour: Flavour, calls: &[Call], spoilt: Option<(usize, i64)>) -> String {
    let escape = |text: &str| text.bytes().map(|b| format!("\\{b:02x}")).collect::<String>();
    let texts: String = calls.iter().map(|(name, params)| escape(name) + &escape(params)).collect();
    let mut made = String::new();
    for number in 1..=calls.len() {
        let is_last = number == calls.len();
        let mut arguments = String::new();
        for (index, word) in words(&calls[..number]).iter().enumerate() {
            let (Word::Pointer(value) | Word::Length(value)) = word else { continue };
            let value = match spoilt {
                Some((at, spoilt)) if is_last && at == index => spoilt,
                _ => *value,
            };
            arguments += &format!(" (i32.const {value})");
        }
        made += &format!("(call $tell (call $call{arguments}))");
    }
    let (allocator, name) = match flavour {
        Flavour::AssemblyScript => (
            r#"(func (export "__new") (param i32 i32) (result i32) (i32.const 120000))"#,
            r#"(func (export "plugin_name") (result i32) (i32.const 1040))"#,
        ),
        _ => (r#"(func (export "allocate") (param i32) (result i32) (i32.const 120000))"#, ""),
    };
    // An object of AssemblyScript: class, size, two units.
    let object = r#"(data (i32.const 1032) "\02\00\00\00\02\00\00\00N\00")"#;
    // Methods whose consequences come by an export are refused without it.
    let exports = ["delta_handler", "on_event"]
        .map(|name| format!(r#"(func (export "{name}") (param i32 i32))"#));
    let exports = exports.concat();
    format!(
        r#"(module
            (import "env" "sk_debug" (func $debug (param i32 i32)))
            (import "env" "sk_call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
            (import "env" "sk_call_error" (func $error (param i32 i32) (result i32)))
            (memory (export "memory") 2)
            {object}
            (data (i32.const {TEXTS}) "{texts}")
            (func $tell (param $n i32)
                (i32.store8 (i32.const {sign}) (i32.const 43))
                (if (i32.lt_s (local.get $n) (i32.const 0)) (then
                    (i32.store8 (i32.const {sign}) (i32.const 45))
                    (local.set $n (call $error (i32.const {ROOM}) (i32.const {ROOM_LEN})))))
                (i32.store16 (i32.const {after}) (i32.const 0x2031))
                (call $debug (i32.const {sign}) (i32.add (local.get $n) (i32.const 3))))
            {allocator} {name} {exports}
            (func (export "delta_input_handler") (param i32 i32 i32 i32) (result i32) (i32.const 0))
            (func (export "plugin_start") (param i32 i32) (result i32) {made} (i32.const 0)))"#,
        sign = ROOM - 3,
        after = ROOM - 2,
    )
}
