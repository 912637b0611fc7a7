//! Sockets of library guests: what they see, call by call, and what the edge is asked for.

use bytes::Bytes;

use super::*;
use crate::{ConnectionId, Datagram, SocketId, UdpOption};

const IMPORTS: &str = r#"
    (import "env" "sk_udp_create" (func $udp (param i32) (result i32)))
    (import "env" "sk_udp_bind" (func $bind (param i32 i32) (result i32)))
    (import "env" "sk_udp_join_multicast" (func $join (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "sk_udp_set_broadcast" (func $broadcast (param i32 i32) (result i32)))
    (import "env" "sk_udp_send" (func $send (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "env" "sk_udp_recv" (func $recv (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "sk_udp_pending" (func $pending (param i32) (result i32)))
    (import "env" "sk_udp_close" (func $close (param i32)))
    (import "env" "sk_tcp_create" (func $tcp (result i32)))
    (import "env" "sk_tcp_connect" (func $connect (param i32 i32 i32 i32) (result i32)))
    (import "env" "sk_tcp_connected" (func $connected (param i32) (result i32)))
    (import "env" "sk_tcp_send" (func $tcp_send (param i32 i32 i32) (result i32)))
    (import "env" "sk_tcp_recv_line" (func $line (param i32 i32 i32) (result i32)))
    (import "env" "sk_tcp_last_error" (func $error (param i32 i32 i32) (result i32)))
    (import "env" "sk_tcp_listen" (func $listen (param i32 i32 i32) (result i32)))
    (import "env" "sk_tcp_accept" (func $accept (param i32 i32 i32) (result i32)))
    (import "env" "sk_tcp_connect_tls" (func $tls (param i32 i32 i32 i32) (result i32)))
    ---
    (data (i32.const 400) "236.6.7.8")
    (data (i32.const 420) "172.31.3.4")
    (data (i32.const 440) "pilot")
    (func $say (param i32)
        (i32.store8 (i32.const 900) (i32.add (local.get 0) (i32.const 48)))
        (call $debug (i32.const 900) (i32.const 1)))
"#;

fn drive(body: &str, capabilities: Capabilities) -> Drive {
    Drive::new(guest(&format!("{IMPORTS} {body}")), Purpose::Run, capabilities)
}

fn granted() -> Capabilities {
    Capabilities::default().with(Capability::RawSockets)
}

impl Drive {
    /// Polls until it waits: what the edge is asked for.
    fn asked(&mut self, input: Option<Input>) -> Vec<Effect> {
        if let Some(input) = input {
            self.session.handle_input(self.now, input, &mut self.server);
        }
        self.poll();
        self.effects.drain(..).collect()
    }
}

fn datagrams(socket: u32, data: &[&'static [u8]]) -> Input {
    let from = "172.31.3.4:10010".parse().unwrap();
    let datagrams = data.iter().map(|data| Datagram { from, data: Bytes::from_static(data) });
    let report =
        Report::Datagrams { socket: SocketId(socket), datagrams: datagrams.collect(), dropped: 0 };
    Input::Report(report)
}

#[test]
fn w38_options_are_set_in_call_order_at_the_bind_and_the_bind_says_how_it_went() {
    for (result, seen) in [(Ok(10010), "p debug: 0"), (Err("in use".to_owned()), "p debug: /")] {
        let mut drive = drive(
            r#"(func (export "plugin_start") (param i32 i32) (result i32)
                 (drop (call $udp (i32.const 0)))
                 (drop (call $broadcast (i32.const 1) (i32.const 1)))
                 (drop (call $join (i32.const 1) (i32.const 400) (i32.const 9) (i32.const 420) (i32.const 10)))
                 (call $say (call $bind (i32.const 1) (i32.const 10010)))
                 (i32.const 0))"#,
            granted(),
        );
        let (group, interface) = ("236.6.7.8".to_owned(), "172.31.3.4".to_owned());
        let options = vec![UdpOption::Broadcast(true), UdpOption::Join { group, interface }];
        let bind = Effect::UdpBind { socket: SocketId(1), ipv6: false, port: 10010, options };
        assert_eq!(drive.asked(None), [bind]);
        assert!(!drive.said.contains(&"Started".to_owned()), "it rests");
        let report = Report::UdpBound { socket: SocketId(1), result };
        drive.asked(Some(Input::Report(report)));
        assert!(drive.said.contains(&"Started".to_owned()));
        assert!(drive.server.trace.contains(&seen.to_owned()), "{:?}", drive.server.trace);
    }
}

const ECHO: &str = r#"
    (func (export "plugin_start") (param i32 i32) (result i32)
        (drop (call $udp (i32.const 0)))
        (call $bind (i32.const 1) (i32.const 0)))"#;

fn bound(body: &str) -> Drive {
    let mut drive = drive(&format!("{ECHO} {body}"), granted());
    drive.asked(None);
    let report = Report::UdpBound { socket: SocketId(1), result: Ok(4711) };
    drive.asked(Some(Input::Report(report)));
    assert!(drive.said.contains(&"Started".to_owned()), "{:?}", drive.said);
    drive.server.take();
    drive
}

#[test]
fn a_guest_is_woken_by_datagrams_and_reads_whole_ones() {
    let mut drive = bound(
        r#"(func (export "on_datagram") (param $s i32) (local $n i32)
             (block $out (loop $more
               (br_if $out (i32.eqz (call $pending (local.get $s))))
               (local.set $n (call $recv (local.get $s) (i32.const 500) (i32.const 4) (i32.const 600) (i32.const 650)))
               (call $debug (i32.const 500) (local.get $n))
               (call $debug (i32.const 600) (i32.const 10))
               (call $say (i32.eq (i32.load16_u (i32.const 650)) (i32.const 10010)))
               (br $more))))"#,
    );
    drive.asked(Some(datagrams(1, &[b"abcdef", b"", b"xy"])));
    let trace = drive.server.take();
    let seen = |text: &str| format!("p debug: {text}");
    let mut expected = Vec::new();
    for data in ["abcd", "", "xy"] {
        expected.extend([seen(data), seen("172.31.3.4"), seen("1")]);
    }
    expected.retain(|line| line != "p debug: ");
    let mut trace = trace;
    trace.retain(|line| line != "p debug: ");
    assert_eq!(trace, expected, "a tail is lost, an empty one has a sender");
}

#[test]
fn w38_an_address_out_of_range_consumes_nothing() {
    for bad in [
        "(i32.const 500) (i32.const 9) (i32.const -2) (i32.const 650)",
        "(i32.const 500) (i32.const 9) (i32.const 600) (i32.const 262143)",
        "(i32.const 262143) (i32.const 9) (i32.const 600) (i32.const 650)",
    ] {
        let mut drive = bound(&format!(
            r#"(func (export "on_datagram") (param $s i32)
                 (call $say (call $recv (local.get $s) {bad}))
                 (call $say (call $pending (local.get $s))))"#
        ));
        drive.asked(Some(datagrams(1, &[b"abc"])));
        let trace = drive.server.take();
        assert!(trace.contains(&"p debug: /".to_owned()), "{trace:?}");
        assert!(trace.contains(&"p debug: 1".to_owned()), "{trace:?}");
        assert_eq!(drive.session.counters().guest_faults, 1);
    }
}

#[test]
fn datagrams_that_nobody_reads_are_dropped_and_counted() {
    let mut drive = bound("");
    for _ in 0..1003 {
        drive.asked(Some(datagrams(1, &[b"x"])));
    }
    assert_eq!(drive.session.counters().datagrams_dropped, 3);
}

/// W39: connection, lines, the last line, the error.
#[test]
fn w39_a_connection_as_a_guest_sees_it() {
    let mut drive = drive(
        r#"(func (export "plugin_start") (param i32 i32) (result i32)
             (drop (call $tcp))
             (call $say (call $tcp_send (i32.const 1) (i32.const 440) (i32.const 5)))
             (call $connect (i32.const 1) (i32.const 440) (i32.const 5) (i32.const 10110)))
           (func (export "on_tcp_data") (param $s i32) (local $n i32)
             (call $say (call $connected (local.get $s)))
             (block $out (loop $more
               (local.set $n (call $line (local.get $s) (i32.const 500) (i32.const 80)))
               (br_if $out (i32.le_s (local.get $n) (i32.const 0)))
               (call $debug (i32.const 500) (local.get $n))
               (br $more)))
             (call $debug (i32.const 700) (call $error (local.get $s) (i32.const 700) (i32.const 80))))"#,
        granted(),
    );
    let (socket, host) = (SocketId(1), "pilot".to_owned());
    assert_eq!(drive.asked(None), [Effect::TcpConnect { socket, host, port: 10110, tls: false }]);
    let mut news = |report| {
        drive.asked(Some(Input::Report(report)));
        let mut trace = drive.server.take();
        trace.retain(|line| line.len() > 9 && line.starts_with("p debug"));
        trace
    };
    let data =
        |text: &'static str| Report::TcpData { socket, data: Bytes::from_static(text.as_bytes()) };
    assert_eq!(
        news(Report::Connected { socket, result: Ok(String::new()) }),
        ["p debug: /", "p debug: 1"]
    );
    assert_eq!(news(data("one\r\ntw")), ["p debug: 1", "p debug: one"]);
    let closed = Report::Closed { socket, error: Some("reset".into()), close: None };
    assert_eq!(news(closed), ["p debug: 0", "p debug: tw", "p debug: reset"]);
}

/// F56: a guest listens, is woken by who comes, and talks to them.
#[test]
fn f56_connections_that_come_as_a_guest_sees_them() {
    let mut drive = drive(
        r#"(func (export "plugin_start") (param i32 i32) (result i32)
             (call $say (call $listen (i32.const 0) (i32.const 0) (i32.const 0)))
             (call $say (call $listen (i32.const 0) (i32.const 0) (i32.const 10111)))
             (call $say (call $accept (i32.const 1) (i32.const 600) (i32.const 650)))
             (i32.const 0))
           (func (export "on_tcp_accept") (param $l i32) (local $s i32)
             (call $say (call $accept (local.get $l) (i32.const -2) (i32.const 650)))
             (local.set $s (call $accept (local.get $l) (i32.const 600) (i32.const 650)))
             (call $debug (i32.const 600) (i32.const 10))
             (call $say (i32.eq (i32.load16_u (i32.const 650)) (i32.const 10010)))
             (call $say (call $tcp_send (local.get $s) (i32.const 440) (i32.const 5))))"#,
        granted(),
    );
    let (socket, at) = (SocketId(1), "127.0.0.1:10111".parse().unwrap());
    assert_eq!(drive.asked(None), [Effect::TcpListen { socket, at }]);
    assert!(!drive.said.contains(&"Started".to_owned()), "it rests until it listens");
    let report = Report::Listening { socket, result: Ok(at) };
    drive.asked(Some(Input::Report(report)));
    assert!(drive.said.contains(&"Started".to_owned()), "{:?}", drive.said);
    let says = |drive: &mut Drive| {
        let mut trace = drive.server.take();
        trace.retain(|line| line.starts_with("p debug"));
        trace
    };
    assert_eq!(says(&mut drive), ["p debug: /", "p debug: 1", "p debug: 0"]);
    let (connection, from) = (ConnectionId(3), "172.31.3.4:10010".parse().unwrap());
    let report = Report::Accepted { listener: socket, connection, from };
    let asked = drive.asked(Some(Input::Report(report)));
    let (listener, socket, data) = (socket, SocketId(2), Bytes::from_static(b"pilot"));
    assert_eq!(
        asked,
        [Effect::TcpAccept { listener, connection, socket }, Effect::TcpSend { socket, data }]
    );
    assert_eq!(
        says(&mut drive),
        ["p debug: /", "p debug: 172.31.3.4", "p debug: 1", "p debug: 5"],
        "what cannot be written accepts nobody"
    );
    assert_eq!(drive.session.counters().tcp_accepted, 1);
    assert_eq!(drive.session.counters().guest_faults, 1);
}

#[test]
fn f56_a_guest_asks_for_tls() {
    let mut drive = drive(
        r#"(func (export "plugin_start") (param i32 i32) (result i32)
             (drop (call $tcp))
             (call $tls (i32.const 1) (i32.const 440) (i32.const 5) (i32.const 443)))"#,
        granted(),
    );
    let (socket, host) = (SocketId(1), "pilot".to_owned());
    assert_eq!(drive.asked(None), [Effect::TcpConnect { socket, host, port: 443, tls: true }]);
}

/// Plugin ABI 4.9, 15.12: without `rawSockets` every function has its failure value.
#[test]
fn denied_every_socket_function_answers_its_failure_value() {
    let mut drive = drive(
        r#"(func (export "plugin_start") (param i32 i32) (result i32)
             (call $say (call $udp (i32.const 0)))
             (call $say (call $bind (i32.const 1) (i32.const 0)))
             (call $say (call $pending (i32.const 1)))
             (call $close (i32.const 1))
             (call $say (call $tcp))
             (call $say (call $error (i32.const 1) (i32.const 0) (i32.const 9)))
             (call $say (call $listen (i32.const 0) (i32.const 0) (i32.const 10111)))
             (call $say (call $accept (i32.const 1) (i32.const 600) (i32.const 650)))
             (call $say (call $tls (i32.const 1) (i32.const 440) (i32.const 5) (i32.const 443)))
             (i32.const 0))"#,
        Capabilities::default(),
    );
    assert_eq!(drive.asked(None), []);
    let trace = drive.server.take();
    assert_eq!(trace.iter().filter(|line| *line == "p debug: /").count(), 8, "{trace:?}");
    let said = "plugin `p`: `sk_udp_create` needs the capability `rawSockets`; add \"rawSockets\": true to wasmCapabilities in its package.json";
    assert!(trace.iter().any(|line| line.contains(said)), "{trace:?}");
    assert_eq!(drive.session.counters().host_call_errors, 9);
}
