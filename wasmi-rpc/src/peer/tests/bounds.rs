//! What is too large or too many, in either direction.

use super::*;

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
fn the_answers_of_open_batches_stay_within_the_bound_together() {
    let mut peer = Peer::new(PeerConfig { max_message: 1000, ..PeerConfig::default() });
    let request = |id: u64| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
    let mut first = Vec::new();
    for id in (0..200).step_by(2) {
        // The first of each is answered, the second is not.
        peer.handle_input(NOW, format!("[{},{}]\n", request(id), request(id + 1)).as_bytes());
        while let Some(event) = peer.poll_event() {
            match event {
                Output::Request { id, .. } => first.push(id),
                Output::Fault(RpcError::InvalidRequest { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        if let [.., one, _] = &first[..] {
            let _ = peer.respond_with(one.clone(), &"x".repeat(200));
        }
        // An answer that says "too large" has less than 200 bytes itself.
        assert!(peer.state.incoming.held() < 1000 + 200, "{}", peer.state.incoming.held());
    }
    let refused = String::from_utf8(peer.take_unsent()).unwrap();
    assert!(refused.contains(
        r#""error":{"code":-32009,"message":"the answers of open batches have 1000 bytes (`max_message`) already"}"#
    ), "{refused}");
    // The second of each, which nobody has answered yet: their batches end, and what they held is given back.
    for id in first.into_iter().skip(1).step_by(2) {
        peer.respond_with(id, &1).unwrap();
    }
    assert_eq!(peer.state.incoming.held(), 0);
    let text = String::from_utf8(peer.take_unsent()).unwrap();
    assert_eq!(text.matches(&"x".repeat(200)).count(), 4, "{text}");
    assert!(
        text.contains("-32008") && text.contains("the answers of open batches together exceed")
    );
    assert!(serve(&mut peer, format!("[{}]\n", request(7)).as_bytes()).contains("-32601"));
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
