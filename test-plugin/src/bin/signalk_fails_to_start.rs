//! Answers `start` with an error.

use wasmi_pdk::signalk::{Plugin, SignalK, serve};
use wasmi_pdk::{Error, Result};

struct Fails;

impl Plugin for Fails {
    const NAME: &'static str = "Fails to start";
    type Options = serde_json::Map<String, serde_json::Value>;

    async fn start(_: SignalK, _: Self::Options) -> Result<Self> {
        Err(Error::message("the sensor is not connected"))
    }
}

wasmi_pdk::plugin!(serve::<Fails>());
