//! Calls between two ends: nested, in batches, cancelled, too late, and at the end of the stream.

use super::*;

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
