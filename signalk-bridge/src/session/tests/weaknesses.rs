//! Weaknesses of the reference server (plugin ABI 14) that concern calls, deltas and rights: one
//! test for each, by its number. Those of sockets, fetch and AssemblyScript stand beside their own.

use super::*;
use crate::Handler;

fn run(body: &str) -> Drive {
    Drive::wat(body)
}

fn ask(drive: &mut Drive, handler: Handler) -> String {
    let call = HandlerCall { id: HandlerCallId(1), handler, request: "{}".into() };
    drive.input(Input::Handle(call));
    drive.said.pop().unwrap()
}

fn http(name: &str, repeatable: bool) -> Handler {
    Handler::Http { handler: name.into(), repeatable, largest_reply: None, streamed: false }
}

/// W11: a trap is a crash; what was broken by it is not used again.
#[test]
fn w11_after_a_trap_nothing_of_the_instance_is_called_any_more() {
    let mut drive = run(&format!(
        r#"{START}
        (func (export "poll") (result i32) unreachable)
        (func (export "delta_handler") (param i32 i32) (call $debug (local.get 0) (local.get 1)))
        (func (export "h") (param i32 i32 i32 i32) (result i32) (i32.const 0))
        (func (export "plugin_stop") (result i32) (call $debug (i32.const 0) (i32.const 4)) (i32.const 0))"#
    ));
    drive.at(1000);
    assert!(drive.said.last().unwrap().starts_with("crashed: p: call `poll` trapped"));
    drive.server.take();
    drive.deltas(None, &["{}"]);
    drive.at(5000);
    let reply = ask(&mut drive, http("h", true));
    assert!(reply.contains("Err(NotRunning)"), "{reply}");
    drive.input(Input::Stop);
    assert_eq!(drive.server.take(), [""; 0]);
}

/// W13: a text that does not fit is asked for again where that does no harm, and is an error that
/// names its size where it would.
#[test]
fn w13_long_replies_are_whole_or_an_error_that_names_the_size() {
    // Writes as much of 2 MiB as fits, as guests do.
    let wasm = wat::parse_str(
        r#"(module
            (memory (export "memory") 160)
            (func (export "allocate") (param $n i32) (result i32)
                (select (i32.const 65536) (i32.const 1024) (i32.ge_u (local.get $n) (i32.const 8192))))
            (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
            (func $long (export "long") (param i32 i32) (param $out i32) (param $max i32) (result i32)
                (local $n i32)
                (local.set $n (select (local.get $max) (i32.const 2097152)
                    (i32.lt_u (local.get $max) (i32.const 2097152))))
                (memory.fill (local.get $out) (i32.const 120) (local.get $n))
                (local.get $n)))"#,
    )
    .unwrap();
    let mut drive = Drive::new(wasm, Purpose::Run, Capabilities::default());
    let reply = ask(&mut drive, http("long", true));
    assert_eq!(reply.matches('x').count(), 2 << 20, "{}", &reply[..100]);
    let reply = ask(&mut drive, http("long", false));
    assert!(reply.contains("TooLarge { needs: 1048576, limit: 1048575 }"), "{}", &reply[..100]);
}

/// W17: each right that can be refused is, and a plugin may ask what it has.
#[test]
fn w17_rights_are_checked_and_can_be_asked_for() {
    let body = r#"(import "env" "sk_has_capability" (func $has (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_prestat_get" (func $preopen (param i32 i32) (result i32)))
        ---
        (data (i32.const 400) "dataReaddataWritestoragehttpEndpointsnonsense")
        (func (export "plugin_start") (param i32 i32) (result i32)
            (i32.store8 (i32.const 500) (i32.add (i32.const 48) (call $has (i32.const 400) (i32.const 8))))
            (i32.store8 (i32.const 501) (i32.add (i32.const 48) (call $has (i32.const 408) (i32.const 9))))
            (i32.store8 (i32.const 502) (i32.add (i32.const 48) (call $has (i32.const 417) (i32.const 7))))
            (i32.store8 (i32.const 503) (i32.add (i32.const 48) (call $has (i32.const 424) (i32.const 13))))
            (i32.store8 (i32.const 504) (i32.add (i32.const 48) (call $has (i32.const 437) (i32.const 8))))
            (i32.store8 (i32.const 505) (i32.add (i32.const 48) (call $preopen (i32.const 3) (i32.const 600))))
            (call $debug (i32.const 500) (i32.const 6))
            (call $emit (i32.const 100) (i32.const 51))
            (i32.const 0))
        (func (export "delta_handler") (param i32 i32) unreachable)
        (func (export "http_endpoints") (param $out i32) (param i32) (result i32)
            (memory.copy (local.get $out) (i32.const 700) (i32.const 49)) (i32.const 49))
        (data (i32.const 700) "[{\"method\":\"GET\",\"path\":\"/x\",\"handler\":\"handle\"}]")"#;
    let mut drive = Drive::with_config(
        Fake::default(),
        guest(body),
        Purpose::Run,
        Capabilities::NONE,
        |config| config.fs = Some(Box::new(wasmi_hdk::vfs::MemoryFs::new())),
    );
    drive.deltas(None, &["{}"]);
    assert_eq!(drive.said.last().unwrap(), "Started");
    let log = drive.server.take().join("\n");
    assert!(log.contains("p debug: 000008"), "{log}");
    assert!(log.contains("`sk_handle_message` needs the capability `dataWrite`"), "{log}");
    // Plugins that never declared endpoints keep them, and are told.
    assert!(log.contains("has http_endpoints without the capability"), "{log}");
    assert!(log.contains("registers Http"), "{log}");
}

/// W17, plugin ABI 4.6: 1 for every key that is granted and served, 0 without it.
#[test]
fn w17_every_capability_can_be_asked_for() {
    let (mut keys, mut asks) = (String::new(), String::new());
    for (at, capability) in Capability::ALL.into_iter().enumerate() {
        let (from, len) = (1000 + keys.len(), capability.key().len());
        asks += &format!(
            "(i32.store8 (i32.const {}) (i32.add (i32.const 48) (call $has (i32.const {from}) (i32.const {len}))))",
            2000 + at
        );
        keys += capability.key();
    }
    let count = Capability::ALL.len();
    let body = format!(
        r#"(import "env" "sk_has_capability" (func $has (param i32 i32) (result i32)))
        ---
        (data (i32.const 1000) "{keys}")
        (func (export "plugin_start") (param i32 i32) (result i32)
            {asks} (call $debug (i32.const 2000) (i32.const {count})) (i32.const 0))"#
    );
    let all = Capability::ALL.into_iter().fold(Capabilities::NONE, Capabilities::with);
    let not_served = [Capability::SerialPorts, Capability::ServerEvents];
    for rights in [all, Capabilities::NONE] {
        let answers = Capability::ALL.map(|capability| {
            if rights.has(capability) && !not_served.contains(&capability) { '1' } else { '0' }
        });
        let drive = Drive::new(guest(&body), Purpose::Run, rights);
        let expected = format!("p debug: {}", String::from_iter(answers));
        assert_eq!(drive.server.trace.first(), Some(&expected), "{:?}", drive.server.trace);
    }
}

/// W17: a strict owner's server refuses what others only warn about.
#[test]
fn w17_a_strict_owner_gets_no_endpoints_without_the_capability_and_no_unknown_imports() {
    let endpoints = r#"[{"method":"GET","path":"/x","handler":"handle"}]"#;
    let offers = format!(
        r#"{START} (data (i32.const 700) "{}")
        (func (export "http_endpoints") (param $out i32) (param i32) (result i32)
            (memory.copy (local.get $out) (i32.const 700) (i32.const {})) (i32.const {}))"#,
        endpoints.replace('"', "\\\""),
        endpoints.len(),
        endpoints.len()
    );
    let gone = format!(r#"(import "env" "sk_gone" (func $gone)) --- {START}"#);
    let strictly = |body: &str, capabilities: Capabilities, purpose: Purpose| {
        Drive::with_config(Fake::default(), guest(body), purpose, capabilities, |config| {
            config.rules.strict = true;
        })
    };
    let mut drive = strictly(&offers, Capabilities::NONE, Purpose::Run);
    let log = drive.server.take().join("\n");
    assert!(log.contains("its http_endpoints are refused"), "{log}");
    assert!(!log.contains("registers Http"), "{log}");
    assert_eq!(drive.said.last().unwrap(), "Started");

    let granted = Capabilities::NONE.with(Capability::HttpEndpoints);
    let log = strictly(&offers, granted, Purpose::Run).server.take().join("\n");
    assert!(log.contains("registers Http"), "{log}");

    let drive = strictly(&gone, Capabilities::NONE, Purpose::Run);
    let said = drive.said.last().unwrap();
    assert!(said.contains("imports what this server does not have: env.sk_gone"), "{said}");
    let drive = strictly(&gone, Capabilities::NONE, Purpose::Describe);
    assert!(drive.said[0].starts_with("described"), "{:?}", drive.said);
}

/// W21: a plugin speaks in its own name, and its labels are below it.
#[test]
fn w21_nobody_speaks_in_the_name_of_another() {
    assert_eq!(sources_of(|_| {}), ["p", "p.n2k", "p", "p.sub"]);
}

/// Plugin ABI D3 and D4: the owner may have a plugin called as on the reference server, and let it
/// say whose data it passes on.
#[test]
fn w21_the_owner_may_name_the_source_or_leave_it_to_the_plugin() {
    let named = sources_of(|rules| rules.source_name = Some("@x/old".to_owned()));
    assert_eq!(named, ["@x/old", "@x/old.n2k", "@x/old", "@x/old.sub"]);
    let lenient = sources_of(|rules| rules.lenient_source = true);
    assert_eq!(lenient, ["gps.GP", "(n2k)", "(p)", "p.sub"]);
}

/// The `$source` of four deltas: a foreign one, a label, a label that is none, one of its own; in
/// brackets the label where the server makes `$source` of it.
fn sources_of(change: impl FnOnce(&mut crate::Rules)) -> Vec<String> {
    let say = |at: usize, text: &str| {
        let data = text.replace('"', "\\\"");
        let call = format!("(call $emit (i32.const {at}) (i32.const {}))", text.len());
        (format!(r#"(data (i32.const {at}) "{data}")"#), call)
    };
    let values = r#""values":[{"path":"a.b","value":1}]"#;
    let (a, call_a) = say(1000, &format!(r#"{{"updates":[{{"$source":"gps.GP",{values}}}]}}"#));
    let (b, call_b) =
        say(1200, &format!(r#"{{"updates":[{{"source":{{"label":"n2k"}},{values}}}]}}"#));
    let (c, call_c) =
        say(1400, &format!(r#"{{"updates":[{{"source":{{"label":"a b"}},{values}}}]}}"#));
    let (d, call_d) = say(1600, &format!(r#"{{"updates":[{{"$source":"p.sub",{values}}}]}}"#));
    let body = format!(
        r#"{a}{b}{c}{d} (func (export "plugin_start") (param i32 i32) (result i32)
            {call_a} {call_b} {call_c} {call_d} (i32.const 0))"#
    );
    let granted = Capabilities::default();
    let mut drive =
        Drive::with_config(Fake::default(), guest(&body), Purpose::Run, granted, |config| {
            change(&mut config.rules);
        });
    let between =
        |line: &str, before: &str| line.split_once(before)?.1.split('"').next().map(str::to_owned);
    let trace = drive.server.take();
    let source = |line: &String| {
        between(line, r#""$source":""#)
            .or_else(|| between(line, r#""label":""#).map(|label| format!("({label})")))
    };
    trace.iter().filter_map(source).collect()
}

/// W24: an endpoint may say who may ask; by default admins.
#[test]
fn w24_an_endpoint_says_who_may_ask() {
    let endpoints = r#"[{"method":"GET","path":"/a","handler":"h"},{"method":"GET","path":"/b","handler":"h","access":"readonly"}]"#;
    let len = endpoints.len();
    let mut drive = run(&format!(
        r#"{START} (data (i32.const 1000) "{}")
        (func (export "http_endpoints") (param $out i32) (param i32) (result i32)
            (memory.copy (local.get $out) (i32.const 1000) (i32.const {len})) (i32.const {len}))"#,
        endpoints.replace('"', "\\\"")
    ));
    let log = drive.server.take().join("\n");
    assert!(log.contains("access: Admin") && log.contains("access: Readonly"), "{log}");
}

/// W25: memory, deltas and calls of a slice have limits, and what is over them is counted.
#[test]
fn w25_limits_hold_and_are_counted() {
    let body = r#"(func (export "plugin_start") (param i32 i32) (result i32)
            (local $i i32)
            (if (i32.ne (memory.grow (i32.const 60000)) (i32.const -1)) (then unreachable))
            (loop $more
                (call $emit (i32.const 100) (i32.const 51))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $more (i32.lt_u (local.get $i) (i32.const 1500))))
            (i32.const 0))"#;
    let mut drive = run(body);
    assert_eq!(drive.said.last().unwrap(), "Started");
    let counters = drive.session.counters();
    assert_eq!((counters.deltas_out, counters.deltas_out_dropped), (1000, 500));
    let said = drive.server.take().iter().filter(|line| line.contains("per second")).count();
    assert_eq!(said, 1, "the flooder is told once");

    let many = body.replace("1500", "12000");
    let drive = run(&many);
    assert!(drive.session.counters().deltas_out_dropped > 2000);
}

/// W28: what a `delta_handler` sends goes out when it has returned, so it never meets itself.
#[test]
fn w28_a_delta_handler_is_not_entered_by_its_own_deltas() {
    let mut drive = run(&format!(
        r#"{START} (global $inside (mut i32) (i32.const 0))
        (func (export "delta_handler") (param i32 i32)
            (if (global.get $inside) (then unreachable))
            (global.set $inside (i32.const 1))
            (call $emit (i32.const 100) (i32.const 51))
            (call $debug (i32.const 300) (i32.const 6))
            (global.set $inside (i32.const 0)))"#
    ));
    drive.deltas(None, &["{}"; 3]);
    let trace = drive.server.take();
    assert_eq!(trace.iter().filter(|line| line.contains(r#""path":"a.b""#)).count(), 3);
    assert_eq!(drive.said.last().unwrap(), "Started", "{trace:?}");
    assert_eq!(drive.session.counters().deltas_in, 3);
}

/// W29: while a call rests, others stand in line; each is made, in order, and alone.
#[test]
fn w29_calls_that_come_while_one_rests_are_made_afterwards_in_order() {
    let body = r#"(import "env" "sk_udp_create" (func $udp (param i32) (result i32)))
        (import "env" "sk_udp_bind" (func $bind (param i32 i32) (result i32)))
        ---
        (global $inside (mut i32) (i32.const 0))
        (func $enter (if (global.get $inside) (then unreachable)) (global.set $inside (i32.const 1)))
        (func $leave (global.set $inside (i32.const 0)))
        (func (export "plugin_start") (param i32 i32) (result i32) (i32.const 0))
        (func (export "poll") (result i32)
            (call $enter)
            (drop (call $bind (call $udp (i32.const 0)) (i32.const 0)))
            (call $debug (i32.const 300) (i32.const 6))
            (call $leave) (i32.const 0))
        (func (export "delta_handler") (param i32 i32)
            (call $enter) (call $debug (local.get 0) (local.get 1)) (call $leave))
        (func (export "h") (param i32 i32 i32 i32) (result i32)
            (call $enter) (call $debug (local.get 0) (local.get 1)) (call $leave) (i32.const 0))"#;
    let rights = Capabilities::default().with(Capability::RawSockets);
    let mut drive = Drive::new(guest(body), Purpose::Run, rights);
    drive.at(1000);
    for (id, request) in [(1, "one"), (2, "two")] {
        let handler = http("h", true);
        let call = HandlerCall { id: HandlerCallId(id), handler, request: request.into() };
        drive.input(Input::Handle(call));
    }
    drive.deltas(None, &["{}"]);
    assert_eq!(drive.server.take(), [""; 0], "everybody waits");
    let bound = Report::UdpBound { socket: crate::SocketId(1), result: Ok(5000) };
    drive.input(Input::Report(bound));
    drive.at(1010);
    assert_eq!(
        drive.server.take(),
        ["p debug: polled", "p debug: one", "p debug: two", "p debug: {}"]
    );
    let handled = drive.said.iter().filter(|said| said.starts_with("Handled")).count();
    assert_eq!((handled, drive.said.iter().any(|said| said.contains("crashed"))), (2, false));
}
