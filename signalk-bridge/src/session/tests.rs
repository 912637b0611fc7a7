//! Sessions driven by hand: inline guests of the buffer ABI, and the built JSON-RPC ones.

use std::time::Duration;

#[cfg(not(target_family = "wasm"))]
mod guests;
mod handshake;
mod sockets;
mod weaknesses;

use wasmi_hdk::FixedPlatform;

use super::*;
use crate::Capabilities;
use crate::fake::Fake;

#[cfg(not(target_family = "wasm"))]
mod assemblyscript;
mod floods;
mod hand_over;
mod objects;
mod sleep;

/// A session, a fake server and a clock that jumps.
struct Drive {
    session: Session,
    server: Fake,
    now: Duration,
    /// What the session said, runs left out.
    said: Vec<String>,
    runs: usize,
    /// What it wants of the world.
    effects: VecDeque<Effect>,
}

impl Drive {
    fn new(wasm: Vec<u8>, purpose: Purpose, capabilities: Capabilities) -> Drive {
        Drive::with_server(Fake::default(), wasm, purpose, capabilities)
    }

    fn with_server(
        server: Fake,
        wasm: Vec<u8>,
        purpose: Purpose,
        capabilities: Capabilities,
    ) -> Drive {
        Drive::with_config(server, wasm, purpose, capabilities, |_| ())
    }

    fn with_config(
        server: Fake,
        wasm: Vec<u8>,
        purpose: Purpose,
        capabilities: Capabilities,
        change: impl FnOnce(&mut SessionConfig),
    ) -> Drive {
        let package = r#"{"name":"p","version":"1","keywords":["signalk-wasm-plugin"],"wasmManifest":"p.wasm"}"#;
        let mut manifest = Manifest::read(package.as_bytes()).unwrap().manifest;
        manifest.capabilities = capabilities;
        let mut config = SessionConfig {
            engine: Engine::new(),
            limits: Limits { call_fuel: Some(20_000_000), ..Limits::default() },
            call_time: None,
            platform: Arc::new(FixedPlatform::default()),
            fs: None,
            host: HostInfo { name: "test".into(), version: "0".into() },
            options: server.options.clone().unwrap_or_else(|| "{}".to_owned()),
            enable_debug: false,
            deltas_per_second: 1000,
            queue: 1000,
            http_utf16: false,
            wants_id: false,
            purpose,
        };
        change(&mut config);
        let session = Session::new(&manifest, Code::Bytes(wasm.into()), config);
        let effects = VecDeque::new();
        let now = Duration::ZERO;
        let mut drive = Drive { session, server, now, said: vec![], runs: 0, effects };
        drive.poll();
        drive
    }

    fn wat(text: &str) -> Drive {
        Drive::new(guest(text), Purpose::Run, Capabilities::default())
    }

    /// Polls until it waits, executing runs at once; the time it waits for.
    fn poll(&mut self) -> Option<Duration> {
        loop {
            match self.session.poll_output(self.now, &mut self.server) {
                Output::Run(run) => {
                    self.runs += 1;
                    assert!(self.runs < 100_000, "runs for ever: {:?}", self.said);
                    let ran = Input::Ran(run.execute());
                    self.session.handle_input(self.now, ran, &mut self.server);
                }
                Output::Wait { until } => return until,
                Output::Effect(effect) => self.effects.push_back(effect),
                Output::Crashed(crash) => self.said.push(format!("crashed: {crash}")),
                Output::Described(d) => {
                    self.said.push(format!("described: {:?} {}", d.name, d.schema));
                }
                other => self.said.push(format!("{other:?}")),
            }
        }
    }

    fn input(&mut self, input: Input) -> Option<Duration> {
        self.session.handle_input(self.now, input, &mut self.server);
        self.poll()
    }

    fn deltas(&mut self, subscription: Option<u64>, deltas: &[&str]) {
        let subscription = subscription.map(SubscriptionId);
        let deltas =
            deltas.iter().map(|json| Delivery { subscription, delta: (*json).into() }).collect();
        self.input(Input::Deltas(deltas));
    }

    fn at(&mut self, ms: u64) -> Option<Duration> {
        self.now = Duration::from_millis(ms);
        self.input(Input::Tick)
    }
}

/// A plugin of the buffer ABI around `body`: bump allocator, name, imports `$debug` and `$emit`.
fn guest(body: &str) -> Vec<u8> {
    let (imports, body) = body.split_once("---").unwrap_or(("", body));
    wat::parse_str(format!(
        r#"(module
            (import "env" "sk_debug" (func $debug (param i32 i32)))
            (import "env" "sk_handle_message" (func $emit (param i32 i32)))
            {imports}
            (memory (export "memory") 4)
            (global $heap (mut i32) (i32.const 65536))
            (data (i32.const 0) "Test guest")
            (data (i32.const 100) "{{\"updates\":[{{\"values\":[{{\"path\":\"a.b\",\"value\":1}}]}}]}}")
            (data (i32.const 200) "navigation.speedOverGround")
            (data (i32.const 300) "polled")
            (func (export "allocate") (param $n i32) (result i32)
                (if (i32.eqz (local.get $n)) (then (unreachable)))
                (global.get $heap)
                (global.set $heap (i32.add (global.get $heap) (local.get $n))))
            (func (export "deallocate") (param $p i32) (param $n i32)
                (global.set $heap (i32.sub (global.get $heap) (local.get $n))))
            (func (export "plugin_name") (param $out i32) (param $max i32) (result i32)
                (memory.copy (local.get $out) (i32.const 0) (i32.const 10))
                (i32.const 10))
            {body})"#
    ))
    .unwrap()
}

const START: &str = r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))"#;

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
fn a_batch_of_deltas_is_one_trip() {
    let mut drive =
        Drive::wat(&format!("{START} (func (export \"delta_handler\") (param i32 i32))"));
    let before = drive.runs;
    drive.deltas(None, &["{}"; 64]);
    assert_eq!((drive.runs - before, drive.session.counters().deltas_in), (1, 64));
}

#[test]
fn a_flow_of_deltas_is_taken_on_the_beat_and_the_first_after_a_pause_at_once() {
    let mut drive =
        Drive::wat(&format!("{START} (func (export \"delta_handler\") (param i32 i32))"));
    let taken = |drive: &Drive| drive.session.counters().deltas_in;
    drive.at(101);
    drive.deltas(None, &["{}"]);
    assert_eq!(taken(&drive), 1);
    drive.deltas(None, &["{}"; 3]);
    assert_eq!((drive.poll(), taken(&drive)), (Some(Duration::from_millis(105)), 1));
    drive.at(105);
    assert_eq!(taken(&drive), 4);
    drive.deltas(None, &["{}"; 64]);
    assert_eq!(taken(&drive), 68, "a full batch does not wait");
    drive.at(500);
    drive.deltas(None, &["{}"]);
    assert_eq!(taken(&drive), 69);
}

#[test]
fn over_its_bound_the_queue_drops_the_oldest() {
    let mut drive = Drive::wat(START);
    let deltas = vec![Delivery { subscription: None, delta: "{}".into() }; 1001];
    drive.session.handle_input(Duration::ZERO, Input::Deltas(deltas), &mut drive.server);
    assert_eq!(drive.session.counters().deltas_in_dropped, 1);
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

#[test]
fn a_start_that_refuses_is_an_error_and_no_crash() {
    let drive =
        Drive::wat(r#"(func (export "plugin_start") (param i32 i32) (result i32) (i32.const 7))"#);
    assert_eq!(drive.said[1], r#"Failed("Plugin start() returned error code: 7")"#);
}

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
fn deltas_that_a_crash_kept_from_the_guest_are_there_for_its_next_life() {
    let mut drive = Drive::wat(&format!(
        "{START} (func (export \"delta_handler\") (param i32 i32) unreachable)"
    ));
    drive.deltas(None, &["1", "2", "3"]);
    let kept: Vec<_> =
        drive.session.take_waiting().iter().map(|d| d.delta.json().to_owned()).collect();
    assert_eq!(kept, ["2", "3"]);
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

/// With the guests that `cargo xtask guests` built. Not as wasm: there a test sees only its own folder.
#[cfg(not(target_family = "wasm"))]
mod built {
    use super::*;

    pub(super) fn built(name: &str) -> Vec<u8> {
        let path = format!("{}/../target/guests/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(&path)
            .unwrap_or_else(|error| panic!("{path}: {error}; run `cargo xtask guests`"))
    }

    #[test]
    fn a_json_rpc_plugin_subscribes_and_sends() {
        let mut drive =
            Drive::new(built("signalk_speed_logger"), Purpose::Run, Capabilities::default());
        assert_eq!(
            drive.said,
            [r#"described: Some("Speed logger") {"type":"object","properties":{}}"#, "Started"]
        );
        let trace = drive.server.take();
        assert_eq!(
            trace,
            [
                r#"p subscribe 1 vessels.self [{"path":"navigation.speedOverGround"}]"#,
                r#"p Ok("logging")"#
            ]
        );
        let delta = |speed: f64| {
            format!(
                r#"{{"updates":[{{"values":[{{"path":"navigation.speedOverGround","value":{speed}}}]}}]}}"#
            )
        };
        drive.deltas(Some(1), &[&delta(3.1), &delta(3.2)]);
        assert_eq!(
            drive.server.take(),
            [
                "p info: signalk_speed_logger: 3.1",
                "p info: signalk_speed_logger: 3.2",
                r#"p V1 {"updates":[{"$source":"p","values":[{"path":"test.speed","value":{"speed":3.1,"count":1}}]}]}"#,
                r#"p V1 {"updates":[{"$source":"p","values":[{"path":"test.speed","value":{"speed":3.2,"count":2}}]}]}"#,
            ]
        );
        drive.input(Input::Stop);
        assert_eq!(drive.said.last().unwrap(), "Stopped");
    }

    #[test]
    fn a_json_rpc_plugin_with_no_rights_hears_no_by_number() {
        let drive = Drive::new(built("signalk_denied"), Purpose::Run, Capabilities::NONE);
        assert_eq!(drive.said.last().unwrap(), "Started");
        let log = drive.server.trace.join("\n");
        for denied in [
            "deltas.emit",
            "deltas.subscribe",
            "paths.get",
            "meta.get",
            "meta.set",
            "notifications.raise",
        ] {
            assert!(log.contains(&format!("{denied}: -32040 ")), "{denied}: {log}");
        }
        for granted in
            ["options.read: ok {}", "options.save: ok null", "status.set: ok null", "log: ok null"]
        {
            assert!(log.contains(granted), "{granted}: {log}");
        }
        assert!(log.contains("no.such.method: -32601 "), "{log}");
    }

    #[test]
    fn a_json_rpc_plugin_may_refuse_to_start() {
        let drive =
            Drive::new(built("signalk_fails_to_start"), Purpose::Run, Capabilities::default());
        assert_eq!(drive.said[1], r#"Failed("start: the sensor is not connected")"#);
    }

    #[test]
    fn a_json_rpc_plugin_that_traps_or_spins_is_named() {
        for (name, text) in
            [("signalk_crash_on_delta", "trapped"), ("signalk_spin_on_delta", "without a rest")]
        {
            let mut drive = Drive::new(built(name), Purpose::Run, Capabilities::default());
            assert_eq!(drive.said.last().unwrap(), "Started");
            drive.deltas(Some(1), &["{\"updates\":[]}"]);
            let last = drive.said.last().unwrap();
            assert!(last.starts_with("crashed: p: call ") && last.contains(text), "{last}");
        }
    }

    #[test]
    fn a_flood_is_cut_to_the_limit_and_the_flooder_told() {
        let drive = Drive::new(built("signalk_flood"), Purpose::Run, Capabilities::default());
        let out = drive.session.counters();
        assert_eq!(out.deltas_out, 1000);
        assert!(out.deltas_out_dropped > 0, "{out:?}");
        assert!(
            drive.server.trace.iter().any(|line| line.contains("over its limit of 1000 deltas"))
        );
    }
}
