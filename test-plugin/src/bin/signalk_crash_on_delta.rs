//! Hostile: starts well, and panics at the first delta.

use wasmi_pdk::Result;
use wasmi_pdk::signalk::{Plugin, SignalK, serve};

struct CrashOnDelta;

impl Plugin for CrashOnDelta {
    const NAME: &'static str = "Crash on delta";
    type Options = serde_json::Map<String, serde_json::Value>;

    async fn start(sk: SignalK, _: Self::Options) -> Result<Self> {
        sk.subscribe(&["*".into()], |_| panic!("the first delta broke me")).await?;
        Ok(CrashOnDelta)
    }
}

wasmi_pdk::plugin!(serve::<CrashOnDelta>());
