//! Corrects a compass: every `navigation.headingMagnetic` gets `offset` radians before it is in the model, one that is no
//! number is dropped, all else passes.

use serde::Deserialize;
use wasmi_pdk::Result;
use wasmi_pdk::signalk::{Incoming, Plugin, SignalK, serve};

const HEADING: &str = "navigation.headingMagnetic";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    offset: f64,
}

struct Correct;

impl Plugin for Correct {
    const NAME: &'static str = "Compass correction";
    const SCHEMA: &'static str = r#"{"type":"object","properties":{"offset":{"type":"number","title":"Radians","default":0}}}"#;
    type Options = Options;

    async fn start(sk: SignalK, options: Options) -> Result<Self> {
        sk.on_input(&[HEADING], move |mut delta| {
            for update in &mut delta.updates {
                update.values.retain_mut(|entry| {
                    if entry.path != HEADING {
                        return true;
                    }
                    let corrected = entry.value.as_f64().map(|heading| heading + options.offset);
                    corrected.map(|heading| entry.value = heading.into()).is_some()
                });
            }
            Incoming::Change(delta)
        })
        .await?;
        Ok(Correct)
    }
}

wasmi_pdk::plugin!(serve::<Correct>());
