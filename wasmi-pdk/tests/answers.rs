//! Where an answer of the host ends up: read where it lies, kept for later, refused, or unwanted.
#![allow(clippy::unwrap_used, reason = "test code, helpers included")]

use futures::future::{Either, select};
use serde_json::Value;
use wasmi_pdk::{Connection, Cx, Read, Result, Router, Runtime};

/// What goes in at once, and what came out.
#[derive(Default)]
struct Wire {
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Connection for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> Read {
        let count = self.input.len();
        buffer[..count].copy_from_slice(&self.input);
        self.input.clear();
        if count == 0 { Read::Empty } else { Read::Bytes(count) }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }
}

/// What the plugin writes when it is given these lines at once.
fn turn(plugin: &mut Runtime, lines: &[&str]) -> String {
    let mut wire = Wire::default();
    for line in lines {
        wire.input.extend_from_slice(line.as_bytes());
        wire.input.push(b'\n');
    }
    plugin.poll(&mut wire);
    String::from_utf8(wire.output).unwrap()
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#;

fn asks_one() -> Runtime {
    Runtime::new(Router::new().method("m", |cx: Cx, ()| async move {
        let answer: u32 = cx.host.call("one", ()).await?;
        Ok(answer)
    }))
}

#[test]
fn an_answer_that_is_no_json_is_none_and_the_call_goes_on() {
    let mut plugin = asks_one();
    assert!(turn(&mut plugin, &[CALL]).contains(r#""method":"one""#));
    let refused = turn(&mut plugin, &[r#"{"jsonrpc":"2.0","id":1,"result":[}"#]);
    assert!(refused.contains(r#""id":null,"error":{"code":-32700"#), "{refused}");
    let answer = turn(&mut plugin, &[r#"{"jsonrpc":"2.0","id":1,"result":7}"#]);
    assert_eq!(answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":7}\n");
}

#[test]
fn an_answer_of_another_type_ends_the_call_and_takes_nothing_back() {
    let mut plugin = asks_one();
    turn(&mut plugin, &[CALL]);
    let answer = turn(&mut plugin, &[r#"{"jsonrpc":"2.0","id":1,"result":"seven"}"#]);
    assert!(answer.contains("invalid type: string"), "{answer}");
    assert!(!answer.contains("cancel"), "{answer}");
}

#[test]
fn of_two_answers_the_first_counts() {
    let mut plugin = asks_one();
    turn(&mut plugin, &[CALL]);
    let (first, second) =
        (r#"{"jsonrpc":"2.0","id":1,"result":1}"#, r#"{"jsonrpc":"2.0","id":1,"result":2}"#);
    let answer = turn(&mut plugin, &[first, second]);
    assert_eq!(answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}\n");
}

#[test]
fn an_answer_nobody_reads_yet_outlives_the_input_it_came_in() {
    let mut plugin = Runtime::new(Router::new().method("m", |cx: Cx, ()| async move {
        let (a, b) = (cx.host.call::<Value>("a", ()), cx.host.call::<Value>("b", ()));
        Ok((a.await?, b.await?))
    }));
    turn(&mut plugin, &[CALL]);
    assert_eq!(turn(&mut plugin, &[r#"{"jsonrpc":"2.0","id":2,"result":"b"}"#]), "");
    let error = turn(&mut plugin, &[r#"{"jsonrpc":"2.0","id":2,"method":"unknown, and long"}"#]);
    assert!(error.contains("-32601"), "{error}");
    let answer = turn(&mut plugin, &[r#"{"jsonrpc":"2.0","id":1,"result":"a"}"#]);
    assert_eq!(answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[\"a\",\"b\"]}\n");
}

#[test]
fn a_call_that_is_dropped_after_its_answer_came_is_not_taken_back() {
    let mut plugin = Runtime::new(Router::new().method("m", |cx: Cx, ()| async move {
        let (a, b) = (cx.host.call::<u32>("a", ()), cx.host.call::<u32>("b", ()));
        let first: Result<u32> = match select(a, b).await {
            Either::Left((result, _)) | Either::Right((result, _)) => result,
        };
        first
    }));
    turn(&mut plugin, &[CALL]);
    let (a, b) =
        (r#"{"jsonrpc":"2.0","id":1,"result":1}"#, r#"{"jsonrpc":"2.0","id":2,"result":2}"#);
    assert_eq!(turn(&mut plugin, &[a, b]), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}\n");
}

#[test]
fn parameters_that_are_no_json_make_the_whole_message_none() {
    let mut plugin =
        Runtime::new(Router::new().method("m", |_, numbers: Vec<u32>| async move { Ok(numbers) }));
    for method in ["m", "unknown"] {
        let line =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[1,],"x":[]}}"#);
        let error = turn(&mut plugin, &[&line]);
        assert!(error.contains(r#""id":null,"error":{"code":-32700"#), "{error}");
    }
    let line = r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1,2]}"#;
    assert_eq!(turn(&mut plugin, &[line]), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[1,2]}\n");
}
