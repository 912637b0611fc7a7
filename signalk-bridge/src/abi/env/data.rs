//! Log, status, deltas, notifications, paths, configuration.
//!
//! Clauses: plugin ABI 4.2 to 4.6.

use serde_json::Value;
use wasmi_hdk::{Level, LogLine};

use super::Answer;
use super::call::{Call, LONGEST, write};
use crate::abi::queue::{Give, Queued, Shared, Until};
use crate::methods::notifications::is_notification;
use crate::net::Wait;
use crate::{Capability, Status, Version};

pub(super) fn debug(call: &mut Call<'_, '_>) -> Answer {
    if let Some(text) = call.line(0) {
        let bytes = text.len();
        // Guests write their own `[WARN]`; the ABI has one function for all.
        let level = if call.name == "sk_log_warn" { Level::Warn } else { Level::Debug };
        call.push(Queued::Log(LogLine { level, text }), bytes);
    }
    Answer::Nothing
}

pub(super) fn set_status(call: &mut Call<'_, '_>) -> Answer {
    status(call, Status::Ok)
}

pub(super) fn set_error(call: &mut Call<'_, '_>) -> Answer {
    status(call, Status::Error)
}

fn status(call: &mut Call<'_, '_>, status: fn(String) -> Status) -> Answer {
    if let Some(text) = call.line(0) {
        let bytes = text.len();
        call.push(Queued::Status(status(text)), bytes);
    }
    Answer::Nothing
}

pub(super) fn get_self_path(call: &mut Call<'_, '_>) -> Answer {
    ask(call, Until::SelfPath)
}

pub(super) fn get_path(call: &mut Call<'_, '_>) -> Answer {
    ask(call, Until::RootPath)
}

fn ask(call: &mut Call<'_, '_>, until: fn(String) -> Until) -> Answer {
    match (call.short(0), call.room(2)) {
        (Some(path), Some((buffer, capacity))) => {
            Answer::Rest(until(path), Give::Text { buffer, capacity })
        }
        _ => Answer::Number(0),
    }
}

pub(super) fn handle_message(call: &mut Call<'_, '_>) -> Answer {
    if let Some(json) = call.delta(0) {
        let version = if call.args.i32(2) == 2 { Version::V2 } else { Version::V1 };
        let bytes = json.len();
        call.push(Queued::Delta { json, version }, bytes);
    }
    Answer::Nothing
}

pub(super) fn publish_notification(call: &mut Call<'_, '_>) -> Answer {
    let (Some(path), Some(json)) = (call.short(0), call.delta(2)) else {
        return Answer::Number(-1);
    };
    let bytes = json.len();
    match serde_json::from_slice::<Value>(&json) {
        Ok(value) if path.starts_with("notifications.") && is_notification(&value) => {
            let Value::Object(value) = value else { return Answer::Number(-1) };
            // One that will be dropped is pushed all the same: so it is counted and said.
            let fits = call.shared().is_some_and(|shared| shared.budget.take_alarm());
            done(call.push(Queued::Notification { path, value }, bytes) && fits)
        }
        _ => {
            call.say("refused: it needs a path below `notifications.` and an object with a known `state`");
            Answer::Number(-1)
        }
    }
}

pub(super) fn read_config(call: &mut Call<'_, '_>) -> Answer {
    let Some((buffer, capacity)) = call.room(0) else { return Answer::Number(0) };
    let (mut memory, shared) = call.ctx.memory_and_state::<Shared>();
    let written = shared.map_or(0, |shared| {
        let padded = shared.traits.padded;
        write(&mut memory, buffer, capacity, shared.options.as_bytes(), padded)
    });
    if written == 0 {
        call.say("the configuration does not fit into the buffer");
    }
    Answer::Number(written)
}

pub(super) fn save_config(call: &mut Call<'_, '_>) -> Answer {
    let Some(json) = call.bytes(0, LONGEST) else { return Answer::Number(-1) };
    let bytes = json.len();
    // Inside `allocate` nothing can be waited for: there a failure reaches the plugin's last error only.
    let may_wait = call.ctx.may_wait();
    match signalk_model::json::parse(&json) {
        Ok(value @ Value::Object(_)) => {
            let text = signalk_model::json::value_text(&value);
            let Some(shared) = call.shared() else { return Answer::Number(-1) };
            let save = if may_wait { shared.net.save_begun().ok() } else { None };
            let saved = shared.push(Queued::SaveOptions { text: text.clone(), save }, bytes);
            if saved {
                shared.options = text;
            }
            match save {
                Some(save) if saved => Answer::Rest(Until::World(Wait::Save(save)), Give::Number),
                Some(save) => {
                    shared.net.save_ended(save, Ok(()));
                    done(false)
                }
                None => done(saved),
            }
        }
        _ => {
            call.say("the configuration is not a JSON object");
            Answer::Number(-1)
        }
    }
}

fn done(done: bool) -> Answer {
    Answer::Number(if done { 0 } else { -1 })
}

/// What no call of this host is behind: `sk_has_capability` answers 0 to it, whatever the package says.
const NOT_SERVED: [Capability; 2] = [Capability::SerialPorts, Capability::ServerEvents];

pub(super) fn has_capability(call: &mut Call<'_, '_>) -> Answer {
    let key = call.text(0, 100);
    let capability = key.as_deref().and_then(Capability::from_key);
    let held = call.ctx.state::<Shared>().zip(capability).is_some_and(|(shared, capability)| {
        shared.capabilities.has(capability) && !NOT_SERVED.contains(&capability)
    });
    Answer::Number(held.into())
}
