//! From a plugin's start to its end: what it says of itself, refusals, traps, and modules that are none.

use super::*;

#[test]
fn a_plugin_lives_from_its_name_to_its_last_delta() {
    let server =
        Fake { options: Some(r#"{"interval":1000,"a":{"b":null}}"#.to_owned()), ..Fake::default() };
    let wasm = guest(
        r#"(func (export "plugin_schema") (param i32 i32) (result i32)
                (i32.store16 (local.get 0) (i32.const 0x7d7b)) (i32.const 2))
           (func (export "plugin_start") (param i32 i32) (result i32)
                (call $debug (local.get 0) (local.get 1)) (i32.const 0))
           (func (export "poll") (result i32)
                (call $debug (i32.const 300) (i32.const 6)) (i32.const 0))
           (func (export "delta_handler") (param i32 i32)
                (call $debug (local.get 0) (local.get 1)))
           (func (export "plugin_stop") (result i32)
                (call $emit (i32.const 100) (i32.const 51)) (i32.const 0))"#,
    );
    let mut drive = Drive::with_server(server, wasm, Purpose::Run, Capabilities::default());
    assert_eq!(drive.said, [r#"described: Some("Test guest") {}"#, "Started"]);
    let log = drive.server.take();
    assert_eq!(log, [r#"p debug: {"interval":1000,"a":{"b":null},"enableDebug":false}"#]);

    // One poll per second, at a fixed rate; what was missed is counted, not repeated.
    assert_eq!(drive.at(999), Some(Duration::from_secs(1)));
    assert_eq!(drive.server.take(), [""; 0]);
    assert_eq!(drive.at(1000), Some(Duration::from_secs(2)));
    assert_eq!(drive.server.take(), ["p debug: polled"]);
    assert_eq!(drive.at(5500), Some(Duration::from_secs(6)));
    assert_eq!(drive.server.take(), ["p debug: polled"]);
    assert_eq!(drive.session.counters().polls_missed, 3);

    drive.deltas(None, &["{\"x\":1}", "{\"x\":2}"]);
    assert_eq!(drive.server.take(), ["p debug: {\"x\":1}", "p debug: {\"x\":2}"]);
    assert_eq!(drive.session.counters().deltas_in, 2);

    drive.input(Input::Stop);
    assert_eq!(drive.said.last().unwrap(), "Stopped");
    assert_eq!(
        drive.server.take(),
        [r#"p V1 {"updates":[{"$source":"p","values":[{"path":"a.b","value":1}]}]}"#]
    );
}

#[test]
fn to_be_described_is_not_to_be_started() {
    let wasm = guest(r#"(func (export "plugin_start") (param i32 i32) (result i32) unreachable)"#);
    let drive = Drive::new(wasm, Purpose::Describe, Capabilities::default());
    assert_eq!(drive.said, [r#"described: Some("Test guest") {}"#, "Stopped"]);
}

#[test]
fn a_long_schema_gets_a_larger_buffer_and_a_bad_one_a_warning() {
    // Writes min(max, 20000) spaces with {} at the end when all fit.
    let drive = Drive::wat(&format!(
        r#"{START} (func (export "plugin_schema") (param $out i32) (param $max i32) (result i32)
            (local $n i32)
            (local.set $n (select (local.get $max) (i32.const 20000) (i32.lt_u (local.get $max) (i32.const 20000))))
            (memory.fill (local.get $out) (i32.const 32) (local.get $n))
            (if (i32.eq (local.get $n) (i32.const 20000))
                (then (i32.store16 (local.get $out) (i32.const 0x7d7b))))
            (local.get $n))"#
    ));
    assert_eq!(drive.said, [r#"described: Some("Test guest") {}"#, "Started"]);
    assert_eq!(drive.server.trace, [""; 0]);

    let drive = Drive::wat(&format!(
        r#"{START} (func (export "plugin_schema") (param i32 i32) (result i32)
            (i32.store8 (local.get 0) (i32.const 63)) (i32.const 1))"#
    ));
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert!(drive.server.trace[0].contains("the schema is not JSON"), "{:?}", drive.server.trace);
}

/// This host's own export, read behind the schema, as it is in the list (plugin ABI 8.4).
#[test]
fn how_a_form_is_drawn_is_read_where_it_is_exported() {
    let said = |text: &str| {
        let length = text.len();
        let drive = Drive::wat(&format!(
            r#"{START} (data (i32.const 500) {text:?})
                (func (export "plugin_ui_schema") (param i32 i32) (result i32)
                    (memory.copy (local.get 0) (i32.const 500) (i32.const {length}))
                    (i32.const {length}))"#
        ));
        assert_eq!(drive.said[1], "Started");
        (drive.said[0].clone(), drive.server.trace.clone())
    };
    let (described, trace) = said(r#"{ "key": {"ui:widget": "password"} }"#);
    assert_eq!(described, r#"described: Some("Test guest") {} {"key":{"ui:widget":"password"}}"#);
    assert_eq!(trace, [""; 0]);
    let (described, trace) = said("[]");
    assert_eq!(described, r#"described: Some("Test guest") {}"#);
    assert_eq!(trace, ["p warn: the uiSchema is no JSON object; {} is shown"]);
}

#[test]
fn a_start_that_refuses_is_an_error_and_no_crash() {
    let drive =
        Drive::wat(r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const 7))"#);
    assert_eq!(drive.said[1], r#"Failed("Plugin start() returned error code: 7")"#);
}

#[test]
fn what_ends_a_guest_is_named_with_plugin_call_and_reason() {
    for (export, text) in [
        (r#"(func (export "poll") (result i32) unreachable)"#, "p: call `poll` trapped: "),
        (
            r#"(func (export "poll") (result i32) (loop (br 0)) (i32.const 0))"#,
            "p: call `poll` used 2",
        ),
        (
            r#"(func $f (export "poll") (result i32) (call $f) (i32.const 0) i32.add)"#,
            "p: call `poll` recursed too deep",
        ),
        (
            r#"(func (export "poll") (result i32) (call $gone) (i32.const 0))"#,
            "p: call `poll` used the missing host function env.sk_gone",
        ),
    ] {
        let mut drive = Drive::wat(&format!(
            r#"(import "env" "sk_gone" (func $gone)) --- {START} {export} (func (export "delta_handler") (param i32 i32))"#
        ));
        assert_eq!(drive.said.last().unwrap(), "Started");
        drive.at(1000);
        let last = drive.said.last().unwrap().clone();
        assert!(last.starts_with(&format!("crashed: {text}")), "{last}");
        // An ended session takes everything and says nothing.
        drive.deltas(None, &["{}"]);
        drive.input(Input::Stop);
        assert_eq!(*drive.said.last().unwrap(), last);
    }
}

#[test]
fn modules_that_cannot_be_run_say_why() {
    for (wasm, text) in [
        (b"\0asm\x0d\0\x01\0".to_vec(), "component"),
        (b"not wasm".to_vec(), "not a WebAssembly module"),
        (wat::parse_str("(module)").unwrap(), "unknown plugin format"),
        (
            wat::parse_str(r#"(module (func (export "_start")))"#).unwrap(),
            "command module without plugin_start",
        ),
    ] {
        let drive = Drive::new(wasm, Purpose::Run, Capabilities::default());
        assert_eq!(drive.said.len(), 1);
        assert!(
            drive.said[0].starts_with("Failed(") && drive.said[0].contains(text),
            "{:?}",
            drive.said
        );
    }
}

/// Some plugins return from `poll` how many devices they see, once a second and for ever.
#[test]
fn what_poll_returns_is_said_once_per_value() {
    let mut drive = Drive::wat(&format!(
        r#"{START} (global $polls (mut i32) (i32.const 0))
        (func (export "poll") (result i32)
            (global.set $polls (i32.add (global.get $polls) (i32.const 1)))
            (i32.div_u (i32.rem_u (global.get $polls) (i32.const 10)) (i32.const 4)))"#
    ));
    for second in 1..=16 {
        drive.at(second * 1000);
    }
    let said = |code| format!("p warn: poll() returned error code: {code}");
    assert_eq!(drive.server.take(), [said(1), said(2), said(1)]);
}
