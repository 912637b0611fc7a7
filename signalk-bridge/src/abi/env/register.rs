//! Registrations and binary streams.
//!
//! Clauses: plugin ABI 4.7, 4.8. Registrations answer 1; the server learns of
//! them when the slice is over, before anything else of the guest is looked at.

use bytes::Bytes;

use super::Answer;
use super::call::{Call, LONGEST};
use crate::Registration;
use crate::abi::queue::Queued;

pub(super) fn put_handler(call: &mut Call<'_, '_>) -> Answer {
    match (call.short(0), call.short(2)) {
        (Some(context), Some(path)) if !path.is_empty() => {
            register(call, Registration::Put { context, path })
        }
        _ => Answer::Number(0),
    }
}

pub(super) fn resource_provider(call: &mut Call<'_, '_>) -> Answer {
    match call.short(0) {
        Some(kind) if !kind.is_empty() => register(call, Registration::Resources { kind }),
        _ => Answer::Number(0),
    }
}

pub(super) fn weather_provider(call: &mut Call<'_, '_>) -> Answer {
    match call.short(0) {
        Some(name) => register(call, Registration::Weather { name }),
        None => Answer::Number(0),
    }
}

pub(super) fn radar_provider(call: &mut Call<'_, '_>) -> Answer {
    match call.short(0) {
        Some(name) => register(call, Registration::Radar { name }),
        None => Answer::Number(0),
    }
}

fn register(call: &mut Call<'_, '_>, registration: Registration) -> Answer {
    call.push(Queued::Register(registration), 0);
    Answer::Number(1)
}

pub(super) fn emit_binary_stream(call: &mut Call<'_, '_>) -> Answer {
    let stream = call.short(0);
    emit(call, stream)
}

pub(super) fn emit_spokes(call: &mut Call<'_, '_>) -> Answer {
    let stream = call.short(0).map(|radar| format!("radars/{radar}"));
    emit(call, stream)
}

fn emit(call: &mut Call<'_, '_>, stream: Option<String>) -> Answer {
    match (stream, call.bytes(2, LONGEST)) {
        (Some(stream), Some(data)) if call.may_emit(&stream) => {
            let bytes = data.len();
            call.push(Queued::Binary { stream, data: Bytes::from(data) }, bytes);
            Answer::Number(1)
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
