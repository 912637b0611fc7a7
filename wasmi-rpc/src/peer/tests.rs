//! One end and two ends: the examples of the specification's section 7, calls in both directions,
//! batches, cancel, deadlines, bounds, faults.

use proptest::prelude::*;

use super::*;

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

/// The same JSON whatever the white space, order of members and text of the message.
fn same(a: &str, b: &str) -> bool {
    fn plain(text: &str) -> serde_json::Value {
        fn blur(value: &mut serde_json::Value) {
            match value {
                serde_json::Value::Array(list) => list.iter_mut().for_each(blur),
                serde_json::Value::Object(map) => {
                    if let Some(error) = map.get_mut("error") {
                        error["message"] = "blurred".into();
                    }
                    map.sort_keys();
                }
                _ => {}
            }
        }
        let mut value = serde_json::from_str(text).unwrap_or(serde_json::Value::Null);
        blur(&mut value);
        value
    }
    plain(a) == plain(b)
}

/// Section 7 of the specification: `-->` sent to the server, `<--` its answer. The texts are the
/// specification's; only the words of error messages are ours.
const EXAMPLES: &[(&str, &str, &str)] = &[
    (
        "positional parameters",
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
        r#"{"jsonrpc": "2.0", "result": 19, "id": 1}"#,
    ),
    (
        "positional parameters, other order",
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}"#,
        r#"{"jsonrpc": "2.0", "result": -19, "id": 2}"#,
    ),
    (
        "named parameters",
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}"#,
        r#"{"jsonrpc": "2.0", "result": 19, "id": 3}"#,
    ),
    (
        "named parameters, other order",
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}"#,
        r#"{"jsonrpc": "2.0", "result": 19, "id": 4}"#,
    ),
    ("a notification", r#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#, ""),
    ("a notification without parameters", r#"{"jsonrpc": "2.0", "method": "foobar"}"#, ""),
    (
        "non-existent method",
        r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}"#,
    ),
    (
        "invalid JSON",
        r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#,
    ),
    (
        "invalid Request object",
        r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#,
    ),
    (
        "batch, invalid JSON",
        r#"[ {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method" ]"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#,
    ),
    (
        "an empty array",
        "[]",
        r#"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#,
    ),
    (
        "an invalid batch, not empty",
        "[1]",
        r#"[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]"#,
    ),
    (
        "invalid batch",
        "[1,2,3]",
        r#"[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
         {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
         {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]"#,
    ),
    (
        "batch",
        r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
         {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
         {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
         {"foo": "boo"},
         {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
         {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]"#,
        // "The Response objects being returned from a batch call MAY be returned in any order."
        r#"[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
         {"jsonrpc": "2.0", "result": 7, "id": "1"},
         {"jsonrpc": "2.0", "result": 19, "id": "2"},
         {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
         {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}]"#,
    ),
    (
        "batch, all notifications",
        r#"[{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
         {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]"#,
        "",
    ),
];

#[test]
fn section_7_examples_in_lines() {
    for (name, sent, expected) in EXAMPLES {
        let mut peer = Peer::default();
        let line = sent.replace('\n', " ") + "\n";
        let answer = serve(&mut peer, line.as_bytes());
        assert_eq!(answer.matches('\n').count(), usize::from(!expected.is_empty()), "{name}");
        assert!(same(&answer, expected), "{name}: {answer}");
        assert_eq!(peer.requests_waiting(), 0, "{name}");
    }
}

#[test]
fn section_7_examples_with_headers() {
    for (name, sent, expected) in EXAMPLES {
        let mut peer = Peer::default();
        let message = format!("Content-Length: {}\r\n\r\n{sent}", sent.len());
        let answer = serve(&mut peer, message.as_bytes());
        if expected.is_empty() {
            assert_eq!(answer, "", "{name}");
            continue;
        }
        let (header, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(header, format!("Content-Length: {}", body.len()), "{name}");
        assert!(same(body, expected), "{name}: {body}");
    }
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

#[test]
fn calls_nest_in_both_directions() {
    let (mut host, mut plugin) = (Peer::default(), Peer::default());
    let outer = host.call_with(NOW, "outer", &(), None).unwrap();
    let (_, mut asked) = exchange(&mut host, &mut plugin);
    let Some(Output::Request { id, params: None, .. }) = asked.pop() else { panic!("{asked:?}") };
    // Both ends count from 1: the ids of the two directions are not the same ids.
    let inner = plugin.call_with(NOW, "inner", &[1], None).unwrap();
    assert_eq!(inner, outer);
    let (mut asked, _) = exchange(&mut host, &mut plugin);
    let Some(Output::Request { id: inner_id, .. }) = asked.pop() else { panic!("{asked:?}") };
    host.respond_with(inner_id, "deep").unwrap();
    let (_, answered) = exchange(&mut host, &mut plugin);
    assert!(
        matches!(&answered[..], [Output::Answered { id, result: Ok(text) }] if *id == inner && text.get() == "\"deep\"")
    );
    plugin.respond_with(id, &7).unwrap();
    let (answered, _) = exchange(&mut host, &mut plugin);
    assert!(
        matches!(&answered[..], [Output::Answered { id, result: Ok(text) }] if *id == outer && text.get() == "7")
    );
}

#[test]
fn an_error_object_arrives_with_its_data() {
    let (mut host, mut plugin) = (Peer::default(), Peer::default());
    host.call(NOW, "m", None, None).unwrap();
    let (_, asked) = exchange(&mut host, &mut plugin);
    let [Output::Request { id, .. }] = &asked[..] else { panic!("{asked:?}") };
    let error = ErrorCode::CapabilityDenied.object();
    let error = crate::ErrorObject::owned(error.code(), error.message(), Some([1, 2]));
    plugin.respond(id.clone(), Err(error.clone())).unwrap();
    let (answered, _) = exchange(&mut host, &mut plugin);
    let [Output::Answered { result: Err(CallError::Remote(got)), .. }] = &answered[..] else {
        panic!("{answered:?}")
    };
    assert_eq!(*got, error);
}

#[test]
fn a_batch_of_calls_is_answered_by_one_array_and_ends_each_call() {
    let (mut host, mut plugin) = (Peer::default(), Peer::default());
    let entry = |name: &str| BatchEntry::Call(name.to_owned(), None);
    let entries = [entry("a"), BatchEntry::Notify("n".to_owned(), None), entry("b")];
    let ids = host.send_batch(NOW, &entries, None).unwrap();
    assert_eq!(ids, [RequestId::Number(1), RequestId::Number(2)]);
    let (_, asked) = exchange(&mut host, &mut plugin);
    let [Output::Request { id: a, .. }, Output::Notification { .. }, Output::Request { id: b, .. }] =
        &asked[..]
    else {
        panic!("{asked:?}")
    };
    plugin.respond_with(b.clone(), "second").unwrap();
    assert!(plugin.poll_output().is_none(), "the array waits for all its answers");
    plugin.respond(a.clone(), Err(ErrorCode::Busy.object())).unwrap();
    let (answered, _) = exchange(&mut host, &mut plugin);
    assert_eq!(answered.len(), 2);
    assert_eq!((plugin.counters().sent, host.counters().received), (1, 1));
    assert!(host.send_batch(NOW, &[], None).unwrap().is_empty());
    assert!(host.poll_output().is_none());
}

#[test]
fn requests_with_an_id_that_waits_already_are_refused() {
    let mut peer = Peer::default();
    peer.handle_input(NOW, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slow\"}\n");
    let again = serve(&mut peer, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slow\"}\n");
    assert!(again.contains("-32600") && again.contains("-32601"), "{again}");
    assert_eq!(peer.counters().faults, 1);
}

#[test]
fn answers_to_nobody_are_faults_and_no_more() {
    let mut peer = Peer::default();
    let id = peer.call(NOW, "m", None, None).unwrap();
    let _ = peer.poll_output();
    peer.handle_input(NOW, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":2}\n");
    peer.handle_input(NOW, b"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":2}\n{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":2}\n");
    peer.handle_input(
        NOW,
        b"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"what?\"}}\n",
    );
    let texts: Vec<String> = std::iter::from_fn(|| peer.poll_output())
        .map(|output| match output {
            Output::Answered { id: answered, result } if answered == id => {
                result.unwrap().to_string()
            }
            Output::Fault(fault) => fault.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        texts,
        [
            "1",
            "response to request 1, which waits for no answer",
            "response to request \"x\", which waits for no answer",
            "response to request 9, which waits for no answer",
            "the other end reports error -32700: what?"
        ]
    );
    let unknown = peer.respond_with(RequestId::Number(5), &1).unwrap_err();
    assert_eq!(unknown.to_string(), "no request 5 waits for an answer here");
}

#[test]
fn a_malformed_answer_ends_its_call_and_is_not_answered() {
    let mut peer = Peer::default();
    peer.call(NOW, "m", None, None).unwrap();
    let _ = peer.poll_output();
    peer.handle_input(NOW, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":{}}\n");
    assert!(matches!(
        peer.poll_output(),
        Some(Output::Answered { result: Err(CallError::InvalidAnswer(_)), .. })
    ));
    assert!(matches!(peer.poll_output(), Some(Output::Fault(RpcError::InvalidResponse { .. }))));
    assert!(peer.poll_output().is_none());
}

#[test]
fn a_cancelled_call_ends_at_once_and_its_late_answer_is_no_fault() {
    let (mut host, mut plugin) = (Peer::default(), Peer::default());
    let id = host.call(NOW, "slow", None, None).unwrap();
    let (_, asked) = exchange(&mut host, &mut plugin);
    assert!(matches!(asked[..], [Output::Request { .. }]));
    assert!(host.cancel(&id));
    assert!(!host.cancel(&id) && !host.cancel(&RequestId::Null));
    let (ended, told) = exchange(&mut host, &mut plugin);
    assert!(matches!(&ended[..], [Output::Answered { result: Err(CallError::Cancelled), .. }]));
    let [Output::Cancelled { id }] = &told[..] else { panic!("{told:?}") };
    plugin.respond_with(id.clone(), "late").unwrap();
    let (late, _) = exchange(&mut host, &mut plugin);
    assert!(late.is_empty(), "{late:?}");
    assert_eq!(host.counters().faults, 0);
    // What cannot be cancelled is left alone.
    plugin.handle_input(
        NOW,
        b"{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":77}}\n",
    );
    plugin
        .handle_input(NOW, b"{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":[]}\n");
    assert!(plugin.poll_output().is_none());
}

#[test]
fn deadlines_end_calls_in_order_and_tell_the_other_end() {
    let mut peer = Peer::default();
    let seconds = Duration::from_secs;
    for deadline in [Some(seconds(3)), None, Some(seconds(1)), Some(seconds(2))] {
        peer.call(NOW, "m", None, deadline).unwrap();
    }
    let _ = peer.poll_output();
    assert_eq!(peer.poll_timeout(), Some(seconds(1)));
    peer.handle_timeout(seconds(0));
    assert!(peer.poll_output().is_none());
    peer.handle_timeout(seconds(2));
    assert_eq!(peer.poll_timeout(), Some(seconds(3)));
    let ended: Vec<Output> = std::iter::from_fn(|| peer.poll_output()).collect();
    let [
        Output::Answered { id: RequestId::Number(3), result: Err(CallError::Timeout) },
        Output::Answered { id: RequestId::Number(4), result: Err(CallError::Timeout) },
        Output::Send(told),
    ] = &ended[..]
    else {
        panic!("{ended:?}")
    };
    assert_eq!(String::from_utf8_lossy(told).matches("$/cancelRequest").count(), 2);
    peer.handle_timeout(seconds(9));
    assert_eq!((peer.poll_timeout(), peer.calls_waiting()), (None, 1));
}

#[test]
fn the_end_of_the_stream_ends_all_calls_but_requests_may_still_be_answered() {
    let mut peer = Peer::default();
    peer.call(NOW, "a", None, Some(Duration::from_secs(1))).unwrap();
    let _ = peer.poll_output();
    peer.handle_input(
        NOW,
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"last\"}\n{\"jsonrpc\":\"2.0\",\"id\":1,\"resu",
    );
    let Some(Output::Request { id, .. }) = peer.poll_output() else { panic!() };
    peer.handle_eof(NOW);
    assert!(matches!(peer.poll_output(), Some(Output::Fault(RpcError::Truncated { size: 29 }))));
    assert!(matches!(
        peer.poll_output(),
        Some(Output::Answered { result: Err(CallError::Closed), .. })
    ));
    assert!(matches!(peer.call(NOW, "b", None, None), Err(RpcError::Closed)));
    assert_eq!(peer.poll_timeout(), None);
    peer.respond_with(id, &0).unwrap();
    assert!(matches!(peer.poll_output(), Some(Output::Send(_))));
}

#[test]
fn a_whole_message_without_its_newline_counts_at_the_end() {
    let mut peer = Peer::default();
    peer.handle_input(NOW, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"last\"}");
    assert!(peer.poll_output().is_none());
    peer.handle_eof(NOW);
    assert!(matches!(peer.poll_output(), Some(Output::Request { .. })));
}

fn small() -> Peer {
    Peer::new(PeerConfig {
        max_message: 400,
        max_pending: 2,
        max_batch: 3,
        ..PeerConfig::default()
    })
}

#[test]
fn oversized_messages_are_answered_where_possible_and_the_stream_goes_on() {
    let long = "x".repeat(500);
    for (message, answer) in [
        (
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"m","params":["{long}"]}}"#),
            r#""id":7,"error":{"code":-32007"#,
        ),
        (format!(r#"{{"jsonrpc":"2.0","method":"m","params":["{long}"]}}"#), ""),
        (format!(r#"{{"params":["{long}"],"id":7}}"#), r#""id":7,"error":{"code":-32007"#),
        (long.clone(), r#""id":null,"error":{"code":-32007"#),
        (format!(r#"{{"jsonrpc":"2.0","id":"{long}"#), r#"-32007"#),
        (format!(r#"{{"jsonrpc":"2.0","id":99,"result":"{long}"}}"#), ""),
    ] {
        let mut peer = small();
        let sent = serve(
            &mut peer,
            format!("{message}\n{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sum\"}}\n").as_bytes(),
        );
        let (first, second) = sent.split_once('\n').unwrap();
        if answer.is_empty() {
            assert!(first.contains("\"result\":0") && second.is_empty(), "{sent}");
        } else {
            assert!(first.contains(answer) && second.contains("\"result\":0"), "{sent}");
        }
        assert_eq!(peer.counters().faults, 1);
    }
}

#[test]
fn an_oversized_answer_ends_its_call_with_an_error() {
    let mut peer = small();
    peer.call(NOW, "m", None, None).unwrap();
    let _ = peer.poll_output();
    peer.handle_input(
        NOW,
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"{}\"}}\n", "x".repeat(500)).as_bytes(),
    );
    let Some(Output::Answered { result: Err(CallError::Remote(error)), .. }) = peer.poll_output()
    else {
        panic!()
    };
    assert_eq!(
        (error.code(), error.message()),
        (-32008, "message of 536 bytes exceeds the limit of 400 bytes (`max_message`)")
    );
}

#[test]
fn what_is_too_large_to_send_is_not_sent() {
    let mut peer = small();
    let long = "x".repeat(500);
    let refused = peer.call_with(NOW, "m", &(&long,), None).unwrap_err();
    assert!(matches!(refused, RpcError::TooLarge { limit: 400, .. }));
    assert!(matches!(peer.notify_with("m", &(&long,)), Err(RpcError::TooLarge { .. })));
    assert!(peer.poll_output().is_none());
    peer.handle_input(NOW, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}\n");
    let Some(Output::Request { id, .. }) = peer.poll_output() else { panic!() };
    peer.respond_with(id, &long).unwrap();
    let Some(Output::Send(bytes)) = peer.poll_output() else { panic!() };
    assert!(String::from_utf8(bytes).unwrap().contains("-32008"));
}

#[test]
fn both_directions_are_bounded() {
    let mut peer = small();
    for _ in 0..2 {
        peer.call(NOW, "m", None, None).unwrap();
    }
    let busy = peer.call(NOW, "m", None, None).unwrap_err();
    assert_eq!(busy.to_string(), "2 calls wait for answers already (`max_pending`)");
    let _ = peer.poll_output();
    for id in 1..=3 {
        peer.handle_input(
            NOW,
            format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"m\"}}\n").as_bytes(),
        );
    }
    let outputs: Vec<Output> = std::iter::from_fn(|| peer.poll_output()).collect();
    let [Output::Request { .. }, Output::Request { .. }, Output::Fault(_), Output::Send(busy)] =
        &outputs[..]
    else {
        panic!("{outputs:?}")
    };
    assert!(String::from_utf8_lossy(busy).contains("\"id\":3,\"error\":{\"code\":-32009"));
    let long_batch = serve(&mut peer, b"[1,2,3,4]\n");
    assert!(long_batch.contains("-32010"), "{long_batch}");
}

#[test]
fn garbage_beyond_the_bound_is_only_counted() {
    let config = PeerConfig { max_faults: 3, ..PeerConfig::default() };
    let mut peer = Peer::new(config);
    let faults = |peer: &mut Peer| {
        let outputs = std::iter::from_fn(|| peer.poll_event());
        outputs.filter(|output| matches!(output, Output::Fault(_))).count()
    };
    peer.handle_input(NOW, &b"x\n".repeat(10_000));
    peer.handle_input(NOW, &format!("[{}]\n", vec!["1"; 1000].join(",")).into_bytes());
    assert_eq!((faults(&mut peer), peer.counters().faults), (3, 11_000));
    assert_eq!(peer.take_unsent().split(|byte| *byte == b'\n').count(), 4);
    peer.handle_input(NOW, b"y\n");
    assert_eq!((faults(&mut peer), peer.counters().faults), (1, 11_001));
    assert_eq!(serve(&mut peer, b"z\n").matches("-32700").count(), 2);
}

#[test]
fn the_answers_of_a_batch_stay_within_the_bound_together() {
    let mut peer = Peer::new(PeerConfig { max_message: 300, ..PeerConfig::default() });
    let batch = (1..4)
        .map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#))
        .collect::<Vec<_>>();
    peer.handle_input(NOW, format!("[{}]\n", batch.join(",")).as_bytes());
    while let Some(Output::Request { id, .. }) = peer.poll_event() {
        peer.respond_with(id, &"x".repeat(200)).unwrap();
    }
    let text = String::from_utf8(peer.take_unsent()).unwrap();
    assert_eq!((text.matches("-32008").count(), text.matches("result").count()), (2, 1), "{text}");
}

#[test]
fn parameters_must_be_structured() {
    let mut peer = Peer::default();
    let refused = peer.call_with(NOW, "m", &5, None).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "parameters cannot be sent: they must be an array or an object; write one value as `(value,)`"
    );
    assert!(peer.notify("m", Some(raw("\"x\"".to_owned()))).is_err());
    assert!(peer.poll_output().is_none());
}

#[test]
fn line_breaks_in_given_json_do_not_break_the_framing() {
    let (mut a, mut b) = (Peer::default(), Peer::default());
    a.notify("m", Some(raw("{\n  \"x\":\r\n 1\n}".to_owned()))).unwrap();
    let (_, got) = exchange(&mut a, &mut b);
    let [Output::Notification { params: Some(params), .. }] = &got[..] else { panic!("{got:?}") };
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(params.get()).unwrap(),
        serde_json::json!({"x": 1})
    );
}

#[test]
fn an_idle_peer_after_many_calls_holds_nothing() {
    let (mut a, mut b) = (Peer::default(), Peer::default());
    let never = a.call(NOW, "never", None, None).unwrap();
    for _ in 0..5000 {
        a.call(NOW, "m", None, None).unwrap();
        let (_, asked) = exchange(&mut a, &mut b);
        for output in asked {
            if let Output::Request { id, method, .. } = output
                && method == "m"
            {
                b.respond_with(id, &()).unwrap();
            }
        }
        exchange(&mut a, &mut b);
    }
    assert_eq!((a.calls_waiting(), b.requests_waiting()), (1, 1));
    assert!(a.cancel(&never));
}

proptest! {
    #[test]
    fn any_split_yields_the_same_events_and_answers(
        messages in prop::collection::vec(crate::message::tests::message(), 1..6),
        split in prop::collection::vec(1_usize..40, 1..5),
        headers in any::<bool>(),
    ) {
        let mut stream = Vec::new();
        for message in &messages {
            let mut text = Vec::new();
            message.write_json(&mut text);
            if headers {
                stream.extend(format!("Content-Length: {}\r\n\r\n", text.len()).bytes());
            }
            stream.extend(text);
            if !headers {
                stream.push(b'\n');
            }
        }
        let run = |split: &[usize]| {
            let mut peer = Peer::default();
            let mut rest = &stream[..];
            for length in split.iter().cycle() {
                if rest.is_empty() { break; }
                let (now, later) = rest.split_at((*length).min(rest.len()));
                peer.handle_input(NOW, now);
                rest = later;
            }
            std::iter::from_fn(|| peer.poll_output()).map(|output| format!("{output:?}")).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(&split), run(&[usize::MAX]));
    }

    #[test]
    fn garbage_never_panics(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..20)) {
        let mut peer = small();
        for chunk in chunks {
            peer.handle_input(NOW, &chunk);
            while peer.poll_output().is_some() {}
        }
        peer.handle_eof(NOW);
        while peer.poll_output().is_some() {}
    }
}
