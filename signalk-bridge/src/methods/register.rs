//! `put.register`, `resources.register`, `weather.register`, `radar.register`, `http.register`:
//! what a plugin offers to clients.
//!
//! Clauses: plugin ABI 4.7, 7.7, 8.5. A JSON-RPC plugin is then asked by the
//! requests of `wit/signalk-plugin.wit`, interface handlers.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Map;
use serde_json::value::RawValue;
use signalk_model::{Context, Delta, Path, PathMeta, Update};

use super::{Caller, shown};
use crate::{BridgeError, Endpoint, Registration, Version};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const put: &[&str] = &["path", "context"];
    pub(in crate::methods) const resources: &[&str] = &["type"];
    pub(in crate::methods) const weather: &[&str] = &["name"];
    pub(in crate::methods) const radar: &[&str] = &["name"];
    pub(in crate::methods) const http: &[&str] = &["endpoints"];
}

/// Params of `put.register`.
#[derive(Debug, Clone, Deserialize)]
pub struct Put {
    /// Dotted.
    pub path: String,
    /// `vessels.self` when left out.
    #[serde(default)]
    pub context: Option<String>,
}

/// Params of `resources.register`.
#[derive(Debug, Clone, Deserialize)]
pub struct Resources {
    /// `routes`, `notes` or any other name.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Params of `weather.register` and `radar.register`.
#[derive(Debug, Clone, Deserialize)]
pub struct Provider {
    /// For people.
    pub name: String,
}

/// Params of `http.register`: all endpoints of the plugin, in order.
#[derive(Debug, Clone, Deserialize)]
pub struct Http {
    /// As the answer of `http_endpoints`.
    pub endpoints: Box<RawValue>,
}

/// Clients may PUT to a path of the plugin.
///
/// # Errors
/// [`BridgeError::BadParams`] for what is no path or context, and for the 1001st.
pub fn put(caller: &mut Caller<'_>, params: Put) -> Result<(), BridgeError> {
    register(caller, Registration::put(params.context.unwrap_or_default(), params.path))
}

/// The plugin provides resources of a type.
///
/// # Errors
/// [`BridgeError::BadParams`] for an empty or very long type, and for the 101st.
pub fn resources(caller: &mut Caller<'_>, params: Resources) -> Result<(), BridgeError> {
    register(caller, Registration::Resources { kind: params.kind })
}

/// The plugin provides weather.
///
/// # Errors
/// [`BridgeError::BadParams`] for a very long name.
pub fn weather(caller: &mut Caller<'_>, params: Provider) -> Result<(), BridgeError> {
    register(caller, Registration::Weather { name: params.name })
}

/// The plugin provides radars.
///
/// # Errors
/// [`BridgeError::BadParams`] for a very long name.
pub fn radar(caller: &mut Caller<'_>, params: Provider) -> Result<(), BridgeError> {
    register(caller, Registration::Radar { name: params.name })
}

/// What a row of `http.register` costs: its path becomes a matcher, in the server's time.
const FUEL_OF_ENDPOINT: usize = 10_000;

/// The plugin answers HTTP below `/plugins/<id>`. Rows that are not understood are skipped and said
/// in its log.
///
/// # Errors
/// [`BridgeError::BadParams`] when it is no list, or one that is too long.
pub fn http(caller: &mut Caller<'_>, params: Http) -> Result<(), BridgeError> {
    let (endpoints, complaints) =
        Endpoint::rows(params.endpoints.get()).map_err(|reason| caller.bad_params(reason))?;
    for complaint in complaints {
        caller.warn(complaint);
    }
    caller.account.owe(endpoints.len().saturating_mul(FUEL_OF_ENDPOINT));
    register(caller, Registration::Http(endpoints))
}

/// The row that a registration is admitted by.
pub(crate) fn method(registration: &Registration) -> &'static str {
    match registration {
        Registration::Put { .. } => "put.register",
        Registration::Resources { .. } => "resources.register",
        Registration::Weather { .. } => "weather.register",
        Registration::Radar { .. } => "radar.register",
        Registration::Http(_) => "http.register",
        Registration::DeltaInput { .. } => "deltas.intercept",
        Registration::WebSockets { .. } => "websocket.register",
    }
}

/// Registers; a new PUT handler is announced by metadata (plugin ABI 7.7). That is a delta of the server's: what a
/// plugin has sent before takes no handler from it, and the number of handlers bounds it.
///
/// # Errors
/// [`BridgeError::BadParams`]: then nothing was registered.
pub(crate) fn register(
    caller: &mut Caller<'_>,
    registration: Registration,
) -> Result<(), BridgeError> {
    let checked = caller.account.registered.check(&registration);
    let is_new = checked.map_err(|reason| caller.bad_params(reason))?;
    let plugin = caller.plugin().clone();
    if let Registration::Put { context, path } = &registration
        && is_new
    {
        let value = Map::from_iter([("supportsPut".to_owned(), true.into())]);
        let meta = PathMeta { path: path.as_str().into(), value: Arc::new(value) };
        let update =
            Update { meta: vec![meta], source_ref: Some(plugin.as_str().into()), ..Update::new() };
        let own = Delta::for_self().with_update(update);
        let delta = match context.as_str() {
            OWN => own,
            other => Delta { context: Some(other.into()), ..own },
        };
        caller.account.counters.deltas_out += 1;
        caller.signalk.emit_delta(&plugin, delta, Version::V1);
    }
    caller.account.registered.note(&registration);
    caller.signalk.register(&plugin, registration);
    Ok(())
}

/// The own vessel, as registrations name it.
const OWN: &str = "vessels.self";
/// PUT handlers of one life: the server looks through all of them, and all clients hear of each.
const MOST_PUTS: usize = 1000;
/// Types of resources of one life.
const MOST_KINDS: usize = 100;
/// Bytes of a type, or of a name for people.
const LONGEST_NAME: usize = 256;

impl Registration {
    /// A PUT handler; without a context, of the own vessel.
    pub(crate) fn put(context: String, path: String) -> Registration {
        let context = match context.as_str() {
            "" | "self" => OWN.to_owned(),
            _ => context,
        };
        Registration::Put { context, path }
    }

    /// Bytes of its texts.
    pub(crate) fn len(&self) -> usize {
        match self {
            Registration::Put { context, path } => context.len() + path.len(),
            Registration::Resources { kind } => kind.len(),
            Registration::Weather { name } | Registration::Radar { name } => name.len(),
            Registration::Http(rows) => rows.iter().map(|row| row.path.len()).sum(),
            Registration::WebSockets { paths, protocols, .. } => {
                paths.iter().chain(protocols).map(String::len).sum()
            }
            Registration::DeltaInput { context, paths } => {
                context.len() + paths.iter().map(String::len).sum::<usize>()
            }
        }
    }
}

/// What one life of a plugin has registered so far, so that it is bounded.
#[derive(Debug, Default)]
pub(crate) struct Registered {
    puts: BTreeSet<(String, String)>,
    kinds: BTreeSet<String>,
    has_radar: bool,
}

impl Registered {
    /// Whether it may be registered, in words why not; true: there was none like it.
    pub(crate) fn check(&self, registration: &Registration) -> Result<bool, String> {
        match registration {
            Registration::Put { context, path } => {
                if path.is_empty() {
                    return Err("`path` is empty; name the path that clients PUT to".to_owned());
                }
                Path::check(path).map_err(|error| not("path", path, &error))?;
                Context::check(context).map_err(|error| not("context", context, &error))?;
                let known = self.puts.contains(&(context.clone(), path.clone()));
                room(self.puts.len(), MOST_PUTS, known, "PUT handlers")
            }
            Registration::Resources { kind } => {
                if kind.is_empty() {
                    return Err(
                        "`type` is empty; write \"routes\", \"notes\" or a name of your own"
                            .to_owned(),
                    );
                }
                short("type", kind)?;
                room(self.kinds.len(), MOST_KINDS, self.kinds.contains(kind), "types of resources")
            }
            Registration::Weather { name } | Registration::Radar { name } => {
                short("name", name).map(|()| true)
            }
            Registration::Http(_)
            | Registration::WebSockets { .. }
            | Registration::DeltaInput { .. } => Ok(true),
        }
    }

    /// It is registered.
    pub(crate) fn note(&mut self, registration: &Registration) {
        match registration {
            Registration::Put { context, path } => {
                self.puts.insert((context.clone(), path.clone()));
            }
            Registration::Resources { kind } => {
                self.kinds.insert(kind.clone());
            }
            Registration::Radar { .. } => self.has_radar = true,
            Registration::Weather { .. }
            | Registration::Http(_)
            | Registration::WebSockets { .. }
            | Registration::DeltaInput { .. } => {}
        }
    }

    /// Whether the plugin provides radars.
    pub(crate) fn has_radar(&self) -> bool {
        self.has_radar
    }
}

fn room(count: usize, most: usize, known: bool, what: &str) -> Result<bool, String> {
    if !known && count >= most {
        return Err(format!("{most} {what} are registered, which is the limit of a plugin"));
    }
    Ok(!known)
}

fn short(what: &str, text: &str) -> Result<(), String> {
    if text.len() > LONGEST_NAME {
        return Err(format!("`{what}` has {} bytes, the limit is {LONGEST_NAME}", text.len()));
    }
    Ok(())
}

fn not(what: &str, text: &str, error: &impl std::fmt::Display) -> String {
    format!("{what} `{}`: {error}", shown(text))
}
