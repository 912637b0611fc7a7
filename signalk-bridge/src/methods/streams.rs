//! `streams.emit`: one frame of a binary stream.
//!
//! Clause: plugin ABI 12. JSON-RPC carries it in base64; the buffer ABI hands bytes over.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use super::Caller;
use crate::{BridgeError, Capability};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const emit: &[&str] = &["stream", "data"];
}

/// Params of `streams.emit`.
#[derive(Debug, Clone, Deserialize)]
pub struct Emit {
    /// Below `plugins/<id>/`, or `radars/<id>` of a radar provider.
    pub stream: String,
    /// Base64.
    pub data: String,
}

/// Sends a frame to whoever listens.
///
/// # Errors
/// [`BridgeError::BadParams`] for data that is no base64 and for a stream of somebody else.
pub fn emit(caller: &mut Caller<'_>, params: Emit) -> Result<(), BridgeError> {
    let data = STANDARD
        .decode(&params.data)
        .map_err(|error| caller.bad_params(format_args!("`data` is no base64: {error}")))?;
    let own = format!("plugins/{}/", caller.plugin());
    let is_radar = params.stream.starts_with("radars/")
        && caller.account.capabilities().has(Capability::RadarProvider);
    if !params.stream.starts_with(&own) && !is_radar {
        return Err(caller.bad_params(format_args!(
            "`{}` is not a stream of this plugin: use {own}<name>, or radars/<id> with `radarProvider`",
            params.stream
        )));
    }
    send(caller, params.stream, data.into());
    Ok(())
}

/// Sends a frame whose stream was checked.
pub(crate) fn send(caller: &mut Caller<'_>, stream: String, data: Bytes) {
    let plugin = caller.plugin().clone();
    caller.signalk.emit_binary(&plugin, stream, data);
}
