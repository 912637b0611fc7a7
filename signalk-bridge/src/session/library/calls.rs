//! What a library guest asked the server for while it ran: its log, what it queued, what it rests for.
//!
//! Everything goes through the table of methods; what a method means is there.

use std::time::Duration;

use wasmi_hdk::{Level, LogLine};

use super::Exports;
use crate::abi::adapt::results;
use crate::abi::env::write;
use crate::abi::library::Library;
use crate::abi::queue::{Give, MOST_BYTES, MOST_CALLS, Queued, Rest, Shared, Until};
use crate::methods::{self, deltas, log, notifications, options, paths, register, status, streams};
use crate::session::Common;
use crate::session::kept::Since;
use crate::{BridgeError, Capability, Endpoint, Registration, SaveId, SignalK, Status};

impl Exports {
    /// Hands what the guest queued to the method table, and its output to the log.
    pub(super) fn drain(
        &mut self,
        library: &mut Library,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        let Some(instance) = library.guest.instance() else { return };
        common.stats = instance.stats().since(&self.before);
        common.usage.take(&mut library.usage);
        for line in instance.take_log() {
            signalk.log(common.id(), line);
        }
        let Some(shared) = library.shared() else { return };
        let calls = shared.drain();
        let denied = std::mem::take(&mut shared.denied);
        common.account.counters.host_calls += denied;
        common.account.counters.host_call_errors += denied;
        common.account.counters.guest_faults += std::mem::take(&mut shared.guest_faults);
        let overflown = std::mem::take(&mut shared.overflown);
        self.look(library, common, now, signalk);
        if overflown > 0 {
            common.account.counters.host_calls_dropped += overflown;
            let text = format!(
                "{overflown} host calls in one slice were dropped: the limit is {MOST_CALLS} of {} MiB in all; make fewer, and call again at the next poll",
                MOST_BYTES >> 20
            );
            common.complain(text, now, signalk);
        }
        for call in calls {
            let save = match &call {
                Queued::SaveOptions { save, .. } => *save,
                _ => None,
            };
            let done = perform(call, common, now, signalk);
            common.account.counters.host_call_errors += u64::from(done.is_err());
            match (done, save) {
                (Ok(true), _) | (Ok(false), None) => {}
                (Err(error), None) => common.complain(error.to_string(), now, signalk),
                (done, Some(save)) => {
                    let result = done.map(drop).map_err(|error| error.to_string());
                    self.saved(save, result, library, common);
                }
            }
        }
    }

    /// A save that the disk is not waited for: who rests for it goes on.
    fn saved(
        &mut self,
        save: SaveId,
        result: Result<(), String>,
        library: &mut Library,
        common: &mut Common,
    ) {
        let Some(shared) = library.shared() else { return };
        shared.net.save_ended(save, result);
        for completed in shared.net.take_completed() {
            self.completed(completed, library, common);
        }
    }
}

/// One queued call, through the one choke point. True: somebody will say later what came of it.
fn perform(
    call: Queued,
    common: &mut Common,
    now: Duration,
    signalk: &mut dyn SignalK,
) -> Result<bool, BridgeError> {
    let name = match &call {
        Queued::Delta { .. } => "deltas.emit",
        Queued::Status(Status::Ok(_)) => "status.set",
        Queued::Status(Status::Error(_)) | Queued::FetchError(_) => "status.error",
        Queued::Notification { .. } => "notifications.raise",
        Queued::SaveOptions { .. } => "options.save",
        Queued::Register(registration) => register::method(registration),
        Queued::Binary { .. } => "streams.emit",
        Queued::Log(_) | Queued::Diagnostic(_) => "log",
    };
    let caller = &mut methods::admit(name, &mut common.account, signalk, now)?;
    match call {
        Queued::Delta { json, version } => deltas::send(caller, &json, version)?,
        Queued::Status(Status::Ok(message)) => status::set(caller, status::Message { message })?,
        Queued::Status(Status::Error(message)) => {
            status::error(caller, status::Message { message })?;
        }
        Queued::FetchError(text) => status::fetch_error(caller, text),
        Queued::Notification { path, value } => notifications::send(caller, &path, value)?,
        Queued::SaveOptions { text, save } => return options::save_text(caller, &text, save),
        Queued::Register(registration) => register::register(caller, registration)?,
        Queued::Binary { stream, data } => streams::send(caller, stream, data),
        Queued::Log(line) => log::line(caller, line),
        Queued::Diagnostic(text) => log::line(caller, LogLine { level: Level::Warn, text }),
    }
    Ok(false)
}

/// The endpoints of `http_endpoints`. Plugins that never declared them must keep working (plugin
/// ABI 1.3, W17): allowed and said, unless the owner is strict.
pub(super) fn offer(
    endpoints: Vec<Endpoint>,
    common: &mut Common,
    now: Duration,
    signalk: &mut dyn SignalK,
) {
    if !common.account.capabilities().has(Capability::HttpEndpoints) {
        if common.account.rules.strict {
            let text = "its http_endpoints are refused: it lacks the capability and its options file says `\"strict\": true`; add \"httpEndpoints\": true to wasmCapabilities in its package.json";
            return common.complain(text.to_owned(), now, signalk);
        }
        let text = "has http_endpoints without the capability; add \"httpEndpoints\": true to wasmCapabilities: a later version may refuse them";
        common.complain(text.to_owned(), now, signalk);
    }
    signalk.register(common.id(), Registration::Http(endpoints));
}

/// What the core knows at once.
pub(super) fn answer(
    until: &Until,
    common: &mut Common,
    now: Duration,
    signalk: &mut dyn SignalK,
) -> Option<String> {
    let mut caller = methods::admit("paths.get", &mut common.account, signalk, now).ok()?;
    let text = match until {
        Until::SelfPath(path) => paths::get_self(&mut caller, path),
        Until::RootPath(path) => paths::get_from_root(&mut caller, path),
        Until::World(_) | Until::Message { .. } | Until::Call(_) => None,
    };
    text.filter(|text| text != "null")
}

/// Goes on with a text, `None` being "nothing there".
pub(super) fn give_text(rest: &Rest, text: Option<&str>, library: &mut Library) {
    let (Give::Text { buffer, capacity }, Some(instance)) = (rest.give, library.guest.instance())
    else {
        return library.resume(&results(&rest.ty, 0));
    };
    let text = text.unwrap_or_default().as_bytes();
    let padded = instance.state::<Shared>().is_some_and(|shared| shared.traits.padded);
    let written = write(&mut instance.memory(), buffer, capacity, text, padded);
    library.resume(&results(&rest.ty, written));
}
