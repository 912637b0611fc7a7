//! Puts: with each value of `test.ask`, `{"path", "value", "source"?}`, it asks the server for that change, and sends
//! what became of it as `test.answer`: `{"status", "message"}`, or `{"error"}`.

use std::rc::Rc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use wasmi_pdk::Result;
use wasmi_pdk::signalk::{Delta, Plugin, SignalK, serve};

struct Puts;

#[derive(Deserialize)]
struct Ask {
    path: String,
    value: Value,
    source: Option<String>,
}

async fn ask(sk: &SignalK, ask: &Ask) -> Value {
    let done = match &ask.source {
        Some(source) => sk.put_to(source, &ask.path, &ask.value).await,
        None => sk.put(&ask.path, &ask.value).await,
    };
    match done {
        Ok(reply) => json!({ "status": reply.status_code, "message": reply.message }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

impl Plugin for Puts {
    const NAME: &'static str = "Puts";
    type Options = Map<String, Value>;

    async fn start(sk: SignalK, _: Self::Options) -> Result<Self> {
        let server = sk.clone();
        sk.subscribe(&["test.ask".into()], move |delta| {
            for (_, value) in delta.values() {
                let Ok(wanted) = serde_json::from_value::<Ask>(value.clone()) else { continue };
                let sk = server.clone();
                server.host().spawn(async move {
                    let answer = ask(&sk, &wanted).await;
                    sk.emit(&Delta::new().value("test.answer", answer));
                });
            }
        })
        .await?;
        Ok(Puts)
    }

    async fn stop(self: Rc<Self>, _: SignalK) -> Result<()> {
        Ok(())
    }
}

wasmi_pdk::plugin!(serve::<Puts>());
