//! The `env.sk_*` functions, one row each.
//!
//! Clauses: plugin ABI 4.1 to 4.9. A row reads its arguments by the guest's
//! declared type and queues, answers or asks; what the call *means* is the
//! method table's. Functions that exist in the ABI but not yet in this host
//! answer their failure value and say so once.

use std::sync::{Arc, LazyLock};

use serde_json::Value;
use wasmi_hdk::{FuncType, HostCtx, HostFault, HostReturn, Imports, Level, LogLine, Val};

use super::adapt::{Args, results};
use super::queue::{Ask, Question, Queued, Shared};
use crate::methods::notifications::is_notification;
use crate::{Capability, Status, Version};

/// Longest text that a guest may hand over in one call.
const LONGEST: u32 = 16 << 20;
/// Longest log line or status.
const LONGEST_LINE: u32 = 8 << 10;

type Row = fn(&mut Call<'_, '_>) -> Answer;

/// What a row answers: a number, or the guest rests.
enum Answer {
    Nothing,
    Number(i32),
    Ask(Question, u32, u32),
}

const ROWS: &[(&str, Row)] = &[
    ("sk_debug", debug),
    ("sk_log_debug", debug),
    ("sk_log_info", debug),
    ("sk_log_warn", debug),
    ("sk_set_status", |call| call.status(Status::Ok)),
    ("sk_set_error", |call| call.status(Status::Error)),
    ("sk_set_plugin_error", |call| call.status(Status::Error)),
    ("sk_handle_message", handle_message),
    ("sk_emit_delta", handle_message),
    ("sk_publish_notification", publish_notification),
    ("sk_get_self_path", |call| call.ask(Question::SelfPath)),
    ("sk_get_path", |call| call.ask(Question::RootPath)),
    ("sk_read_config", read_config),
    ("sk_save_config", save_config),
    ("sk_has_capability", has_capability),
];

/// Functions of the ABI that a later version of this host serves: name, failure value.
const LATER: &[(&str, i32)] = &[
    ("sk_register_put_handler", 0),
    ("sk_register_resource_provider", 0),
    ("sk_register_weather_provider", 0),
    ("sk_register_radar_provider", 0),
    ("sk_emit_binary_stream", 0),
    ("sk_radar_emit_spokes", 0),
    ("sk_udp_create", -1),
    ("sk_udp_bind", -1),
    ("sk_udp_join_multicast", -1),
    ("sk_udp_leave_multicast", -1),
    ("sk_udp_set_multicast_ttl", -1),
    ("sk_udp_set_multicast_loopback", -1),
    ("sk_udp_set_broadcast", -1),
    ("sk_udp_send", -1),
    ("sk_udp_recv", -1),
    ("sk_udp_recv_from", -1),
    ("sk_udp_pending", -1),
    ("sk_udp_close", 0),
    ("sk_tcp_create", -1),
    ("sk_tcp_connect", -1),
    ("sk_tcp_connected", -1),
    ("sk_tcp_set_line_buffering", -1),
    ("sk_tcp_send", -1),
    ("sk_tcp_recv_line", -1),
    ("sk_tcp_recv_raw", -1),
    ("sk_tcp_pending", -1),
    ("sk_tcp_close", 0),
    // Removed from the reference for good reasons: never executed here either.
    ("sk_exec_command", 0),
    ("sk_subscribe_events", 0),
    ("sk_emit_event", 0),
    ("sk_get_allowed_event_types", 0),
];

/// What `sk_has_capability` may answer 1 to: what this host can serve today.
const SERVED: [Capability; 3] = [Capability::Storage, Capability::DataRead, Capability::DataWrite];

/// The functions, shared by all instances.
pub(crate) fn imports() -> Arc<Imports> {
    static IMPORTS: LazyLock<Arc<Imports>> = LazyLock::new(|| Arc::new(build()));
    IMPORTS.clone()
}

fn build() -> Imports {
    let mut imports = Imports::new();
    for &(name, row) in ROWS {
        imports.define("env", name, Arc::new(move |ctx, ty, args| enter(ctx, ty, args, name, row)));
    }
    for &(name, failure) in LATER {
        let later = move |ctx: &mut HostCtx<'_>, ty: &FuncType, _: &[Val]| {
            if let Some(shared) = ctx.state::<Shared>() {
                shared.say_once(format!("`{name}` is not supported by this host yet: it answers {failure}, its failure value"));
            }
            Ok(HostReturn::Values(results(ty, failure)))
        };
        imports.define("env", name, Arc::new(later));
    }
    imports
}

fn enter(
    ctx: &mut HostCtx<'_>,
    ty: &FuncType,
    args: &[Val],
    name: &'static str,
    row: Row,
) -> Result<HostReturn, HostFault> {
    let mut call = Call { ctx, args: Args(args), name };
    Ok(match row(&mut call) {
        Answer::Nothing => HostReturn::Values(results(ty, 0)),
        Answer::Number(number) => HostReturn::Values(results(ty, number)),
        Answer::Ask(what, buffer, capacity) => {
            HostReturn::Suspend(Box::new(Ask { what, buffer, capacity, ty: ty.clone() }))
        }
    })
}

/// One host call in progress.
struct Call<'a, 'c> {
    ctx: &'a mut HostCtx<'c>,
    args: Args<'a>,
    name: &'static str,
}

impl Call<'_, '_> {
    /// The bytes at arguments `index` and `index + 1`. Out of range is the
    /// call's failure, not the guest's end (plugin ABI 0).
    fn bytes(&mut self, index: usize, longest: u32) -> Option<Vec<u8>> {
        let (addr, len) = (self.args.u32(index), self.args.u32(index + 1));
        if len > longest {
            self.say(format_args!("{len} bytes, the limit is {longest}; send less at a time"));
            return None;
        }
        let (memory, _) = self.ctx.memory_and_state::<Shared>();
        let bytes = memory.read(addr, len).map(<[u8]>::to_vec);
        match bytes {
            Ok(bytes) => {
                self.ctx.charge(u64::from(len) / 8);
                Some(bytes)
            }
            Err(fault) => {
                self.fault(fault);
                None
            }
        }
    }

    /// As [`Call::bytes`], as text with replacement characters.
    fn text(&mut self, index: usize, longest: u32) -> Option<String> {
        let bytes = self.bytes(index, longest)?;
        Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// A text of which only the beginning is kept.
    fn line(&mut self, index: usize) -> Option<String> {
        let (addr, len) = (self.args.u32(index), self.args.u32(index + 1));
        let (memory, _) = self.ctx.memory_and_state::<Shared>();
        // The whole range must exist even when only its beginning is kept.
        let line = memory.read(addr, len).map(|bytes| {
            let kept = bytes.len().min(usize::try_from(LONGEST_LINE).unwrap_or(usize::MAX));
            String::from_utf8_lossy(bytes.get(..kept).unwrap_or(bytes)).into_owned()
        });
        self.ctx.charge(u64::from(len.min(LONGEST_LINE)) / 8);
        line.map_err(|fault| self.fault(fault)).ok()
    }

    fn fault(&mut self, fault: wasmi_hdk::GuestFault) {
        let name = self.name;
        if let Some(shared) = self.ctx.state::<Shared>() {
            shared.guest_faults += 1;
            shared.say_once(format!("`{name}`: {fault}"));
        }
    }

    fn say(&mut self, text: impl std::fmt::Display) {
        let name = self.name;
        if let Some(shared) = self.ctx.state::<Shared>() {
            shared.say_once(format!("`{name}`: {text}"));
        }
    }

    fn push(&mut self, call: Queued, bytes: usize) {
        if let Some(shared) = self.ctx.state::<Shared>() {
            shared.push(call, bytes);
        }
    }

    fn status(&mut self, status: fn(String) -> Status) -> Answer {
        if let Some(text) = self.line(0) {
            let bytes = text.len();
            self.push(Queued::Status(status(text)), bytes);
        }
        Answer::Nothing
    }

    fn ask(&mut self, question: fn(String) -> Question) -> Answer {
        let may =
            self.ctx.state::<Shared>().is_some_and(|s| s.capabilities.has(Capability::DataRead));
        if !may {
            self.say(format_args!(
                "needs `dataRead`; add {} to wasmCapabilities",
                Capability::DataRead.remedy()
            ));
            return Answer::Number(0);
        }
        match self.text(0, 4096) {
            Some(path) => Answer::Ask(question(path), self.args.u32(2), self.args.u32(3)),
            None => Answer::Number(0),
        }
    }
}

fn debug(call: &mut Call<'_, '_>) -> Answer {
    if let Some(text) = call.line(0) {
        let bytes = text.len();
        // Guests write their own `[WARN]`; the ABI has one function for all.
        let level = if call.name == "sk_log_warn" { Level::Warn } else { Level::Debug };
        call.push(Queued::Log(LogLine { level, text }), bytes);
    }
    Answer::Nothing
}

fn handle_message(call: &mut Call<'_, '_>) -> Answer {
    if let Some(json) = call.bytes(0, LONGEST) {
        let version = if call.args.i32(2) == 2 { Version::V2 } else { Version::V1 };
        let bytes = json.len();
        call.push(Queued::Delta { json, version }, bytes);
    }
    Answer::Nothing
}

fn publish_notification(call: &mut Call<'_, '_>) -> Answer {
    let may = call.ctx.state::<Shared>().is_some_and(|s| s.capabilities.has(Capability::DataWrite));
    let (Some(path), Some(json)) = (call.text(0, 4096), call.bytes(2, LONGEST)) else {
        return Answer::Number(-1);
    };
    let bytes = json.len();
    match serde_json::from_slice::<Value>(&json) {
        Ok(value) if may && path.starts_with("notifications.") && is_notification(&value) => {
            let Value::Object(value) = value else { return Answer::Number(-1) };
            call.push(Queued::Notification { path, value }, bytes);
            Answer::Number(0)
        }
        _ => {
            call.say("refused: it needs `dataWrite`, a path below `notifications.` and an object with a known `state`");
            Answer::Number(-1)
        }
    }
}

fn read_config(call: &mut Call<'_, '_>) -> Answer {
    let (buffer, capacity) = (call.args.u32(0), call.args.u32(1));
    let (mut memory, shared) = call.ctx.memory_and_state::<Shared>();
    let options = shared.map(|shared| shared.options.as_bytes()).unwrap_or_default();
    let written = write(&mut memory, buffer, capacity, options);
    if written == 0 {
        call.say("the configuration does not fit into the buffer");
    }
    Answer::Number(written)
}

/// Writes an answer, or nothing when it does not fit; the number of bytes.
pub(super) fn write(
    memory: &mut wasmi_hdk::GuestMemory<'_>,
    buffer: u32,
    capacity: u32,
    answer: &[u8],
) -> i32 {
    match i32::try_from(answer.len()) {
        Ok(len) if len.cast_unsigned() <= capacity && memory.write(buffer, answer).is_ok() => len,
        _ => 0,
    }
}

fn save_config(call: &mut Call<'_, '_>) -> Answer {
    let Some(json) = call.bytes(0, LONGEST) else { return Answer::Number(-1) };
    let bytes = json.len();
    match signalk_model::json::parse(&json) {
        Ok(value @ Value::Object(_)) => {
            let text = signalk_model::json::value_text(&value);
            if let Some(shared) = call.ctx.state::<Shared>() {
                shared.options.clone_from(&text);
                shared.push(Queued::SaveOptions(text), bytes);
            }
            Answer::Number(0)
        }
        _ => {
            call.say("the configuration is not a JSON object");
            Answer::Number(-1)
        }
    }
}

fn has_capability(call: &mut Call<'_, '_>) -> Answer {
    let key = call.text(0, 100);
    let capability = key.as_deref().and_then(Capability::from_key);
    let held = call.ctx.state::<Shared>().zip(capability).is_some_and(|(shared, capability)| {
        shared.capabilities.has(capability) && SERVED.contains(&capability)
    });
    Answer::Number(held.into())
}
