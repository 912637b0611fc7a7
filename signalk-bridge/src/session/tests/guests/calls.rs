//! What the guests are asked to call: every import by its name, and what each answers.
//!
//! Arguments are written as `test-plugin/buffer/src/script.rs` reads them. The order matters: what one call makes the
//! next uses, socket 1 and 2, descriptor 4.

use serde_json::{Value, json};

/// One call, what it answers with every right, and what without any.
pub(super) struct Call {
    pub(super) call: Value,
    pub(super) granted: i32,
    pub(super) denied: i32,
}

impl Call {
    pub(super) fn name(&self) -> &str {
        self.call[0].as_str().unwrap_or_default()
    }
}

fn all(rows: Vec<(Value, i32, i32)>) -> Vec<Call> {
    rows.into_iter().map(|(call, granted, denied)| Call { call, granted, denied }).collect()
}

/// The 46 functions of the server.
pub(super) fn server() -> Vec<Call> {
    let delta = r#"{"updates":[{"values":[{"path":"a.b","value":1}]}]}"#;
    let (max, from, port) = (json!({ "max": 16 }), json!({ "out": 46 }), json!({ "out": 2 }));
    all(vec![
        (json!(["sk_debug", "x"]), 0, 0),
        (json!(["sk_log_debug", "x"]), 0, 0),
        (json!(["sk_log_info", "x"]), 0, 0),
        (json!(["sk_log_warn", "x"]), 0, 0),
        (json!(["sk_set_status", "x"]), 0, 0),
        (json!(["sk_set_error", "x"]), 0, 0),
        (json!(["sk_set_plugin_error", "x"]), 0, 0),
        (json!(["sk_handle_message", delta, 1]), 0, 0),
        (json!(["sk_emit_delta", delta]), 0, 0),
        (json!(["sk_publish_notification", "notifications.x", r#"{"state":"alarm"}"#]), 0, -1),
        (json!(["sk_get_self_path", "navigation.speedOverGround", { "max": 64 }]), 13, 0),
        (json!(["sk_get_path", "vessels.self.navigation.speedOverGround", { "max": 64 }]), 13, 0),
        (json!(["sk_save_config", "{}"]), 0, 0),
        (json!(["sk_read_config", max]), 2, 2),
        (json!(["sk_has_capability", "network"]), 1, 0),
        (json!(["sk_register_put_handler", "vessels.self", "a.b"]), 1, 0),
        (json!(["sk_register_resource_provider", "fishing"]), 1, 0),
        (json!(["sk_register_weather_provider", "Sky"]), 1, 0),
        (json!(["sk_register_radar_provider", "Halo"]), 1, 0),
        (json!(["sk_emit_binary_stream", "plugins/p/x", "b"]), 1, 1),
        (json!(["sk_emit_binary_stream", "plugins/q/x", "b"]), 0, 0),
        // Not before the start has completed (plugin ABI 4.8).
        (json!(["sk_radar_emit_spokes", "r0", "b"]), 0, 0),
        (json!(["sk_udp_create", 0]), 1, -1),
        (json!(["sk_udp_set_broadcast", 1, 1]), 0, -1),
        (json!(["sk_udp_bind", 1, 5000]), 0, -1),
        (json!(["sk_udp_join_multicast", 1, "236.6.7.8", "172.31.3.1"]), 0, -1),
        (json!(["sk_udp_leave_multicast", 1, "236.6.7.8", "172.31.3.1"]), 0, -1),
        (json!(["sk_udp_set_multicast_ttl", 1, 4]), 0, -1),
        (json!(["sk_udp_set_multicast_loopback", 1, 1]), 0, -1),
        (json!(["sk_udp_send", 1, "172.31.3.4", 10010, "hello"]), 5, -1),
        (json!(["sk_udp_pending", 1]), 0, -1),
        (json!(["sk_udp_recv", 1, max, from, port]), 0, -1),
        (json!(["sk_udp_recv_from", 1, max, from, port]), 0, -1),
        (json!(["sk_udp_send", 77, "172.31.3.4", 10010, "wrong id"]), -1, -1),
        (json!(["sk_udp_close", 1]), 0, 0),
        (json!(["sk_udp_close", 1]), 0, 0),
        (json!(["sk_udp_send", 1, "172.31.3.4", 10010, "closed"]), -1, -1),
        (json!(["sk_tcp_create"]), 2, -1),
        (json!(["sk_tcp_set_line_buffering", 2, 1]), 0, -1),
        (json!(["sk_tcp_connect", 2, "172.31.3.4", 10110]), 0, -1),
        (json!(["sk_tcp_connect", 2, "172.31.3.4", 10110]), -1, -1),
        (json!(["sk_tcp_connected", 2]), 0, -1),
        (json!(["sk_tcp_send", 2, "too soon"]), -1, -1),
        (json!(["sk_tcp_recv_line", 2, max]), 0, -1),
        (json!(["sk_tcp_recv_raw", 2, max]), 0, -1),
        (json!(["sk_tcp_pending", 2]), 0, -1),
        (json!(["sk_tcp_close", 2]), 0, 0),
        (json!(["sk_tcp_close", 2]), 0, 0),
        (json!(["sk_tcp_connected", 2]), -1, -1),
        (json!(["sk_exec_command", "journalctl", max]), 0, 0),
        (json!(["sk_subscribe_events", "[]"]), 0, 0),
        (json!(["sk_emit_event", "X", "{}"]), 0, 0),
        (json!(["sk_get_allowed_event_types", max]), 0, 0),
    ])
}

/// The functions that only this host has. The world of [`super::started`] answers them; against real servers:
/// `signalk-host/tests/network`. Those of the network answer something else with rights than without.
pub(super) fn web() -> Vec<Call> {
    let (max, from, port) = (json!({ "max": 16 }), json!({ "out": 46 }), json!({ "out": 2 }));
    let [whole, begun] =
        [super::ANSWER, super::HEAD].map(|text| i32::try_from(text.len()).unwrap());
    all(vec![
        (json!(["sk_tcp_create"]), 3, -1),
        (json!(["sk_tcp_connect_tls", 3, "pilot.local", 443]), 0, -1),
        (json!(["sk_tcp_listen", "127.0.0.1", 5001]), 4, -1),
        // While it rests, the connection is made and somebody comes.
        (json!(["sk_http_request", r#"{"url":"http://a.b"}"#, max]), whole, -1),
        (json!(["sk_http_response", { "max": 256 }]), whole, -1),
        (json!(["sk_http_request", r#"{"url":"file:///etc/passwd"}"#, max]), -1, -1),
        (json!(["sk_http_open", r#"{"url":"http://a.b","method":"POST","stream":true}"#]), 2, -1),
        (json!(["sk_http_send", 2, "x"]), 1, -1),
        (json!(["sk_http_finish", 2, max]), begun, -1),
        (json!(["sk_http_read", 2, max]), 8, -1),
        (json!(["sk_http_close", 2]), 0, -1),
        (json!(["sk_http_close", 2]), 0, -1),
        (json!(["sk_http_send", 77, "x"]), -1, -1),
        (json!(["sk_http_last_error", max]), 16, -1),
        (json!(["sk_tcp_send", 3, "hello"]), 5, -1),
        (json!(["sk_tcp_last_error", 3, max]), 0, -1),
        (json!(["sk_tcp_accept", 4, from, port]), 5, -1),
        (json!(["sk_tcp_accept", 77, from, port]), -1, -1),
        (json!(["sk_ws_connect", "ws://a.b", "{}"]), 6, -1),
        (json!(["sk_ws_send", 6, "x", 1]), 1, -1),
        (json!(["sk_ws_receive", 6, max, 60_000, { "out": 1 }]), 5, -1),
        (json!(["sk_ws_close", 6, 1000]), 0, -1),
        (json!(["sk_ws_send", 6, "closed", 1]), -1, -1),
        // They have no handler that could be asked.
        (json!(["sk_register_delta_input_handler", r#"{"paths":["*"]}"#]), 0, 0),
    ])
}

/// Calls by name: `null`, a refusal without rights, an answer that does not fit and is read.
pub(super) fn by_name() -> Vec<Call> {
    let max = |bytes: u32| json!({ "max": bytes });
    all(vec![
        (json!(["sk_call", "status.set", r#"{"message":"fine"}"#, max(16)]), 4, 4),
        (json!(["sk_call", "meta.set", r#"{"path":"a.b","meta":{"units":"K"}}"#, max(16)]), 4, -1),
        (json!(["sk_call", "options.read", "{}", max(1)]), 2, 2),
        (json!(["sk_call_answer", max(2)]), 2, 2),
        (json!(["sk_call_answer", max(2)]), -1, -1),
        (json!(["sk_call", "no.such", "", max(16)]), -1, -1),
    ])
}

/// What the compiler of AssemblyScript imports, called by plugins in other languages. A float is 1. Those that end the
/// plugin are not here.
pub(super) fn assemblyscript() -> Vec<Call> {
    let text = json!({ "script": "x" });
    all(vec![
        (json!(["trace", text, 2, 1, -2, 0, 0, 0]), 0, 0),
        (json!(["console.log", text]), 0, 0),
        (json!(["console.debug", text]), 0, 0),
        (json!(["console.info", text]), 0, 0),
        (json!(["console.warn", text]), 0, 0),
        (json!(["console.error", text]), 0, 0),
        (json!(["console.time", text]), 0, 0),
        (json!(["console.timeLog", text]), 0, 0),
        (json!(["console.timeEnd", text]), 0, 0),
        (json!(["console.assert", 0, text]), 0, 0),
        (json!(["seed"]), 1, 1),
        (json!(["Math.random"]), 1, 1),
        (json!(["Date.now"]), 1, 1),
        (json!(["performance.now"]), 1, 1),
    ])
}

/// The calls of WASI but `proc_exit`. Without `storage` there is no descriptor 3: errno 8.
pub(super) fn wasi() -> Vec<Call> {
    let out = |bytes: u32| json!({ "out": bytes });
    let four = json!({ "iov": "four" });
    let max = |bytes: u32| json!({ "max": bytes });
    let (a, b, new) = ("data/new/a", "data/new/b", "data/new");
    let rights = 0x1fff_ffff;
    all(vec![
        (json!(["args_sizes_get", out(4), out(4)]), 0, 0),
        (json!(["args_get", out(4), out(4)]), 0, 0),
        (json!(["environ_sizes_get", out(4), out(4)]), 0, 0),
        (json!(["environ_get", out(16), out(128)]), 0, 0),
        (json!(["clock_res_get", 1, out(8)]), 0, 0),
        (json!(["clock_time_get", 0, 1, out(8)]), 0, 0),
        (json!(["random_get", max(8)]), 0, 0),
        (json!(["sched_yield"]), 0, 0),
        (json!(["proc_raise", 0]), 0, 0),
        (json!(["poll_oneoff", out(48), out(32), 1, out(4)]), 0, 0),
        (json!(["fd_prestat_get", 3, out(8)]), 0, 8),
        (json!(["fd_prestat_dir_name", 3, max(1)]), 0, 8),
        (json!(["path_create_directory", 3, new]), 0, 8),
        // 9: made if it is not there, emptied if it is.
        (json!(["path_open", 3, 0, a, 9, rights, rights, 0, out(4)]), 0, 8),
        (json!(["fd_write", 4, four, 1, out(4)]), 0, 8),
        (json!(["fd_allocate", 4, 0, 16]), 0, 8),
        (json!(["fd_pwrite", 4, four, 1, 4, out(4)]), 0, 8),
        (json!(["fd_pread", 4, four, 1, 1, out(4)]), 0, 8),
        (json!(["fd_seek", 4, 1, 0, out(8)]), 0, 8),
        (json!(["fd_tell", 4, out(8)]), 0, 8),
        (json!(["fd_read", 4, four, 1, out(4)]), 0, 8),
        (json!(["fd_advise", 4, 0, 4, 0]), 0, 8),
        (json!(["fd_datasync", 4]), 0, 8),
        (json!(["fd_sync", 4]), 0, 8),
        (json!(["fd_fdstat_get", 4, out(24)]), 0, 8),
        (json!(["fd_fdstat_set_flags", 4, 0]), 0, 8),
        (json!(["fd_filestat_get", 4, out(64)]), 0, 8),
        (json!(["fd_filestat_set_size", 4, 2]), 0, 8),
        // 5: both times as given, not now.
        (json!(["fd_filestat_set_times", 4, 1000, 2000, 5]), 0, 8),
        (json!(["fd_renumber", 4, 4]), 0, 8),
        (json!(["fd_fdstat_set_rights", 4, 0, 0]), 0, 8),
        (json!(["fd_close", 4]), 0, 8),
        (json!(["fd_close", 4]), 8, 8),
        (json!(["fd_readdir", 3, max(256), 0, out(4)]), 0, 8),
        (json!(["path_filestat_get", 3, 0, a, out(64)]), 0, 8),
        (json!(["path_filestat_set_times", 3, 0, a, 1000, 2000, 5]), 0, 8),
        (json!(["path_link", 3, 0, a, 3, b]), 0, 8),
        (json!(["path_rename", 3, b, 3, "data/new/c"]), 0, 8),
        (json!(["path_unlink_file", 3, "data/new/c"]), 0, 8),
        // 58: links that point to names are not supported.
        (json!(["path_symlink", "a", 3, b]), 58, 8),
        (json!(["path_readlink", 3, b, max(16), out(4)]), 44, 8),
        (json!(["path_unlink_file", 3, a]), 0, 8),
        (json!(["path_remove_directory", 3, new]), 0, 8),
        // 58: a standard stream is no socket, and others do not come by WASI.
        (json!(["sock_accept", 1, 0, out(4)]), 58, 58),
        (json!(["sock_recv", 1, four, 1, 0, out(4), out(4)]), 58, 58),
        (json!(["sock_send", 1, four, 1, 0, out(4)]), 58, 58),
        (json!(["sock_shutdown", 1, 0]), 58, 58),
    ])
}
