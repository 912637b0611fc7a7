//! `paths.get`: read the full model, own vessel or any context.

use serde::Deserialize;
use serde_json::value::RawValue;
use signalk_model::Context;

use super::{Caller, shown};
use crate::BridgeError;

pub(super) mod params {
    #![allow(non_upper_case_globals, reason = "named as the function that takes them")]
    pub(in crate::methods) const get: &[&str] = &["path", "context"];
}

/// Params of `paths.get` and `meta.get`.
#[derive(Debug, Clone, Deserialize)]
pub struct Get {
    /// Dotted; `""` is the context itself.
    pub path: String,
    /// `vessels.self` when left out.
    #[serde(default)]
    pub context: Option<String>,
}

/// The node as REST shows it, or null.
///
/// # Errors
/// [`BridgeError::BadParams`] when the context is none.
pub fn get(caller: &mut Caller<'_>, params: Get) -> Result<Option<Box<RawValue>>, BridgeError> {
    let context = caller.context(params.context.as_deref())?;
    let text = caller.signalk.get_node(&context, &params.path);
    caller.raw(text)
}

/// The node at a path of the own vessel (`sk_get_self_path`), as text.
pub fn get_self(caller: &mut Caller<'_>, path: &str) -> Option<String> {
    let context = caller.signalk.self_context();
    let text = caller.signalk.get_node(&context, path);
    caller.written_down(text)
}

/// The node at a path from the root (`sk_get_path`), as text.
pub fn get_from_root(caller: &mut Caller<'_>, path: &str) -> Option<String> {
    let text = caller.signalk.get_path(path);
    caller.written_down(text)
}

impl Caller<'_> {
    /// A context as authors write it: `vessels.self`, `self`, a full one, or nothing.
    pub(super) fn context(&self, text: Option<&str>) -> Result<Context, BridgeError> {
        match text {
            None | Some("" | "self" | "vessels.self") => Ok(self.signalk.self_context()),
            Some(text) => text.parse().map_err(|error| {
                self.bad_params(format_args!("context `{}`: {error}", shown(text)))
            }),
        }
    }

    /// An answer that the server made in its own step: the plugin pays for it, whatever it takes of it.
    fn written_down(&mut self, text: Option<String>) -> Option<String> {
        self.account.owe(text.as_ref().map_or(0, String::len));
        text
    }

    pub(super) fn raw(
        &mut self,
        text: Option<String>,
    ) -> Result<Option<Box<RawValue>>, BridgeError> {
        let text = self.written_down(text);
        text.map(RawValue::from_string).transpose().map_err(|error| self.bad_params(error))
    }
}
