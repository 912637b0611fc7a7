//! `sk_call`: a guest that is called by its exports calls a method by its name, and rests until it is answered.
//!
//! What it is called with, and what its answers leave, is `abi/env/by_name.rs`. Rights, params, fuel and counters are
//! the table's, as for a JSON-RPC plugin; a guest rests in one call at a time, so there is no table of waits here.

use std::time::Duration;

use wasmi_hdk::{ErrorCode, ErrorObject, FuncType};

use super::Exports;
use crate::abi::adapt::results;
use crate::abi::env::by_name::give_answer;
use crate::abi::library::{Library, Outcome};
use crate::abi::queue::{Give, Pending, Rest, Shared, Until};
use crate::methods::later::{Answer, taken};
use crate::methods::network::{Later, Reply};
use crate::net::{Outcome as Came, Wait};
use crate::session::{Common, Output};
use crate::{BridgeError, SignalK, methods};

/// Fuel of the way to the core and back, besides what the method costs: a tenth of a millisecond of it, more than the
/// core is at it, so that a loop of calls leaves the core to others.
const WAY: u64 = 50_000;
/// The same of a call that fails: why is put in words.
const FAILING: u64 = 5_000;

/// Methods whose consequences come by an export, and which: without any of them nobody would hear.
const HEARD_BY: &[(&str, &[&str])] = &[
    ("deltas.subscribe", &["values_handler", "delta_handler"]),
    ("deltas.intercept", &["delta_input_handler"]),
    ("websocket.register", &["on_event"]),
];

/// How the answer goes into the guest, and as which type.
type To = (Give, FuncType);

impl Exports {
    /// The core makes the call that the guest rests for.
    pub(super) fn call(
        &mut self,
        (method, params): (&str, &str),
        to: To,
        library: &mut Library,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        let unheard = self.unheard(method);
        let Some(shared) = library.shared() else { return };
        let net = &mut shared.net;
        let reply = match unheard {
            None => methods::call(method, params, &mut common.account, net, signalk, now),
            Some(exports) => Err(refuse(method, exports, common, now, signalk)),
        };
        if method == "options.save" && reply.is_ok() {
            // `sk_read_config` answers at once, from here.
            shared.options = signalk.read_options(common.id());
        }
        let failing = if reply.is_err() { FAILING } else { 0 };
        let fuel = WAY + failing + common.account.take_owed() + shared.net.take_work();
        let pending = match reply {
            Ok(Reply::Now(answer)) => Err(Ok(answer)),
            Ok(Reply::Later(wait, later)) => Ok(Pending::Later(wait, later)),
            Ok(Reply::Data { call, socket }) => {
                match taken(call, socket, common.id(), &mut shared.net) {
                    None => Ok(Pending::Data { call, socket }),
                    Some(answer) => Err(answer),
                }
            }
            Err(error) => Err(Err(error)),
        };
        if let Err(crash) = library.charge_call(fuel, pending.is_err()) {
            return self.crashed(crash, library, common);
        }
        match pending {
            Ok(pending) => {
                let (give, ty) = to;
                library.outcome = Outcome::Rests(Rest { until: Until::Call(pending), give, ty });
            }
            Err(answer) => {
                if let Some(text) = give(to, answer, library) {
                    common.complain(text, now, signalk);
                }
                self.resumed(library, common);
            }
        }
        self.settle(library, common);
        self.look(library, common, now, signalk);
    }

    /// What the call wants of the edge, and what became of waits by it, for example by closing their socket.
    fn settle(&mut self, library: &mut Library, common: &mut Common) {
        let Some(shared) = library.shared() else { return };
        for completed in shared.net.take_completed() {
            self.completed(completed, library, common);
        }
    }

    /// What the network wants of the edge and of the log.
    pub(super) fn look(
        &mut self,
        library: &mut Library,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        self.wants(library, common);
        let Some(shared) = library.shared() else { return };
        for trouble in shared.net.take_troubles() {
            common.complain(trouble, now, signalk);
        }
    }

    /// What the network wants of the edge.
    pub(super) fn wants(&mut self, library: &mut Library, common: &mut Common) {
        let Some(shared) = library.shared() else { return };
        common.outputs.extend(shared.net.take_effects().into_iter().map(Output::Effect));
        let wishes = shared.net.take_wishes().into_iter();
        common.outputs.extend(wishes.map(|(id, wish)| Output::Exchange { id, wish }));
    }

    /// The wait of a call has ended.
    pub(super) fn answered(
        &mut self,
        (wait, later): (Wait, Later),
        came: Came,
        to: To,
        library: &mut Library,
        common: &mut Common,
    ) {
        let Some(shared) = library.shared() else { return };
        let answer = later.answer(wait, came, common.id(), &mut shared.net);
        tell_late(to, answer, library, common);
    }

    /// A guest that waits for data of a socket goes on when there are any.
    pub(super) fn received(&mut self, library: &mut Library, common: &mut Common) {
        let Outcome::Rests(Rest { until: Until::Call(Pending::Data { call, socket }), .. }) =
            &library.outcome
        else {
            return;
        };
        let (call, socket) = (*call, *socket);
        let Some(shared) = library.shared() else { return };
        let Some(answer) = taken(call, socket, common.id(), &mut shared.net) else { return };
        if let Outcome::Rests(Rest { give, ty, .. }) =
            std::mem::replace(&mut library.outcome, Outcome::More)
        {
            tell_late((give, ty), answer, library, common);
        }
        self.resumed(library, common);
    }

    /// The plugin stops: it waits for no answer any more, and what it waited for ends. That is nobody's fault.
    pub(super) fn give_up(&mut self, library: &mut Library, common: &mut Common) {
        let Outcome::Rests(Rest { until: Until::Call(_), .. }) = &library.outcome else { return };
        let Outcome::Rests(Rest { until: Until::Call(pending), ty, .. }) =
            std::mem::replace(&mut library.outcome, Outcome::More)
        else {
            return;
        };
        let Some(shared) = library.shared() else { return };
        let name = match pending {
            Pending::Asked { method, .. } => method,
            Pending::Later(wait, later) => {
                later.give_up(wait, &mut shared.net);
                later.call.to_owned()
            }
            Pending::Data { call, .. } => call.to_owned(),
        };
        let text = format!("plugin `{}`: `{name}`: the plugin stops", common.id());
        shared.last_call.failed(&ErrorCode::Cancelled.with(text));
        library.resume(&results(&ty, -1));
        self.resumed(library, common);
    }

    /// The exports of which the method needs one, when the module has none of them.
    fn unheard(&self, method: &str) -> Option<&'static [&'static str]> {
        let (_, exports) = HEARD_BY.iter().find(|(name, _)| *name == method)?;
        let is_heard = exports.iter().any(|export| self.interface.has_export(export));
        (!is_heard).then_some(*exports)
    }
}

/// Refuses what nobody would hear of; rights come first, as for every call.
fn refuse(
    method: &str,
    exports: &[&str],
    common: &mut Common,
    now: Duration,
    signalk: &mut dyn SignalK,
) -> BridgeError {
    let exports = exports.join("` or `");
    match methods::admit(method, &mut common.account, signalk, now) {
        Err(error) => error,
        Ok(caller) => {
            let error = caller.bad_params(format_args!(
                "what comes of it is told by the export `{exports}`, which the module does not have; export it"
            ));
            common.account.counters.host_call_errors += 1;
            error
        }
    }
}

/// Goes on with an answer that came later.
fn tell_late(to: To, answer: Answer, library: &mut Library, common: &mut Common) {
    let failed = answer.as_ref().is_err_and(|error| !error.is_quiet());
    common.account.counters.host_call_errors += u64::from(failed);
    let text = give(to, answer, library);
    if let (Some(text), Some(shared)) = (text, library.shared()) {
        shared.net.trouble(text);
    }
}

/// Goes on with the answer; what is to be said of its failure.
fn give((give, ty): To, answer: Answer, library: &mut Library) -> Option<String> {
    let Give::Answer { buffer, capacity } = give else { return None };
    let instance = library.guest.instance()?;
    let limit = instance.limits().message_bytes;
    let answer = match answer {
        Ok(text) if text.get().len() > limit => {
            let text = too_long(instance.name(), text.get().len(), limit);
            Err((ErrorCode::ResponseTooLarge.with(text.clone()), Some(text)))
        }
        Ok(text) => Ok(String::from(Box::<str>::from(text)).into_bytes()),
        Err(error) => {
            let said = (!error.is_quiet()).then(|| error.to_string());
            Err((ErrorObject::from(&error), said))
        }
    };
    let (number, said) = match answer {
        Ok(text) => (give_answer(instance, (buffer, capacity), text), None),
        Err((error, said)) => {
            instance.state::<Shared>()?.last_call.failed(&error);
            (-1, said)
        }
    };
    library.resume(&results(&ty, number));
    said
}

fn too_long(plugin: &str, len: usize, limit: usize) -> String {
    format!(
        "plugin `{plugin}`: an answer of {len} bytes, the limit is {limit}; ask for less, or raise `messageMiB` in the plugin's limits"
    )
}
