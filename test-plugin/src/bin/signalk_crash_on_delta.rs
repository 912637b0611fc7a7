//! Hostile: starts well, and panics at the first delta.

use wasmi_pdk::Result;
use wasmi_pdk::signalk::{Plugin, SignalK, serve};

struct CrashOnDelta;

impl Plugin for CrashOnDelta {
    const NAME: &'static str = "Crash on delta";
    type Options = serde_json::Map<String, serde_json::Value>;

    async fn start(sk: SignalK, _: Self::Options) -> Result<Self> {
        sk.subscribe(&["*".into()], |_| crash()).await?;
        Ok(CrashOnDelta)
    }
}

#[expect(clippy::panic, reason = "this guest's behaviour")]
fn crash() {
    panic!("the first delta broke me")
}

wasmi_pdk::plugin!(serve::<CrashOnDelta>());
