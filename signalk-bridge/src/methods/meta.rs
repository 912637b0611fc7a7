//! `meta.get`, `meta.set`: units, descriptions, zones.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use signalk_model::{Delta, Path, PathMeta, Update};

use super::{Caller, deltas, paths::Get, shown};
use crate::{BridgeError, Version};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const get: &[&str] = &["path", "context"];
    pub(in crate::methods) const set: &[&str] = &["path", "meta", "context"];
}

/// Params of `meta.set`.
#[derive(Debug, Clone, Deserialize)]
pub struct Set {
    /// Dotted.
    pub path: String,
    /// Members to merge into the path's metadata.
    pub meta: Map<String, Value>,
    /// `vessels.self` when left out.
    #[serde(default)]
    pub context: Option<String>,
}

/// The path's metadata, or null.
///
/// # Errors
/// [`BridgeError::BadParams`] when the context is none.
pub fn get(caller: &mut Caller<'_>, params: Get) -> Result<Option<Box<RawValue>>, BridgeError> {
    let context = caller.context(params.context.as_deref())?;
    let text = caller.signalk.get_meta(&context, &params.path);
    caller.raw(text)
}

/// Sends a meta delta.
///
/// # Errors
/// [`BridgeError::BadParams`], [`BridgeError::TooManyDeltas`].
pub fn set(caller: &mut Caller<'_>, params: Set) -> Result<(), BridgeError> {
    let context = caller.context(params.context.as_deref())?;
    let path: Path = caller.path(&params.path)?;
    caller.account.charge_delta(caller.now, caller.call)?;
    let meta = PathMeta { path, value: Arc::new(params.meta) };
    let update = Update { meta: vec![meta], ..Update::default() };
    let delta = Delta { context: Some(context), updates: vec![update] };
    deltas::send_parsed(caller, delta, Version::V1);
    Ok(())
}

impl Caller<'_> {
    /// A path that is not empty.
    pub(super) fn path(&self, text: &str) -> Result<Path, BridgeError> {
        if text.is_empty() {
            return Err(self.bad_params("`path` is empty"));
        }
        text.parse()
            .map_err(|error| self.bad_params(format_args!("path `{}`: {error}", shown(text))))
    }
}
