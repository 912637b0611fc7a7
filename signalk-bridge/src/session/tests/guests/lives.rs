//! The guests in C and Go that do what plugins do: each from its name to its stop.

use std::sync::atomic::Ordering;

use super::super::*;
use super::{Clock, begun, nap};
use crate::Handler;

fn plugin(name: &str) -> (Drive, Arc<Clock>) {
    let keys = [Capability::PutHandlers, Capability::ResourceProvider, Capability::RadarProvider];
    let rights = keys.into_iter().fold(Capabilities::default(), Capabilities::with);
    begun(name, Fake::default(), rights)
}

fn ask(drive: &mut Drive, handler: Handler, request: &str) -> String {
    let call = HandlerCall { id: HandlerCallId(1), handler, request: request.into() };
    drive.input(Input::Handle(call));
    drive.said.pop().unwrap()
}

fn http(handler: &str) -> Handler {
    Handler::Http {
        handler: handler.into(),
        repeatable: true,
        largest_reply: None,
        streamed: false,
    }
}

fn log(drive: &mut Drive) -> String {
    drive.server.take().join("\n")
}

/// A question in a delta; the log afterwards.
fn question(drive: &mut Drive, path: &str) -> String {
    let delta = format!(r#"{{"updates":[{{"values":[{{"path":"{path}","value":1}}]}}]}}"#);
    drive.deltas(None, &[r#"{"updates":[]}"#, &delta]);
    log(drive)
}

#[test]
fn a_reactor_in_c_lives_with_its_older_names() {
    use crate::{RadarHandler, ResourceHandler};
    let (mut drive, _) = plugin("c_reactor");
    assert_eq!(drive.said.last().unwrap(), "Started");
    assert!(drive.said[0].starts_with(r#"described: Some("C reactor") {"type":"object""#));
    let lines = log(&mut drive);
    for line in
        ["constructed 1", r#"config {"enableDebug":false}"#, "file 1 starts", "Ok(\"Running\")"]
    {
        assert!(lines.contains(line), "{line}: {lines}");
    }
    drive.at(1000);
    assert_eq!(log(&mut drive), "p debug: polled");
    let answer = question(&mut drive, "test.c.question");
    assert!(answer.contains(r#""path":"test.c.answer","value":true"#), "{answer}");
    assert!(ask(&mut drive, http("http_hello"), "{}").contains("hello from C"));
    assert!(ask(&mut drive, http("http_needs"), "{}").contains("Err("), "never enough");
    let list = ask(&mut drive, Handler::Resources(ResourceHandler::List), "{}");
    assert!(list.contains(r#"{\"one\":{\"name\":\"One\"}}"#), "{list}");
    assert!(ask(&mut drive, Handler::Radar(RadarHandler::Info), "{}").contains("C radar"));
    drive.input(Input::Stop);
    assert_eq!(drive.said.last().unwrap(), "Stopped");
}

#[test]
fn a_library_in_c_without_libc_is_called_by_its_own_types() {
    let (mut drive, _) = plugin("c_library");
    assert_eq!(drive.said.last().unwrap(), "Started");
    let lines = log(&mut drive);
    for line in [r#"config {"enableDebug":false}"#, "create -1", "Ok(\"Running\")"] {
        assert!(lines.contains(line), "{line}: {lines}");
    }
    drive.at(1000);
    assert_eq!(log(&mut drive), "p debug: polled");
    let answer = question(&mut drive, "test.c.question");
    assert!(answer.contains(r#""path":"test.c.answer","value":true"#), "{answer}");
    let put = Handler::Put { context: "vessels.self".into(), path: "test.c".into() };
    assert!(ask(&mut drive, put, "1").contains("PENDING"));
    drive.input(Input::Stop);
    assert_eq!(drive.said.last().unwrap(), "Stopped");
}

#[test]
fn a_reactor_in_go_lives_with_its_runtime() {
    let (mut drive, clock) = plugin("go_reactor");
    assert_eq!(drive.said.last().unwrap(), "Started");
    let lines = log(&mut drive);
    for line in ["init 1", "file 1 starts", r#"self {"value":3.1}"#, "Ok(\"Running\")"] {
        assert!(lines.contains(line), "{line}: {lines}");
    }
    let answer = question(&mut drive, "test.go.question");
    assert!(answer.contains(r#""path":"test.go.answer","value":true"#), "{answer}");
    assert!(ask(&mut drive, http("http_hello"), r#"{"a":1}"#).contains("request"));
    let put = Handler::Put { context: "vessels.self".into(), path: "test.go".into() };
    assert!(ask(&mut drive, put, "7").contains("COMPLETED"));
    // Goroutines that sleep are woken while a call sleeps.
    drive.now = Duration::from_secs(1);
    clock.0.store(1_000_000, Ordering::Relaxed);
    drive.input(Input::Tick);
    nap(&mut drive, &clock);
    let lines = log(&mut drive);
    let ticks = lines.split_once("polled, ").and_then(|(_, rest)| rest.split_once(" ticks"));
    assert!(ticks.is_some_and(|(count, _)| count.parse::<u32>().unwrap() >= 1), "{lines}");
    let call =
        HandlerCall { id: HandlerCallId(1), handler: http("http_panic"), request: "{}".into() };
    drive.input(Input::Handle(call));
    nap(&mut drive, &clock);
    let last = drive.said.pop().unwrap();
    assert!(last.starts_with("crashed: p: call `http_panic` trapped"), "{last}");
    assert!(last.ends_with("panic: asked to panic"), "{last}");
}
