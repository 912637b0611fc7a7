//! Secrets in a plugin's URLs stay out of what owners and clients read.

use super::*;

const SECRETS: [&str; 3] = ["appid", "key2", "me:pw"];

fn is_clean(text: &str, expected: &str) {
    assert!(text.starts_with(expected), "{text}");
    assert!(!SECRETS.iter().any(|secret| text.contains(secret)), "{text}");
}

#[test]
fn a_request_that_fails_is_told_without_its_query_and_password() {
    let mut world = World::open();
    world.fetch("http://me:pw@127.0.0.1:1/wind?appid=key2".into(), 1, false);
    is_clean(&world.failure(), "http://127.0.0.1:1/wind: ");
    world.fetch("http://me:pw@127.0.0.1:none/wind?appid=key2".into(), 1, false);
    is_clean(&world.failure(), "`http://127.0.0.1:none/wind`: ");
}

#[test]
fn so_is_a_redirect() {
    let away = "302 Found\r\nlocation: ftp://me:pw@127.0.0.1/b?appid=key2";
    let (port, _asked) = server(vec![answer(away, b"")]);
    let mut world = World::open();
    world.fetch(format!("http://127.0.0.1:{port}/a?appid=key2"), 1, false);
    let expected = format!("http://127.0.0.1:{port}/a is redirected to `ftp://127.0.0.1/b`");
    is_clean(&world.failure(), &expected);
    let away = "302 Found\r\nlocation: http://me:pw@127.0.0.1:1/b?appid=key2";
    let (port, _asked) = server(vec![answer(away, b"")]);
    world.fetch(format!("http://127.0.0.1:{port}/a?appid=key2"), 1, false);
    is_clean(&world.failure(), "http://127.0.0.1:1/b: ");
}

#[test]
fn so_is_a_websocket() {
    let mut world = World::open();
    let url = "ws://me:pw@127.0.0.1:1/stream?appid=key2".into();
    let (headers, protocols) = (vec![], vec![]);
    world.please(Effect::WebSocketConnect { socket: SOCKET, url, headers, protocols });
    let Report::Connected { result: Err(text), .. } = world.report() else { panic!("refused") };
    is_clean(&text, "ws://127.0.0.1:1/stream: ");
}
