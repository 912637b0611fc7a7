//! What a stream client may cost the server: rows, replays, values without a place. Counted in frames and bytes.

#![allow(clippy::unwrap_used, missing_docs)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use signalk_core::{Config, Core, Effect, HttpRequest, Input, Output, Platform, StreamId};
use wasmi_hdk::FixedPlatform;

struct Server {
    core: Core,
    log: Vec<String>,
    closed: Vec<(StreamId, u16)>,
}

impl Server {
    fn new() -> Server {
        let platform: Arc<dyn Platform> = Arc::new(FixedPlatform::default());
        let core = Core::new(Config::default(), platform);
        let mut server = Server { core, log: Vec::new(), closed: Vec::new() };
        server.drain();
        server
    }

    fn open(&mut self, id: u64, query: &str) -> StreamId {
        let id = StreamId(id);
        let request = HttpRequest::get(&format!("/signalk/v1/stream?{query}"));
        self.input(Input::StreamOpened { id, request });
        id
    }

    fn say(&mut self, id: StreamId, message: &Value) -> Vec<(StreamId, Bytes)> {
        self.input(Input::StreamMessage { id, text: message.to_string().into() })
    }

    fn input(&mut self, input: Input) -> Vec<(StreamId, Bytes)> {
        self.core.handle_input(Duration::ZERO, input);
        self.drain()
    }

    fn drain(&mut self) -> Vec<(StreamId, Bytes)> {
        let mut sent = Vec::new();
        loop {
            match self.core.poll_output(Duration::ZERO) {
                Output::Effect(Effect::StreamSend { id, frame }) => sent.push((id, frame)),
                Output::Effect(Effect::StreamSendMany { ids, frame }) => {
                    sent.extend(ids.iter().map(|id| (*id, frame.clone())));
                }
                Output::Effect(Effect::Log { text, .. }) => self.log.push(text),
                Output::Effect(Effect::StreamClose { id, code, .. }) => {
                    self.closed.push((id, code))
                }
                Output::Wait { .. } => return sent,
                _ => {}
            }
        }
    }
}

fn values(paths: std::ops::Range<usize>) -> Value {
    let values: Vec<Value> =
        paths.map(|at| json!({ "path": format!("a.b{at}"), "value": at })).collect();
    json!({ "updates": [{ "$source": "x", "values": values }] })
}

fn texts(frames: &[(StreamId, Bytes)]) -> Vec<Value> {
    frames.iter().map(|(_, frame)| serde_json::from_slice(frame).unwrap()).collect()
}

/// Lists in lists take forty times their text: neither a delta nor a request of so many is made into values.
#[test]
fn a_message_of_too_many_values_closes_its_client_and_changes_nothing() {
    let lists = format!("[{}0]", "[], ".repeat(250_000));
    for verb in ["updates", "put"] {
        let mut server = Server::new();
        let client = server.open(1, "subscribe=none");
        let row = format!(r#"{{"path":"a.b","value":{lists}}}"#);
        let text = match verb {
            "put" => format!(r#"{{"requestId":"1","put":{row}}}"#),
            _ => format!(r#"{{"updates":[{{"values":[{row}]}}]}}"#),
        };
        server.input(Input::StreamMessage { id: client, text: text.into() });
        assert_eq!(server.closed, [(client, 1009)], "{verb}");
        let reader = server.open(2, "subscribe=none");
        let asked = json!({ "context": "*", "subscribe": [{ "path": "*" }] });
        assert!(
            !texts(&server.say(reader, &asked)).iter().any(|text| text.to_string().contains("a.b"))
        );
    }
}

#[test]
fn a_client_that_does_not_read_is_not_sent_the_model_again_and_again() {
    let mut server = Server::new();
    let feed = server.open(1, "subscribe=none");
    server.say(feed, &values(0..300));
    let stuck = server.open(2, "subscribe=none");
    let everything = json!({ "context": "*", "subscribe": [{ "path": "*" }] });
    assert!(server.say(stuck, &everything).len() >= 300);
    server.input(Input::StreamQueue { id: stuck, bytes: 1 << 20 });
    for _ in 0..100 {
        assert_eq!(server.say(stuck, &everything), []);
    }
    // It reads again: the last values, once.
    let flushed = server.input(Input::StreamQueue { id: stuck, bytes: 0 });
    let flushed = texts(&flushed);
    let values = flushed.iter().map(|delta| {
        assert!(delta["$backpressure"]["accumulated"].as_u64().unwrap() >= 30_000);
        let updates = delta["updates"].as_array().unwrap();
        updates.iter().map(|update| update["values"].as_array().unwrap().len()).sum::<usize>()
    });
    assert!((300..310).contains(&values.sum::<usize>()));
}

#[test]
fn metadata_reaches_a_client_that_was_slow() {
    let mut server = Server::new();
    let feed = server.open(1, "subscribe=none");
    for (id, query) in [(2, "subscribe=all"), (3, "subscribe=none")] {
        let slow = server.open(id, query);
        server.say(slow, &json!({ "context": "*", "subscribe": [{ "path": "*" }] }));
        server.input(Input::StreamQueue { id: slow, bytes: 1 << 20 });
    }
    let meta = json!([{ "path": "a.b", "value": { "zones": [{ "upper": 2, "state": "alarm" }] } }]);
    server.say(feed, &json!({ "updates": [{ "meta": meta }] }));
    for id in [2, 3] {
        let flushed = server.input(Input::StreamQueue { id: StreamId(id), bytes: 0 });
        let [delta] = texts(&flushed).try_into().unwrap();
        assert_eq!(delta["updates"][0]["meta"], meta, "{id}");
    }
}

#[test]
fn too_many_rows_are_refused_with_a_warning() {
    let mut server = Server::new();
    let client = server.open(1, "subscribe=none");
    let rows = |from: usize, to: usize| {
        let rows: Vec<Value> = (from..to).map(|at| json!({ "path": format!("a{at}") })).collect();
        json!({ "subscribe": rows })
    };
    assert_eq!(server.say(client, &rows(0, 1000)), []);
    let warned = texts(&server.say(client, &rows(1000, 1003)));
    assert_eq!(warned.len(), 1);
    assert!(warned[0].as_str().unwrap().contains("3 rows were not added"), "{warned:?}");
    let warned = texts(&server.say(client, &rows(0, 5000)));
    assert_eq!(warned[0], "only the first 1000 rows of a message are read");
}

#[test]
fn what_the_model_has_no_room_for_is_sent_to_nobody_and_said_once() {
    let mut server = Server::new();
    let feed = server.open(1, "subscribe=none");
    let reader = server.open(2, "subscribe=all");
    let sent = server.say(feed, &values(0..20_000));
    assert!(sent.iter().all(|(id, _)| *id == reader) && sent.len() == 1);
    server.log.clear();
    assert_eq!(server.say(feed, &values(20_000..20_100)), []);
    assert_eq!(server.say(feed, &values(20_100..20_200)), []);
    let [said] = server.log.as_slice() else { panic!("{:?}", server.log) };
    assert!(said.contains("20000 of one provider"), "{said}");
    // What is known goes on.
    let sent = texts(&server.say(feed, &values(19_999..20_001)));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["updates"][0]["values"], json!([{ "path": "a.b19999", "value": 19_999 }]));
}

/// server-api.md 3.7: verbs may stand together; 3.8: the server makes the id.
#[test]
fn a_put_beside_a_delta_is_answered_without_an_id_of_its_own() {
    let mut server = Server::new();
    let client = server.open(1, "subscribe=none");
    for (verb, body) in [
        ("put", json!({ "path": "no.such.switch", "value": 1 })),
        ("delete", json!({ "path": "no.such.switch" })),
        ("accessRequest", json!({ "clientId": "x" })),
    ] {
        let mut message = values(0..1);
        message[verb] = body;
        let answers = texts(&server.say(client, &message));
        assert_eq!(answers.len(), 1, "{verb}");
        assert_eq!(answers[0]["state"], "COMPLETED", "{verb}");
    }
    let mut message = values(0..1);
    message["updates"] = json!(vec![0; 500]);
    message["put"] = json!({ "path": "no.such.switch", "value": 1 });
    assert_eq!(server.say(client, &message).len(), 1);
    assert_eq!(server.say(client, &values(1..2)), []);
}
