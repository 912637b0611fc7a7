//! `put.register`, `resources.register`, `weather.register`, `radar.register`, `http.register`:
//! what a plugin offers to clients.
//!
//! Clauses: plugin ABI 4.7, 7.7, 8.5. A JSON-RPC plugin is then asked by the
//! requests of `wit/signalk-plugin.wit`, interface handlers.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Map;
use signalk_model::{Delta, PathMeta, Update};

use super::Caller;
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
    pub endpoints: Vec<Endpoint>,
}

/// Clients may PUT to a path of the plugin.
///
/// # Errors
/// [`BridgeError::BadParams`] for an empty path.
pub fn put(caller: &mut Caller<'_>, params: Put) -> Result<(), BridgeError> {
    if params.path.is_empty() {
        return Err(caller.bad_params("`path` is empty; name the path that clients PUT to"));
    }
    let context = params.context.unwrap_or_else(|| "vessels.self".to_owned());
    register(caller, Registration::Put { context, path: params.path });
    Ok(())
}

/// The plugin provides resources of a type.
///
/// # Errors
/// [`BridgeError::BadParams`] for an empty type.
pub fn resources(caller: &mut Caller<'_>, params: Resources) -> Result<(), BridgeError> {
    if params.kind.is_empty() {
        return Err(
            caller.bad_params("`type` is empty; write \"routes\", \"notes\" or a name of your own")
        );
    }
    register(caller, Registration::Resources { kind: params.kind });
    Ok(())
}

/// The plugin provides weather.
///
/// # Errors
/// None.
pub fn weather(caller: &mut Caller<'_>, params: Provider) -> Result<(), BridgeError> {
    register(caller, Registration::Weather { name: params.name });
    Ok(())
}

/// The plugin provides radars.
///
/// # Errors
/// None.
pub fn radar(caller: &mut Caller<'_>, params: Provider) -> Result<(), BridgeError> {
    register(caller, Registration::Radar { name: params.name });
    Ok(())
}

/// The plugin answers HTTP below `/plugins/<id>`.
///
/// # Errors
/// None.
pub fn http(caller: &mut Caller<'_>, params: Http) -> Result<(), BridgeError> {
    register(caller, Registration::Http(params.endpoints));
    Ok(())
}

/// The row that a registration is admitted by.
pub(crate) fn method(registration: &Registration) -> &'static str {
    match registration {
        Registration::Put { .. } => "put.register",
        Registration::Resources { .. } => "resources.register",
        Registration::Weather { .. } => "weather.register",
        Registration::Radar { .. } => "radar.register",
        Registration::Http(_) => "http.register",
    }
}

/// Registers; a PUT handler is announced by metadata (plugin ABI 7.7).
pub(crate) fn register(caller: &mut Caller<'_>, registration: Registration) {
    let plugin = caller.plugin().clone();
    if let Registration::Put { context, path } = &registration {
        let value = Map::from_iter([("supportsPut".to_owned(), true.into())]);
        let meta = PathMeta { path: path.as_str().into(), value: Arc::new(value) };
        let update =
            Update { meta: vec![meta], source_ref: Some(plugin.as_str().into()), ..Update::new() };
        let own = Delta::for_self().with_update(update);
        let delta = match context.as_str() {
            "vessels.self" => own,
            other => Delta { context: Some(other.into()), ..own },
        };
        caller.signalk.emit_delta(&plugin, delta, Version::V1);
    }
    caller.signalk.register(&plugin, registration);
}
