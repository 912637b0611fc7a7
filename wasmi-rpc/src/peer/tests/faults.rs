//! What the other end, or the application, must not do; and any bytes in any pieces.

use proptest::prelude::*;

use super::*;

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
fn what_a_program_prints_among_its_messages_hides_none_and_does_not_change_the_framing() {
    let ask = br#"{"jsonrpc":"2.0","id":1,"method":"m"}"#;
    for printed in ["Connected", "Config: x", "Content-ment: x", "Content-Length: 5 m", "hello"] {
        let mut peer = Peer::default();
        let sent = serve(&mut peer, format!("{printed}\n").as_bytes());
        assert!(!sent.contains("Content-Length"), "{printed}: {sent}");
        let sent = serve(&mut peer, &[ask.as_slice(), b"\n"].concat());
        assert!(sent.ends_with('\n') && sent.contains("\"id\":1,"), "{printed}: {sent}");
        assert_eq!(peer.counters().faults, 1, "{printed}");
    }
    // Who speaks with headers is answered with headers, whatever it prints.
    let mut peer = Peer::default();
    let message = [format!("Content-Length: {}\r\n\r\n", ask.len()).as_bytes(), ask].concat();
    serve(&mut peer, &message);
    assert!(serve(&mut peer, b"hello\n").starts_with("Content-Length: "));
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
