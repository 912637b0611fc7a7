//! `options.read`, `options.save`: the plugin's own configuration. No capability.
//!
//! Clause: plugin ABI 4.5. Only the `configuration` object: `enabled` and the
//! other members of the file belong to the owner.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Caller;
use crate::BridgeError;

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const read: &[&str] = &[];
    pub(in crate::methods) const save: &[&str] = &["options"];
}

/// Params of `options.read`: none.
#[derive(Debug, Clone, Deserialize)]
pub struct Read {}

/// Params of `options.save`.
#[derive(Debug, Clone, Deserialize)]
pub struct Save {
    /// The whole new configuration object.
    pub options: Box<RawValue>,
}

/// The configuration object.
///
/// # Errors
/// When the stored text is no JSON any more, which the host does not let happen.
pub fn read(caller: &mut Caller<'_>, _: Read) -> Result<Box<RawValue>, BridgeError> {
    let plugin = caller.plugin().clone();
    let text = caller.signalk.read_options(&plugin);
    RawValue::from_string(text).map_err(|error| caller.bad_params(error))
}

/// Replaces the configuration object; the plugin is not restarted.
///
/// # Errors
/// [`BridgeError::BadParams`] when it is no object, [`BridgeError::NotSaved`].
pub fn save(caller: &mut Caller<'_>, params: Save) -> Result<(), BridgeError> {
    save_text(caller, params.options.get())
}

/// As [`save`], from text that is known to be JSON.
///
/// # Errors
/// As [`save`].
pub fn save_text(caller: &mut Caller<'_>, text: &str) -> Result<(), BridgeError> {
    if !text.trim_start().starts_with('{') {
        return Err(caller.bad_params("`options` must be an object"));
    }
    let plugin = caller.plugin().clone();
    caller.signalk.save_options(&plugin, text)
}
