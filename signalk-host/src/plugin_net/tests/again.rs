//! Requests that are sent again, that wait for their turn, and answers that are kept, against real servers.

use signalk_bridge::{Cached, RateLimit};

use super::*;

fn request(port: u16) -> FetchRequest {
    FetchRequest {
        method: "GET".into(),
        url: format!("http://127.0.0.1:{port}/"),
        timeout: Duration::from_secs(5),
        redirects: 3,
        most: 1000,
        ..FetchRequest::default()
    }
}

impl World {
    /// Status, body and where it came from; or why there is none.
    fn ask(&mut self, request: FetchRequest) -> Result<(u16, String, Option<Cached>), String> {
        self.please(Effect::Fetch { id: FETCH, request });
        match self.fetched() {
            FetchNews::Whole(head, body) => {
                Ok((head.status, String::from_utf8_lossy(&body).into_owned(), head.cached))
            }
            FetchNews::Failed(text) => Err(text),
            other => panic!("{other:?}"),
        }
    }
}

const RETRY: Retry = Retry { attempts: 3, first: Duration::from_millis(1), ..Retry::ONCE };

/// F59: a server that is not ready is asked again, and its last answer is the answer.
#[test]
fn f59_a_request_is_sent_again_while_it_may_get_better() {
    let busy = || answer("503 Busy\r\nretry-after: 0", b"");
    let torn = || b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec();
    for (answers, status, asked) in [
        (vec![busy(), busy(), answer("200 OK", b"x")], 200, 3),
        (vec![busy(), busy(), busy()], 503, 3),
        (vec![answer("404 No", b"x")], 404, 1),
        // In the middle of its body.
        (vec![torn(), torn(), answer("200 OK", b"whole")], 200, 3),
    ] {
        let (port, seen) = server(answers);
        let got = World::open().ask(FetchRequest { retry: RETRY, ..request(port) });
        assert_eq!(got.map(|(status, ..)| status), Ok(status));
        assert_eq!(seen.iter().count(), asked);
    }
    let (port, seen) = server(vec![torn(), torn(), torn()]);
    assert!(World::open().ask(FetchRequest { retry: RETRY, ..request(port) }).is_err());
    assert_eq!(seen.iter().count(), 3);
    // It would be as long again.
    let (port, seen) = server(vec![answer("200 OK", &[7; 1001]), answer("200 OK", b"x")]);
    let got = World::open().ask(FetchRequest { retry: RETRY, ..request(port) });
    assert!(got.unwrap_err().contains("longer than its limit"));
    assert_eq!(seen.try_iter().count(), 1);
}

/// Nobody is asked twice, not even a name server: the pauses would be minutes.
#[test]
fn what_the_owners_rules_refuse_is_not_asked_for_again() {
    let long = Duration::from_secs(60);
    let retry = Retry { attempts: 9, first: long, most: long };
    let mut world = World::new(Egress::default());
    let text = world.ask(FetchRequest { retry, ..request(1) }).unwrap_err();
    assert!(text.contains("is closed to plugins"), "{text}");
    let mut world = World::new(Egress::read(&json!({ "only": ["a.example"] })).0);
    let url = "http://b.example/".to_owned();
    let text = world.ask(FetchRequest { retry, url, ..request(1) }).unwrap_err();
    assert!(text.contains("is not in the list `only`"), "{text}");
}

const TAGGED: &str = "200 OK\r\ncache-control: no-cache\r\netag: \"1\"";

/// F59, R89.
#[test]
fn f59_an_answer_is_kept_checked_and_serves_when_nobody_is_there() {
    let (port, asked) = server(vec![
        answer(TAGGED, b"one"),
        answer("304 Not Modified", b""),
        answer("500 Oh", b""),
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec(),
        answer("200 OK\r\ncache-control: max-age=60", b"two"),
    ]);
    let mut world = World::open();
    let mut ask = || world.ask(FetchRequest { cache: true, ..request(port) }).unwrap();
    let one = |cached| (200, "one".to_owned(), cached);
    assert_eq!(ask(), one(None));
    assert_eq!(ask(), one(Some(Cached::Checked)));
    assert_eq!(ask(), one(Some(Cached::Stale)), "the server fails");
    assert_eq!(ask(), one(Some(Cached::Stale)), "it breaks off");
    assert_eq!(ask(), (200, "two".to_owned(), None));
    assert_eq!(ask(), (200, "two".to_owned(), Some(Cached::Fresh)));
    let asked: Vec<String> = asked.iter().collect();
    assert_eq!(asked.len(), 5);
    let tagged = asked.iter().map(|head| head.contains("if-none-match: \"1\"")).collect::<Vec<_>>();
    assert_eq!(tagged, [false, true, true, true, true]);
    // Who has not asked for it gets none.
    assert!(world.ask(request(port)).is_err());
    let post = FetchRequest { method: "DELETE".into(), cache: true, ..request(port) };
    assert!(world.ask(post).is_err());
}

#[test]
fn what_a_plugin_changes_is_asked_for_anew_and_a_life_keeps_for_itself() {
    let fresh = || answer("200 OK\r\ncache-control: max-age=60", b"x");
    let (port, asked) = server(vec![fresh(), answer("204 Done", b""), fresh(), fresh()]);
    let mut world = World::open();
    let get = || FetchRequest { cache: true, ..request(port) };
    world.ask(get()).unwrap();
    world.ask(FetchRequest { method: "PUT".into(), ..request(port) }).unwrap();
    assert_eq!(world.ask(get()).unwrap().2, None);
    world.net.ended(&PluginId::from_package("p"), 1);
    assert_eq!(world.ask(get()).unwrap().2, None);
    assert_eq!(asked.iter().count(), 4);
}

/// A name may come to stand for a closed address: what was kept before does not serve then.
#[test]
fn what_is_refused_is_refused_whatever_is_kept() {
    let (port, _asked) = server(vec![answer("200 OK\r\ncache-control: max-age=60", b"x")]);
    let kept = |rules: serde_json::Value| {
        let egress = Arc::new(Egress::read(&rules).0);
        super::super::kept::Kept::new(egress)
    };
    let request = FetchRequest { cache: true, ..request(port) };
    let head = signalk_bridge::FetchHead {
        status: 200,
        headers: vec![("cache-control".into(), "max-age=60".into())],
        ..Default::default()
    };
    let open = kept(json!({ "allow": ["127.0.0.1"] }));
    open.answered(&request, None, head.clone(), Bytes::new());
    assert!(matches!(open.look(&request), Ok(signalk_bridge::Found::Fresh(..))));
    for rules in [json!({}), json!({ "only": ["a.example"], "allow": ["127.0.0.1"] })] {
        let closed = kept(rules);
        closed.answered(&request, None, head.clone(), Bytes::new());
        assert!(closed.look(&request).unwrap_err().contains("plugin"), "kept, and refused");
    }
}

/// Waiting is no part of the time that a request has; each attempt has a turn of its own.
#[test]
fn f59_requests_wait_for_their_turn() {
    let rate = Some(RateLimit { turns: 1, time: Duration::from_millis(300), name: None });
    let busy = || answer("503 Busy\r\nretry-after: 0", b"");
    let (port, asked) = server(vec![busy(), answer("200 OK", b"a"), answer("200 OK", b"b")]);
    let mut world = World::open();
    let began = Instant::now();
    let timeout = Duration::from_millis(250);
    let again = FetchRequest { rate: rate.clone(), timeout, retry: RETRY, ..request(port) };
    assert_eq!(world.ask(again).unwrap().0, 200);
    assert_eq!(world.ask(FetchRequest { rate, timeout, ..request(port) }).unwrap().0, 200);
    assert_eq!(asked.iter().count(), 3);
    // Never earlier; how much later is the computer's.
    assert!(began.elapsed() >= Duration::from_millis(600));
}

#[test]
fn names_of_turns_are_bounded() {
    let mut world = World::open();
    let (port, _asked) = server(vec![answer("200 OK", b"x"); 64]);
    let ask = |name: usize| {
        let time = Duration::from_secs(60);
        let rate = Some(RateLimit { turns: 1, time, name: Some(name.to_string()) });
        FetchRequest { rate, ..request(port) }
    };
    for name in 0..64 {
        world.ask(ask(name)).unwrap();
    }
    assert!(world.ask(ask(64)).unwrap_err().starts_with("busy: the turns of 64 names"));
}
