//! The short way of a line means what the long way means, also where the line is damaged.

use proptest::prelude::*;

use super::*;

const NOW: Duration = Duration::ZERO;

/// A peer with three calls under way and one request that waits.
fn busy() -> Peer {
    let mut peer = Peer::default();
    for _ in 0..3 {
        peer.call(NOW, "m", None, None).unwrap();
    }
    peer.handle_input(NOW, b"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"waits\"}\n");
    while peer.poll_output().is_some() {}
    peer
}

/// All that comes of a peer, with the numbers that it ends with.
fn rest(mut peer: Peer) -> Vec<String> {
    let mut all: Vec<String> =
        std::iter::from_fn(|| peer.poll_output()).map(|output| format!("{output:?}")).collect();
    all.push(format!("{:?}", (peer.counters(), peer.calls_waiting(), peer.requests_waiting())));
    all
}

/// Byte by byte, so that no line is whole when it comes.
fn long_way(text: &[u8]) -> Vec<String> {
    let mut peer = busy();
    for byte in text {
        peer.handle_input(NOW, &[*byte]);
    }
    rest(peer)
}

/// As a guest does it: line by line, and the rest at once.
fn unread(mut bytes: &[u8]) -> Vec<String> {
    let mut peer = busy();
    let mut events = Vec::new();
    while let Some((message, rest)) = peer.handle_line(bytes) {
        let line = &bytes[..bytes.len() - rest.len()];
        bytes = rest;
        let event = match message {
            Quick::Request { id, method, params } => named(method, params)
                .map(|(method, params)| Output::Request { id: id.into(), method, params }),
            Quick::Notification { method, params } => named(method, params)
                .map(|(method, params)| Output::Notification { method, params }),
            Quick::Answered { id, result } => serde_json::from_slice::<&RawValue>(result)
                .ok()
                .filter(|_| peer.accept(id))
                .map(|result| Output::Answered { id: id.into(), result: Ok(result.to_owned()) }),
        };
        match event {
            Some(event) => events.push(format!("{event:?}")),
            None => peer.refuse(line),
        }
    }
    peer.handle_input(NOW, bytes);
    events.extend(rest(peer));
    events
}

fn named(method: &[u8], params: Option<&str>) -> Option<(String, Params)> {
    let params = params.map(|text| RawValue::from_string(text.to_owned())).transpose();
    Some((String::from_utf8(method.to_vec()).unwrap(), params.ok()?))
}

proptest! {
    #[test]
    fn the_short_way_means_what_the_long_way_means(
        messages in prop::collection::vec(crate::message::tests::message(), 1..4),
        damage in prop::option::of((0_usize..200, "[\\PC]{0,3}")),
    ) {
        let mut stream = Vec::new();
        for message in &messages {
            message.write_json(&mut stream);
            stream.push(b'\n');
        }
        if let Some((at, with)) = damage
            && at < stream.len()
        {
            stream.splice(at..=at, with.into_bytes());
        }
        let mut whole = busy();
        whole.handle_input(NOW, &stream);
        prop_assert_eq!(rest(whole), long_way(&stream));
        prop_assert_eq!(unread(&stream), long_way(&stream));
    }

    #[test]
    fn results_of_near_calls_too(
        lines in prop::collection::vec((0_u64..5, "[0-9\\[\\]\"{}:, äa\\\\-]{0,6}"), 1..5),
    ) {
        let text: String = lines
            .iter()
            .map(|(id, result)| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n"))
            .collect();
        prop_assert_eq!(unread(text.as_bytes()), long_way(text.as_bytes()));
    }
}
