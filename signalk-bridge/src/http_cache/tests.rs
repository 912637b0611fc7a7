//! What is kept, checked, served and forgotten, in virtual time.

use super::*;
use crate::effect::Retry;

const WALL: Duration = Duration::from_secs(1_700_000_000);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn get(url: &str, headers: &[(&str, &str)]) -> FetchRequest {
    FetchRequest {
        method: "GET".into(),
        url: url.into(),
        headers: pairs(headers),
        most: 8 << 20,
        retry: Retry::ONCE,
        cache: true,
        ..FetchRequest::default()
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> (FetchHead, Bytes) {
    let head = FetchHead { status, headers: pairs(headers), ..FetchHead::default() };
    (head, body.to_owned().into())
}

impl Cache {
    /// One request, answered so if the server has to be asked; what comes of it, and with which conditions it was
    /// asked.
    fn ask(
        &mut self,
        request: &FetchRequest,
        now: Duration,
        answer: Option<(FetchHead, Bytes)>,
    ) -> (String, Option<Vec<(String, String)>>) {
        let told = |(head, body): (FetchHead, Bytes)| {
            let cached = head.cached.map_or("new", Cached::name);
            format!("{} {} {cached}", head.status, String::from_utf8_lossy(&body))
        };
        let known = match self.look(request, now) {
            Found::Fresh(head, body) => return (told((head, body)), None),
            Found::Older(kept) => Some(kept),
            Found::Nothing => None,
        };
        let conditions = known.as_ref().map(Kept::conditions).unwrap_or_default();
        let given = match (answer, known) {
            (Some(answer), known) => self.answered(request, known, answer, now, WALL),
            (None, Some(kept)) => kept.stale(now),
            (None, None) => return ("nothing".to_owned(), Some(conditions)),
        };
        (told(given), Some(conditions))
    }
}

const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=60"), ("etag", "\"1\"")];

#[test]
fn a_fresh_answer_is_not_asked_for_and_an_older_one_is_checked() {
    let (mut cache, request) = (Cache::default(), get("http://a/", &[]));
    let mut ask = |now, answer| cache.ask(&request, at(now), answer);
    assert_eq!(ask(0, Some(answer(200, FRESH, "one"))).0, "200 one new");
    assert_eq!(ask(59, None), ("200 one fresh".into(), None));
    // A confirmation need not say again what it confirms.
    let (text, conditions) = ask(60, Some(answer(304, &[], "")));
    assert_eq!(text, "200 one checked");
    assert_eq!(conditions, Some(pairs(&[("if-none-match", "\"1\"")])));
    assert_eq!(ask(119, None), ("200 one fresh".into(), None), "for as long again");
    let shorter = &[("cache-control", "max-age=5"), ("content-length", "0")];
    assert_eq!(ask(120, Some(answer(304, shorter, ""))).0, "200 one checked");
    assert_eq!(ask(126, Some(answer(200, &[], "two"))).0, "200 two new");
    // Which says nothing of how long it holds, nor how it could be checked.
    assert_eq!(ask(126, Some(answer(404, &[], "gone"))), ("404 gone new".into(), Some(vec![])));
    assert_eq!(ask(126, None).0, "nothing", "nothing else is kept");
}

#[test]
fn what_is_kept_serves_when_nobody_is_there_or_the_server_fails() {
    let (mut cache, request) = (Cache::default(), get("http://a/", &[]));
    let modified = &[("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")];
    cache.ask(&request, at(0), Some(answer(200, modified, "old")));
    for failure in [None, Some(answer(500, &[], "")), Some(answer(429, FRESH, ""))] {
        let (text, conditions) = cache.ask(&request, at(9999), failure);
        assert_eq!(text, "200 old stale");
        assert_eq!(conditions.unwrap()[0].0, "if-modified-since");
    }
    let Found::Older(kept) = cache.look(&request, at(77)) else { panic!("kept") };
    assert_eq!(kept.stale(at(77)).0.headers.last(), Some(&("age".into(), "77".into())));
}

#[test]
fn only_equal_requests_share_an_answer() {
    let mut cache = Cache::default();
    let keyed = |key| get("http://a/", &[("X-Key", key)]);
    assert_eq!(cache.ask(&keyed("1"), at(0), Some(answer(200, FRESH, "one"))).0, "200 one new");
    assert_eq!(cache.ask(&keyed("2"), at(0), None).0, "nothing");
    let same = get("http://a/", &[("x-key", "1"), ("cache-control", "max-stale")]);
    assert_eq!(cache.ask(&same, at(0), None).0, "200 one fresh");
    for wish in
        [("cache-control", "max-age=3"), ("cache-control", "no-cache"), ("pragma", "no-cache")]
    {
        let wary = get("http://a/", &[("x-key", "1"), wish]);
        assert_eq!(cache.ask(&wary, at(5), Some(answer(304, &[], ""))).0, "200 one checked");
    }
    assert_eq!(cache.ask(&FetchRequest { most: 2, ..keyed("1") }, at(5), None).0, "nothing");
}

#[test]
fn what_may_not_be_kept_is_not() {
    let conditions = &[("if-none-match", "\"9\"")];
    let post = FetchRequest { method: "POST".into(), ..get("http://a/", &[]) };
    for (request, headers) in [
        (get("http://a/", &[]), &[("cache-control", "no-store, max-age=60")][..]),
        (get("http://a/", &[("cache-control", "no-store")]), FRESH),
        (get("http://a/", &[("range", "bytes=0-1")]), FRESH),
        (get("http://a/", conditions), FRESH),
        (FetchRequest { cache: false, ..get("http://a/", &[]) }, FRESH),
        (post, FRESH),
    ] {
        let mut cache = Cache::default();
        cache.ask(&request, at(0), Some(answer(200, headers, "x")));
        assert!(cache.kept.is_empty(), "{request:?}");
    }
    // Nor what was kept before the server said so.
    let (mut cache, request) = (Cache::default(), get("http://a/", &[]));
    cache.ask(&request, at(0), Some(answer(200, FRESH, "x")));
    cache.ask(&request, at(60), Some(answer(304, &[("cache-control", "no-store")], "")));
    assert!(cache.kept.is_empty());
}

#[test]
fn what_a_plugin_changes_is_asked_for_anew() {
    let mut cache = Cache::default();
    for url in ["http://a/1", "http://a/2"] {
        cache.ask(&get(url, &[]), at(0), Some(answer(200, FRESH, "x")));
    }
    cache.changed("http://a/1");
    assert_eq!(cache.ask(&get("http://a/1", &[]), at(1), None).0, "nothing");
    assert_eq!(cache.ask(&get("http://a/2", &[]), at(1), None).0, "200 x fresh");
}

#[test]
fn the_one_used_longest_ago_goes_by_number_and_by_bytes() {
    let mut cache = Cache::default();
    let url = |at: usize| get(&format!("http://a/{at}"), &[]);
    for number in 0..MOST {
        cache.ask(&url(number), at(0), Some(answer(200, FRESH, "x")));
    }
    assert_eq!(cache.ask(&url(0), at(1), None).0, "200 x fresh");
    cache.ask(&url(MOST), at(1), Some(answer(200, FRESH, "x")));
    assert_eq!(cache.ask(&url(1), at(1), None).0, "nothing");
    assert_eq!(cache.ask(&url(0), at(1), None).0, "200 x fresh");
    let half = "x".repeat(MOST_BYTES / 2);
    for number in 100..103 {
        cache.ask(&url(number), at(1), Some(answer(200, FRESH, &half)));
    }
    assert_eq!(cache.kept.len(), 1, "with its head it is more than half");
    let whole = "x".repeat(MOST_BYTES);
    cache.ask(&url(102), at(99), Some(answer(200, FRESH, &whole)));
    assert!(cache.kept.is_empty(), "too long, and the one before does not hold any more");
}
