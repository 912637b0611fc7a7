/* Every import that c_everything.c has, with the types of plugin ABI chapter 4
 * and of EXTENSIONS.md. */

#define I int32_t
#define J int64_t
#define D double

/* Kinds of results: none, a number, a float, of which is told whether it is one from zero on. */
#define V_TYPE void
#define N_TYPE I
#define F_TYPE D
#define V_RESULT(call) ((call), 0)
#define N_RESULT(call) (call)
#define F_RESULT(call) ((call) >= 0)

/* Arguments in their number; C makes each what the import declares. */
#define A0 ()
#define A1 (n[0])
#define A2 (n[0], n[1])
#define A3 (n[0], n[1], n[2])
#define A4 (n[0], n[1], n[2], n[3])
#define A5 (n[0], n[1], n[2], n[3], n[4])
#define A6 (n[0], n[1], n[2], n[3], n[4], n[5])
#define A7 (n[0], n[1], n[2], n[3], n[4], n[5], n[6])
#define A8 (n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7])
#define A9 (n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8])

#define ENV_MODULE "env"
#define WASI_MODULE "wasi_snapshot_preview1"

#define DECLARE(kind, module, name, function, types, arguments) \
	extern __attribute__((import_module(module##_MODULE), import_name(name))) kind##_TYPE function types;
#define RUN(kind, module, name_, function, types, arguments) \
	if (strcmp(name, name_) == 0) return kind##_RESULT(function arguments);

#define ENV_CALLS(X) \
	X(V, ENV, "sk_debug", env_sk_debug, (I, I), A2) \
	X(V, ENV, "sk_set_status", env_sk_set_status, (I, I), A2) \
	X(V, ENV, "sk_set_error", env_sk_set_error, (I, I), A2) \
	X(N, ENV, "sk_get_self_path", env_sk_get_self_path, (I, I, I, I), A4) \
	X(N, ENV, "sk_get_path", env_sk_get_path, (I, I, I, I), A4) \
	X(V, ENV, "sk_handle_message", env_sk_handle_message, (I, I, I), A3) \
	X(N, ENV, "sk_publish_notification", env_sk_publish_notification, (I, I, I, I), A4) \
	X(N, ENV, "sk_read_config", env_sk_read_config, (I, I), A2) \
	X(N, ENV, "sk_save_config", env_sk_save_config, (I, I), A2) \
	X(N, ENV, "sk_has_capability", env_sk_has_capability, (I, I), A2) \
	X(N, ENV, "sk_register_put_handler", env_sk_register_put_handler, (I, I, I, I), A4) \
	X(N, ENV, "sk_register_resource_provider", env_sk_register_resource_provider, (I, I), A2) \
	X(N, ENV, "sk_register_weather_provider", env_sk_register_weather_provider, (I, I), A2) \
	X(N, ENV, "sk_register_radar_provider", env_sk_register_radar_provider, (I, I), A2) \
	X(N, ENV, "sk_emit_binary_stream", env_sk_emit_binary_stream, (I, I, I, I), A4) \
	X(N, ENV, "sk_radar_emit_spokes", env_sk_radar_emit_spokes, (I, I, I, I), A4) \
	X(N, ENV, "sk_udp_create", env_sk_udp_create, (I), A1) \
	X(N, ENV, "sk_udp_bind", env_sk_udp_bind, (I, I), A2) \
	X(N, ENV, "sk_udp_join_multicast", env_sk_udp_join_multicast, (I, I, I, I, I), A5) \
	X(N, ENV, "sk_udp_leave_multicast", env_sk_udp_leave_multicast, (I, I, I, I, I), A5) \
	X(N, ENV, "sk_udp_set_multicast_ttl", env_sk_udp_set_multicast_ttl, (I, I), A2) \
	X(N, ENV, "sk_udp_set_multicast_loopback", env_sk_udp_set_multicast_loopback, (I, I), A2) \
	X(N, ENV, "sk_udp_set_broadcast", env_sk_udp_set_broadcast, (I, I), A2) \
	X(N, ENV, "sk_udp_send", env_sk_udp_send, (I, I, I, I, I, I), A6) \
	X(N, ENV, "sk_udp_recv", env_sk_udp_recv, (I, I, I, I, I), A5) \
	X(N, ENV, "sk_udp_pending", env_sk_udp_pending, (I), A1) \
	X(V, ENV, "sk_udp_close", env_sk_udp_close, (I), A1) \
	X(N, ENV, "sk_tcp_create", env_sk_tcp_create, (void), A0) \
	X(N, ENV, "sk_tcp_connect", env_sk_tcp_connect, (I, I, I, I), A4) \
	X(N, ENV, "sk_tcp_connected", env_sk_tcp_connected, (I), A1) \
	X(N, ENV, "sk_tcp_set_line_buffering", env_sk_tcp_set_line_buffering, (I, I), A2) \
	X(N, ENV, "sk_tcp_send", env_sk_tcp_send, (I, I, I), A3) \
	X(N, ENV, "sk_tcp_recv_line", env_sk_tcp_recv_line, (I, I, I), A3) \
	X(N, ENV, "sk_tcp_recv_raw", env_sk_tcp_recv_raw, (I, I, I), A3) \
	X(N, ENV, "sk_tcp_pending", env_sk_tcp_pending, (I), A1) \
	X(V, ENV, "sk_tcp_close", env_sk_tcp_close, (I), A1) \
	X(N, ENV, "sk_exec_command", env_sk_exec_command, (I, I, I, I), A4) \
	X(N, ENV, "sk_subscribe_events", env_sk_subscribe_events, (I, I), A2) \
	X(N, ENV, "sk_emit_event", env_sk_emit_event, (I, I, I, I), A4) \
	X(N, ENV, "sk_get_allowed_event_types", env_sk_get_allowed_event_types, (I, I), A2) \
	X(V, ENV, "sk_log_debug", env_sk_log_debug, (I, I), A2) \
	X(V, ENV, "sk_log_info", env_sk_log_info, (I, I), A2) \
	X(V, ENV, "sk_log_warn", env_sk_log_warn, (I, I), A2) \
	X(V, ENV, "sk_emit_delta", env_sk_emit_delta, (I, I), A2) \
	X(V, ENV, "sk_set_plugin_error", env_sk_set_plugin_error, (I, I), A2) \
	X(N, ENV, "sk_udp_recv_from", env_sk_udp_recv_from, (I, I, I, I, I), A5) \
	X(N, ENV, "sk_http_request", env_sk_http_request, (I, I, I, I), A4) \
	X(N, ENV, "sk_http_response", env_sk_http_response, (I, I), A2) \
	X(N, ENV, "sk_http_last_error", env_sk_http_last_error, (I, I), A2) \
	X(N, ENV, "sk_http_open", env_sk_http_open, (I, I), A2) \
	X(N, ENV, "sk_http_send", env_sk_http_send, (I, I, I), A3) \
	X(N, ENV, "sk_http_finish", env_sk_http_finish, (I, I, I), A3) \
	X(N, ENV, "sk_http_read", env_sk_http_read, (I, I, I), A3) \
	X(N, ENV, "sk_http_close", env_sk_http_close, (I), A1) \
	X(N, ENV, "sk_ws_connect", env_sk_ws_connect, (I, I, I, I), A4) \
	X(N, ENV, "sk_ws_send", env_sk_ws_send, (I, I, I, I), A4) \
	X(N, ENV, "sk_ws_receive", env_sk_ws_receive, (I, I, I, I, I), A5) \
	X(N, ENV, "sk_ws_close", env_sk_ws_close, (I, I), A2) \
	X(N, ENV, "sk_tcp_connect_tls", env_sk_tcp_connect_tls, (I, I, I, I), A4) \
	X(N, ENV, "sk_tcp_listen", env_sk_tcp_listen, (I, I, I), A3) \
	X(N, ENV, "sk_tcp_accept", env_sk_tcp_accept, (I, I, I), A3) \
	X(N, ENV, "sk_tcp_last_error", env_sk_tcp_last_error, (I, I, I), A3) \
	X(N, ENV, "sk_register_delta_input_handler", env_sk_register_delta_input_handler, (I, I), A2) \
	X(N, ENV, "sk_call", env_sk_call, (I, I, I, I, I, I), A6) \
	X(N, ENV, "sk_call_answer", env_sk_call_answer, (I, I), A2) \
	X(N, ENV, "sk_call_error", env_sk_call_error, (I, I), A2) \
	X(V, ENV, "abort", env_as_abort, (I, I, I, I), A4) \
	X(F, ENV, "seed", env_as_seed, (void), A0) \
	X(V, ENV, "trace", env_as_trace, (I, I, D, D, D, D, D), A7) \
	X(V, ENV, "console.log", env_console_log, (I), A1) \
	X(V, ENV, "console.debug", env_console_debug, (I), A1) \
	X(V, ENV, "console.info", env_console_info, (I), A1) \
	X(V, ENV, "console.warn", env_console_warn, (I), A1) \
	X(V, ENV, "console.error", env_console_error, (I), A1) \
	X(V, ENV, "console.time", env_console_time, (I), A1) \
	X(V, ENV, "console.timeLog", env_console_time_log, (I), A1) \
	X(V, ENV, "console.timeEnd", env_console_time_end, (I), A1) \
	X(V, ENV, "console.assert", env_console_assert, (I, I), A2) \
	X(F, ENV, "Date.now", env_date_now, (void), A0) \
	X(F, ENV, "performance.now", env_performance_now, (void), A0) \
	X(V, ENV, "process.exit", env_process_exit, (I), A1) \
	X(F, ENV, "Math.random", env_math_random, (void), A0)

#define WASI_CALLS(X) \
	X(N, WASI, "args_get", wasi_args_get, (I, I), A2) \
	X(N, WASI, "args_sizes_get", wasi_args_sizes_get, (I, I), A2) \
	X(N, WASI, "environ_get", wasi_environ_get, (I, I), A2) \
	X(N, WASI, "environ_sizes_get", wasi_environ_sizes_get, (I, I), A2) \
	X(N, WASI, "clock_res_get", wasi_clock_res_get, (I, I), A2) \
	X(N, WASI, "clock_time_get", wasi_clock_time_get, (I, J, I), A3) \
	X(N, WASI, "fd_advise", wasi_fd_advise, (I, J, J, I), A4) \
	X(N, WASI, "fd_allocate", wasi_fd_allocate, (I, J, J), A3) \
	X(N, WASI, "fd_close", wasi_fd_close, (I), A1) \
	X(N, WASI, "fd_datasync", wasi_fd_datasync, (I), A1) \
	X(N, WASI, "fd_fdstat_get", wasi_fd_fdstat_get, (I, I), A2) \
	X(N, WASI, "fd_fdstat_set_flags", wasi_fd_fdstat_set_flags, (I, I), A2) \
	X(N, WASI, "fd_fdstat_set_rights", wasi_fd_fdstat_set_rights, (I, J, J), A3) \
	X(N, WASI, "fd_filestat_get", wasi_fd_filestat_get, (I, I), A2) \
	X(N, WASI, "fd_filestat_set_size", wasi_fd_filestat_set_size, (I, J), A2) \
	X(N, WASI, "fd_filestat_set_times", wasi_fd_filestat_set_times, (I, J, J, I), A4) \
	X(N, WASI, "fd_pread", wasi_fd_pread, (I, I, I, J, I), A5) \
	X(N, WASI, "fd_prestat_get", wasi_fd_prestat_get, (I, I), A2) \
	X(N, WASI, "fd_prestat_dir_name", wasi_fd_prestat_dir_name, (I, I, I), A3) \
	X(N, WASI, "fd_pwrite", wasi_fd_pwrite, (I, I, I, J, I), A5) \
	X(N, WASI, "fd_read", wasi_fd_read, (I, I, I, I), A4) \
	X(N, WASI, "fd_readdir", wasi_fd_readdir, (I, I, I, J, I), A5) \
	X(N, WASI, "fd_renumber", wasi_fd_renumber, (I, I), A2) \
	X(N, WASI, "fd_seek", wasi_fd_seek, (I, J, I, I), A4) \
	X(N, WASI, "fd_sync", wasi_fd_sync, (I), A1) \
	X(N, WASI, "fd_tell", wasi_fd_tell, (I, I), A2) \
	X(N, WASI, "fd_write", wasi_fd_write, (I, I, I, I), A4) \
	X(N, WASI, "path_create_directory", wasi_path_create_directory, (I, I, I), A3) \
	X(N, WASI, "path_filestat_get", wasi_path_filestat_get, (I, I, I, I, I), A5) \
	X(N, WASI, "path_filestat_set_times", wasi_path_filestat_set_times, (I, I, I, I, J, J, I), A7) \
	X(N, WASI, "path_link", wasi_path_link, (I, I, I, I, I, I, I), A7) \
	X(N, WASI, "path_open", wasi_path_open, (I, I, I, I, I, J, J, I, I), A9) \
	X(N, WASI, "path_readlink", wasi_path_readlink, (I, I, I, I, I, I), A6) \
	X(N, WASI, "path_remove_directory", wasi_path_remove_directory, (I, I, I), A3) \
	X(N, WASI, "path_rename", wasi_path_rename, (I, I, I, I, I, I), A6) \
	X(N, WASI, "path_symlink", wasi_path_symlink, (I, I, I, I, I), A5) \
	X(N, WASI, "path_unlink_file", wasi_path_unlink_file, (I, I, I), A3) \
	X(N, WASI, "poll_oneoff", wasi_poll_oneoff, (I, I, I, I), A4) \
	X(N, WASI, "proc_raise", wasi_proc_raise, (I), A1) \
	X(N, WASI, "sched_yield", wasi_sched_yield, (void), A0) \
	X(N, WASI, "random_get", wasi_random_get, (I, I), A2) \
	X(N, WASI, "sock_accept", wasi_sock_accept, (I, I, I), A3) \
	X(N, WASI, "sock_recv", wasi_sock_recv, (I, I, I, I, I, I), A6) \
	X(N, WASI, "sock_send", wasi_sock_send, (I, I, I, I, I), A5) \
	X(N, WASI, "sock_shutdown", wasi_sock_shutdown, (I, I), A2) \
	X(V, WASI, "proc_exit", wasi_proc_exit, (I), A1)

ENV_CALLS(DECLARE)
WASI_CALLS(DECLARE)
