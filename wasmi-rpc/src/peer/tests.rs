//! One end and two ends: a server of the specification's examples, and bytes that go to and fro.

use super::*;

mod bounds;
mod calls;
mod examples;
mod faults;

const NOW: Duration = Duration::ZERO;

/// A server of the specification's examples.
fn answer(peer: &mut Peer, id: RequestId, method: &str, params: &Params) {
    let text = params.as_deref().map_or("[]", RawValue::get);
    let result = match method {
        "subtract" => {
            #[derive(serde::Deserialize)]
            struct Named {
                minuend: i64,
                subtrahend: i64,
            }
            let named: Option<Named> = serde_json::from_str(text).ok();
            let (a, b) = match named {
                Some(named) => (named.minuend, named.subtrahend),
                None => serde_json::from_str(text).unwrap(),
            };
            raw((a - b).to_string())
        }
        "sum" => {
            raw(serde_json::from_str::<Vec<i64>>(text).unwrap().iter().sum::<i64>().to_string())
        }
        "get_data" => raw(r#"["hello",5]"#.to_owned()),
        _ => {
            return peer.respond(id, Err(ErrorCode::MethodNotFound.object())).unwrap();
        }
    };
    peer.respond(id, Ok(result)).unwrap();
}

fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap()
}

/// What the server sends after this input.
fn serve(peer: &mut Peer, input: &[u8]) -> String {
    peer.handle_input(NOW, input);
    let mut sent = Vec::new();
    while let Some(output) = peer.poll_output() {
        match output {
            Output::Send(bytes) => sent.extend(bytes),
            Output::Request { id, method, params } => answer(peer, id, &method, &params),
            _ => {}
        }
    }
    String::from_utf8(sent).unwrap()
}

/// Moves bytes between two ends until both rest; what is left for the applications.
fn exchange(a: &mut Peer, b: &mut Peer) -> (Vec<Output>, Vec<Output>) {
    let mut events = (Vec::new(), Vec::new());
    loop {
        let mut moved = false;
        while let Some(output) = a.poll_output() {
            match output {
                Output::Send(bytes) => b.handle_input(NOW, &bytes),
                event => events.0.push(event),
            }
            moved = true;
        }
        while let Some(output) = b.poll_output() {
            match output {
                Output::Send(bytes) => a.handle_input(NOW, &bytes),
                event => events.1.push(event),
            }
            moved = true;
        }
        if !moved {
            return events;
        }
    }
}

fn small() -> Peer {
    Peer::new(PeerConfig {
        max_message: 400,
        max_pending: 2,
        max_batch: 3,
        ..PeerConfig::default()
    })
}
