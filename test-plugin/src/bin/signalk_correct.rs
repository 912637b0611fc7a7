//! Corrects a compass: every `navigation.headingMagnetic` (or what `path` says) gets `offset` radians before it is in
//! the model, one that is no number is dropped, all else passes.

use serde::Deserialize;
use wasmi_pdk::Result;
use wasmi_pdk::signalk::{Incoming, Plugin, SignalK, serve};

#[derive(Deserialize)]
#[serde(default)]
struct Options {
    path: String,
    offset: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options { path: "navigation.headingMagnetic".to_owned(), offset: 0.0 }
    }
}

struct Correct;

impl Plugin for Correct {
    const NAME: &'static str = "Compass correction";
    const SCHEMA: &'static str = r#"{"type":"object","properties":{"offset":{"type":"number","title":"Radians","default":0}}}"#;
    type Options = Options;

    async fn start(sk: SignalK, options: Options) -> Result<Self> {
        let Options { path, offset } = options;
        sk.on_input(&[&path.clone()], move |mut delta| {
            for update in &mut delta.updates {
                update.values.retain_mut(|entry| {
                    if entry.path != path {
                        return true;
                    }
                    let corrected = entry.value.as_f64().map(|value| value + offset);
                    corrected.map(|value| entry.value = value.into()).is_some()
                });
            }
            Incoming::Change(delta)
        })
        .await?;
        Ok(Correct)
    }
}

wasmi_pdk::plugin!(serve::<Correct>());
