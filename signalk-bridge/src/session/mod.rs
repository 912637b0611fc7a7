//! `Session`: one started plugin, whatever its ABI, as a state machine without I/O.
//!
//! After each input, poll until it says wait. A session lives from loading the
//! module to its end; a restart is a new session (plugin ABI W20). Who is
//! started when, back-off and configuration files are `signalk-core/src/plugins`.

mod clients;
mod common;
mod config;
mod io;
mod kept;
mod library;
mod rows;
mod rpc;
mod run;
mod values;
mod waiting;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use wasmi_hdk::{Module, Stats};

use self::common::{BATCH, Common};
pub use self::config::{Code, HostInfo, Purpose, SessionConfig};
pub use self::io::{Delivery, Description, Input, Output};
pub use self::kept::Kept;
use self::run::{Done, Job};
pub use self::run::{Ran, Run};
pub use self::waiting::DeltaQueue;
use crate::abi::library::Library;
use crate::abi::work::VALUES_HANDLER;
use crate::abi::{self, Flavour};
use crate::account::SubscriptionUse;
use crate::{
    Account, Capability, Cause, Counters, Crash, Failure, HandlerFailure, Manifest, SignalK, Usage,
};

/// Version of the methods and of the handshake; majors must be equal.
pub const PROTOCOL_VERSION: &str = "1.0";
/// Time that a plugin has to answer `initialize` and `start`.
pub(crate) const START_DEADLINE: Duration = Duration::from_secs(30);
/// Time that a plugin has to stop.
pub(crate) const STOP_DEADLINE: Duration = Duration::from_secs(5);
/// Distance of two `poll` calls.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// One plugin from load to end.
pub struct Session {
    common: Common,
    state: State,
    /// Its guest, when it has ended and that is sound.
    kept: Option<Kept>,
}

enum State {
    Loading { config: Box<SessionConfig>, code: Option<Code>, stop: bool },
    Exports(Box<library::Exports>),
    Rpc(Box<rpc::Rpc>),
    Ended,
}

impl Session {
    /// A session that will load its code on its first run.
    pub fn new(manifest: &Manifest, code: Code, config: SessionConfig) -> Session {
        let capabilities = manifest.capabilities;
        let mut account = Account::new(manifest.id.clone(), capabilities, config.deltas_per_second);
        manifest.package_name.clone_into(&mut account.package);
        account.rules = config.rules.clone();
        let common = Common {
            manifest: manifest.clone(),
            account,
            purpose: config.purpose,
            outputs: VecDeque::new(),
            waiting: DeltaQueue::new(config.queue),
            next_beat: Duration::ZERO,
            module: None,
            stats: Stats::default(),
            usage: Usage::default(),
            unknown_imports: Vec::new(),
            complained: None,
        };
        let state = State::Loading { config: Box::new(config), code: Some(code), stop: false };
        Session { common, state, kept: None }
    }

    /// Takes an input; then poll.
    pub fn handle_input(&mut self, now: Duration, input: Input, signalk: &mut dyn SignalK) {
        match input {
            Input::Deltas(deltas) => self.common.take(deltas),
            Input::Stop => match &mut self.state {
                State::Loading { stop, .. } => *stop = true,
                State::Exports(exports) => exports.stop(now, &mut self.common),
                State::Rpc(rpc) => rpc.stop(now),
                State::Ended => {}
            },
            Input::Ran(ran) => match (ran.0, &mut self.state) {
                (Done::Loaded(result), State::Loading { .. }) => self.loaded(result, now, None),
                (Done::Library(library), State::Exports(exports)) => {
                    exports.ran(library, &mut self.common, now, signalk);
                }
                (Done::Plugin(ran), State::Rpc(rpc)) => rpc.ran(ran, &mut self.common, now),
                _ => {}
            },
            Input::Handle(call) => match &mut self.state {
                State::Exports(exports) => exports.handle(call, &mut self.common),
                State::Rpc(rpc) => rpc.handle(call, &mut self.common, now),
                State::Loading { .. } | State::Ended => {
                    self.common.handled(call.id, Err(HandlerFailure::NotRunning));
                }
            },
            Input::Cancel(id) => match &mut self.state {
                State::Rpc(rpc) => rpc.cancel(id, now),
                State::Exports(exports) => exports.forget(id, &mut self.common),
                State::Loading { .. } | State::Ended => {}
            },
            Input::Exchange { id, news } => match &mut self.state {
                State::Exports(exports) => exports.exchange(id, news, &mut self.common),
                State::Rpc(rpc) => rpc.exchange(id, news, &mut self.common, now, signalk),
                State::Loading { .. } | State::Ended => {}
            },
            Input::Client(news) => match &mut self.state {
                State::Exports(exports) => exports.clients.push(&news),
                State::Rpc(rpc) => rpc.clients.push(&news),
                State::Loading { .. } | State::Ended => {}
            },
            Input::Report(report) => match &mut self.state {
                State::Exports(exports) => exports.report(report, &mut self.common),
                State::Rpc(rpc) => rpc.report(report, &mut self.common, now, signalk),
                State::Loading { .. } | State::Ended => {}
            },
            Input::PutDone { id, reply } => match &mut self.state {
                State::Exports(exports) => exports.put_done((id, reply), &mut self.common),
                State::Rpc(rpc) => rpc.put_done((id, reply), &mut self.common, now, signalk),
                State::Loading { .. } | State::Ended => {}
            },
            Input::Options(options) => match &mut self.state {
                State::Exports(exports) => exports.set_options(&options),
                State::Rpc(rpc) => rpc.set_options(&options),
                State::Loading { .. } | State::Ended => {}
            },
            Input::Tick => {}
        }
    }

    /// Takes one more delta, oldest first. True when it is time to poll: most of them just wait with the others.
    #[must_use]
    pub fn deliver(&mut self, delivery: Delivery) -> bool {
        self.common.take_one(delivery);
        matches!(self.common.waiting.len(), 1 | BATCH)
    }

    /// The next thing to do.
    pub fn poll_output(&mut self, now: Duration, signalk: &mut dyn SignalK) -> Output {
        if let Some(output) = self.common.outputs.pop_front() {
            return self.ends_with(output);
        }
        let output = match &mut self.state {
            State::Ended => Output::Wait { until: None },
            State::Loading { code: None, .. } => Output::Wait { until: None },
            State::Loading { stop: true, .. } => Output::Stopped,
            State::Loading { config, code, .. } => match code.take() {
                Some(Code::Bytes(bytes)) => Output::Run(Run(Job::Load {
                    engine: config.engine.clone(),
                    name: self.common.manifest.id.to_string(),
                    bytes,
                    limits: Box::new(config.limits.clone()),
                })),
                Some(Code::Module(module)) => {
                    self.loaded(Ok(module), now, None);
                    return self.poll_output(now, signalk);
                }
                Some(Code::Kept(kept)) => {
                    self.loaded(Ok(kept.module), now, Some((kept.library, kept.before)));
                    return self.poll_output(now, signalk);
                }
                None => Output::Wait { until: None },
            },
            State::Exports(exports) => exports.poll(&mut self.common, now),
            State::Rpc(rpc) => rpc.poll(&mut self.common, now, signalk),
        };
        self.ends_with(output)
    }

    /// The loaded module, to be run again when a newer one cannot be.
    pub fn module(&self) -> Option<&Module> {
        self.common.module.as_ref()
    }

    /// `module.name` of what the guest imports and nobody has: it traps when called.
    /// Known once the module is loaded, and until the session is dropped.
    pub fn unknown_imports(&self) -> &[String] {
        &self.common.unknown_imports
    }

    /// What each export cost, as of the last run; empty for a JSON-RPC plugin.
    pub fn usage(&self) -> &Usage {
        &self.common.usage
    }

    /// Whether the guest wants every delta (`delta_handler`), and may have it.
    pub fn has_delta_handler(&self) -> bool {
        self.common.account.capabilities().has(Capability::DataRead)
            && matches!(self.state, State::Exports(_))
            && self.common.module.as_ref().is_some_and(|found| found.has_export("delta_handler"))
    }

    /// Whether the guest wants every delta as values in binary (`values_handler`), and may have it; then it gets none
    /// by
    /// `delta_handler`.
    pub fn has_values_handler(&self) -> bool {
        self.common.account.capabilities().has(Capability::DataRead)
            && matches!(self.state, State::Exports(_))
            && self.common.module.as_ref().is_some_and(|found| found.has_export(VALUES_HANDLER))
    }

    /// Deltas that never reached the guest, for its next life.
    pub fn take_waiting(&mut self) -> Vec<Delivery> {
        self.common.waiting.take()
    }

    /// Bytes of clients' WebSockets that the guest has not taken.
    pub fn client_bytes(&self) -> usize {
        match &self.state {
            State::Exports(exports) => exports.clients.bytes(),
            State::Rpc(rpc) => rpc.clients.bytes(),
            State::Loading { .. } | State::Ended => 0,
        }
    }

    /// What waits of each of its subscriptions, and what of it was dropped since it began.
    pub fn subscriptions(&self) -> Vec<SubscriptionUse> {
        self.common.subscriptions()
    }

    /// Fuel, memory, host calls, as of the last run.
    pub fn stats(&self) -> Stats {
        self.common.stats
    }

    /// Deltas in and out and what was dropped.
    pub fn counters(&self) -> Counters {
        self.common.account.counters
    }

    /// Takes one delta that its input handler adds out of the plugin's budget, as if it had sent it.
    ///
    /// # Errors
    /// [`crate::BridgeError::TooManyDeltas`]: it has none left, which is counted.
    pub fn charge_added(&mut self, now: Duration) -> Result<(), crate::BridgeError> {
        self.common.account.charge_delta(now, "deltas.input")?;
        self.common.account.counters.deltas_out += 1;
        Ok(())
    }

    fn ends_with(&mut self, output: Output) -> Output {
        if matches!(output, Output::Failed(_) | Output::Stopped | Output::Crashed(_)) {
            self.keep(&output);
            self.state = State::Ended;
            self.common.outputs.clear();
        }
        output
    }

    /// The module is there, and its guest if that has lived before.
    fn loaded(
        &mut self,
        result: Result<Module, wasmi_hdk::LoadError>,
        now: Duration,
        guest: Option<(Box<Library>, Stats)>,
    ) {
        let State::Loading { config, stop, .. } = std::mem::replace(&mut self.state, State::Ended)
        else {
            return;
        };
        let module = match result {
            Ok(module) => module,
            Err(error) => return self.common.end(Output::Failed(Crash::from(error).into())),
        };
        if stop {
            return self.common.end(Output::Stopped);
        }
        let manifest = &self.common.manifest;
        let extism = module.imports().any(|import| import.module.starts_with("extism:"));
        let flavour = abi::detect(manifest.interface, |name| module.has_export(name), extism);
        self.common.module = Some(module.clone());
        let offered = match flavour {
            Ok(Flavour::JsonRpc) => wasmi_hdk::Imports::new().into(),
            Ok(_) | Err(_) => abi::env::imports(),
        };
        self.common.unknown_imports = module.unknown_imports(&offered);
        if let Some(text) = self.common.refused_imports() {
            return self.common.end(Output::Failed(Failure::new(Cause::Told, text)));
        }
        self.state = match flavour {
            Ok(Flavour::JsonRpc) => match rpc::Rpc::new(&module, *config, manifest, now) {
                Ok(rpc) => State::Rpc(Box::new(rpc)),
                Err(error) => return self.common.end(Output::Failed(error.into())),
            },
            Ok(flavour) => State::Exports(Box::new(match guest {
                None => library::Exports::new(&module, *config, manifest, flavour),
                Some(guest) => library::Exports::again(&module, *config, manifest, flavour, guest),
            })),
            Err(unknown) => {
                let text = format!("plugin `{}`: {}: {unknown}", manifest.id, manifest.wasm);
                return self.common.end(Output::Failed(Failure::new(Cause::Module, text)));
            }
        };
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match self.state {
            State::Loading { .. } => "loading",
            State::Exports(_) => "exports",
            State::Rpc(_) => "json-rpc",
            State::Ended => "ended",
        };
        f.debug_struct("Session").field("plugin", self.common.id()).field("state", &state).finish()
    }
}
