//! Library guests that would harm the boat: each is bounded, in fuel, entries or bytes, and named.

use super::*;
use crate::Handler;

fn http(name: &str) -> Handler {
    Handler::Http { handler: name.into(), repeatable: true, largest_reply: None, streamed: false }
}

/// A module in the shape of AssemblyScript's, with a string `file:x` at 100.
fn script(body: &str) -> Vec<u8> {
    let (imports, body) = body.split_once("---").unwrap_or(("", body));
    wat::parse_str(format!(
        r#"(module
            {imports}
            (memory (export "memory") 4 1000)
            (data (i32.const 92) "\02\00\00\00\0c\00\00\00f\00i\00l\00e\00:\00x\00")
            (func (export "__new") (param i32 i32) (result i32) (i32.const 65536))
            (func (export "plugin_name") (result i32) (i32.const 100))
            {body})"#
    ))
    .unwrap()
}

/// Spends about so much fuel.
fn burn(fuel: u32) -> String {
    format!(
        r#"(local $left i32)
           (local.set $left (i32.const {}))
           (loop $again (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))"#,
        fuel / 4
    )
}

/// H2 of the review: what is exported under a known name need not be a function.
#[test]
fn a_global_named_collect_is_not_called_for_ever() {
    let wasm = script(
        r#"(global (export "__collect") i32 (i32.const 0))
        (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
        (func (export "delta_handler") (param i32 i32))"#,
    );
    let mut drive = Drive::new(wasm, Purpose::Run, Capabilities::default());
    for _ in 0..20 {
        drive.deltas(None, &["{}"; 64]);
    }
    assert_eq!(drive.session.counters().deltas_in, 1280);
}

/// H8: memory that the host asks the guest for is the guest's work.
#[test]
fn what_allocate_burns_is_of_the_trips_budget() {
    let burn = burn(1_000_000);
    let wasm = wat::parse_str(format!(
        r#"(module (memory (export "memory") 4)
            (func (export "allocate") (param i32) (result i32) {burn} (i32.const 1024))
            (func (export "deallocate") (param i32 i32) {burn})
            (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
            (func (export "delta_handler") (param i32 i32)))"#
    ))
    .unwrap();
    let mut drive = Drive::new(wasm, Purpose::Run, Capabilities::default());
    let before = drive.runs;
    drive.deltas(None, &["{}"; 64]);
    assert_eq!(drive.session.counters().deltas_in, 64);
    assert!(drive.runs - before >= 64, "{} trips", drive.runs - before);
    let usage = drive.session.usage().rows();
    let handler = usage.iter().find(|row| &*row.export == "delta_handler").unwrap();
    assert!(handler.fuel > 100_000_000, "{usage:?}");
}

/// A guest that ends over a delta before it is called: the delta would end its next life too, those behind it wait for
/// that.
#[test]
fn without_memory_a_delta_is_dropped_those_behind_it_are_kept_and_a_handler_has_crashed() {
    let body = r#"(module (memory (export "memory") 4)
        (global $calls (mut i32) (i32.const 0))
        (func (export "allocate") (param i32) (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (select (i32.const 1024) (i32.const 0) (i32.le_u (global.get $calls) (i32.const 1))))
        (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
        (func (export "h") (param i32 i32 i32 i32) (result i32) (i32.const 0))
        (func (export "delta_handler") (param i32 i32)))"#;
    let wasm = wat::parse_str(body).unwrap();
    let mut drive = Drive::new(wasm.clone(), Purpose::Run, Capabilities::default());
    drive.deltas(None, &[r#"{"x":1}"#, r#"{"x":2}"#]);
    let last = drive.said.last().unwrap().clone();
    for part in ["crashed: p: ", "`allocate(7)`", "has 262144 bytes", "268435456"] {
        assert!(last.contains(part), "{part}: {last}");
    }
    let kept = drive.session.take_waiting();
    let kept: Vec<&str> = kept.iter().map(|delivery| delivery.delta.json()).collect();
    assert_eq!(kept, [r#"{"x":2}"#]);
    assert_eq!(drive.session.counters().deltas_in_dropped, 1);

    let mut drive = Drive::new(wasm, Purpose::Run, Capabilities::default());
    let call = HandlerCall { id: HandlerCallId(1), handler: http("h"), request: "{}".into() };
    drive.input(Input::Handle(call));
    let said = drive.said.join("\n");
    assert!(said.contains("Crashed { text: "), "{said}");
}

/// H4: answers to as-fetch that nobody has taken.
#[test]
fn a_loop_of_requests_that_cannot_be_sent_ends() {
    let loop_of = |times: u32| {
        script(&format!(
            r#"(import "as-fetch" "_fetchGET" (func $get (param i32 i32 i32 i32)))
            ---
            (global $answers (mut i32) (i32.const 0))
            (func (export "responseHandler") (param i32 i32 i32 i32)
                (global.set $answers (i32.add (global.get $answers) (i32.const 1))))
            (func (export "h") (param i32 i32 i32 i32) (result i32)
                (if (i32.ne (global.get $answers) (i32.const {times})) (then unreachable)) (i32.const 0))
            (func (export "plugin_start") (param i32 i32) (result i32) (local $left i32)
                (local.set $left (i32.const {times}))
                (loop $again
                    (call $get (i32.const 100) (i32.const 1) (i32.const 0) (local.get $left))
                    (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
                (i32.const 0))"#
        ))
    };
    let rights = Capabilities::default().with(Capability::Network);
    let mut drive = Drive::new(loop_of(1000), Purpose::Run, rights);
    let call = HandlerCall { id: HandlerCallId(1), handler: http("h"), request: "{}".into() };
    drive.input(Input::Handle(call));
    let said = drive.said.join("\n");
    assert!(said.contains("Started") && !said.contains("crashed"), "each has its answer: {said}");

    let drive = Drive::new(loop_of(20_000), Purpose::Run, rights);
    let last = drive.said.last().unwrap();
    assert!(last.starts_with("crashed: p: ") && last.contains("1000 answers"), "{last}");
}

/// H9 by the buffer ABI: refused at once, in the call's own way.
#[test]
fn registrations_of_a_library_guest_are_checked_and_numbered() {
    let wasm = guest(
        r#"(import "env" "sk_register_put_handler" (func $put (param i32 i32 i32 i32) (result i32)))
        ---
        (data (i32.const 400) "vessels.self")
        (data (i32.const 420) "__proto__.x")
        (func $at (param i32) (result i32)
            (i32.store (i32.const 500) (i32.const 0x78782e61))
            (i32.store8 (i32.const 504) (i32.add (i32.const 97) (i32.rem_u (local.get 0) (i32.const 26))))
            (i32.store8 (i32.const 505) (i32.add (i32.const 97) (i32.rem_u (i32.div_u (local.get 0) (i32.const 26)) (i32.const 26))))
            (i32.store8 (i32.const 506) (i32.add (i32.const 97) (i32.div_u (local.get 0) (i32.const 676))))
            (call $put (i32.const 400) (i32.const 12) (i32.const 500) (i32.const 7)))
        (func (export "plugin_start") (param i32 i32) (result i32) (local $n i32)
            (if (call $put (i32.const 400) (i32.const 12) (i32.const 420) (i32.const 11)) (then unreachable))
            (loop $more
                (if (i32.eqz (call $at (local.get $n))) (then unreachable))
                (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))
            (if (call $at (i32.const 1000)) (then unreachable))
            (if (i32.eqz (call $at (i32.const 7))) (then unreachable))
            (i32.const 0))"#,
    );
    let rights = Capabilities::default().with(Capability::PutHandlers);
    let mut drive = Drive::new(wasm, Purpose::Run, rights);
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert_eq!(drive.session.counters().host_call_errors, 2);
    let trace = drive.server.take();
    let registered = trace.iter().filter(|line| line.contains("registers Put")).count();
    let announced = trace.iter().filter(|line| line.contains("supportsPut")).count();
    assert_eq!((registered, announced), (1001, 1000), "one of them twice");
    let log = trace.join("\n");
    assert!(log.contains("__proto__") && log.contains("1000 PUT handlers"), "the reasons are said");
}

/// W14: a call that is dropped does not say that it was done.
#[test]
fn a_registration_that_finds_no_room_says_so() {
    let wasm = guest(
        r#"(import "env" "sk_register_resource_provider" (func $kind (param i32 i32) (result i32)))
        ---
        (func (export "plugin_start") (param i32 i32) (result i32) (local $n i32)
            (loop $more
                (call $debug (i32.const 300) (i32.const 0))
                (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 10000))))
            (if (call $kind (i32.const 300) (i32.const 6)) (then unreachable))
            (i32.const 0))"#,
    );
    let rights = Capabilities::default().with(Capability::ResourceProvider);
    let roomy = |config: &mut SessionConfig| {
        config.limits.run_fuel = 100_000_000;
        config.limits.slice_fuel = 1_000_000;
    };
    let drive = Drive::with_config(Fake::default(), wasm, Purpose::Run, rights, roomy);
    assert_eq!(drive.said.last().unwrap(), "Started");
}

/// A6: the server parses, keeps and sends a delta in its own step.
#[test]
fn a_delta_of_a_library_guest_has_1_mib_and_costs_fuel_by_the_byte() {
    let wasm = |len: u32| {
        wat::parse_str(format!(
            r#"(module
                (import "env" "sk_handle_message" (func $emit (param i32 i32)))
                (import "env" "sk_publish_notification" (func $raise (param i32 i32 i32 i32) (result i32)))
                (memory (export "memory") 40)
                (data (i32.const 0) "notifications.a")
                (func (export "allocate") (param i32) (result i32) (i32.const 65536))
                (func (export "plugin_start") (param i32 i32) (result i32)
                    (memory.fill (i32.const 131072) (i32.const 32) (i32.const {len}))
                    (call $emit (i32.const 131072) (i32.const {len}))
                    (if (i32.ne (call $raise (i32.const 0) (i32.const 15) (i32.const 131072) (i32.const {len}))
                        (i32.const -1)) (then unreachable))
                    (i32.const 0)))"#
        ))
        .unwrap()
    };
    let mut drive = Drive::new(wasm(1 << 20), Purpose::Run, Capabilities::default());
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert!(drive.session.stats().fuel_used > 2 << 20, "{}", drive.session.stats().fuel_used);
    drive.server.take();
    let mut drive = Drive::new(wasm((1 << 20) + 1), Purpose::Run, Capabilities::default());
    assert_eq!(drive.said.last().unwrap(), "Started");
    let log = drive.server.take().join("\n");
    assert!(log.contains("`sk_handle_message`: 1048577 bytes, the limit is 1048576"), "{log}");
}

/// A4: what the core writes down for a guest is the guest's work, whether it has room for it or not.
#[test]
fn reading_the_model_costs_fuel_by_the_byte() {
    let mut server = Fake::default();
    let long = format!(r#"{{"value":"{}"}}"#, "x".repeat(1_000_000));
    server.values.insert("vessels.urn:x.navigation.speedOverGround".into(), long);
    let wasm = guest(
        r#"(import "env" "sk_get_self_path" (func $get (param i32 i32 i32 i32) (result i32)))
        ---
        (func (export "plugin_start") (param i32 i32) (result i32)
            (drop (call $get (i32.const 200) (i32.const 26) (i32.const 1000) (i32.const 0)))
            (drop (call $get (i32.const 200) (i32.const 26) (i32.const 1000) (i32.const 0)))
            (i32.const 0))"#,
    );
    let drive = Drive::with_server(server, wasm, Purpose::Run, Capabilities::default());
    assert_eq!(drive.said.last().unwrap(), "Started");
    let used = drive.session.stats().fuel_used;
    assert!(used > 2_000_000, "{used}");
}

/// W4: the configuration that the core decides on after the plugin said who it is.
#[test]
fn the_options_given_after_the_description_are_those_that_the_plugin_reads() {
    let wasm = guest(
        r#"(import "env" "sk_read_config" (func $read (param i32 i32) (result i32)))
        ---
        (func (export "plugin_start") (param i32 i32) (result i32)
            (call $debug (i32.const 1000) (call $read (i32.const 1000) (i32.const 4096)))
            (i32.const 0))"#,
    );
    let package =
        r#"{"name":"p","version":"1","keywords":["signalk-wasm-plugin"],"wasmManifest":"p.wasm"}"#;
    let manifest = Manifest::read(package.as_bytes()).unwrap().manifest;
    let config = SessionConfig {
        engine: Engine::new(),
        limits: Limits::default(),
        call_time: None,
        platform: Arc::new(FixedPlatform::default()),
        fs: None,
        host: HostInfo { name: "test".into(), version: "0".into() },
        options: "{}".into(),
        enable_debug: false,
        deltas_per_second: 1000,
        queue: 1000,
        rules: crate::Rules::default(),
        wants_id: false,
        purpose: Purpose::Run,
    };
    let mut session = Session::new(&manifest, Code::Bytes(wasm.into()), config);
    let (now, mut server) = (Duration::ZERO, Fake::default());
    loop {
        let input = match session.poll_output(now, &mut server) {
            Output::Run(run) => Input::Ran(run.execute()),
            Output::Described(_) => Input::Options(r#"{"radius":50}"#.to_owned()),
            Output::Started => break,
            other => panic!("{other:?}"),
        };
        session.handle_input(now, input, &mut server);
    }
    assert_eq!(server.take(), [r#"p debug: {"radius":50}"#]);
}

/// W3: who pays for its fuel is slow, and not asleep.
#[test]
fn a_start_that_is_throttled_does_not_run_out_of_time() {
    let clock = Arc::new(super::sleep::Clock::default());
    let platform = clock.clone();
    let body = burn(45_000_000);
    let wasm = guest(&format!(
        r#"(func (export "plugin_start") (param i32 i32) (result i32) {body} (i32.const 0))"#
    ));
    let change = |config: &mut SessionConfig| {
        config.platform = platform;
        config.limits.call_fuel = None;
        config.limits.fuel_per_second = Some(1_000_000);
        config.limits.fuel_burst = 1_000_000;
    };
    let none = Capabilities::default();
    let mut drive = Drive::with_config(Fake::default(), wasm, Purpose::Run, none, change);
    let mut until = drive.poll();
    while let Some(next) = until.filter(|_| drive.said.len() < 2) {
        let ms = u64::try_from(next.as_millis()).unwrap() + 1;
        until = super::sleep::at(&mut drive, &clock, ms);
    }
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert!(drive.now > Duration::from_secs(40), "{:?}", drive.now);
}
