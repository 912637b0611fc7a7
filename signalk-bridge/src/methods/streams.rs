//! `streams.emit`: one frame of a binary stream.
//!
//! Clause: plugin ABI 12. JSON-RPC carries it in base64; the buffer ABI hands bytes over.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use super::Caller;
use crate::{BridgeError, Capabilities, Capability};

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
    if !is_own(&params.stream, &[caller.plugin()], caller.account.capabilities()) {
        return Err(caller.bad_params(format_args!(
            "`{}` is not a stream of this plugin: use plugins/{}/<name>, or radars/<id> with `radarProvider`",
            params.stream,
            caller.plugin()
        )));
    }
    send(caller, params.stream, data.into());
    Ok(())
}

/// Whether a plugin of these names may emit to the stream: below its own name, or to a radar if it provides radars.
/// Whether the radar is its own, the core knows.
pub(crate) fn is_own(stream: &str, names: &[&str], capabilities: Capabilities) -> bool {
    let below = |rest: &str, name: &str| {
        rest.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('/'))
            .is_some_and(|rest| !rest.is_empty())
    };
    if let Some(rest) = stream.strip_prefix("plugins/") {
        return names.iter().any(|name| below(rest, name));
    }
    let is_radar = stream.strip_prefix("radars/").is_some_and(|radar| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        !radar.is_empty() && radar.chars().all(fits)
    });
    is_radar && capabilities.has(Capability::RadarProvider)
}

/// Sends a frame whose stream was checked.
pub(crate) fn send(caller: &mut Caller<'_>, stream: String, data: Bytes) {
    let plugin = caller.plugin().clone();
    caller.signalk.emit_binary(&plugin, stream, data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_others_and_names_that_are_no_radars_are_refused() {
        let all = Capabilities::NONE.with(Capability::RadarProvider);
        let names = ["_x_p", "@x/p"];
        for own in ["plugins/_x_p/a", "plugins/@x/p/a/b", "radars/radar-0", "radars/A_1"] {
            assert!(is_own(own, &names, all), "{own}");
        }
        for other in [
            "plugins/_x_p/",
            "plugins/_x_p",
            "plugins/_x_pq/a",
            "radars/",
            "radars/a/b",
            "radars/ä",
            "x",
            "",
        ] {
            assert!(!is_own(other, &names, all), "{other}");
        }
        assert!(!is_own("radars/radar-0", &names, Capabilities::default()));
    }
}
