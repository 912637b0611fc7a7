//! Hostile: starts well, and computes for ever at the first delta.

use wasmi_pdk::Result;
use wasmi_pdk::signalk::{Plugin, SignalK, serve};

struct SpinOnDelta;

impl Plugin for SpinOnDelta {
    const NAME: &'static str = "Spin on delta";
    type Options = serde_json::Map<String, serde_json::Value>;

    async fn start(sk: SignalK, _: Self::Options) -> Result<Self> {
        sk.subscribe(&["*".into()], |_| {
            loop {
                std::hint::black_box(0);
            }
        })
        .await?;
        Ok(SpinOnDelta)
    }
}

wasmi_pdk::plugin!(serve::<SpinOnDelta>());
