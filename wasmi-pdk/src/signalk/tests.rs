//! A Signal K plugin, natively, against a host of a few lines.

use std::cell::RefCell;
use std::time::Duration;

use serde_json::{Value, json};
use wasmi_rpc::{Output, Peer, RawValue};

use super::*;
use crate::{Connection, Read, Runtime};

/// Both directions of a connection, in memory.
#[derive(Default)]
pub(super) struct Wire {
    pub(super) to_plugin: Vec<u8>,
    pub(super) to_host: Vec<u8>,
}

impl Connection for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> Read {
        let count = buffer.len().min(self.to_plugin.len());
        buffer[..count].copy_from_slice(&self.to_plugin[..count]);
        self.to_plugin.drain(..count);
        if count == 0 { Read::Empty } else { Read::Bytes(count) }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.to_host.extend_from_slice(bytes);
    }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Options {
    factor: f64,
}

/// Sends `test.out`, the speed times its factor.
struct Scale {
    seen: RefCell<u32>,
}

impl Plugin for Scale {
    const NAME: &'static str = "Scale";
    const SCHEMA: &'static str = r#"{"type":"object"}"#;
    type Options = Options;

    async fn start(sk: SignalK, options: Options) -> Result<Self> {
        if options.factor == 0.0 {
            return Err(Error::message("factor is 0"));
        }
        let out = sk.clone();
        sk.subscribe(&["navigation.speed*".into()], move |delta| {
            for (_, value) in delta.values() {
                let scaled = value.as_f64().unwrap_or_default() * options.factor;
                out.emit(&Delta::new().value("test.out", scaled));
            }
        })
        .await?;
        sk.set_status("scaling");
        sk.raise("test.scale", AlarmState::Warn, "it scales");
        Ok(Scale { seen: RefCell::new(0) })
    }

    fn methods(router: Router<State<Self>>) -> Router<State<Self>> {
        router.method("seen", |cx: Cx<State<Self>>, ()| async move {
            let (_, plugin) = cx.state.started().ok_or_else(|| Error::message("not started"))?;
            *plugin.seen.borrow_mut() += 1;
            Ok(*plugin.seen.borrow())
        })
    }
}

struct Server {
    peer: Peer,
    wire: Wire,
    plugin: Runtime,
    /// Calls of the plugin, as lines.
    heard: Vec<String>,
    answers: Vec<std::result::Result<Value, i32>>,
    /// Sent before the answer to `deltas.subscribe`.
    early: Option<Value>,
}

impl Server {
    fn new() -> Self {
        Server {
            peer: Peer::default(),
            wire: Wire::default(),
            plugin: Runtime::new(serve::<Scale>()),
            heard: Vec::new(),
            answers: Vec::new(),
            early: None,
        }
    }

    fn call(&mut self, method: &str, params: &Value) -> std::result::Result<Value, i32> {
        self.peer.call_with(Duration::ZERO, method, params, None).unwrap();
        self.turn();
        self.answers.pop().unwrap()
    }

    fn turn(&mut self) {
        loop {
            while let Some(output) = self.peer.poll_output() {
                self.handle(output);
            }
            self.plugin.poll(&mut self.wire);
            let bytes = std::mem::take(&mut self.wire.to_host);
            if bytes.is_empty() {
                return;
            }
            self.peer.handle_input(Duration::ZERO, &bytes);
        }
    }

    fn handle(&mut self, output: Output) {
        match output {
            Output::Send(bytes) => self.wire.to_plugin.extend(bytes),
            Output::Request { id, method, params } => {
                self.heard
                    .push(format!("{method} {}", params.as_deref().map_or("", RawValue::get)));
                if method == "deltas.subscribe" {
                    if let Some(early) = self.early.take() {
                        self.peer.notify_with("deltas", &early).unwrap();
                    }
                    let answer = json!({ "subscription": 9, "warnings": ["one"] });
                    self.peer.respond_with(id, &answer).unwrap();
                } else {
                    self.peer.respond_with(id, &()).unwrap();
                }
            }
            Output::Answered { result, .. } => self.answers.push(match result {
                Ok(text) => Ok(serde_json::from_str(text.get()).unwrap()),
                Err(wasmi_rpc::CallError::Remote(error)) => Err(error.code()),
                Err(other) => panic!("{other}"),
            }),
            other => panic!("{other:?}"),
        }
    }
}

fn speed(value: f64) -> Value {
    let delta = Delta::new().value("navigation.speedOverGround", value);
    json!({ "subscription": 9, "deltas": [delta] })
}

#[test]
fn the_handshake_is_done_for_the_author() {
    let mut server = Server::new();
    let hello = |version: &str| {
        json!({ "protocolVersion": version, "host": { "name": "h", "version": "1" },
            "capabilities": { "granted": [] }, "plugin": { "id": "p" }, "options": {} })
    };
    assert_eq!(
        server.call("initialize", &hello("1.7")),
        Ok(json!({ "protocolVersion": "1.0", "name": "Scale", "schema": { "type": "object" } }))
    );
    assert_eq!(server.call("initialize", &hello("2.0")), Err(-32602));
    let mut knows_rows = hello("1.0");
    knows_rows["handOver"] = json!(["json", "rows"]);
    assert_eq!(server.call("initialize", &knows_rows).unwrap()["handOver"], json!("rows"));
}

#[test]
fn deltas_reach_the_handler_and_what_it_sends_the_server() {
    let mut server = Server::new();
    assert_eq!(server.call("seen", &json!([])), Err(-32000));
    assert_eq!(server.call("start", &json!({ "options": { "factor": 2 } })), Ok(Value::Null));
    server.peer.notify_with("deltas", &speed(3.0)).unwrap();
    server.turn();
    assert_eq!(
        server.heard,
        [
            r#"deltas.subscribe {"context":"vessels.self","subscribe":[{"path":"navigation.speed*"}]}"#,
            r#"status.set ["scaling"]"#,
            r#"notifications.raise ["test.scale","warn","it scales"]"#,
            r#"deltas.emit [{"updates":[{"values":[{"path":"test.out","value":6.0}]}]}]"#,
        ]
    );
    assert_eq!(server.call("seen", &json!([])), Ok(json!(1)));
    assert_eq!(server.call("stop", &json!({})), Ok(Value::Null));
    server.peer.notify_with("deltas", &speed(3.0)).unwrap();
    server.turn();
    assert_eq!(server.heard.len(), 4, "a stopped plugin handles nothing");
}

#[test]
fn deltas_that_overtake_the_answer_to_subscribe_are_kept() {
    let mut server = Server::new();
    server.early = Some(speed(1.5));
    assert_eq!(server.call("start", &json!({ "options": { "factor": 2 } })), Ok(Value::Null));
    assert!(server.heard.iter().any(|line| line.contains(r#""value":3.0"#)), "{:?}", server.heard);
}

#[test]
fn rows_reach_the_same_handler_also_when_they_are_early() {
    let mut server = Server::new();
    server.early = Some(speed(1.5));
    assert_eq!(server.call("start", &json!({ "options": { "factor": 2 } })), Ok(Value::Null));
    let head = json!([0, "vessels.x", "gps", "navigation.speedOverGround", false]);
    server.peer.notify_with("rows", &json!([[head], [[9, "t", 0, 3.5, 0, 4], [8, 0, 1]]])).unwrap();
    server.peer.notify_with("rows", &json!([[], [[9, 0, 5.5]]])).unwrap();
    server.peer.notify_with("rows", &json!({ "not": "rows" })).unwrap();
    server.turn();
    let sent: Vec<_> =
        server.heard.iter().filter_map(|line| line.split(r#""value":"#).nth(1)).collect();
    assert_eq!(sent, ["3.0}]}]}]", "7.0}]}]}]", "8.0}]}]}]", "11.0}]}]}]"]);
}

#[test]
fn a_start_that_fails_says_why_and_can_be_tried_again() {
    let mut server = Server::new();
    assert_eq!(server.call("start", &json!({})), Err(-32000));
    assert_eq!(server.call("start", &json!({ "options": { "factor": "two" } })), Err(-32602));
    assert_eq!(server.call("start", &json!({ "options": { "factor": 1 } })), Ok(Value::Null));
}

#[test]
fn a_delta_says_when_its_values_were_so() {
    let now = timestamp();
    assert_eq!((now.len(), &now[4..5], &now[10..11], &now[23..]), (24, "-", "T", "Z"), "{now}");
    let delta = Delta::new().value("navigation.speedOverGround", 3.1).at(now.clone());
    assert_eq!(delta.updates.len(), 1);
    assert_eq!(delta.updates[0].timestamp, Some(now));
}

#[test]
fn a_backlog_is_said_in_the_words_of_the_host() {
    let backlog = Backlog { most: 20, drop: WhenFull::Superseded };
    let text = serde_json::to_string(&backlog).unwrap();
    assert_eq!(text, r#"{"most":20,"drop":"superseded"}"#);
}
