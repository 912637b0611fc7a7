//! Subscribes to `navigation.speedOverGround` and sends each value on as `test.speed`, with a
//! number that counts up: what was lost, doubled or swapped can be told from the outside.

use std::cell::Cell;

use serde_json::json;
use wasmi_pdk::Result;
use wasmi_pdk::signalk::{Delta, Plugin, SignalK, serve};

struct SpeedLogger;

impl Plugin for SpeedLogger {
    const NAME: &'static str = "Speed logger";
    const SCHEMA: &'static str = r#"{"type":"object","properties":{}}"#;
    type Options = serde_json::Map<String, serde_json::Value>;

    async fn start(sk: SignalK, _: Self::Options) -> Result<Self> {
        let (out, count) = (sk.clone(), Cell::new(0_u32));
        sk.subscribe(&["navigation.speedOverGround".into()], move |delta| {
            let speeds = delta.values().filter(|(path, _)| *path == "navigation.speedOverGround");
            for (_, speed) in speeds {
                count.set(count.get() + 1);
                log::info!("{speed}");
                let value = json!({ "speed": speed, "count": count.get() });
                out.emit(&Delta::new().value("test.speed", value));
            }
        })
        .await?;
        sk.set_status("logging");
        Ok(SpeedLogger)
    }
}

wasmi_pdk::plugin!(serve::<SpeedLogger>());
