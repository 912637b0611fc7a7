//! `deltas.intercept`: the plugin wants to see deltas before they are in the model, and may change or drop them.
//!
//! The Node server's `registerDeltaInputHandler` (requirement F49). It has a capability of its own: `dataRead` and
//! `dataWrite` are given to every plugin that does not refuse them, and neither lets it touch what others say. How the
//! plugin is asked, and what becomes of its answers, is `input_handler.rs` here and `intake/` in `signalk-core`.

use serde::Deserialize;
use signalk_model::Context;

use super::{Caller, register as registrations, shown};
use crate::{BridgeError, Registration};

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const register: &[&str] = &["paths", "context"];
}

/// Patterns of one handler.
const MOST: usize = 200;
/// Bytes of a pattern: as long as the longest path.
const LONGEST: usize = 1024;

/// Params of `deltas.intercept`.
#[derive(Debug, Clone, Deserialize)]
pub struct Intercept {
    /// Path patterns; an empty list takes the handler off.
    pub paths: Vec<String>,
    /// `vessels.self` when left out; a pattern.
    #[serde(default)]
    pub context: Option<String>,
}

/// Registers the plugin's delta input handler, in place of the one it had.
///
/// # Errors
/// [`BridgeError::BadParams`] for more than 200 patterns, or one that no path is as long as.
pub fn register(caller: &mut Caller<'_>, params: Intercept) -> Result<(), BridgeError> {
    let registration = params.registration().map_err(|reason| caller.bad_params(reason))?;
    registrations::register(caller, registration)
}

impl Intercept {
    /// What is registered.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn registration(self) -> Result<Registration, String> {
        let Intercept { paths, context } = self;
        if paths.len() > MOST {
            let count = paths.len();
            return Err(format!(
                "{count} patterns, the limit is {MOST}; use patterns as in `navigation.*`"
            ));
        }
        let context = context.unwrap_or_else(|| "vessels.self".to_owned());
        if let Some(long) = paths.iter().chain([&context]).find(|text| text.len() > LONGEST) {
            let (shown, len) = (shown(long), long.len());
            return Err(format!(
                "`{shown}...` has {len} bytes, the limit is {LONGEST}, as of a path"
            ));
        }
        if !context.contains('*') && context != "self" {
            Context::check(&context)
                .map_err(|error| format!("context `{}`: {error}", shown(&context)))?;
        }
        Ok(Registration::DeltaInput { context, paths })
    }
}
