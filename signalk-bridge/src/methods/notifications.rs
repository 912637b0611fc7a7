//! `notifications.raise`, `notifications.clear`: alarms.
//!
//! Clause: plugin ABI 4.4. A notification is a delta with a path below
//! `notifications.` and an object with a known `state`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use signalk_model::{Delta, PathValue, Update};

use super::{Caller, deltas};
use crate::{BridgeError, Version};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const raise: &[&str] = &["path", "state", "message", "method"];
    pub(in crate::methods) const clear: &[&str] = &["path"];
}

/// The states of an alarm (Signal K 1.8.2, notifications).
pub const STATES: [&str; 6] = ["nominal", "normal", "alert", "warn", "alarm", "emergency"];

/// Params of `notifications.raise`; further members go out as they are.
#[derive(Debug, Clone, Deserialize)]
pub struct Raise {
    /// With or without its leading `notifications.`.
    pub path: String,
    /// One of [`STATES`].
    pub state: String,
    /// For a person.
    #[serde(default)]
    pub message: Option<String>,
    /// `visual`, `sound`.
    #[serde(default)]
    pub method: Option<Vec<String>>,
    /// Everything else.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Params of `notifications.clear`.
#[derive(Debug, Clone, Deserialize)]
pub struct Clear {
    /// With or without its leading `notifications.`.
    pub path: String,
}

/// Raises or changes an alarm.
///
/// # Errors
/// [`BridgeError::BadParams`] for an unknown state, [`BridgeError::TooManyDeltas`].
pub fn raise(caller: &mut Caller<'_>, params: Raise) -> Result<(), BridgeError> {
    let method = params.method.unwrap_or_else(|| match params.state.as_str() {
        "nominal" | "normal" => Vec::new(),
        "alert" | "warn" => vec!["visual".to_owned()],
        _ => vec!["visual".to_owned(), "sound".to_owned()],
    });
    let mut value = Map::new();
    value.insert("state".to_owned(), params.state.into());
    value.insert("method".to_owned(), method.into());
    value.insert("message".to_owned(), params.message.unwrap_or_default().into());
    value.extend(params.more);
    send(caller, &params.path, value)
}

/// Back to normal.
///
/// # Errors
/// [`BridgeError::BadParams`], [`BridgeError::TooManyDeltas`].
pub fn clear(caller: &mut Caller<'_>, params: Clear) -> Result<(), BridgeError> {
    let value = json!({ "state": "normal", "method": [], "message": "" });
    let Value::Object(value) = value else { return Ok(()) };
    send(caller, &params.path, value)
}

/// What `sk_publish_notification` accepts: an object with a known `state`.
pub fn is_notification(value: &Value) -> bool {
    value.get("state").and_then(Value::as_str).is_some_and(|state| STATES.contains(&state))
}

/// Sends a notification whose value is ready.
///
/// # Errors
/// [`BridgeError::BadParams`] for an unknown state, [`BridgeError::TooManyDeltas`].
pub fn send(
    caller: &mut Caller<'_>,
    path: &str,
    value: Map<String, Value>,
) -> Result<(), BridgeError> {
    let value = Value::Object(value);
    if !is_notification(&value) {
        let state = value.get("state").map(ToString::to_string).unwrap_or_default();
        return Err(
            caller.bad_params(format_args!("state {state} is none of {}", STATES.join(", ")))
        );
    }
    let path = match path.starts_with("notifications.") {
        true => caller.path(path)?,
        false => {
            caller.path(path).and_then(|path| caller.path(&format!("notifications.{path}")))?
        }
    };
    caller.account.charge_alarm(caller.now, caller.call)?;
    let value = signalk_model::Value::Json(Arc::new(value));
    let update = Update { values: vec![PathValue { path, value }], ..Update::default() };
    deltas::send_parsed(caller, Delta { context: None, updates: vec![update] }, Version::V1);
    Ok(())
}
