//! Provides weather and a radar by JSON-RPC. Observations say what was asked; warnings never come.
//! The radar `radar-0` has one control; setting it also sends its picture, one frame `spokes:1`, to
//! `radars/radar-0` and `plugins/<id>/picture`.

use serde_json::{Value, json};
use wasmi_pdk::signalk::{Plugin, SignalK, State, serve};
use wasmi_pdk::{Cx, Error, ErrorCode, Result, Router};

struct Providers;

/// `spokes:1`
const FRAME: &str = "c3Bva2VzOjE=";

impl Plugin for Providers {
    const NAME: &'static str = "Providers";
    type Options = serde_json::Map<String, Value>;

    async fn start(sk: SignalK, _: Self::Options) -> Result<Self> {
        for method in ["weather.register", "radar.register"] {
            sk.host().call::<Value>(method, json!({ "name": "By JSON-RPC" })).await?;
        }
        Ok(Providers)
    }

    fn methods(router: Router<State<Self>>) -> Router<State<Self>> {
        router
            .method("weather.observations", |_, asked: Value| async move {
                Ok(json!([{ "type": "observation", "description": asked.to_string() }]))
            })
            .method("weather.warnings", |_, _: Value| std::future::pending::<Result<Value>>())
            .method("radar.list", |_, _: Value| async { Ok(json!(["radar-0"])) })
            .method("radar.info", |_, asked: Value| async move {
                Ok(json!({ "name": asked["radarId"], "brand": "Test" }))
            })
            .method("radar.setControl", |cx: Cx<State<Self>>, _: Value| async move {
                let Some((sk, _)) = cx.state.started() else {
                    return Err(Error::new(ErrorCode::InvalidParams, "not started"));
                };
                for stream in ["radars/radar-0", "plugins/signalk_providers/picture"] {
                    sk.host().call::<Value>("streams.emit", (stream, FRAME)).await?;
                }
                Ok(json!({ "success": true }))
            })
    }
}

wasmi_pdk::plugin!(serve::<Providers>());
