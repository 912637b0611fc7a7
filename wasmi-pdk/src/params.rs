//! Parameters as a method wants them, read once from text that nobody has looked at before.

use serde::de::value::UnitDeserializer;
use serde::de::{self, DeserializeOwned};
use wasmi_rpc::RawValue;

use crate::{Error, ErrorCode};

/// Why parameters could not be read.
pub(crate) enum Unfit {
    /// They are no JSON: the whole message is not.
    NotJson,
    /// They are not what the method wants.
    Params(Error),
}

/// Parameters as the method wants them; empty text stands for none.
pub(crate) fn read_params<P: DeserializeOwned>(text: &str) -> Result<P, Unfit> {
    // Most methods without parameters take `()`: that needs no JSON. Other types keep their code short.
    if text.is_empty()
        && size_of::<P>() == 0
        && let Ok(none) = P::deserialize(UnitDeserializer::<de::value::Error>::new())
    {
        return Ok(none);
    }
    let mut parsed = None;
    let mut attempt = |text: &str| match serde_json::from_str(text) {
        Ok(value) => {
            parsed = Some(value);
            None
        }
        Err(error) => Some(error),
    };
    match read_forms(text, &mut attempt) {
        None => parsed.ok_or(Unfit::NotJson),
        Some(_) if !text.is_empty() && !is_json(text) => Err(Unfit::NotJson),
        Some(error) => {
            let text = format!("Invalid params: {error}");
            Err(Unfit::Params(Error::new(ErrorCode::InvalidParams, text)))
        }
    }
}

pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

type Attempt<'a> = dyn FnMut(&str) -> Option<serde_json::Error> + 'a;

/// Tries the forms in which the same parameters may be meant; the error of the first form counts.
fn read_forms(text: &str, attempt: &mut Attempt<'_>) -> Option<serde_json::Error> {
    let (first, others): (&str, &[&str]) = match text {
        "" => ("null", &["[]", "{}"]),
        "[]" | "{}" => (text, &["null"]),
        text => (text, &[]),
    };
    let error = attempt(first)?;
    for other in others {
        attempt(other)?;
    }
    let single = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(single) = single.filter(|single| !single.is_empty()) {
        attempt(single)?;
    }
    Some(error)
}
