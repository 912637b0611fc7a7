//! What JSON-RPC plugins, who import nothing but WASI, call instead of each import.

use std::collections::BTreeSet;

use signalk_bridge::methods::METHODS;

use crate::call::Faults;
use crate::spec::Spec;

/// How they do what an import does.
#[derive(Debug, Clone, Copy)]
enum Instead {
    /// By this method, and how.
    Method(&'static str, &'static str),
    /// By this call of WASI, and how.
    Wasi(&'static str, &'static str),
    /// They are told, by this.
    Told(&'static str),
    /// Not at all, and why.
    Never(&'static str),
}

use Instead::{Method, Never, Told, Wasi};

const NOT_SERVED: Instead = Never("not served, to nobody");
const STDERR: Instead = Wasi("fd_write", " to standard error");
const CLOCK: Instead = Wasi("clock_time_get", "");
const RECEIVED: Instead = Told("the notification `udp.received`");

/// In the order of the specification.
const ROWS: &[(&str, Instead)] = &[
    ("sk_debug", Method("log", "")),
    ("sk_set_status", Method("status.set", "")),
    ("sk_set_error", Method("status.error", "")),
    ("sk_get_self_path", Method("paths.get", "")),
    ("sk_get_path", Method("paths.get", "")),
    ("sk_handle_message", Method("deltas.emit", "")),
    ("sk_publish_notification", Method("notifications.raise", "")),
    ("sk_read_config", Method("options.read", "")),
    ("sk_save_config", Method("options.save", "")),
    ("sk_has_capability", Told("`capabilities` in `initialize`")),
    ("sk_register_put_handler", Method("put.register", "")),
    ("sk_register_resource_provider", Method("resources.register", "")),
    ("sk_register_weather_provider", Method("weather.register", "")),
    ("sk_register_radar_provider", Method("radar.register", "")),
    ("sk_emit_binary_stream", Method("streams.emit", "")),
    ("sk_radar_emit_spokes", Method("streams.emit", "")),
    ("sk_udp_create", Method("udp.create", "")),
    ("sk_udp_bind", Method("udp.bind", "")),
    ("sk_udp_join_multicast", Method("udp.join", "")),
    ("sk_udp_leave_multicast", Method("udp.leave", "")),
    ("sk_udp_set_multicast_ttl", Method("udp.set", " with `multicastTtl`")),
    ("sk_udp_set_multicast_loopback", Method("udp.set", " with `multicastLoopback`")),
    ("sk_udp_set_broadcast", Method("udp.set", " with `broadcast`")),
    ("sk_udp_send", Method("udp.send", "")),
    ("sk_udp_recv", RECEIVED),
    ("sk_udp_pending", RECEIVED),
    ("sk_udp_close", Method("udp.close", "")),
    ("sk_tcp_create", Method("tcp.connect", "")),
    ("sk_tcp_connect", Method("tcp.connect", "")),
    ("sk_tcp_connected", Method("tcp.connect", ", which answers then")),
    ("sk_tcp_set_line_buffering", Method("tcp.connect", " with `lines`")),
    ("sk_tcp_send", Method("tcp.send", "")),
    ("sk_tcp_recv_line", Method("tcp.receive", "")),
    ("sk_tcp_recv_raw", Method("tcp.receive", "")),
    ("sk_tcp_pending", Method("tcp.receive", ", which answers then")),
    ("sk_tcp_close", Method("tcp.close", "")),
    ("sk_exec_command", Never("never")),
    ("sk_subscribe_events", NOT_SERVED),
    ("sk_emit_event", NOT_SERVED),
    ("sk_get_allowed_event_types", NOT_SERVED),
    ("sk_log_debug", Method("log", "")),
    ("sk_log_info", Method("log", "")),
    ("sk_log_warn", Method("log", "")),
    ("sk_emit_delta", Method("deltas.emit", "")),
    ("sk_set_plugin_error", Method("status.error", "")),
    ("sk_udp_recv_from", RECEIVED),
    ("abort", Wasi("proc_exit", " after a line on standard error")),
    ("seed", Wasi("random_get", "")),
    ("trace", STDERR),
    ("console.log", STDERR),
    ("console.debug", STDERR),
    ("console.info", STDERR),
    ("console.warn", STDERR),
    ("console.error", STDERR),
    ("console.time", CLOCK),
    ("console.timeLog", CLOCK),
    ("console.timeEnd", CLOCK),
    ("console.assert", STDERR),
    ("Date.now", CLOCK),
    ("performance.now", CLOCK),
    ("process.exit", Wasi("proc_exit", "")),
    ("Math.random", Wasi("random_get", "")),
    ("_initAsyncify", Never("no need: calls rest in the host")),
    ("_fetchGETSync", Method("http.request", "")),
    ("_fetchPOSTSync", Method("http.request", "")),
    ("_fetchGET", Method("http.request", "")),
    ("_fetchPOST", Method("http.request", "")),
];

/// Import and what stands for it, for each of the specification; what is named has to exist.
pub(crate) fn rows(spec: &Spec, faults: &mut Faults) -> Vec<(String, String)> {
    let of = |wasi: bool| {
        let all = spec.imports.iter().filter(move |import| is_wasi(&import.module) == wasi);
        all.map(|import| import.name.as_str())
    };
    let (known, wasi): (BTreeSet<_>, BTreeSet<_>) = (of(false).collect(), of(true).collect());
    let named: BTreeSet<_> = ROWS.iter().map(|(import, _)| *import).collect();
    let mut demand = |holds: bool, name: &str, what: &str| {
        if !holds {
            faults.push(format!("instead.rs: `{name}` {what}"));
        }
    };
    for name in known.symmetric_difference(&named) {
        demand(false, name, "stands in only one of plugin-abi.json and instead.rs");
    }
    for (_, instead) in ROWS {
        match instead {
            Method(name, _) => {
                let is_there = METHODS.iter().any(|method| method.name == *name);
                demand(is_there, name, "is no method");
            }
            Wasi(name, _) => demand(wasi.contains(name), name, "is no call of WASI"),
            Told(_) | Never(_) => {}
        }
    }
    let rows = ROWS.iter().map(|(import, instead)| (format!("`{import}`"), show(*instead)));
    rows.collect()
}

fn is_wasi(module: &str) -> bool {
    module == "wasi_snapshot_preview1"
}

fn show(instead: Instead) -> String {
    match instead {
        Method(name, how) | Wasi(name, how) => format!("`{name}`{how}"),
        Told(words) | Never(words) => words.to_owned(),
    }
}
