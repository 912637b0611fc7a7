//! Registrations and binary streams.
//!
//! Clauses: plugin ABI 4.7, 4.8. Registrations are checked here and answer 1;
//! the server learns of them when the slice is over, before anything else of the
//! guest is looked at.

use bytes::Bytes;

use super::Answer;
use super::call::{Call, LONGEST};
use crate::Registration;
use crate::abi::queue::Queued;
use crate::methods::intercept::Intercept;

pub(super) fn put_handler(call: &mut Call<'_, '_>) -> Answer {
    match (call.short(0), call.short(2)) {
        (Some(context), Some(path)) => register(call, Registration::put(context, path)),
        _ => Answer::Number(0),
    }
}

pub(super) fn resource_provider(call: &mut Call<'_, '_>) -> Answer {
    named(call, |kind| Registration::Resources { kind })
}

pub(super) fn weather_provider(call: &mut Call<'_, '_>) -> Answer {
    named(call, |name| Registration::Weather { name })
}

pub(super) fn radar_provider(call: &mut Call<'_, '_>) -> Answer {
    named(call, |name| Registration::Radar { name })
}

/// Bytes of the text that names what a delta input handler wants: 200 patterns of the longest path.
const LONGEST_WISH: u32 = 256 << 10;

/// `(jsonPtr, jsonLen) -> 1 | 0`: the params of `deltas.intercept`; this host's own.
pub(super) fn delta_input_handler(call: &mut Call<'_, '_>) -> Answer {
    let Some(text) = call.text(0, LONGEST_WISH) else { return Answer::Number(0) };
    let read = serde_json::from_str::<Intercept>(&text).map_err(|error| error.to_string());
    let wanted = match call.shared().map(|shared| shared.traits.has_input_handler) {
        Some(true) => read.and_then(Intercept::registration),
        _ => Err("export `delta_input_handler`, which is asked".to_owned()),
    };
    match wanted {
        Ok(registration) => register(call, registration),
        Err(why) => {
            call.say(why);
            Answer::Number(0)
        }
    }
}

fn named(call: &mut Call<'_, '_>, of: fn(String) -> Registration) -> Answer {
    match call.short(0) {
        Some(name) => register(call, of(name)),
        None => Answer::Number(0),
    }
}

fn register(call: &mut Call<'_, '_>, registration: Registration) -> Answer {
    let Some(shared) = call.shared() else { return Answer::Number(0) };
    if let Err(why) = shared.registered.check(&registration) {
        shared.denied += 1;
        call.say(why);
        return Answer::Number(0);
    }
    let bytes = registration.len();
    let kept = shared.push(Queued::Register(registration.clone()), bytes);
    if kept {
        shared.registered.note(&registration);
    }
    Answer::Number(kept.into())
}

pub(super) fn emit_binary_stream(call: &mut Call<'_, '_>) -> Answer {
    let stream = call.short(0);
    emit(call, stream)
}

/// Plugin ABI 4.8: of a provider that is registered and whose start has completed.
pub(super) fn emit_spokes(call: &mut Call<'_, '_>) -> Answer {
    if !call.shared().is_some_and(|shared| shared.started && shared.registered.has_radar()) {
        call.say("answers 0: call sk_register_radar_provider first, and send spokes when `plugin_start` has returned");
        return Answer::Number(0);
    }
    let stream = call.short(0).map(|radar| format!("radars/{radar}"));
    emit(call, stream)
}

fn emit(call: &mut Call<'_, '_>, stream: Option<String>) -> Answer {
    match (stream, call.bytes(2, LONGEST)) {
        (Some(stream), Some(data)) if call.may_emit(&stream) => {
            let bytes = data.len();
            let kept = call.push(Queued::Binary { stream, data: Bytes::from(data) }, bytes);
            Answer::Number(kept.into())
        }
        _ => Answer::Number(0),
    }
}

impl Call<'_, '_> {
    /// Plugin ABI 12: its own streams, and those of radars if it provides radars. Whether the
    /// radar is one of its own, the core knows.
    fn may_emit(&mut self, stream: &str) -> bool {
        let own = self.shared().is_some_and(|shared| shared.owns_stream(stream));
        if !own {
            self.say(format_args!("`{stream}` is not a stream of this plugin: use plugins/<its id>/<name>, or radars/<id> with `radarProvider`"));
        }
        own
    }
}
