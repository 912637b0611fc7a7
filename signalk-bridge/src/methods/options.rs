//! `options.read`, `options.save`: the plugin's own configuration. No capability.
//!
//! Clause: plugin ABI 4.5. Only the `configuration` object: `enabled` and the
//! other members of the file belong to the owner.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Caller;
use super::network::{Give, Reply};
use crate::net::{Net, Wait};
use crate::{BridgeError, SaveId};

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

/// Replaces the configuration object; the plugin is not restarted. Answers when it is on the disk.
///
/// # Errors
/// [`BridgeError::BadParams`] when it is no object, [`BridgeError::NotSaved`]; [`BridgeError::Network`] when too many
/// wait, or the disk refuses.
pub(super) fn save(caller: &mut Caller<'_>, params: Save) -> Result<Reply, BridgeError> {
    let save = caller.net(Net::save_begun)?;
    let done = save_text(caller, params.options.get(), Some(save));
    if !matches!(done, Ok(true)) {
        caller.net(|net| {
            net.save_ended(save, Ok(()));
            Ok(())
        })?;
    }
    match done? {
        true => Ok(Reply::later(caller.call, Wait::Save(save), Give::Null)),
        false => Reply::null(caller),
    }
}

/// As [`save`], from text that is known to be JSON. True: who waits by this number hears of the disk.
///
/// # Errors
/// As [`save`].
pub(crate) fn save_text(
    caller: &mut Caller<'_>,
    text: &str,
    save: Option<SaveId>,
) -> Result<bool, BridgeError> {
    if !text.trim_start().starts_with('{') {
        return Err(caller.bad_params("`options` must be an object"));
    }
    let plugin = caller.plugin().clone();
    caller.signalk.save_options(&plugin, save, text)
}
