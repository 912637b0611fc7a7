//! W45: where the reference's documentation contradicts itself, authors find what really holds (plugin ABI 14).

use super::handlers::{ask, install};
use super::*;

/// A request without a body has `{}`, where some pages show `null`: a handler may look into it at once. A body that is
/// `null` is none that the reference's parser takes.
#[test]
fn w45_the_body_of_a_request_without_one_is_an_empty_object() {
    let mut sim = Sim::new();
    install(&mut sim, "h");
    sim.boot();
    for method in ["GET", "PATCH"] {
        assert_eq!(ask(&mut sim, method, "/plugins/h/api/x", "").0, 201);
        let request: Value = serde_json::from_str(&sim.lines("h").pop().unwrap()).unwrap();
        assert_eq!(request["body"], json!({}), "{method}");
    }
    assert_eq!(ask(&mut sim, "PATCH", "/plugins/h/api/x", "null").0, 400);
}

/// A new resource gets its id from the server; one with a chosen id is written by PUT.
#[test]
fn w45_post_takes_no_id_of_a_resource() {
    let mut sim = Sim::new();
    let target = "/signalk/v2/api/resources/fishing/ac3a3b2d-07e8-4f25-92bc-98e7c92f7f1a";
    let (status, body) = ask(&mut sim, "POST", target, r#"{"name":"x"}"#);
    assert_eq!(status, 404, "{body}");
}

/// `delta_handler` reads the whole name of the own vessel, where some pages show `vessels.self`.
#[test]
fn w45_received_deltas_name_the_own_vessel_by_its_urn() {
    let listens = format!(
        r#"{START} (func (export "delta_handler") (param i32 i32)
            (call $debug (local.get 0) (local.get 1)))"#
    );
    let mut sim = Sim::new();
    sim.install("p", guest(&listens));
    sim.boot();
    sim.input(Input::StreamMessage {
        id: StreamId(1),
        text: r#"{"context":"vessels.self","updates":[{"values":[{"path":"a.b","value":1}]}]}"#
            .into(),
    });
    sim.advance_to(1.0);
    let own = sim.get("/signalk/v1/api/self");
    let begin = format!(r#"{{"context":"{}","updates":[{{"#, own.as_str().unwrap());
    let lines = sim.lines("p");
    assert!(lines.iter().any(|line| line.starts_with(&begin)), "{begin} {lines:?}");
    assert!(!lines.join("").contains("vessels.self"), "{lines:?}");
}
