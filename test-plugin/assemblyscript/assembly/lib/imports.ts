// Every `sk_*` import of plugin ABI chapter 4, by name and with plain numbers: what the SDK does not
// declare, authors declare themselves, like this.

@external("env", "sk_debug")
declare function sk_debug(a: i32, b: i32): void
@external("env", "sk_set_status")
declare function sk_set_status(a: i32, b: i32): void
@external("env", "sk_set_error")
declare function sk_set_error(a: i32, b: i32): void
@external("env", "sk_get_self_path")
declare function sk_get_self_path(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_get_path")
declare function sk_get_path(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_handle_message")
declare function sk_handle_message(a: i32, b: i32, c: i32): void
@external("env", "sk_publish_notification")
declare function sk_publish_notification(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_read_config")
declare function sk_read_config(a: i32, b: i32): i32
@external("env", "sk_save_config")
declare function sk_save_config(a: i32, b: i32): i32
@external("env", "sk_has_capability")
declare function sk_has_capability(a: i32, b: i32): i32
@external("env", "sk_register_put_handler")
declare function sk_register_put_handler(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_register_resource_provider")
declare function sk_register_resource_provider(a: i32, b: i32): i32
@external("env", "sk_register_weather_provider")
declare function sk_register_weather_provider(a: i32, b: i32): i32
@external("env", "sk_register_radar_provider")
declare function sk_register_radar_provider(a: i32, b: i32): i32
@external("env", "sk_emit_binary_stream")
declare function sk_emit_binary_stream(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_radar_emit_spokes")
declare function sk_radar_emit_spokes(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_udp_create")
declare function sk_udp_create(a: i32): i32
@external("env", "sk_udp_bind")
declare function sk_udp_bind(a: i32, b: i32): i32
@external("env", "sk_udp_join_multicast")
declare function sk_udp_join_multicast(a: i32, b: i32, c: i32, d: i32, e: i32): i32
@external("env", "sk_udp_leave_multicast")
declare function sk_udp_leave_multicast(a: i32, b: i32, c: i32, d: i32, e: i32): i32
@external("env", "sk_udp_set_multicast_ttl")
declare function sk_udp_set_multicast_ttl(a: i32, b: i32): i32
@external("env", "sk_udp_set_multicast_loopback")
declare function sk_udp_set_multicast_loopback(a: i32, b: i32): i32
@external("env", "sk_udp_set_broadcast")
declare function sk_udp_set_broadcast(a: i32, b: i32): i32
@external("env", "sk_udp_send")
declare function sk_udp_send(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32): i32
@external("env", "sk_udp_recv")
declare function sk_udp_recv(a: i32, b: i32, c: i32, d: i32, e: i32): i32
@external("env", "sk_udp_pending")
declare function sk_udp_pending(a: i32): i32
@external("env", "sk_udp_close")
declare function sk_udp_close(a: i32): void
@external("env", "sk_tcp_create")
declare function sk_tcp_create(): i32
@external("env", "sk_tcp_connect")
declare function sk_tcp_connect(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_tcp_connected")
declare function sk_tcp_connected(a: i32): i32
@external("env", "sk_tcp_set_line_buffering")
declare function sk_tcp_set_line_buffering(a: i32, b: i32): i32
@external("env", "sk_tcp_send")
declare function sk_tcp_send(a: i32, b: i32, c: i32): i32
@external("env", "sk_tcp_recv_line")
declare function sk_tcp_recv_line(a: i32, b: i32, c: i32): i32
@external("env", "sk_tcp_recv_raw")
declare function sk_tcp_recv_raw(a: i32, b: i32, c: i32): i32
@external("env", "sk_tcp_pending")
declare function sk_tcp_pending(a: i32): i32
@external("env", "sk_tcp_close")
declare function sk_tcp_close(a: i32): void
// Of this host only (EXTENSIONS.md).
@external("env", "sk_http_request")
declare function sk_http_request(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_http_response")
declare function sk_http_response(a: i32, b: i32): i32
@external("env", "sk_http_last_error")
declare function sk_http_last_error(a: i32, b: i32): i32
@external("env", "sk_http_open")
declare function sk_http_open(a: i32, b: i32): i32
@external("env", "sk_http_send")
declare function sk_http_send(a: i32, b: i32, c: i32): i32
@external("env", "sk_http_finish")
declare function sk_http_finish(a: i32, b: i32, c: i32): i32
@external("env", "sk_http_read")
declare function sk_http_read(a: i32, b: i32, c: i32): i32
@external("env", "sk_http_close")
declare function sk_http_close(a: i32): i32
@external("env", "sk_ws_connect")
declare function sk_ws_connect(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_ws_send")
declare function sk_ws_send(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_ws_receive")
declare function sk_ws_receive(a: i32, b: i32, c: i32, d: i32, e: i32): i32
@external("env", "sk_ws_close")
declare function sk_ws_close(a: i32, b: i32): i32
@external("env", "sk_tcp_connect_tls")
declare function sk_tcp_connect_tls(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_tcp_listen")
declare function sk_tcp_listen(a: i32, b: i32, c: i32): i32
@external("env", "sk_tcp_accept")
declare function sk_tcp_accept(a: i32, b: i32, c: i32): i32
@external("env", "sk_tcp_last_error")
declare function sk_tcp_last_error(a: i32, b: i32, c: i32): i32
@external("env", "sk_register_delta_input_handler")
declare function sk_register_delta_input_handler(a: i32, b: i32): i32
@external("env", "sk_call")
declare function sk_call(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32): i32
@external("env", "sk_call_answer")
declare function sk_call_answer(a: i32, b: i32): i32
@external("env", "sk_call_error")
declare function sk_call_error(a: i32, b: i32): i32
@external("env", "sk_exec_command")
declare function sk_exec_command(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_subscribe_events")
declare function sk_subscribe_events(a: i32, b: i32): i32
@external("env", "sk_emit_event")
declare function sk_emit_event(a: i32, b: i32, c: i32, d: i32): i32
@external("env", "sk_get_allowed_event_types")
declare function sk_get_allowed_event_types(a: i32, b: i32): i32
@external("env", "sk_log_debug")
declare function sk_log_debug(a: i32, b: i32): void
@external("env", "sk_log_info")
declare function sk_log_info(a: i32, b: i32): void
@external("env", "sk_log_warn")
declare function sk_log_warn(a: i32, b: i32): void
@external("env", "sk_emit_delta")
declare function sk_emit_delta(a: i32, b: i32): void
@external("env", "sk_set_plugin_error")
declare function sk_set_plugin_error(a: i32, b: i32): void
@external("env", "sk_udp_recv_from")
declare function sk_udp_recv_from(a: i32, b: i32, c: i32, d: i32, e: i32): i32

/** Calls the import of this name with as many numbers as it takes; -1000: there is none. */
export function call(name: string, n: StaticArray<i32>): i32 {
  if (name == 'sk_debug') {
    sk_debug(n[0], n[1])
    return 0
  }
  if (name == 'sk_set_status') {
    sk_set_status(n[0], n[1])
    return 0
  }
  if (name == 'sk_set_error') {
    sk_set_error(n[0], n[1])
    return 0
  }
  if (name == 'sk_get_self_path') return sk_get_self_path(n[0], n[1], n[2], n[3])
  if (name == 'sk_get_path') return sk_get_path(n[0], n[1], n[2], n[3])
  if (name == 'sk_handle_message') {
    sk_handle_message(n[0], n[1], n[2])
    return 0
  }
  if (name == 'sk_publish_notification') return sk_publish_notification(n[0], n[1], n[2], n[3])
  if (name == 'sk_read_config') return sk_read_config(n[0], n[1])
  if (name == 'sk_save_config') return sk_save_config(n[0], n[1])
  if (name == 'sk_has_capability') return sk_has_capability(n[0], n[1])
  if (name == 'sk_register_put_handler') return sk_register_put_handler(n[0], n[1], n[2], n[3])
  if (name == 'sk_register_resource_provider') return sk_register_resource_provider(n[0], n[1])
  if (name == 'sk_register_weather_provider') return sk_register_weather_provider(n[0], n[1])
  if (name == 'sk_register_radar_provider') return sk_register_radar_provider(n[0], n[1])
  if (name == 'sk_emit_binary_stream') return sk_emit_binary_stream(n[0], n[1], n[2], n[3])
  if (name == 'sk_radar_emit_spokes') return sk_radar_emit_spokes(n[0], n[1], n[2], n[3])
  if (name == 'sk_udp_create') return sk_udp_create(n[0])
  if (name == 'sk_udp_bind') return sk_udp_bind(n[0], n[1])
  if (name == 'sk_udp_join_multicast') return sk_udp_join_multicast(n[0], n[1], n[2], n[3], n[4])
  if (name == 'sk_udp_leave_multicast') return sk_udp_leave_multicast(n[0], n[1], n[2], n[3], n[4])
  if (name == 'sk_udp_set_multicast_ttl') return sk_udp_set_multicast_ttl(n[0], n[1])
  if (name == 'sk_udp_set_multicast_loopback') return sk_udp_set_multicast_loopback(n[0], n[1])
  if (name == 'sk_udp_set_broadcast') return sk_udp_set_broadcast(n[0], n[1])
  if (name == 'sk_udp_send') return sk_udp_send(n[0], n[1], n[2], n[3], n[4], n[5])
  if (name == 'sk_udp_recv') return sk_udp_recv(n[0], n[1], n[2], n[3], n[4])
  if (name == 'sk_udp_pending') return sk_udp_pending(n[0])
  if (name == 'sk_udp_close') {
    sk_udp_close(n[0])
    return 0
  }
  if (name == 'sk_tcp_create') return sk_tcp_create()
  if (name == 'sk_tcp_connect') return sk_tcp_connect(n[0], n[1], n[2], n[3])
  if (name == 'sk_tcp_connected') return sk_tcp_connected(n[0])
  if (name == 'sk_tcp_set_line_buffering') return sk_tcp_set_line_buffering(n[0], n[1])
  if (name == 'sk_tcp_send') return sk_tcp_send(n[0], n[1], n[2])
  if (name == 'sk_tcp_recv_line') return sk_tcp_recv_line(n[0], n[1], n[2])
  if (name == 'sk_tcp_recv_raw') return sk_tcp_recv_raw(n[0], n[1], n[2])
  if (name == 'sk_tcp_pending') return sk_tcp_pending(n[0])
  if (name == 'sk_tcp_close') {
    sk_tcp_close(n[0])
    return 0
  }
  if (name == 'sk_exec_command') return sk_exec_command(n[0], n[1], n[2], n[3])
  if (name == 'sk_subscribe_events') return sk_subscribe_events(n[0], n[1])
  if (name == 'sk_emit_event') return sk_emit_event(n[0], n[1], n[2], n[3])
  if (name == 'sk_get_allowed_event_types') return sk_get_allowed_event_types(n[0], n[1])
  if (name == 'sk_log_debug') {
    sk_log_debug(n[0], n[1])
    return 0
  }
  if (name == 'sk_log_info') {
    sk_log_info(n[0], n[1])
    return 0
  }
  if (name == 'sk_log_warn') {
    sk_log_warn(n[0], n[1])
    return 0
  }
  if (name == 'sk_emit_delta') {
    sk_emit_delta(n[0], n[1])
    return 0
  }
  if (name == 'sk_set_plugin_error') {
    sk_set_plugin_error(n[0], n[1])
    return 0
  }
  if (name == 'sk_udp_recv_from') return sk_udp_recv_from(n[0], n[1], n[2], n[3], n[4])
  if (name == 'sk_http_request') return sk_http_request(n[0], n[1], n[2], n[3])
  if (name == 'sk_http_response') return sk_http_response(n[0], n[1])
  if (name == 'sk_http_last_error') return sk_http_last_error(n[0], n[1])
  if (name == 'sk_http_open') return sk_http_open(n[0], n[1])
  if (name == 'sk_http_send') return sk_http_send(n[0], n[1], n[2])
  if (name == 'sk_http_finish') return sk_http_finish(n[0], n[1], n[2])
  if (name == 'sk_http_read') return sk_http_read(n[0], n[1], n[2])
  if (name == 'sk_http_close') return sk_http_close(n[0])
  if (name == 'sk_ws_connect') return sk_ws_connect(n[0], n[1], n[2], n[3])
  if (name == 'sk_ws_send') return sk_ws_send(n[0], n[1], n[2], n[3])
  if (name == 'sk_ws_receive') return sk_ws_receive(n[0], n[1], n[2], n[3], n[4])
  if (name == 'sk_ws_close') return sk_ws_close(n[0], n[1])
  if (name == 'sk_tcp_connect_tls') return sk_tcp_connect_tls(n[0], n[1], n[2], n[3])
  if (name == 'sk_tcp_listen') return sk_tcp_listen(n[0], n[1], n[2])
  if (name == 'sk_tcp_accept') return sk_tcp_accept(n[0], n[1], n[2])
  if (name == 'sk_tcp_last_error') return sk_tcp_last_error(n[0], n[1], n[2])
  if (name == 'sk_register_delta_input_handler') return sk_register_delta_input_handler(n[0], n[1])
  if (name == 'sk_call') return sk_call(n[0], n[1], n[2], n[3], n[4], n[5])
  if (name == 'sk_call_answer') return sk_call_answer(n[0], n[1])
  if (name == 'sk_call_error') return sk_call_error(n[0], n[1])
  return -1000
}
