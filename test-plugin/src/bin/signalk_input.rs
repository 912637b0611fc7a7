//! A delta input handler that does to deltas at `paths` what its options say, well or badly: `say` is `pass`, `drop`,
//! `times` and `plus` (numbers, `by`), `add` (`test.added` beside), `steal` (`test.stolen` as `$source` `gps`), `echo`
//! (sends the path itself, too), `never`, `spin`, `trap`, `error`, `garbage`, `short`; `twice` asks for its paths again
//! with each batch.

use std::cell::RefCell;

use serde::Deserialize;
use serde_json::{Value, json};
use wasmi_pdk::{Cx, Error, ErrorCode, Plugin, Result, Router};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    paths: Vec<String>,
    context: Option<String>,
    say: String,
    by: f64,
}

#[derive(Default)]
struct Input(RefCell<Options>);

impl Plugin for Input {
    type Options = Options;

    fn methods(router: Router<Self>) -> Router<Self> {
        router.method(
            "deltas.input",
            |cx: Cx<Self>, params: Value| async move { say(cx, params).await },
        )
    }

    async fn start(cx: Cx<Self>, options: Options) -> Result<()> {
        let params = json!({ "paths": options.paths, "context": options.context });
        *cx.state.0.borrow_mut() = options;
        cx.host.call::<Value>("deltas.intercept", params).await?;
        Ok(())
    }
}

async fn say(cx: Cx<Input>, mut params: Value) -> Result<Value> {
    let (say, by) = (cx.state.0.borrow().say.clone(), cx.state.0.borrow().by);
    let Value::Array(mut deltas) = params["deltas"].take() else { return Ok(Value::Null) };
    let all = |verdict: bool, count: usize| Value::Array(vec![verdict.into(); count]);
    match say.as_str() {
        "drop" => Ok(all(false, deltas.len())),
        "times" | "plus" => {
            for value in deltas
                .iter_mut()
                .flat_map(|delta| delta["updates"][0]["values"].as_array_mut())
                .flatten()
            {
                let Some(number) = value["value"].as_f64() else { continue };
                value["value"] = if say == "times" { number * by } else { number + by }.into();
            }
            Ok(deltas.into())
        }
        "add" | "steal" => {
            let (source, path) =
                if say == "add" { (None, "test.added") } else { (Some("gps"), "test.stolen") };
            for delta in &mut deltas {
                let more = json!({ "$source": source.unwrap_or("signalk_input"), "values": [{ "path": path, "value": 1 }] });
                if let Some(updates) = delta["updates"].as_array_mut() {
                    updates.push(more);
                }
            }
            Ok(deltas.into())
        }
        "echo" => {
            for delta in &deltas {
                let value = &delta["updates"][0]["values"][0];
                let own = json!({ "updates": [{ "values": [value] }] });
                cx.host.call::<Value>("deltas.emit", json!({ "delta": own })).await?;
            }
            Ok(all(true, deltas.len()))
        }
        "never" => std::future::pending().await,
        "spin" => loop {
            std::hint::black_box(0);
        },
        "trap" => std::process::abort(),
        "error" => Err(Error::new(ErrorCode::InvalidParams, "not today")),
        "garbage" => Ok(json!({ "deltas": "gone" })),
        "short" => Ok(json!([])),
        "twice" => {
            let paths = cx.state.0.borrow().paths.clone();
            cx.host.call::<Value>("deltas.intercept", json!({ "paths": paths })).await?;
            Ok(all(true, deltas.len()))
        }
        _ => Ok(all(true, deltas.len())),
    }
}

wasmi_pdk::plugin!(Input::default());
