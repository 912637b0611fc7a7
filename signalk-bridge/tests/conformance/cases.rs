//! One call of each function of `env` and `as-fetch`, with arguments that make it succeed, and what
//! has to come of it.

use crate::guest::Arg::{self, Float, Headers, Number as N, Object, Out, Room, Script, Text};

/// One function, called well.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) setup: &'static str,
    pub(crate) args: &'static [Arg],
    pub(crate) gives: Gives,
    /// Part of the one thing that the server or the world saw; `""`: they saw nothing.
    pub(crate) does: &'static str,
}

/// What the call answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Gives {
    Nothing,
    /// A number.
    Is(i64),
    /// The number of bytes of this text, which is in the buffer.
    Wrote(&'static str),
    /// An object with this text.
    Object(&'static str),
    /// A float from here to below there.
    Between(f64, f64),
    /// The plugin ends, with these words.
    Ends(&'static str),
}

const UDP: &str = "(drop (call $udp (i32.const 0)))";
const BOUND: &str =
    "(drop (call $udp (i32.const 0))) (drop (call $bind (i32.const 1) (i32.const 5000)))";
const TCP: &str = "(drop (call $tcp))";
/// The text at 12320 is no address, but a name: the world connects anyway.
const CONNECTED: &str = "(drop (call $tcp)) (drop (call $connect (i32.const 1) (i32.const 12320) (i32.const 4) (i32.const 10110)))";
const RAW: &str = "(drop (call $tcp)) (drop (call $lines (i32.const 1) (i32.const 0))) (drop (call $connect (i32.const 1) (i32.const 12320) (i32.const 4) (i32.const 10110)))";
const RADAR: &str = "(drop (call $radar (i32.const 12320) (i32.const 4)))";

const DELTA: &str = r#"{"updates":[{"values":[{"path":"a.b","value":1}]}]}"#;
const ALARM: &str = r#"{"state":"alarm","method":[],"message":"!"}"#;

macro_rules! cases {
    ($($name:literal $(after $setup:ident)? ($($arg:expr),*) => $gives:expr, $does:literal;)*) => {
        &[$(Case {
            name: $name,
            setup: cases!(@setup $($setup)?),
            args: &[$($arg),*],
            gives: $gives,
            does: $does,
        },)*]
    };
    (@setup) => { "" };
    (@setup $setup:ident) => { $setup };
}

use Gives::{Between, Ends, Is, Nothing, Object as Gave, Wrote};

/// In the order of the specification.
pub(crate) const CASES: &[Case] = cases! {
    "sk_debug"(Text("hello")) => Nothing, "p debug: hello";
    "sk_set_status"(Text("fine")) => Nothing, "p Ok(\"fine\")";
    "sk_set_error"(Text("no GPS")) => Nothing, "p Error(\"no GPS\")";
    "sk_get_self_path"(Text("navigation.speedOverGround"), Room(64)) => Wrote(r#"{"value":3.1}"#), "";
    "sk_get_path"(Text("vessels.self.navigation.speedOverGround"), Room(64)) => Wrote(r#"{"value":3.1}"#), "";
    "sk_handle_message"(Text(DELTA), N(2)) => Nothing, r#""path":"a.b","value":1"#;
    "sk_publish_notification"(Text("notifications.x"), Text(ALARM)) => Is(0), r#""path":"notifications.x""#;
    "sk_read_config"(Room(64)) => Wrote(r#"{"radius":30}"#), "";
    "sk_save_config"(Text(r#"{"radius":40}"#)) => Is(0), r#"p save {"radius":40}"#;
    "sk_has_capability"(Text("network")) => Is(1), "";
    "sk_register_put_handler"(Text("vessels.self"), Text("a.b")) => Is(1), "registers Put";
    "sk_register_resource_provider"(Text("fishing")) => Is(1), "registers Resources";
    "sk_register_weather_provider"(Text("Sky")) => Is(1), "registers Weather";
    "sk_register_radar_provider"(Text("Halo")) => Is(1), "registers Radar";
    "sk_emit_binary_stream"(Text("plugins/p/x"), Text("bytes")) => Is(1), "p emits 5 bytes to plugins/p/x";
    "sk_radar_emit_spokes" after RADAR (Text("r0"), Text("bytes")) => Is(1), "p emits 5 bytes to radars/r0";
    "sk_udp_create"(N(0)) => Is(1), "";
    "sk_udp_bind" after UDP (N(1), N(5000)) => Is(0), "UdpBind";
    "sk_udp_join_multicast" after BOUND (N(1), Text("236.6.7.8"), Text("172.31.3.1")) => Is(0), "UdpSet";
    "sk_udp_leave_multicast" after BOUND (N(1), Text("236.6.7.8"), Text("172.31.3.1")) => Is(0), "UdpSet";
    "sk_udp_set_multicast_ttl" after BOUND (N(1), N(4)) => Is(0), "UdpSet";
    "sk_udp_set_multicast_loopback" after BOUND (N(1), N(1)) => Is(0), "UdpSet";
    "sk_udp_set_broadcast" after BOUND (N(1), N(1)) => Is(0), "UdpSet";
    "sk_udp_send" after BOUND (N(1), Text("172.31.3.4"), N(10010), Text("hello")) => Is(5), "UdpSend";
    "sk_udp_recv" after BOUND (N(1), Room(16), Out(46), Out(2)) => Wrote("first"), "";
    "sk_udp_pending" after BOUND (N(1)) => Is(2), "";
    "sk_udp_close" after BOUND (N(1)) => Nothing, "Close";
    "sk_tcp_create"() => Is(1), "";
    "sk_tcp_connect" after TCP (N(1), Text("172.31.3.4"), N(10110)) => Is(0), "TcpConnect";
    "sk_tcp_connected" after CONNECTED (N(1)) => Is(1), "";
    "sk_tcp_set_line_buffering" after CONNECTED (N(1), N(0)) => Is(0), "";
    "sk_tcp_send" after CONNECTED (N(1), Text("hello")) => Is(5), "TcpSend";
    "sk_tcp_recv_line" after CONNECTED (N(1), Room(16)) => Wrote("one"), "";
    "sk_tcp_recv_raw" after RAW (N(1), Room(16)) => Wrote("one\r\ntwo\r\n"), "Taken";
    "sk_tcp_pending" after CONNECTED (N(1)) => Is(2), "";
    "sk_tcp_close" after CONNECTED (N(1)) => Nothing, "Close";
    "sk_exec_command"(Text("journalctl"), Room(64)) => Is(0), "`sk_exec_command` is not served";
    "sk_subscribe_events"(Text("[]")) => Is(0), "`sk_subscribe_events` is not served";
    "sk_emit_event"(Text("X"), Text("{}")) => Is(0), "`sk_emit_event` is not served";
    "sk_get_allowed_event_types"(Room(64)) => Is(0), "`sk_get_allowed_event_types` is not served";
    "sk_log_debug"(Text("hello")) => Nothing, "p debug: hello";
    "sk_log_info"(Text("hello")) => Nothing, "p debug: hello";
    "sk_log_warn"(Text("hello")) => Nothing, "p warn: hello";
    "sk_emit_delta"(Text(DELTA)) => Nothing, r#""path":"a.b","value":1"#;
    "sk_set_plugin_error"(Text("no GPS")) => Nothing, "p Error(\"no GPS\")";
    "sk_udp_recv_from" after BOUND (N(1), Room(16), Out(46), Out(2)) => Wrote("first"), "";
    "abort"(Script("broken"), Script("a.ts"), N(3), N(4)) => Ends("abort: broken at a.ts:3:4"), "";
    "seed"() => Between(0.0, 1.0), "";
    "trace"(Script("two"), N(2), Float(1.5), Float(-2.0), Float(0.0), Float(0.0), Float(0.0)) => Nothing, "p debug: two 1.5 -2";
    "console.log"(Script("hello")) => Nothing, "p debug: hello";
    "console.debug"(Script("hello")) => Nothing, "p debug: hello";
    "console.info"(Script("hello")) => Nothing, "p info: hello";
    "console.warn"(Script("hello")) => Nothing, "p warn: hello";
    "console.error"(Script("hello")) => Nothing, "p error: hello";
    "console.time"(Script("t")) => Nothing, "";
    "console.timeLog"(Script("t")) => Nothing, "";
    "console.timeEnd"(Script("t")) => Nothing, "";
    "console.assert"(N(0), Script("hello")) => Nothing, "p error: Assertion failed: hello";
    "Date.now"() => Between(0.0, 1e14), "";
    "performance.now"() => Between(0.0, 1e14), "";
    "process.exit"(N(7)) => Ends("exited with code 7"), "";
    "Math.random"() => Between(0.0, 1.0), "";
    "_initAsyncify"(Out(8), N(0)) => Nothing, "";
    "_fetchGETSync"(Script("http://a.b/x"), N(1), Headers) => Gave("GET b\"\""), "http://a.b/x";
    "_fetchPOSTSync"(Script("http://a.b/x"), N(1), Headers, Object("body")) => Gave("POST b\"body\""), "http://a.b/x";
    "_fetchGET"(Script("http://a.b/x"), N(1), Headers, N(5)) => Nothing, "http://a.b/x";
    "_fetchPOST"(Script("http://a.b/x"), N(1), Headers, Object("body"), N(5)) => Nothing, "http://a.b/x";
};

/// `console.log` declared as `(i32,i32)` gets UTF-8.
pub(crate) const CONSOLE_LOG_UTF8: &[Arg] = &[Text("hello")];

/// The case of a function.
pub(crate) fn case(name: &str) -> &'static Case {
    CASES
        .iter()
        .find(|case| case.name == name)
        .unwrap_or_else(|| panic!("`{name}` of plugin-abi.json has no case; add one to cases.rs"))
}
