//! Everything that can go wrong between a plugin and Signal K, and its number on the wire.
//!
//! Guest faults (traps, limits) are `wasmi_hdk::Fault`; what is wrong with a
//! package is `manifest::ManifestError`.

use serde_json::json;
use wasmi_rpc::{ErrorCode, ErrorObject};

use crate::{Capability, PluginId};

/// The beginning of a text of a plugin, as an error quotes it.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 100;
    text.chars().take(MOST).collect()
}

/// One failed call or one plugin that cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BridgeError {
    /// The call needs a capability that the package did not ask for.
    #[error("plugin `{plugin}`: `{call}` needs the capability `{capability}`; add {} to wasmCapabilities in its package.json", capability.remedy())]
    CapabilityDenied {
        /// Who called.
        plugin: PluginId,
        /// What.
        call: &'static str,
        /// What it lacks.
        capability: Capability,
    },
    /// No row of the method table has this name.
    #[error(
        "plugin `{plugin}`: the host has no method `{method}`; the methods are those of signalk-plugin.wit"
    )]
    UnknownMethod {
        /// Who called.
        plugin: PluginId,
        /// As called.
        method: String,
    },
    /// The parameters do not fit the method.
    #[error("plugin `{plugin}`: `{call}`: {reason}")]
    BadParams {
        /// Who called.
        plugin: PluginId,
        /// What.
        call: &'static str,
        /// Which parameter and why.
        reason: String,
    },
    /// More deltas than the plugin's budget.
    #[error(
        "plugin `{plugin}`: `{call}`: over its limit of {limit} deltas per second; this one is dropped. Send less, or raise the limit in the plugin's settings"
    )]
    TooManyDeltas {
        /// Who called.
        plugin: PluginId,
        /// What.
        call: &'static str,
        /// Deltas per second.
        limit: u32,
    },
    /// The configuration could not be saved.
    #[error("plugin `{plugin}`: `options.save`: {reason}")]
    NotSaved {
        /// Who called.
        plugin: PluginId,
        /// File and reason.
        reason: String,
    },
    /// A call of the network failed.
    #[error("plugin `{plugin}`: `{call}`: {reason}")]
    Network {
        /// Who called.
        plugin: PluginId,
        /// What.
        call: &'static str,
        /// What happened, with the remedy where there is one.
        reason: String,
    },
    /// The client of a streamed exchange has left, or its time was up. Not the plugin's fault: the
    /// plugin is told and nothing is counted.
    #[error(
        "plugin `{plugin}`: `{call}`: exchange {exchange} is over: its client has left, or nothing moved in time; end the handler"
    )]
    ClientLeft {
        /// Who called.
        plugin: PluginId,
        /// What.
        call: &'static str,
        /// Which.
        exchange: u64,
    },
    /// The module speaks a convention that this host does not (yet).
    #[error("plugin `{plugin}`: {reason}")]
    Unsupported {
        /// Whose module.
        plugin: PluginId,
        /// What was found and what to do.
        reason: String,
    },
    /// The module could not be made into a living instance.
    #[error("plugin `{plugin}`: {source}")]
    Load {
        /// Whose module.
        plugin: PluginId,
        /// Which limit or which byte.
        source: Box<wasmi_hdk::LoadError>,
    },
}

/// How a running plugin ended when nobody asked it to.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Crash {
    /// It trapped, exited or passed a limit.
    #[error(transparent)]
    Fault(Box<wasmi_hdk::Fault>),
    /// It could not be started as an instance.
    #[error(transparent)]
    Load(Box<wasmi_hdk::LoadError>),
    /// A call could not be made or finished.
    #[error(transparent)]
    Call(Box<wasmi_hdk::CallError>),
    /// It ended itself while it should run.
    #[error(
        "plugin `{plugin}`: exited with code {code} while it should run; a plugin runs until `stop`"
    )]
    Exited {
        /// Who.
        plugin: PluginId,
        /// What it said.
        code: i32,
    },
    /// It did not answer in time.
    #[error(
        "plugin `{plugin}`: did not answer `{call}` within {limit:?}; answer sooner and do long work afterwards"
    )]
    NoAnswer {
        /// Who.
        plugin: PluginId,
        /// What it was asked.
        call: &'static str,
        /// How long it had.
        limit: std::time::Duration,
    },
    /// Its own allocator had no memory for a text of the host (plugin ABI 2.6).
    #[error(
        "{plugin}: `{call}({bytes})` gave no memory for what the host hands over; the guest has {used} bytes, its limit is {limit}"
    )]
    NoMemory {
        /// Who.
        plugin: String,
        /// `allocate` or `__new`.
        call: &'static str,
        /// How many it was asked for.
        bytes: u32,
        /// Its memory now, in bytes.
        used: u64,
        /// Its largest memory, in bytes.
        limit: u64,
    },
    /// Anything else, as text.
    #[error("{0}")]
    Text(String),
}

/// Why a plugin cannot be started.
#[derive(Clone, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// In words.
    pub text: String,
    /// Of what kind: what helps depends on it.
    pub cause: Cause,
}

/// Of what kind a [`Failure`] is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Cause {
    /// The module does not load, or ended while it was set up.
    Crash(Crash),
    /// The module is not one for this host.
    Module,
    /// The plugin itself said no.
    Refused,
    /// The text says all, the remedy included.
    Told,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(cause: Cause, text: impl Into<String>) -> Failure {
        Failure { text: text.into(), cause }
    }
}

/// The text alone, as it was when it was nothing but one.
impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.text, f)
    }
}

impl From<Crash> for Failure {
    fn from(crash: Crash) -> Failure {
        Failure::new(Cause::Crash(crash.clone()), crash.to_string())
    }
}

impl From<BridgeError> for Failure {
    fn from(error: BridgeError) -> Failure {
        let text = error.to_string();
        match error {
            BridgeError::Load { source, .. } => {
                Failure::new(Cause::Crash(Crash::Load(source)), text)
            }
            _ => Failure::new(Cause::Module, text),
        }
    }
}

impl From<wasmi_hdk::Fault> for Crash {
    fn from(fault: wasmi_hdk::Fault) -> Crash {
        Crash::Fault(Box::new(fault))
    }
}

impl From<wasmi_hdk::LoadError> for Crash {
    fn from(error: wasmi_hdk::LoadError) -> Crash {
        Crash::Load(Box::new(error))
    }
}

impl From<wasmi_hdk::CallError> for Crash {
    fn from(error: wasmi_hdk::CallError) -> Crash {
        Crash::Call(Box::new(error))
    }
}

impl BridgeError {
    /// Whether it is only news for the guest: nobody did anything wrong, so nothing is counted or logged.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self, BridgeError::ClientLeft { .. })
    }

    /// The number on the wire.
    pub fn code(&self) -> ErrorCode {
        match self {
            BridgeError::CapabilityDenied { .. } => ErrorCode::CapabilityDenied,
            BridgeError::UnknownMethod { .. } => ErrorCode::MethodNotFound,
            BridgeError::BadParams { .. } => ErrorCode::InvalidParams,
            BridgeError::TooManyDeltas { .. } => ErrorCode::Busy,
            BridgeError::NotSaved { .. } => ErrorCode::StorageFailed,
            BridgeError::Network { .. } | BridgeError::ClientLeft { .. } => {
                ErrorCode::NetworkFailed
            }
            BridgeError::Unsupported { .. } | BridgeError::Load { .. } => ErrorCode::NotRunning,
        }
    }
}

/// The one conversion to the wire; `data` carries the variant's fields.
impl From<&BridgeError> for ErrorObject {
    fn from(error: &BridgeError) -> ErrorObject {
        let data = match error {
            BridgeError::CapabilityDenied { plugin, call, capability } => json!({
                "plugin": plugin, "call": call, "capability": capability.key(),
                "remedy": format!("add {} to wasmCapabilities", capability.remedy()),
            }),
            BridgeError::UnknownMethod { plugin, method } => {
                json!({ "plugin": plugin, "method": method })
            }
            BridgeError::BadParams { plugin, call, reason }
            | BridgeError::Network { plugin, call, reason } => {
                json!({ "plugin": plugin, "call": call, "reason": reason })
            }
            BridgeError::ClientLeft { plugin, call, exchange } => {
                json!({ "plugin": plugin, "call": call, "exchange": exchange })
            }
            BridgeError::TooManyDeltas { plugin, call, limit } => {
                json!({ "plugin": plugin, "call": call, "limit": limit })
            }
            BridgeError::NotSaved { plugin, reason }
            | BridgeError::Unsupported { plugin, reason } => {
                json!({ "plugin": plugin, "reason": reason })
            }
            BridgeError::Load { plugin, .. } => json!({ "plugin": plugin }),
        };
        ErrorObject::owned(error.code().number(), error.to_string(), Some(data))
    }
}
