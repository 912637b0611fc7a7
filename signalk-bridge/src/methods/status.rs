//! `status.set`, `status.error`: what the owner reads beside the plugin's name. No capability.

use serde::Deserialize;

use super::Caller;
use crate::{BridgeError, Status};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const set: &[&str] = &["message"];
    pub(in crate::methods) const error: &[&str] = &["message"];
}

/// Longest status that is kept; the rest is cut.
const LONGEST: usize = 1000;

/// Params of both.
#[derive(Debug, Clone, Deserialize)]
pub struct Message {
    /// `""` removes the status.
    pub message: String,
}

/// Shows a status.
///
/// # Errors
/// None.
pub fn set(caller: &mut Caller<'_>, params: Message) -> Result<(), BridgeError> {
    show(caller, params, Status::Ok);
    Ok(())
}

/// Shows an error; the plugin goes on.
///
/// # Errors
/// None.
pub fn error(caller: &mut Caller<'_>, params: Message) -> Result<(), BridgeError> {
    show(caller, params, Status::Error);
    Ok(())
}

/// Shows why a request of a guest that is not told has failed; `None`: they work again.
pub(crate) fn fetch_error(caller: &mut Caller<'_>, text: Option<String>) {
    let cut = |mut text: String| {
        text.truncate(text.floor_char_boundary(LONGEST));
        text
    };
    let plugin = caller.plugin().clone();
    caller.signalk.set_fetch_error(&plugin, text.map(cut));
}

fn show(caller: &mut Caller<'_>, mut params: Message, status: fn(String) -> Status) {
    params.message.truncate(params.message.floor_char_boundary(LONGEST));
    let plugin = caller.plugin().clone();
    caller.signalk.set_status(&plugin, status(params.message));
}
