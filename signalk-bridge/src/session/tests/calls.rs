//! Host calls of the buffer ABI: their answers, rights, declared types and bad addresses.

use super::*;

const SELF_PATH: &str = r#"(import "env" "sk_get_self_path" (func $get (param i32 i32 i32 i32) (result i32)))
    (import "env" "sk_get_path" (func $root (param i32 i32 i32 i32) (result i32)))
    ---
    (data (i32.const 400) "vessels.self.x")
    (func (export "plugin_start") (param i32 i32) (result i32)
        (local $n i32)
        (local.set $n (call $get (i32.const 200) (i32.const 26) (i32.const 1000) (i32.const 64)))
        (call $debug (i32.const 1000) (local.get $n))
        ;; too small a buffer: 0, and nothing written
        (if (call $get (i32.const 200) (i32.const 26) (i32.const 2000) (i32.const 5)) (then unreachable))
        (if (i32.load8_u (i32.const 2000)) (then unreachable))
        ;; not there: 0
        (if (call $get (i32.const 200) (i32.const 10) (i32.const 1000) (i32.const 64)) (then unreachable))
        (local.set $n (call $root (i32.const 400) (i32.const 14) (i32.const 1000) (i32.const 64)))
        (call $debug (i32.const 1000) (local.get $n))
        (i32.const 0))"#;

#[test]
fn a_guest_that_asks_for_a_path_rests_until_the_core_answers() {
    let mut server = Fake::default();
    server
        .values
        .insert("vessels.urn:x.navigation.speedOverGround".into(), r#"{"value":3.1}"#.into());
    server.values.insert("vessels.urn:x.x".into(), "7".into());
    let drive = Drive::with_server(server, guest(SELF_PATH), Purpose::Run, Capabilities::default());
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert_eq!(drive.server.trace, [r#"p debug: {"value":3.1}"#, "p debug: 7"]);
}

#[test]
fn without_the_capability_the_failure_value_and_a_word() {
    let rights =
        Capabilities::default().without(Capability::DataRead).without(Capability::DataWrite);
    let wasm = guest(
        r#"(import "env" "sk_get_self_path" (func $get (param i32 i32 i32 i32) (result i32)))
        (import "env" "sk_publish_notification" (func $notify (param i32 i32 i32 i32) (result i32)))
        (import "env" "sk_has_capability" (func $has (param i32 i32) (result i32)))
        ---
        (data (i32.const 400) "dataRead")
        (func (export "plugin_start") (param i32 i32) (result i32)
            (call $emit (i32.const 100) (i32.const 51))
            (if (call $get (i32.const 200) (i32.const 26) (i32.const 1000) (i32.const 64)) (then unreachable))
            (if (i32.ne (call $notify (i32.const 200) (i32.const 5) (i32.const 100) (i32.const 51)) (i32.const -1)) (then unreachable))
            (if (call $has (i32.const 400) (i32.const 8)) (then unreachable))
            (i32.const 0))"#,
    );
    let drive = Drive::new(wasm, Purpose::Run, rights);
    assert_eq!(drive.said.last().unwrap(), "Started");
    let log = drive.server.trace.join("\n");
    assert!(
        log.contains(
            r#"`sk_handle_message` needs the capability `dataWrite`; add "dataWrite": true"#
        ),
        "{log}"
    );
    assert!(log.contains("`sk_get_self_path` needs the capability `dataRead`"), "{log}");
    assert_eq!(drive.session.counters().host_call_errors, 3);
    assert!(!drive.session.has_delta_handler());
}

#[test]
fn configuration_is_read_at_once_and_saved_without_a_restart() {
    let server = Fake { options: Some(r#"{"radius":30}"#.into()), ..Fake::default() };
    let wasm = guest(
        r#"(import "env" "sk_read_config" (func $read (param i32 i32) (result i32)))
        (import "env" "sk_save_config" (func $save (param i32 i32) (result i32)))
        ---
        (data (i32.const 400) "{ \"radius\": 40.0 }")
        (func (export "plugin_start") (param i32 i32) (result i32)
            (call $debug (i32.const 1000) (call $read (i32.const 1000) (i32.const 4096)))
            (if (call $save (i32.const 400) (i32.const 18)) (then unreachable))
            (if (i32.eqz (call $save (i32.const 400) (i32.const 5))) (then unreachable))
            (call $debug (i32.const 1000) (call $read (i32.const 1000) (i32.const 4096)))
            (i32.const 0))"#,
    );
    let drive = Drive::with_server(server, wasm, Purpose::Run, Capabilities::default());
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert_eq!(
        drive.server.trace,
        [
            r#"p debug: {"radius":30}"#,
            r#"p save {"radius":40}"#,
            "p warn: `sk_save_config`: the configuration is not a JSON object",
            r#"p debug: {"radius":40}"#,
        ]
    );
}

#[test]
fn imports_are_linked_as_the_guest_declares_them() {
    let wasm = wat::parse_str(
        r#"(module
            (import "env" "sk_handle_message" (func $emit (param i64 i64 f64 i32) (result i64)))
            (import "env" "sk_udp_create" (func $udp (param i32) (result i32)))
            (import "env" "sk_set_status" (func $status (param i32 i32) (result f64)))
            (memory (export "memory") 2)
            (data (i32.const 100) "{\"updates\":[{\"values\":[{\"path\":\"a.b\",\"value\":1}]}]}")
            (func (export "allocate") (param i64) (result i64) (i64.const 65536))
            (func (export "plugin_start") (param i64 i64) (result i64)
                (drop (call $emit (i64.const 100) (i64.const 51) (f64.const 2) (i32.const 9)))
                (drop (call $status (i32.const 101) (i32.const 7)))
                (if (i32.ne (call $udp (i32.const 0)) (i32.const -1)) (then unreachable))
                (drop (call $udp (i32.const 0)))
                (i64.const 0)))"#,
    )
    .unwrap();
    let drive = Drive::new(wasm, Purpose::Run, Capabilities::default());
    assert_eq!(drive.said, ["described: None {}", "Started"]);
    assert_eq!(
        drive.server.trace,
        [
            r#"p V2 {"updates":[{"$source":"p","values":[{"path":"a.b","value":1}]}]}"#,
            r#"p Ok("\"update")"#,
            r#"p warn: plugin `p`: `sk_udp_create` needs the capability `rawSockets`; add "rawSockets": true to wasmCapabilities in its package.json"#,
        ]
    );
}

#[test]
fn pointers_out_of_range_fail_the_call_and_not_the_guest() {
    let mut drive = Drive::wat(
        r#"(func (export "plugin_start") (param i32 i32) (result i32)
            (call $debug (i32.const -65536) (i32.const 100))
            (call $emit (i32.const 0) (i32.const -1))
            (call $emit (i32.const 0) (i32.const 10))
            (i32.const 0))"#,
    );
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert_eq!(drive.session.counters().guest_faults, 2);
    assert_eq!(drive.session.counters().bad_deltas, 1);
    let log = drive.server.take().join("\n");
    assert!(log.contains("`sk_handle_message`: 4294967295 bytes at 0x0 are outside"), "{log}");
    assert!(log.contains("`deltas.emit`: delta: not JSON"), "{log}");
}
