//! Every import of plugin ABI chapter 4 by its name, with the types of the specification: the 62 of
//! `env`, AssemblyScript's own among them, and the 46 of WASI, of which a standard library makes half;
//! and what this host has beyond it (EXTENSIONS.md).
//! With `abi.rs` the files of this crate that have unsafe code.
#![allow(unsafe_code)]

/// What an import gives back, as one number.
trait Returned {
    fn number(self) -> i32;
}

impl Returned for () {
    fn number(self) -> i32 {
        0
    }
}

impl Returned for i32 {
    fn number(self) -> i32 {
        self
    }
}

/// A clock or a random number: 1 if it is one from zero on.
impl Returned for f64 {
    fn number(self) -> i32 {
        i32::from(self >= 0.0)
    }
}

/// A whole number as an argument of this type.
trait Given {
    fn given(number: i64) -> Self;
}

impl Given for i32 {
    fn given(number: i64) -> Self {
        number as i32
    }
}

impl Given for i64 {
    fn given(number: i64) -> Self {
        number
    }
}

impl Given for f64 {
    fn given(number: i64) -> Self {
        number as f64
    }
}

macro_rules! named {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident $link:literal) => {
        $link
    };
}

macro_rules! imports {
    ($module:literal $call:ident
        $($name:ident $(= $link:literal)? ($($argument:ident: $of:ty),*) $(-> $result:ty)?;)*) => {
        #[link(wasm_import_module = $module)]
        unsafe extern "C" {
            $($(#[link_name = $link])? pub(crate) fn $name($($argument: $of),*) $(-> $result)?;)*
        }

        fn $call(name: &str, arguments: &[i64]) -> Option<i32> {
            match (name, arguments) {
                $((named!($name $($link)?), &[$($argument),*]) => {
                    // SAFETY: the host checks every address; a test wants to see that it does.
                    Some(unsafe { $name($(Given::given($argument)),*) }.number())
                })*
                _ => None,
            }
        }
    };
}

/// Calls the import of this name; `None`: there is none with so many arguments.
#[must_use]
pub fn call(name: &str, arguments: &[i64]) -> Option<i32> {
    env(name, arguments).or_else(|| wasi(name, arguments)).or_else(|| extension(name, arguments))
}

imports! {
    "env" extension
    sk_tcp_connect_tls(id: i32, address: i32, address_len: i32, port: i32) -> i32;
    sk_tcp_listen(address: i32, address_len: i32, port: i32) -> i32;
    sk_tcp_accept(id: i32, address_out: i32, port_out: i32) -> i32;
    sk_tcp_last_error(id: i32, out: i32, max: i32) -> i32;
    sk_register_delta_input_handler(wish: i32, len: i32) -> i32;
}

imports! {
    "env" env
    sk_debug(text: i32, len: i32);
    sk_set_status(text: i32, len: i32);
    sk_set_error(text: i32, len: i32);
    sk_get_self_path(path: i32, len: i32, out: i32, max: i32) -> i32;
    sk_get_path(path: i32, len: i32, out: i32, max: i32) -> i32;
    sk_handle_message(delta: i32, len: i32, version: i32);
    sk_publish_notification(path: i32, path_len: i32, value: i32, value_len: i32) -> i32;
    sk_read_config(out: i32, max: i32) -> i32;
    sk_save_config(json: i32, len: i32) -> i32;
    sk_has_capability(name: i32, len: i32) -> i32;
    sk_register_put_handler(context: i32, context_len: i32, path: i32, path_len: i32) -> i32;
    sk_register_resource_provider(kind: i32, len: i32) -> i32;
    sk_register_weather_provider(name: i32, len: i32) -> i32;
    sk_register_radar_provider(name: i32, len: i32) -> i32;
    sk_emit_binary_stream(stream: i32, stream_len: i32, data: i32, data_len: i32) -> i32;
    sk_radar_emit_spokes(radar: i32, radar_len: i32, data: i32, data_len: i32) -> i32;
    sk_udp_create(kind: i32) -> i32;
    sk_udp_bind(id: i32, port: i32) -> i32;
    sk_udp_join_multicast(id: i32, group: i32, group_len: i32, interface: i32, interface_len: i32) -> i32;
    sk_udp_leave_multicast(id: i32, group: i32, group_len: i32, interface: i32, interface_len: i32) -> i32;
    sk_udp_set_multicast_ttl(id: i32, ttl: i32) -> i32;
    sk_udp_set_multicast_loopback(id: i32, on: i32) -> i32;
    sk_udp_set_broadcast(id: i32, on: i32) -> i32;
    sk_udp_send(id: i32, address: i32, address_len: i32, port: i32, data: i32, data_len: i32) -> i32;
    sk_udp_recv(id: i32, out: i32, max: i32, address_out: i32, port_out: i32) -> i32;
    sk_udp_pending(id: i32) -> i32;
    sk_udp_close(id: i32);
    sk_tcp_create() -> i32;
    sk_tcp_connect(id: i32, address: i32, address_len: i32, port: i32) -> i32;
    sk_tcp_connected(id: i32) -> i32;
    sk_tcp_set_line_buffering(id: i32, on: i32) -> i32;
    sk_tcp_send(id: i32, data: i32, len: i32) -> i32;
    sk_tcp_recv_line(id: i32, out: i32, max: i32) -> i32;
    sk_tcp_recv_raw(id: i32, out: i32, max: i32) -> i32;
    sk_tcp_pending(id: i32) -> i32;
    sk_tcp_close(id: i32);
    // Once proposed or mistaken names; plugins that have them exist, and must load.
    sk_exec_command(command: i32, len: i32, out: i32, max: i32) -> i32;
    sk_subscribe_events(json: i32, len: i32) -> i32;
    sk_emit_event(kind: i32, kind_len: i32, data: i32, data_len: i32) -> i32;
    sk_get_allowed_event_types(out: i32, max: i32) -> i32;
    sk_log_debug(text: i32, len: i32);
    sk_log_info(text: i32, len: i32);
    sk_log_warn(text: i32, len: i32);
    sk_emit_delta(delta: i32, len: i32);
    sk_set_plugin_error(text: i32, len: i32);
    sk_udp_recv_from(id: i32, out: i32, max: i32, address_out: i32, port_out: i32) -> i32;
    // Of this host only (EXTENSIONS.md).
    sk_http_request(request: i32, len: i32, out: i32, max: i32) -> i32;
    sk_http_response(out: i32, max: i32) -> i32;
    sk_http_last_error(out: i32, max: i32) -> i32;
    sk_http_open(request: i32, len: i32) -> i32;
    sk_http_send(id: i32, data: i32, len: i32) -> i32;
    sk_http_finish(id: i32, out: i32, max: i32) -> i32;
    sk_http_read(id: i32, out: i32, max: i32) -> i32;
    sk_http_close(id: i32) -> i32;
    sk_ws_connect(url: i32, url_len: i32, options: i32, options_len: i32) -> i32;
    sk_ws_send(id: i32, data: i32, len: i32, binary: i32) -> i32;
    sk_ws_receive(id: i32, out: i32, max: i32, timeout: i32, kind_out: i32) -> i32;
    sk_ws_close(id: i32, code: i32) -> i32;
    sk_call(method: i32, method_len: i32, params: i32, params_len: i32, out: i32, max: i32) -> i32;
    sk_call_answer(out: i32, max: i32) -> i32;
    sk_call_error(out: i32, max: i32) -> i32;
    // AssemblyScript's own, which take its strings.
    as_abort = "abort"(message: i32, file: i32, line: i32, column: i32);
    as_seed = "seed"() -> f64;
    as_trace = "trace"(message: i32, count: i32, a: f64, b: f64, c: f64, d: f64, e: f64);
    console_log = "console.log"(text: i32);
    console_debug = "console.debug"(text: i32);
    console_info = "console.info"(text: i32);
    console_warn = "console.warn"(text: i32);
    console_error = "console.error"(text: i32);
    console_time = "console.time"(label: i32);
    console_time_log = "console.timeLog"(label: i32);
    console_time_end = "console.timeEnd"(label: i32);
    console_assert = "console.assert"(holds: i32, message: i32);
    date_now = "Date.now"() -> f64;
    performance_now = "performance.now"() -> f64;
    process_exit = "process.exit"(code: i32);
    math_random = "Math.random"() -> f64;
}

imports! {
    "wasi_snapshot_preview1" wasi
    args_get(argv: i32, buf: i32) -> i32;
    args_sizes_get(count: i32, size: i32) -> i32;
    environ_get(environ: i32, buf: i32) -> i32;
    environ_sizes_get(count: i32, size: i32) -> i32;
    clock_res_get(id: i32, out: i32) -> i32;
    clock_time_get(id: i32, precision: i64, out: i32) -> i32;
    fd_advise(fd: i32, offset: i64, len: i64, advice: i32) -> i32;
    fd_allocate(fd: i32, offset: i64, len: i64) -> i32;
    fd_close(fd: i32) -> i32;
    fd_datasync(fd: i32) -> i32;
    fd_fdstat_get(fd: i32, out: i32) -> i32;
    fd_fdstat_set_flags(fd: i32, flags: i32) -> i32;
    fd_fdstat_set_rights(fd: i32, base: i64, inheriting: i64) -> i32;
    fd_filestat_get(fd: i32, out: i32) -> i32;
    fd_filestat_set_size(fd: i32, size: i64) -> i32;
    fd_filestat_set_times(fd: i32, atim: i64, mtim: i64, flags: i32) -> i32;
    fd_pread(fd: i32, iovs: i32, iovs_len: i32, offset: i64, nread: i32) -> i32;
    fd_prestat_get(fd: i32, out: i32) -> i32;
    fd_prestat_dir_name(fd: i32, buf: i32, len: i32) -> i32;
    fd_pwrite(fd: i32, iovs: i32, iovs_len: i32, offset: i64, nwritten: i32) -> i32;
    fd_read(fd: i32, iovs: i32, iovs_len: i32, nread: i32) -> i32;
    fd_readdir(fd: i32, buf: i32, len: i32, cookie: i64, used: i32) -> i32;
    fd_renumber(from: i32, to: i32) -> i32;
    fd_seek(fd: i32, delta: i64, whence: i32, out: i32) -> i32;
    fd_sync(fd: i32) -> i32;
    fd_tell(fd: i32, out: i32) -> i32;
    fd_write(fd: i32, iovs: i32, iovs_len: i32, nwritten: i32) -> i32;
    path_create_directory(fd: i32, path: i32, len: i32) -> i32;
    path_filestat_get(fd: i32, lookup: i32, path: i32, len: i32, out: i32) -> i32;
    path_filestat_set_times(fd: i32, lookup: i32, path: i32, len: i32, atim: i64, mtim: i64, flags: i32) -> i32;
    path_link(fd: i32, lookup: i32, path: i32, len: i32, new_fd: i32, new_path: i32, new_len: i32) -> i32;
    path_open(fd: i32, lookup: i32, path: i32, len: i32, oflags: i32, base: i64, inheriting: i64, fdflags: i32, out: i32) -> i32;
    path_readlink(fd: i32, path: i32, len: i32, buf: i32, buf_len: i32, used: i32) -> i32;
    path_remove_directory(fd: i32, path: i32, len: i32) -> i32;
    path_rename(fd: i32, path: i32, len: i32, new_fd: i32, new_path: i32, new_len: i32) -> i32;
    path_symlink(target: i32, target_len: i32, fd: i32, path: i32, len: i32) -> i32;
    path_unlink_file(fd: i32, path: i32, len: i32) -> i32;
    poll_oneoff(subscriptions: i32, events: i32, count: i32, out: i32) -> i32;
    proc_raise(signal: i32) -> i32;
    sched_yield() -> i32;
    random_get(buf: i32, len: i32) -> i32;
    sock_accept(fd: i32, flags: i32, out: i32) -> i32;
    sock_recv(fd: i32, iovs: i32, iovs_len: i32, flags: i32, nread: i32, out_flags: i32) -> i32;
    sock_send(fd: i32, iovs: i32, iovs_len: i32, flags: i32, nwritten: i32) -> i32;
    sock_shutdown(fd: i32, how: i32) -> i32;
    proc_exit(code: i32);
}
