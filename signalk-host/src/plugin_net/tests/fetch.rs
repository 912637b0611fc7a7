//! Requests by HTTP: redirects, limits, failures, answers in pieces.

use super::*;

#[test]
fn redirects_are_followed_and_the_last_answer_is_reported() {
    let mut world = World::open();
    let (port, asked) =
        server(vec![answer("302 Found\r\nlocation: /b", b""), answer("404 Not Found", b"gone")]);
    world.fetch(format!("http://127.0.0.1:{port}/a"), 100, false);
    let FetchNews::Whole(head, body) = world.fetched() else { panic!("an answer") };
    assert_eq!((head.status, &body[..], head.redirected), (404, &b"gone"[..], true));
    assert_eq!(head.url, format!("http://127.0.0.1:{port}/b"));
    let first = asked.recv().unwrap();
    assert!(first.starts_with("GET /a HTTP/1.1") && first.contains("x-mine: 1"), "{first}");
    assert!(first.contains("accept-encoding: ") && first.contains("gzip"), "{first}");
}

#[test]
fn a_body_over_the_limit_fails_while_it_is_read() {
    let mut world = World::open();
    let (port, _asked) = server(vec![answer("200 OK", &[7; 101])]);
    world.fetch(format!("http://127.0.0.1:{port}/"), 100, false);
    assert!(world.failure().contains("longer than its limit"));
}

/// More names than a `HeaderMap` can hold.
#[test]
fn a_request_with_too_many_headers_fails_and_says_so() {
    let headers: Vec<_> = (0..=32_768).map(|at| (format!("x{at}"), String::new())).collect();
    let mut world = World::open();
    let request = FetchRequest {
        method: "GET".into(),
        url: "http://127.0.0.1:1/".into(),
        headers: headers.clone(),
        timeout: Duration::from_secs(5),
        most: 1,
        ..FetchRequest::default()
    };
    world.please(Effect::Fetch { id: FETCH, request });
    let text = world.failure();
    assert!(text.contains("32769 headers, the limit is 200"), "{text}");
    let url = "ws://127.0.0.1:1/".into();
    world.please(Effect::WebSocketConnect { socket: SOCKET, url, headers, protocols: vec![] });
    let Report::Connected { result: Err(text), .. } = world.report() else { panic!("refused") };
    assert!(text.contains("32769 headers, the limit is 200"), "{text}");
}

#[test]
fn no_answer_is_a_failure_in_time_and_nobody_there_at_once() {
    let mut world = World::open();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let request = FetchRequest {
        method: "GET".into(),
        url,
        headers: vec![],
        timeout: Duration::from_millis(200),
        most: 1,
        ..FetchRequest::default()
    };
    world.please(Effect::Fetch { id: FETCH, request });
    assert!(world.failure().contains("within 200ms"));
    drop(listener);
    world.fetch("http://127.0.0.1:1/".into(), 1, false);
    let text = world.failure();
    assert!(text.contains("cannot connect to 127.0.0.1:1"), "{text}");
}

#[test]
fn a_streamed_body_comes_in_pieces_as_asked_for() {
    let mut world = World::open();
    let body: Vec<u8> = (0..200_000).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let (port, _asked) = server(vec![answer("200 OK", &body)]);
    world.fetch(format!("http://127.0.0.1:{port}/"), 1 << 20, true);
    assert!(matches!(world.fetched(), FetchNews::Head(head) if head.status == 200));
    let mut all = Vec::new();
    loop {
        world.please(Effect::FetchMore { id: FETCH });
        match world.fetched() {
            FetchNews::Piece(piece) if piece.len() <= 64 << 10 => all.extend_from_slice(&piece),
            FetchNews::End => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(all, body);
}
