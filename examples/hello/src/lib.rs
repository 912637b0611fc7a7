//! Says how fast the boat is, beside its name in the list of plugins.

use wasmi_pdk::Result;
use wasmi_pdk::signalk::{Plugin, SignalK, serve};

struct Hello;

impl Plugin for Hello {
    const NAME: &'static str = "Hello";
    type Options = serde_json::Map<String, serde_json::Value>;

    async fn start(sk: SignalK, _: Self::Options) -> Result<Self> {
        let page = sk.clone();
        sk.subscribe(&["navigation.speedOverGround".into()], move |delta| {
            if let Some(speed) = delta.number("navigation.speedOverGround") {
                page.set_status(format!("Under way at {speed:.1} m/s"));
            }
        })
        .await?;
        Ok(Hello)
    }
}

wasmi_pdk::plugin!(serve::<Hello>());
