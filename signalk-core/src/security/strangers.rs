//! What strangers and plugins' pages could do once, in a whole server: bodies and names of any size, streams without a
//! login, pages of other servers, guesses at others' requests.

use serde_json::{Value, json};

use super::testing::{World, body, config, request, token};
use crate::http::{HttpRequest, HttpResponse};
use crate::io::StreamId;

fn secured() -> World {
    World::new(config(|_| {}))
}

fn login(name: &str, password: &str) -> HttpRequest {
    let mut asked = request("POST", "/signalk/v1/auth/login", None);
    asked.body = json!({ "username": name, "password": password }).to_string().into();
    asked
}

fn stream(world: &mut World, token: Option<&str>) -> StreamId {
    world.open(request("GET", "/signalk/v1/stream?subscribe=all", token))
}

fn by_cookie(method: &str, target: &str, cookie: &str, origin: &str) -> HttpRequest {
    let mut asked = request(method, target, None);
    for (name, value) in [("cookie", cookie), ("host", "boat:3000"), ("origin", origin)] {
        asked.headers.push((name.to_owned(), value.to_owned()));
    }
    asked
}

fn set_cookies(response: &HttpResponse) -> Vec<&str> {
    let all = response.headers.iter().filter(|(name, _)| name == "set-cookie");
    all.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_login_of_any_size_is_not_read() {
    let mut world = secured();
    for kind in ["application/json", "application/x-www-form-urlencoded"] {
        let mut asked = request("POST", "/login", None);
        asked.headers.push(("content-type".into(), kind.into()));
        asked.body = format!("{{\"a\":[{}0]}}", "0,".repeat(10_000)).into();
        assert_eq!(world.ask(asked).unwrap().status, 413, "{kind}");
    }
}

#[test]
fn a_long_name_or_password_is_wrong_before_it_waits_for_anything() {
    let mut world = secured();
    world.is_slow = true;
    for asked in [login(&"x".repeat(201), ""), login("admin", &"x".repeat(1001))] {
        assert_eq!(world.ask(asked).unwrap().status, 401);
    }
    let id = stream(&mut world, None);
    world.heard(id);
    let long = json!({ "username": "x".repeat(9000), "password": "" });
    world.say(id, &json!({ "requestId": "1", "login": long }));
    assert_eq!(world.heard(id)[0]["statusCode"], 401);
    assert!(world.late.is_empty());
    assert!(world.ask(login("admin", &"x".repeat(1000))).is_none() && world.late.len() == 1);
}

#[test]
fn one_address_has_four_of_the_places_where_passwords_are_checked() {
    let mut world = secured();
    world.is_slow = true;
    for (peer, waits) in [(1, true), (1, true), (1, true), (1, true), (1, false), (2, true)] {
        let asked = HttpRequest { peer: Some([10, 0, 0, peer].into()), ..login("admin", "x") };
        let answer = world.ask(asked);
        assert_eq!(answer.map(|answer| answer.status), (!waits).then_some(503), "{peer}");
    }
}

#[test]
fn a_name_that_is_no_users_is_not_in_the_log() {
    let mut world = secured();
    world.ask(login("my secret", "admin"));
    world.ask(login("admin", "my secret"));
    let log = world.log.join("\n");
    assert!(!log.contains("my secret") && log.contains("somebody who is no user"), "{log}");
    assert!(log.contains("a login as \"admin\" failed"), "{log}");
}

/// In the second half of its time a token is given anew, and not to whoever gives it back.
#[test]
fn who_logs_out_is_not_logged_in_anew() {
    let mut world = World::new(config(|file| file["expiration"] = json!("1h")));
    let answer = body(&world.ask(login("ro", "ro")).unwrap());
    let cookie = format!("JAUTHENTICATION={}", answer["token"].as_str().unwrap());
    world.advance(1860);
    let own = "http://boat:3000";
    let asked = by_cookie("PUT", "/signalk/v1/auth/logout", &cookie, own);
    let answer = world.ask(asked).unwrap();
    let cookies = set_cookies(&answer);
    assert!(cookies.len() == 2 && cookies.iter().all(|c| c.contains("=; Path=/;")), "{cookies:?}");
    let still = world.ask(by_cookie("GET", "/signalk/v1/api/self", &cookie, own)).unwrap();
    assert_eq!(set_cookies(&still).len(), 2);
}

#[test]
fn a_page_of_another_server_changes_nothing_with_our_cookie() {
    let mut world = secured();
    let cookie = format!("JAUTHENTICATION={}", token("admin", None));
    let (own, foreign) = ("http://boat:3000", "http://boat:1880");
    for (method, origin, refused) in [
        ("POST", foreign, true),
        ("POST", "null", true),
        ("POST", own, false),
        ("GET", foreign, false),
    ] {
        let target = if method == "GET" { "/skServer/settings" } else { "/plugins/x/config" };
        let answer = world.ask(by_cookie(method, target, &cookie, origin));
        let is_refused = answer.is_some_and(|answer| answer.status == 403);
        assert_eq!(is_refused, refused, "{method} {origin}");
    }
    let mut by_header = request("POST", "/plugins/x/config", Some(&token("admin", None)));
    by_header.headers.push(("origin".into(), foreign.into()));
    assert_ne!(world.ask(by_header).unwrap().status, 403, "who has the token may use it");
    for (origin, writes) in [(own, true), (foreign, false)] {
        let id = world.open(by_cookie("GET", "/signalk/v1/stream?subscribe=self", &cookie, origin));
        world.heard(id);
        world.say(id, &json!({ "updates": [{ "values": [{ "path": "a.b", "value": 1 }] }] }));
        assert_eq!(!world.heard(id).is_empty(), writes, "{origin}");
    }
}

#[test]
fn behind_two_proxies_the_first_says_whether_the_client_came_over_tls() {
    let mut world = secured();
    for (proto, secure) in [("https", true), ("HTTPS, http", true), ("http,https", false)] {
        let mut asked = login("ro", "ro");
        asked.headers.push(("x-forwarded-proto".into(), proto.into()));
        let answer = world.ask(asked).unwrap();
        assert_eq!(set_cookies(&answer)[0].contains("; Secure"), secure, "{proto}");
    }
}

#[test]
fn nobody_reads_who_asked_for_what() {
    let mut world = secured();
    let rw = token("rw", None);
    let id = stream(&mut world, Some(&rw));
    world.say(id, &json!({ "requestId": "1", "put": { "path": "a.b", "value": 2 } }));
    let ask = |world: &mut World, token: Option<&str>| {
        body(&world.ask(request("GET", "/signalk/v1/requests/1", token)).unwrap())
    };
    let (bare, full) = (ask(&mut world, None), ask(&mut world, Some(&rw)));
    assert!(full["user"] == "rw" && full["message"].is_string(), "{full}");
    assert_eq!((&bare["user"], &bare["message"]), (&Value::Null, &Value::Null));
    assert_eq!(bare["statusCode"], full["statusCode"]);
    let stranger = stream(&mut world, None);
    world.heard(stranger);
    world.say(stranger, &json!({ "requestId": "1", "query": true }));
    let heard = world.heard(stranger).remove(0);
    assert!(heard.get("user").is_none() && heard.get("message").is_none(), "{heard}");
}

#[test]
fn a_device_that_asks_for_access_reads_where_it_gets_it() {
    for (mut world, status) in [(secured(), 403), (World::new(crate::Config::default()), 404)] {
        let asked = request("POST", "/signalk/v1/access/requests", None);
        let answer = world.ask(asked).unwrap();
        assert_eq!(answer.status, status);
        let text = body(&answer)["message"].as_str().unwrap().to_owned();
        assert_eq!(text.contains("security.json"), status == 403, "{text}");
        let id = stream(&mut world, None);
        world.heard(id);
        world.say(id, &json!({ "requestId": "1", "accessRequest": { "clientId": "d" } }));
        let heard = world.heard(id).pop().unwrap();
        assert_eq!(
            (&heard["statusCode"], heard["message"].as_str()),
            (&json!(status), Some(&*text))
        );
    }
}

#[test]
fn who_becomes_somebody_with_less_hears_no_more() {
    let mut world = World::new(config(|file| file["acls"] = json!([{ "context": "x" }])));
    let admin = token("admin", None);
    let (id, feed) = (stream(&mut world, Some(&admin)), stream(&mut world, Some(&admin)));
    world.say(id, &json!({ "context": "*", "subscribe": [{ "path": "*" }] }));
    world.say(id, &json!({ "requestId": "1", "login": { "username": "rw", "password": "rw" } }));
    assert_eq!(world.heard(id).pop().unwrap()["statusCode"], 200);
    world.say(feed, &json!({ "updates": [{ "values": [{ "path": "a.b", "value": 1 }] }] }));
    assert!(world.heard(id).is_empty());
}

#[test]
fn who_does_not_log_in_keeps_no_stream() {
    let mut world = secured();
    let (silent, somebody) = (stream(&mut world, None), stream(&mut world, None));
    world.say(
        somebody,
        &json!({ "requestId": "1", "login": { "username": "ro", "password": "ro" } }),
    );
    let known = stream(&mut world, Some(&token("ro", None)));
    world.advance(120);
    assert!(world.closed[&silent].contains("logged in"), "{:?}", world.closed);
    assert!(!world.closed.contains_key(&somebody) && !world.closed.contains_key(&known));
    let loud = stream(&mut world, None);
    world.say(loud, &json!({ "x": "y".repeat(17_000) }));
    assert!(world.closed[&loud].contains("long message"));
    world.say(known, &json!({ "x": "y".repeat(17_000) }));
    assert!(!world.closed.contains_key(&known));
    let mut open = World::new(config(|file| file["allow_readonly"] = json!(true)));
    let reader = stream(&mut open, None);
    open.advance(120);
    assert!(!open.closed.contains_key(&reader), "everybody may read there");
}
