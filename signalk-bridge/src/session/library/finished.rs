//! What one call of a library guest came to: described, started, answered, stopped, crashed.
//!
//! Clauses: plugin ABI 2.3, 3.1, 7.4.

use std::time::Duration;

use wasmi_hdk::Fault;

use super::birth::UI_SCHEMA;
use super::calls::offer;
use super::exchanges::ended;
use super::{Exports, Phase};
use crate::abi::LEGACY_COMMAND;
use crate::abi::library::Library;
use crate::abi::work::{Done, Work};
use crate::handler::HandlerFailure;
use crate::session::values::Values;
use crate::session::{Common, Delivery, Output, POLL_INTERVAL, Purpose};
use crate::{Cause, Crash, Endpoint, Failure, SignalK};

impl Exports {
    /// What did not reach the guest is kept for its next life.
    pub(super) fn crashed(&mut self, crash: Crash, library: &mut Library, common: &mut Common) {
        if let Some(Work::Handle { call, .. }) = library.at_work() {
            common.handled(call.id, Err(failure(&crash)));
        }
        common.account.counters.deltas_in_dropped += std::mem::take(&mut library.deltas_lost);
        for work in std::mem::take(&mut library.queue).into_iter().rev() {
            match work {
                Work::Delta(json) => {
                    common.waiting.push_front(Delivery { subscription: None, delta: json.into() });
                }
                Work::Values(batch) => {
                    batch.deltas.into_iter().rev().for_each(|kept| common.waiting.push_front(kept));
                }
                Work::Handle { call, .. } => {
                    common.handled(call.id, Err(HandlerFailure::NotRunning));
                }
                _ => {}
            }
        }
        // A plugin that traps in `plugin_stop` has stopped all the same.
        common.end(match self.phase {
            Phase::Stopping => Output::Stopped,
            // It never came to life: starting again would not help (plugin ABI 2.3).
            _ if matches!(crash, Crash::Load(_)) => Output::Failed(crash.into()),
            _ if matches!(library.at_work(), Some(Work::Entry(_))) => {
                let mut failure = Failure::from(crash);
                if self.is_legacy {
                    failure = Failure::new(Cause::Told, format!("{failure}; {LEGACY_COMMAND}"));
                }
                Output::Failed(failure)
            }
            _ => Output::Crashed(crash),
        });
    }

    pub(super) fn done(
        &mut self,
        done: Done,
        library: &mut Library,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        match done {
            Done::Entry if self.is_legacy => {
                common.end(Output::Failed(Failure::new(Cause::Told, LEGACY_COMMAND)));
            }
            Done::Entry | Done::Response | Done::Woken => {}
            Done::Refused(why) => common.complain(why, now, signalk),
            Done::NotStarted(why) => {
                let text = format!("`plugin_start`: {why}");
                common.end(Output::Failed(Failure::new(Cause::Refused, text)));
            }
            Done::Read { export, text, complaint } => {
                if let Some(complaint) = complaint {
                    common.complain(complaint, now, signalk);
                }
                self.read(export, text, library, common, now, signalk);
            }
            Done::Handled { id, reply } => common.handled(id, ended(id, reply, library)),
            Done::Started(0) => {
                if let Some(shared) = library.shared() {
                    shared.started = true;
                }
                self.phase = Phase::Running;
                self.values = self.has_values_handler.then(|| {
                    Values::new(common.manifest.subscribe.as_deref(), signalk.self_context())
                });
                self.next_poll = self.has_poll.then(|| now.saturating_add(POLL_INTERVAL));
                common.outputs.push_back(Output::Started);
            }
            Done::Started(code) => {
                let text = format!("Plugin start() returned error code: {code}");
                common.end(Output::Failed(Failure::new(Cause::Refused, text)));
            }
            Done::Stopped(code) => {
                self.is_sound = code == 0;
                if code != 0 {
                    let text = format!("plugin_stop() returned error code: {code}");
                    common.complain(text, now, signalk);
                }
                common.end(Output::Stopped);
            }
            Done::Polled(code) => {
                let before = std::mem::replace(&mut self.polled, code);
                if code != 0 && code != before {
                    common.complain(format!("poll() returned error code: {code}"), now, signalk);
                }
            }
            Done::Deltas(count) => common.account.counters.deltas_in += count,
        }
    }

    /// A text about the plugin: name, schema, its own id if wanted, endpoints, in this order.
    fn read(
        &mut self,
        export: &str,
        text: Option<String>,
        library: &mut Library,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        match export {
            "plugin_name" => self.description.name = text.filter(|text| !text.is_empty()),
            "plugin_schema" => {
                if let Some(schema) = object("schema", text.as_deref(), common, now, signalk) {
                    self.description.schema = schema;
                }
            }
            UI_SCHEMA => {
                self.description.ui_schema =
                    object("uiSchema", text.as_deref(), common, now, signalk);
            }
            "plugin_id" => self.description.id = text.filter(|text| !text.is_empty()),
            _ => {
                let (endpoints, complaints) = Endpoint::read(text.as_deref().unwrap_or_default());
                for complaint in complaints {
                    common.complain(complaint, now, signalk);
                }
                if !endpoints.is_empty() {
                    offer(endpoints, common, now, signalk);
                }
                self.phase = Phase::Starting;
                library.queue.extend(self.start.take().map(Work::Start));
            }
        }
        if export == self.last_text {
            common.outputs.push_back(Output::Described(self.description.clone()));
            match common.purpose {
                Purpose::Run => library.queue.push_back(Work::read("http_endpoints")),
                Purpose::Describe => common.end(Output::Stopped),
            }
        }
    }
}

/// A JSON object that the guest gave as text, compact. Nothing is no complaint.
fn object(
    what: &str,
    text: Option<&str>,
    common: &mut Common,
    now: Duration,
    signalk: &mut dyn SignalK,
) -> Option<String> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    let complaint = match serde_json::from_str::<serde_json::Value>(text) {
        Ok(object @ serde_json::Value::Object(_)) => return Some(object.to_string()),
        Ok(_) => format!("the {what} is no JSON object; {{}} is shown"),
        Err(error) => format!("the {what} is not JSON ({error}); {{}} is shown"),
    };
    common.complain(complaint, now, signalk);
    None
}

/// What a client reads about a handler that ended the plugin.
fn failure(crash: &Crash) -> HandlerFailure {
    match crash {
        Crash::Fault(fault) => match **fault {
            Fault::Deadline { limit, .. } => HandlerFailure::Timeout { limit },
            _ => HandlerFailure::Crashed { text: crash.to_string() },
        },
        _ => HandlerFailure::Crashed { text: crash.to_string() },
    }
}
