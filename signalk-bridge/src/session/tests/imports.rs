//! Imports of `env` and `as-fetch`: the table of rows, walked; numbers and texts as they may come.

use super::*;
use crate::Effect;

/// A guest whose start calls the import with nothing but zeros and says whether it failed.
fn caller(name: &str, failure: i32) -> Vec<u8> {
    let zeros = "(i32.const 0)".repeat(6);
    guest(&format!(
        r#"(import "env" "{name}" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
        ---
        (data (i32.const 400) "failed")
        (func (export "plugin_start") (param i32 i32) (result i32)
            (if (i32.eq (call $call {zeros}) (i32.const {failure}))
                (then (call $debug (i32.const 400) (i32.const 6))))
            (i32.const 0))"#
    ))
}

/// Every row, with everything, and without the one capability that it needs.
#[test]
fn each_row_is_denied_without_its_capability_and_never_with_it() {
    let all = Capability::ALL.into_iter().fold(Capabilities::NONE, Capabilities::with);
    let rows = crate::abi::env::rows();
    assert!(rows.len() > 40, "{}", rows.len());
    for (name, needs, failure) in rows {
        let wasm = caller(name, failure);
        for (rights, denied) in [
            (all, false),
            (needs.map_or(Capabilities::NONE, |needed| all.without(needed)), needs.is_some()),
        ] {
            let mut drive = Drive::new(wasm.clone(), Purpose::Run, rights);
            assert_eq!(drive.said.last().unwrap(), "Started", "{name}");
            let (log, counters) = (drive.server.take(), drive.session.counters());
            let told = format!("`{name}` needs the capability `");
            assert_eq!(log.iter().any(|line| line.contains(&told)), denied, "{name}: {log:?}");
            if denied {
                assert!(log.contains(&"p debug: failed".to_owned()), "{name}: {log:?}");
                assert_eq!((log.len(), counters.host_call_errors), (2, 1), "{name}: {log:?}");
                assert!(drive.effects.is_empty(), "{name}: {:?}", drive.effects);
            }
        }
    }
}

/// Plugin ABI 4.1: the upper half of a port may be anything.
#[test]
fn ports_are_the_lower_half_of_their_number() {
    let wasm = guest(
        r#"(import "env" "sk_udp_create" (func $udp (param i32) (result i32)))
        (import "env" "sk_udp_bind" (func $bind (param i32 i32) (result i32)))
        (import "env" "sk_udp_send" (func $send (param i32 i32 i32 i32 i32 i32) (result i32)))
        (import "env" "sk_tcp_create" (func $tcp (result i32)))
        (import "env" "sk_tcp_connect" (func $connect (param i32 i32 i32 i32) (result i32)))
        ---
        (data (i32.const 420) "172.31.3.4")
        (func (export "plugin_start") (param i32 i32) (result i32)
            (drop (call $udp (i32.const 0)))
            (drop (call $send (i32.const 1) (i32.const 420) (i32.const 10) (i32.const 0x10007)
                (i32.const 0) (i32.const 1)))
            (drop (call $connect (call $tcp) (i32.const 420) (i32.const 10) (i32.const 0x7fff277e)))
            (drop (call $bind (call $udp (i32.const 0)) (i32.const -25536)))
            (i32.const 0))"#,
    );
    let rights = Capabilities::default().with(Capability::RawSockets);
    let drive = Drive::new(wasm, Purpose::Run, rights);
    let ports: Vec<u16> = drive
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::UdpSend { port, .. }
            | Effect::TcpConnect { port, .. }
            | Effect::UdpBind { port: port @ 1.., .. } => Some(*port),
            _ => None,
        })
        .collect();
    assert_eq!(ports, [7, 10110, 40000], "{:?}", drive.said);
}

/// Plugin ABI 4.8: of a provider that is registered and whose start has completed.
#[test]
fn spokes_are_of_a_provider_that_has_started() {
    let mut rows = Vec::new();
    for registers in ["", "(drop (call $radar (i32.const 200) (i32.const 4)))"] {
        let wasm = guest(&format!(
            r#"(import "env" "sk_register_radar_provider" (func $radar (param i32 i32) (result i32)))
            (import "env" "sk_radar_emit_spokes" (func $spokes (param i32 i32 i32 i32) (result i32)))
            ---
            (func $say (i32.store8 (i32.const 900) (i32.add (i32.const 48)
                (call $spokes (i32.const 300) (i32.const 6) (i32.const 0) (i32.const 8))))
                (call $debug (i32.const 900) (i32.const 1)))
            (func (export "plugin_start") (param i32 i32) (result i32)
                {registers} (call $say) (i32.const 0))
            (func (export "poll") (result i32) (call $say) (i32.const 0))"#
        ));
        let rights = Capabilities::default().with(Capability::RadarProvider);
        let mut drive = Drive::new(wasm, Purpose::Run, rights);
        drive.at(1000);
        let log = drive.server.take().into_iter();
        rows.push(log.filter(|line| line.starts_with("p debug")).collect::<Vec<_>>());
    }
    assert_eq!(rows, [["p debug: 0", "p debug: 0"], ["p debug: 0", "p debug: 1"]]);
}

/// A module in the shape of AssemblyScript's whose `text` is a string of `units` units at 131072.
fn script(name: &str, class: u8, units: u32, body: &str) -> Vec<u8> {
    let (imports, body) = body.split_once("---").unwrap_or(("", body));
    wat::parse_str(format!(
        r#"(module
            {imports}
            (memory (export "memory") 16)
            (data (i32.const 92) "\{class:02x}\00\00\00\04\00\00\00{{\00}}\00")
            (func $text (i32.store (i32.const 131064) (i32.const {class})) (i32.store (i32.const 131068) (i32.const {})))
            (func (export "__new") (param i32 i32) (result i32) (i32.const 65536))
            (func (export "{name}") (result i32) (i32.const 100))
            {body})"#,
        units * 2
    ))
    .unwrap()
}

/// Compilers before 0.20 count classes from another number; a guest need not have a name.
#[test]
fn any_text_of_a_guest_shows_the_class_of_its_strings() {
    for class in [1, 2] {
        let wasm = script(
            "plugin_id",
            class,
            0,
            r#"(func (export "plugin_schema") (result i32) (i32.const 100))
            (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))"#,
        );
        let mut drive = Drive::new(wasm, Purpose::Run, Capabilities::default());
        assert_eq!(drive.said, ["described: None {}", "Started"]);
        assert_eq!(drive.server.take(), [""; 0], "class {class}");
    }
}

/// Plugin ABI 5: half a URL would be another one.
#[test]
fn a_url_that_is_too_long_is_refused_and_not_cut() {
    for (units, fetched) in [(32 << 10, true), ((32 << 10) + 1, false)] {
        let wasm = script(
            "plugin_name",
            2,
            units,
            r#"(import "as-fetch" "_fetchGET" (func $get (param i32 i32 i32 i32)))
            ---
            (data (i32.const 131072) "h\00t\00t\00p\00:\00/\00/\00a\00/\00")
            (func (export "responseHandler") (param i32 i32 i32 i32))
            (func (export "plugin_start") (param i32 i32) (result i32) (call $text)
                (call $get (i32.const 131072) (i32.const 1) (i32.const 0) (i32.const 7)) (i32.const 0))"#,
        );
        let rights = Capabilities::default().with(Capability::Network);
        let mut drive = Drive::new(wasm, Purpose::Run, rights);
        assert_eq!(drive.said.last().unwrap(), "Started");
        let log = drive.server.take().join("\n");
        assert_eq!(drive.effects.len(), usize::from(fetched), "{log}");
        assert_eq!(log.contains("65538 bytes; the limit is 65536"), !fetched, "{log}");
    }
}
