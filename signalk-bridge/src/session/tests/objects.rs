//! Small guests in the shape of AssemblyScript's and of commands: corner cases of memory and order.

use super::*;
use crate::Handler;

/// A module with string objects (class `class`) at 100 (`Name`) and 200 (half of a pair), an
/// object of class 9 at 300, `__new` that only goes up, and logs of pins.
fn script(class: u8, body: &str) -> Vec<u8> {
    let name = r#"(func (export "plugin_name") (result i32) (i32.const 100))"#;
    unnamed(class, &format!("{body} {name}"))
}

/// The same without `plugin_name`.
fn unnamed(class: u8, body: &str) -> Vec<u8> {
    let (imports, body) = body.split_once("---").unwrap_or(("", body));
    wat::parse_str(format!(
        r#"(module
            (import "env" "sk_debug" (func $debug (param i32 i32)))
            {imports}
            (memory (export "memory") 4 1000)
            (global $heap (mut i32) (i32.const 65536))
            (global $pinned (mut i32) (i32.const 0))
            (data (i32.const 92) "\{class:02x}\00\00\00\08\00\00\00N\00a\00m\00e\00")
            (data (i32.const 192) "\{class:02x}\00\00\00\04\00\00\00\3d\d8x\00")
            (data (i32.const 292) "\09\00\00\00\04\00\00\00a\00b\00")
            (data (i32.const 400) "pinned")
            (func (export "__new") (param $n i32) (param $class i32) (result i32)
                (local $p i32)
                (local.set $p (i32.add (global.get $heap) (i32.const 16)))
                (if (i32.gt_u (i32.add (local.get $p) (local.get $n)) (i32.mul (memory.size) (i32.const 65536)))
                    (then (drop (memory.grow (i32.add (i32.shr_u (local.get $n) (i32.const 16)) (i32.const 1))))))
                (i32.store (i32.sub (local.get $p) (i32.const 8)) (local.get $class))
                (i32.store (i32.sub (local.get $p) (i32.const 4)) (local.get $n))
                (global.set $heap (i32.and (i32.add (local.get $p) (i32.add (local.get $n) (i32.const 31))) (i32.const -16)))
                (local.get $p))
            (func (export "__pin") (param i32) (result i32)
                (global.set $pinned (i32.add (global.get $pinned) (i32.const 1))) (local.get 0))
            (func (export "__unpin") (param i32)
                (global.set $pinned (i32.sub (global.get $pinned) (i32.const 1))))
            {body})"#
    ))
    .unwrap()
}

fn run(wasm: Vec<u8>) -> Drive {
    Drive::new(wasm, Purpose::Run, Capabilities::default())
}

fn ask(drive: &mut Drive, export: &str, request: &str) -> String {
    let handler = Handler::Http {
        handler: export.into(),
        repeatable: true,
        largest_reply: None,
        streamed: false,
    };
    let call = HandlerCall { id: HandlerCallId(1), handler, request: request.into() };
    drive.input(Input::Handle(call));
    drive.said.pop().unwrap()
}

const START: &str = r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))"#;

#[test]
fn class_numbers_are_those_of_the_compiler_that_built_the_guest() {
    for class in [1, 2] {
        // The handler gives back the class of its argument as its second unit.
        let wasm = script(
            class,
            &format!(
                r#"{START}
                (func (export "same") (param i32) (result i32) (local.get 0))
                (func (export "bytes") (param i32 i32) (result i32)
                    (if (i32.ne (i32.load (i32.sub (local.get 0) (i32.const 8))) (i32.const {})) (then unreachable))
                    (if (i32.ne (global.get $pinned) (i32.const 1)) (then unreachable))
                    (i32.const 200))
                (func (export "other") (param i32) (result i32) (i32.const 300))
                (func (export "wild") (param i32) (result i32) (i32.const 3))
                (func (export "null") (param i32) (result i32) (i32.const 0))
                (func (export "out") (param i32 i32 i32 i32) (result i32)
                    (memory.copy (local.get 2) (local.get 0) (local.get 1)) (local.get 1))
                (func (export "many") (param i32 i32 i32 i32) (result i32)
                    (if (i32.lt_u (local.get 3) (i32.const 200000)) (then (return (local.get 3))))
                    (memory.fill (local.get 2) (i32.const 120) (i32.const 150000)) (i32.const 150000))"#,
                class - 1
            ),
        );
        let mut drive = run(wasm);
        assert_eq!(drive.said, [r#"described: Some("Name") {}"#, "Started"]);
        let ok = |text: &str| format!("Handled {{ id: HandlerCallId(1), reply: Ok({text:?}) }}");
        assert_eq!(ask(&mut drive, "same", "å\u{1f6a2}"), ok("å\u{1f6a2}"));
        assert_eq!(ask(&mut drive, "same", ""), ok("{}"));
        let long = "y".repeat(200_000);
        assert_eq!(ask(&mut drive, "same", &long), ok(&long));
        assert_eq!(ask(&mut drive, "bytes", "x"), ok("\u{fffd}x"));
        assert_eq!(ask(&mut drive, "null", "x"), ok(""));
        assert_eq!(ask(&mut drive, "out", "åx"), ok("åx"));
        assert_eq!(ask(&mut drive, "many", "x"), ok(&"x".repeat(150_000)));
        let no = ask(&mut drive, "other", "x");
        assert!(no.contains("Failed(\"not a string: 300\")"), "{no}");
        assert!(ask(&mut drive, "wild", "x").contains("not a string: 0 bytes at 0x3"));
    }
}

/// Plugin ABI 2.5: whichever text comes first shows the class, here `plugin_schema`, `plugin_id` or `http_endpoints`.
#[test]
fn an_old_compilers_guest_without_a_name_is_understood_too() {
    for export in ["plugin_schema", "plugin_id", "http_endpoints"] {
        let id = r#"(func (export "plugin_id") (result i32) (i32.const 100))"#;
        let id = if export == "plugin_id" { "" } else { id };
        let mut drive = run(unnamed(
            1,
            &format!(
                r#"{START} {id} (func (export "{export}") (result i32) (i32.const 100))
                (func (export "class") (param i32) (result i32)
                    (if (i32.ne (i32.load (i32.sub (local.get 0) (i32.const 8))) (i32.const 1))
                        (then unreachable))
                    (local.get 0))"#
            ),
        ));
        assert_eq!(drive.said.last().unwrap(), "Started", "{export}");
        assert!(ask(&mut drive, "class", "x").contains(r#"Ok("x")"#), "{export}");
    }
}

/// F49: a string to a string, as other handlers; a wish that cannot be is said and answers 0.
#[test]
fn a_delta_input_handler_is_asked_in_objects_too() {
    let long = format!(r#"{{"paths":["a"],"context":"{}"}}"#, "x".repeat(1025));
    let wishes = [r#"{"paths":["a.*"]}"#, "{}", &long];
    let mut body = r#"(import "env" "sk_register_delta_input_handler" (func $wish (param i32 i32) (result i32)))
        ---
        (func (export "delta_input_handler") (param i32) (result i32) (local.get 0))
        (func $say (param i32)
            (i32.store8 (i32.const 4000) (i32.add (local.get 0) (i32.const 48)))
            (call $debug (i32.const 4000) (i32.const 1)))
        (func (export "plugin_start") (param i32 i32) (result i32)"#
        .to_owned();
    for (at, wish) in wishes.iter().enumerate() {
        let (at, len) = (1000 + 100 * at, wish.len());
        body += &format!("(call $say (call $wish (i32.const {at}) (i32.const {len})))");
    }
    body += "(i32.const 0))";
    for (at, wish) in wishes.iter().enumerate() {
        body += &format!("(data (i32.const {}) {wish:?})", 1000 + 100 * at);
    }
    let rights = Capabilities::default().with(Capability::DeltaInputHandler);
    let mut drive = Drive::new(script(2, &body), Purpose::Run, rights);
    let log = drive.server.take().join("\n");
    assert_eq!(log.matches("p debug: 0").count(), 2, "{log}");
    assert!(
        log.contains("missing field `paths`") && log.contains("has 1025 bytes, the limit is 1024"),
        "{log}"
    );
    assert!(
        log.contains(r#"registers DeltaInput { context: "vessels.self", paths: ["a.*"] }"#),
        "{log}"
    );
    let request = r#"{"deltas":[]}"#.to_owned();
    let call = HandlerCall {
        id: HandlerCallId(1),
        handler: Handler::DeltaInput,
        request: request.clone(),
    };
    drive.input(Input::Handle(call));
    assert!(drive.said.pop().unwrap().contains(&format!("Ok({request:?})")));
    // Without the export nobody could be asked.
    let body = body.replace(r#"(export "delta_input_handler") "#, "");
    let mut drive = Drive::new(script(2, &body), Purpose::Run, rights);
    let log = drive.server.take().join("\n");
    assert!(log.contains("export `delta_input_handler`") && !log.contains("registers"), "{log}");
}

#[test]
fn a_result_of_megabytes_is_no_trouble() {
    let mut drive = run(script(
        2,
        &format!(r#"{START} (func (export "same") (param i32) (result i32) (local.get 0))"#),
    ));
    let long = "z".repeat(8 << 20);
    assert!(ask(&mut drive, "same", &long).len() > 8 << 20);
}

#[test]
fn a_start_with_one_parameter_gets_a_string() {
    let drive = run(script(
        2,
        r#"(func (export "plugin_start") (param i32) (result i32)
            (call $debug (local.get 0) (i32.load (i32.sub (local.get 0) (i32.const 4))))
            (i32.const 0))"#,
    ));
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert_eq!(drive.server.trace[0].matches('\0').count(), r#"{"enableDebug":false}"#.len());
}

#[test]
fn declared_types_may_be_wide_and_results_may_be_missing() {
    let mut drive = run(script(
        2,
        r#"(func (export "plugin_start") (param i64 i64))
        (func (export "plugin_schema") (result i64) (i64.const 0))
        (func (export "delta_handler") (param i64) (result i32)
            (call $debug (i32.wrap_i64 (local.get 0)) (i32.const 2)) (i32.const 1))
        (func (export "poll"))
        (func (export "void") (param i32))"#,
    ));
    assert_eq!(drive.said.last().unwrap(), "Started");
    drive.deltas(None, &["{}"]);
    assert_eq!(drive.server.take(), ["p debug: {\0"]);
    drive.at(1000);
    assert!(ask(&mut drive, "void", "x").contains("Ok(\"\")"));
}

/// Plugin ABI 2.3.3: the top level of an AssemblyScript program runs there.
#[test]
fn the_start_section_waits_for_what_it_asks_and_may_take_the_time_of_a_start() {
    let wasm = script(
        2,
        &format!(
            r#"(import "env" "sk_get_self_path" (func $get (param i32 i32 i32 i32) (result i32)))
            (import "as-fetch" "_fetchGETSync" (func $fetch (param i32 i32 i32) (result i32)))
            ---
            {START}
            (func $main (local $n i32)
                (local.set $n (i32.const 2000000))
                (loop $again
                    (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                    (br_if $again (local.get $n)))
                (call $debug (i32.const 1000)
                    (call $get (i32.const 400) (i32.const 6) (i32.const 1000) (i32.const 64)))
                (drop (call $fetch (i32.const 100) (i32.const 1) (i32.const 0))))
            (start $main)"#
        ),
    );
    let mut server = Fake::default();
    server.values.insert("vessels.urn:x.pinned".into(), "42".into());
    let rights = Capabilities::default().with(Capability::Network);
    let drive = Drive::with_server(server, wasm, Purpose::Run, rights);
    assert_eq!(drive.said.last().unwrap(), "Started");
    let log = drive.server.trace.join("\n");
    assert!(log.starts_with("p debug: 42\n"), "{log}");
    assert!(log.contains("only http: and https: are fetched"), "{log}");
}

#[test]
fn a_start_section_that_never_ends_fails_as_a_start_does() {
    let spins = format!("{START} (func $main (loop $again (br $again))) (start $main)");
    let drive = run(script(2, &spins));
    let failed = drive.said.last().unwrap();
    assert!(failed.starts_with("Failed(\"p: call `(start)` used 20"), "{failed}");
}

#[test]
fn headers_are_pairs_and_flat_lists_of_pairs_and_asyncifys_area_is_left_alone() {
    // The outer array at 500 has one inner array at 520 with four elements; all are `Name`.
    let wasm = script(
        2,
        r#"(import "as-fetch" "_fetchPOSTSync" (func $fetch (param i32 i32 i32 i32) (result i32)))
        (import "as-fetch" "_initAsyncify" (func $init (param i32 i32)))
        ---
        (data (i32.const 500) "\00\00\00\00\30\02\00\00\04\00\00\00\01\00\00\00")
        (data (i32.const 520) "\00\00\00\00\40\02\00\00\10\00\00\00\04\00\00\00")
        (data (i32.const 560) "\08\02\00\00")
        (data (i32.const 576) "\64\00\00\00\64\00\00\00\64\00\00\00\c8\00\00\00")
        (data (i32.const 600) "\55\55\55\55\55\55\55\55")
        (func (export "plugin_start") (param i32 i32) (result i32)
            (call $init (i32.const 600) (i32.const 7))
            (if (i64.ne (i64.load (i32.const 600)) (i64.const 0x5555555555555555)) (then unreachable))
            ;; addresses that are not there: the call fails
            (if (call $fetch (i32.const 100) (i32.const 1) (i32.const -8) (i32.const 0)) (then unreachable))
            ;; `Name` is no URL
            (call $fetch (i32.const 100) (i32.const 1) (i32.const 500) (i32.const 300)))"#,
    );
    let drive = Drive::new(wasm, Purpose::Run, Capabilities::default().with(Capability::Network));
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert_eq!(drive.session.counters().guest_faults, 1);
    assert!(drive.server.trace.join("\n").contains("only http: and https: are fetched"));
}

/// Plugin ABI 15, seed 2, rule 3.
#[test]
fn a_command_without_plugin_start_runs_once_and_is_an_error() {
    let wasm = |end: &str| {
        wat::parse_str(format!(
            r#"(module (import "env" "sk_debug" (func $debug (param i32 i32)))
            (memory (export "memory") 1) (data (i32.const 0) "ran")
            (func (export "_start") (call $debug (i32.const 0) (i32.const 3)) {end}))"#
        ))
        .unwrap()
    };
    for end in ["", "unreachable"] {
        let drive = run(wasm(end));
        assert_eq!(drive.server.trace, ["p debug: ran"]);
        assert_eq!(drive.said.len(), 1);
        assert!(
            drive.said[0].starts_with("Failed(")
                && drive.said[0].contains("command module without plugin_start")
        );
    }
}

#[test]
fn a_command_that_exits_with_0_is_a_plugin_from_then_on() {
    let wasm = |code: i32| {
        guest(&format!(
            r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            ---
            (func (export "_start") (call $debug (i32.const 300) (i32.const 6)) (call $exit (i32.const {code})))
            (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))"#
        ))
    };
    let drive = run(wasm(0));
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert_eq!(drive.server.trace, ["p debug: polled"]);
    let drive = run(wasm(1));
    assert!(
        drive.said[0].starts_with("Failed(") && drive.said[0].contains("code 1"),
        "{:?}",
        drive.said
    );
}

#[test]
fn w16_a_reactor_is_initialized_once_and_first() {
    let mut drive = run(guest(
        r#"(global $ready (mut i32) (i32.const 0))
        (func (export "_initialize")
            (if (global.get $ready) (then unreachable))
            (call $debug (i32.const 300) (i32.const 6))
            (global.set $ready (i32.const 1)))
        (func (export "plugin_start") (param i32 i32) (result i32) (i32.eqz (global.get $ready)))
        (func (export "poll") (result i32) (i32.eqz (global.get $ready)))"#,
    ));
    assert_eq!(drive.said.last().unwrap(), "Started");
    drive.at(1000);
    assert_eq!(drive.server.trace, ["p debug: polled"]);
}
