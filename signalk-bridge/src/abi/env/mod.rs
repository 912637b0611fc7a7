//! The functions of module `env` that the server offers, one row each.
//!
//! Clauses: plugin ABI 4.1 to 4.9, and what this host adds (EXTENSIONS.md). A row reads its arguments by the guest's
//! declared type and queues, answers or rests; what the call *means* is the
//! method table's. A row that needs a capability is not entered without it: the
//! call answers its failure value, is counted, and says once what to add.

mod assemblyscript;
pub(crate) mod by_name;
mod call;
mod data;
mod listeners;
mod register;
mod sockets;
pub(crate) mod web;

use std::sync::{Arc, LazyLock};

use wasmi_hdk::{FuncType, HostCtx, HostFault, HostReturn, Imports, Val};

use self::call::Call;
pub(crate) use self::call::write;
use super::adapt::{Args, results};
use super::queue::{Give, Rest, Shared, Until};
use crate::Capability;

/// One function.
struct Row {
    name: &'static str,
    needs: Option<Capability>,
    /// What it answers without the capability.
    failure: i32,
    run: fn(&mut Call<'_, '_>) -> Answer,
}

/// What a row answers: a number, or the guest rests.
enum Answer {
    Nothing,
    Number(i32),
    Rest(Until, Give),
}

macro_rules! rows {
    ($($name:literal $(needs $needs:ident)? $(else $failure:literal)? => $family:ident::$run:ident;)*) => {
        &[$(Row {
            name: $name,
            needs: rows!(@needs $($needs)?),
            failure: rows!(@failure $($failure)?),
            run: $family::$run,
        },)*]
    };
    (@needs) => { None };
    (@needs $needs:ident) => { Some(Capability::$needs) };
    (@failure) => { 0 };
    (@failure $failure:literal) => { $failure };
}

const ROWS: &[Row] = rows! {
    "sk_debug" => data::debug;
    "sk_log_debug" => data::debug;
    "sk_log_info" => data::debug;
    "sk_log_warn" => data::debug;
    "sk_set_status" => data::set_status;
    "sk_set_error" => data::set_error;
    "sk_set_plugin_error" => data::set_error;
    "sk_handle_message" needs DataWrite else 0 => data::handle_message;
    "sk_emit_delta" needs DataWrite else 0 => data::handle_message;
    "sk_publish_notification" needs DataWrite else -1 => data::publish_notification;
    "sk_get_self_path" needs DataRead else 0 => data::get_self_path;
    "sk_get_path" needs DataRead else 0 => data::get_path;
    "sk_read_config" => data::read_config;
    "sk_save_config" => data::save_config;
    "sk_has_capability" => data::has_capability;
    "sk_register_put_handler" needs PutHandlers else 0 => register::put_handler;
    "sk_register_resource_provider" needs ResourceProvider else 0 => register::resource_provider;
    "sk_register_weather_provider" needs WeatherProvider else 0 => register::weather_provider;
    "sk_register_radar_provider" needs RadarProvider else 0 => register::radar_provider;
    "sk_register_delta_input_handler" needs DeltaInputHandler else 0 => register::delta_input_handler;
    "sk_emit_binary_stream" => register::emit_binary_stream;
    "sk_radar_emit_spokes" needs RadarProvider else 0 => register::emit_spokes;
    "sk_udp_create" needs RawSockets else -1 => sockets::udp_create;
    "sk_udp_bind" needs RawSockets else -1 => sockets::udp_bind;
    "sk_udp_join_multicast" needs RawSockets else -1 => sockets::udp_join_multicast;
    "sk_udp_leave_multicast" needs RawSockets else -1 => sockets::udp_leave_multicast;
    "sk_udp_set_multicast_ttl" needs RawSockets else -1 => sockets::udp_set_multicast_ttl;
    "sk_udp_set_multicast_loopback" needs RawSockets else -1 => sockets::udp_set_multicast_loopback;
    "sk_udp_set_broadcast" needs RawSockets else -1 => sockets::udp_set_broadcast;
    "sk_udp_send" needs RawSockets else -1 => sockets::udp_send;
    "sk_udp_recv" needs RawSockets else -1 => sockets::udp_recv;
    "sk_udp_recv_from" needs RawSockets else -1 => sockets::udp_recv;
    "sk_udp_pending" needs RawSockets else -1 => sockets::udp_pending;
    "sk_udp_close" needs RawSockets else 0 => sockets::udp_close;
    "sk_tcp_create" needs RawSockets else -1 => sockets::tcp_create;
    "sk_tcp_connect" needs RawSockets else -1 => sockets::tcp_connect;
    "sk_tcp_connected" needs RawSockets else -1 => sockets::tcp_connected;
    "sk_tcp_set_line_buffering" needs RawSockets else -1 => sockets::tcp_set_line_buffering;
    "sk_tcp_send" needs RawSockets else -1 => sockets::tcp_send;
    "sk_tcp_recv_line" needs RawSockets else -1 => sockets::tcp_recv_line;
    "sk_tcp_recv_raw" needs RawSockets else -1 => sockets::tcp_recv_raw;
    "sk_tcp_pending" needs RawSockets else -1 => sockets::tcp_pending;
    "sk_tcp_close" needs RawSockets else 0 => sockets::tcp_close;
    "sk_tcp_last_error" needs RawSockets else -1 => sockets::tcp_last_error;
    "sk_http_request" needs Network else -1 => web::http_request;
    "sk_http_response" needs Network else -1 => web::http_response;
    "sk_http_last_error" needs Network else -1 => web::last_error;
    "sk_http_open" needs Network else -1 => web::http_open;
    "sk_http_send" needs Network else -1 => web::http_send;
    "sk_http_finish" needs Network else -1 => web::http_finish;
    "sk_http_read" needs Network else -1 => web::http_read;
    "sk_http_close" needs Network else -1 => web::http_close;
    "sk_ws_connect" needs Network else -1 => web::ws_connect;
    "sk_ws_send" needs Network else -1 => web::ws_send;
    "sk_ws_receive" needs Network else -1 => web::ws_receive;
    "sk_ws_close" needs Network else -1 => web::ws_close;
    "sk_tcp_connect_tls" needs RawSockets else -1 => sockets::tcp_connect_tls;
    "sk_tcp_listen" needs RawSockets else -1 => listeners::tcp_listen;
    "sk_tcp_accept" needs RawSockets else -1 => listeners::tcp_accept;
    "sk_call" else -1 => by_name::call_method;
    "sk_call_answer" else -1 => by_name::call_answer;
    "sk_call_error" else -1 => by_name::call_error;
};

/// Functions of the ABI that may be imported and are never served, and their failure value: commands
/// of the system for reasons of safety, as on the reference server; server events are optional.
const UNSERVED: &[(&str, i32)] = &[
    ("sk_exec_command", 0),
    ("sk_subscribe_events", 0),
    ("sk_emit_event", 0),
    ("sk_get_allowed_event_types", 0),
];

/// Every function of module `env` that this host serves beside those of AssemblyScript's compiler: its name, and the
/// capability without which it does nothing.
pub fn host_calls() -> impl Iterator<Item = (&'static str, Option<Capability>)> {
    ROWS.iter().map(|row| (row.name, row.needs))
}

/// Name, capability and failure value of every row, and of what is never served.
#[cfg(test)]
pub(crate) fn rows() -> Vec<(&'static str, Option<Capability>, i32)> {
    let rows = ROWS.iter().map(|row| (row.name, row.needs, row.failure));
    rows.chain(UNSERVED.iter().map(|(name, failure)| (*name, None, *failure))).collect()
}

/// The functions, shared by all instances.
pub(crate) fn imports() -> Arc<Imports> {
    static IMPORTS: LazyLock<Arc<Imports>> = LazyLock::new(|| Arc::new(build()));
    IMPORTS.clone()
}

fn build() -> Imports {
    let mut imports = Imports::new();
    for row in ROWS {
        imports.define("env", row.name, Arc::new(move |ctx, ty, args| enter(ctx, ty, args, row)));
    }
    for &(name, failure) in UNSERVED {
        let unserved = move |ctx: &mut HostCtx<'_>, ty: &FuncType, _: &[Val]| {
            if let Some(shared) = ctx.state::<Shared>() {
                shared.say_once(format!(
                    "`{name}` is not served by this host: it answers {failure}, its failure value"
                ));
            }
            Ok(HostReturn::Values(results(ty, failure)))
        };
        imports.define("env", name, Arc::new(unserved));
    }
    assemblyscript::define(&mut imports);
    super::as_fetch::define(&mut imports);
    imports
}

/// What a call that fails costs the guest in fuel, beside its arguments: what was asked is read, and why not is put in
/// words.
const FAILING: u64 = 5_000;

fn enter(
    ctx: &mut HostCtx<'_>,
    ty: &FuncType,
    args: &[Val],
    row: &'static Row,
) -> Result<HostReturn, HostFault> {
    let allowed = ctx.state::<Shared>().is_some_and(|shared| shared.may(row.needs, row.name));
    if !allowed {
        return Ok(HostReturn::Values(results(ty, row.failure)));
    }
    let mut call = Call { ctx, args: Args(args), name: row.name };
    let answer = (row.run)(&mut call);
    let work = call.shared().map_or(0, |shared| shared.net.take_work());
    let failed = matches!(answer, Answer::Number(number) if number == row.failure && number < 0);
    call.ctx.charge(work + if failed { FAILING } else { 0 });
    Ok(match answer {
        Answer::Nothing => HostReturn::Values(results(ty, 0)),
        Answer::Number(number) => HostReturn::Values(results(ty, number)),
        Answer::Rest(..) if !call.ctx.may_wait() => {
            call.say(format_args!(
                "answers {}: nothing can be waited for inside `allocate`, `__new` and their like; call it outside of them",
                row.failure
            ));
            HostReturn::Values(results(ty, row.failure))
        }
        Answer::Rest(until, give) => {
            HostReturn::Suspend(Box::new(Rest { until, give, ty: ty.clone() }))
        }
    })
}
