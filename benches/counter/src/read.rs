//! Four ways to read a delta, from everything to nothing.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// How deltas are read.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// Into types of its own that borrow from the text; values that nobody wants are passed over.
    #[default]
    Typed,
    /// Into `serde_json::Value`, as it is done most easily.
    Value,
    /// Looks for one path in the text, and reads the number behind it.
    Text,
    /// Not at all: what is left is the hand-over.
    Nothing,
}

/// What a plugin might do something with.
#[derive(Default)]
pub struct Newest {
    pub log: f64,
    pub speed: f64,
    #[cfg(feature = "values")]
    pub course: f64,
    #[cfg(feature = "values")]
    pub position: (f64, f64),
}

/// Keeps what is wanted of a delta. True if it is one of the measurement's.
pub fn read(how: How, delta: &[u8], newest: &mut Newest) -> bool {
    match how {
        How::Typed => typed(delta, newest),
        How::Value => value(delta, newest),
        How::Text => text(delta, newest),
        How::Nothing => true,
    }
}

impl Newest {
    /// True for the path that only the measurement sends.
    fn keep(&mut self, path: &str, number: impl FnOnce() -> Option<f64>) -> bool {
        match path {
            "navigation.log" => self.log = number().unwrap_or(f64::NAN),
            "navigation.speedOverGround" => self.speed = number().unwrap_or(f64::NAN),
            _ => {}
        }
        path == "navigation.log"
    }
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    updates: Vec<Update<'a>>,
}

#[derive(Deserialize)]
struct Update<'a> {
    #[serde(borrow, default)]
    values: Vec<PathValue<'a>>,
}

#[derive(Deserialize)]
struct PathValue<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

fn typed(delta: &[u8], newest: &mut Newest) -> bool {
    let Ok(delta) = serde_json::from_slice::<Delta<'_>>(delta) else { return false };
    let mut ours = false;
    for value in delta.updates.iter().flat_map(|update| &update.values) {
        ours |= newest.keep(&value.path, || value.value.get().parse().ok());
    }
    ours
}

fn value(delta: &[u8], newest: &mut Newest) -> bool {
    let Ok(delta) = serde_json::from_slice::<Value>(delta) else { return false };
    let mut ours = false;
    for update in delta["updates"].as_array().into_iter().flatten() {
        for value in update["values"].as_array().into_iter().flatten() {
            let path = value["path"].as_str().unwrap_or_default();
            ours |= newest.keep(path, || value["value"].as_f64());
        }
    }
    ours
}

fn text(delta: &[u8], newest: &mut Newest) -> bool {
    const KEY: &str = r#""path":"navigation.log","value":"#;
    let Ok(delta) = std::str::from_utf8(delta) else { return false };
    let Some(at) = delta.find(KEY) else { return false };
    let rest = &delta[at + KEY.len()..];
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    newest.keep("navigation.log", || rest[..end].parse().ok())
}
