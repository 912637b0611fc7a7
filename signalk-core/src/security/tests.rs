//! Logins by HTTP, sessions, and streams, in a whole server. Who may use which route: `api/gate_tests.rs`.

use serde_json::{Value, json};

use super::testing::{BEGIN, World, body, config, device_token, request, token};
use super::*;
use crate::http::HttpResponse;
use crate::{Effect, Input, Report};

fn secured() -> World {
    World::new(config(|_| {}))
}

fn login(world: &mut World, user: &str, password: &str) -> HttpResponse {
    let mut asked = request("POST", "/signalk/v1/auth/login", None);
    asked.body = json!({ "username": user, "password": password }).to_string().into();
    asked.peer = Some([10, 0, 0, 1].into());
    world.ask(asked).unwrap()
}

fn cookies(response: &HttpResponse) -> Vec<&str> {
    let all = response.headers.iter().filter(|(name, _)| name == "set-cookie");
    all.map(|(_, value)| value.as_str()).collect()
}

fn status(world: &mut World, token: &str) -> Value {
    let asked = request("GET", "/skServer/loginStatus", Some(token));
    body(&world.ask(asked).unwrap())
}

#[test]
fn a_login_gives_a_token_that_opens_what_the_user_may() {
    let mut world = secured();
    let answer = login(&mut world, " rw ", "rw");
    assert_eq!(answer.status, 200);
    assert!(cookies(&answer)[0].starts_with("JAUTHENTICATION=ey"), "{:?}", answer.headers);
    let body = body(&answer);
    assert_eq!(body["timeToLive"], Value::Null);
    let status = status(&mut world, body["token"].as_str().unwrap());
    assert_eq!((&status["username"], &status["userLevel"]), (&json!("rw"), &json!("readwrite")));
}

#[test]
fn a_wrong_password_an_unknown_user_and_none_at_all_are_the_same() {
    let mut world = secured();
    for (user, password) in [("admin", "wrong"), ("nobody", "admin-pw"), ("", ""), ("ro", "")] {
        let answer = login(&mut world, user, password);
        let expected = json!({ "statusCode": 401, "message": "Invalid username/password" });
        assert_eq!((answer.status, body(&answer)), (401, expected));
        assert!(cookies(&answer).is_empty());
    }
    assert!(world.log.iter().any(|line| line.contains("a login as \"admin\" failed")));
    assert!(!world.log.iter().any(|line| line.contains("nobody\"")), "{:?}", world.log);
    assert!(!world.log.iter().any(|line| line.contains("admin-pw") || line.contains("wrong\"")));
}

#[test]
fn attempts_are_limited_by_address_and_by_the_number_at_once() {
    let mut world = secured();
    world.is_slow = true;
    for n in 0..40 {
        let mut asked = request("POST", "/login", None);
        asked.body = r#"{"username":"admin","password":"admin-pw"}"#.into();
        asked.peer = Some([10, 0, 1, n].into());
        let answer = world.ask(asked);
        assert_eq!(answer.is_some_and(|answer| answer.status == 503), n >= 16, "{n}");
    }
    world.is_slow = false;
    for effect in std::mem::take(&mut world.late) {
        world.carry_out(effect);
    }
    for n in 0..100 {
        assert_eq!(login(&mut world, "ro", "no").status, 401, "{n}");
    }
    let refused = login(&mut world, "ro", "ro");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("600")));
    world.advance(600);
    assert_eq!(login(&mut world, "ro", "ro").status, 200);
}

#[test]
fn a_form_is_led_on_or_reads_why_not() {
    let mut world = secured();
    let mut asked = request("POST", "/signalk/v1/auth/login", None);
    asked.headers.push(("content-type".into(), "application/x-www-form-urlencoded".into()));
    asked.body = "username=admin&password=admin-pw&destination=%2Fadmin%2F&rememberMe=true".into();
    let answer = world.ask(asked.clone()).unwrap();
    assert_eq!((answer.status, answer.header("location")), (302, Some("/admin/")));
    assert!(cookies(&answer).iter().all(|cookie| cookie.contains("Max-Age=315576000")));
    asked.body = "username=admin&password=x".into();
    let answer = world.ask(asked).unwrap();
    assert_eq!((answer.status, &*answer.body), (401, &b"Invalid username/password"[..]));
}

/// Server-api.md 6.3: in the second half of its time a cookie is given anew, a header never.
#[test]
fn a_session_slides_and_then_ends() {
    let mut world = World::new(config(|file| file["expiration"] = json!("1h")));
    let answer = body(&login(&mut world, "ro", "ro"));
    assert_eq!(answer["timeToLive"], 3600);
    let token = answer["token"].as_str().unwrap();
    let cookie = format!("a=1; JAUTHENTICATION={token}");
    let mut by_cookie = request("GET", "/signalk/v1/api/self", None);
    by_cookie.headers.push(("cookie".into(), cookie));
    let by_header = request("GET", "/signalk/v1/api/self", Some(token));
    let renewed = |world: &mut World| {
        let answer = world.ask(by_cookie.clone()).unwrap();
        assert_eq!(answer.status, 200);
        cookies(&answer).len()
    };
    assert_eq!(renewed(&mut world), 0);
    world.advance(1860);
    assert_eq!(renewed(&mut world), 2);
    assert!(cookies(&world.ask(by_header.clone()).unwrap()).is_empty());
    world.advance(1740);
    let over = world.ask(by_header).unwrap();
    assert_eq!((over.status, &*over.body), (401, &b"bad auth token"[..]));
}

#[test]
fn a_token_of_a_device_is_one_and_of_one_that_is_gone_is_none() {
    let mut world = secured();
    let ask = |world: &mut World, token: &str| {
        world.ask(request("GET", "/signalk/v1/api/self", Some(token))).unwrap()
    };
    assert_eq!(ask(&mut world, &device_token("d-1")).status, 200);
    for gone in [device_token("d-2"), token("eve", None), device_token("admin"), token("d-1", None)]
    {
        let answer = ask(&mut world, &gone);
        assert_eq!((answer.status, cookies(&answer).len()), (401, 2));
    }
}

fn stream(world: &mut World, query: &str, token: Option<&str>) -> StreamId {
    world.open(request("GET", &format!("/signalk/v1/stream?{query}"), token))
}

fn fed(config: crate::Config) -> World {
    let mut world = World::new(config);
    let admin = token("admin", None);
    let feed = stream(&mut world, "subscribe=none", Some(&admin));
    world.say(feed, &json!({ "updates": [{ "values": [{ "path": "a.b", "value": 1 }] }] }));
    world
}

#[test]
fn a_stream_without_a_token_is_mute_until_it_logs_in() {
    let mut world = fed(config(|_| {}));
    let id = stream(&mut world, "subscribe=all&serverevents=all", None);
    world.say(id, &json!({ "context": "*", "subscribe": [{ "path": "*" }] }));
    world.say(id, &json!({ "updates": [{ "values": [{ "path": "c", "value": 1 }] }] }));
    let heard = world.heard(id);
    assert_eq!((heard.len(), heard[0]["name"].as_str()), (1, Some("signalk-server")));
    let bad = json!({ "requestId": "1", "login": { "username": "ro", "password": "x" } });
    world.say(id, &bad);
    let refused = json!({ "requestId": "1", "state": "COMPLETED", "statusCode": 401, "login": {} });
    assert_eq!(world.heard(id), [refused]);
    world.say(id, &json!({ "requestId": "2", "login": { "username": "ro", "password": "ro" } }));
    let granted = world.heard(id).remove(0);
    assert_eq!(granted["statusCode"], 200);
    assert!(granted["login"]["token"].is_string() && granted["login"]["timeToLive"].is_null());
    world.say(id, &json!({ "context": "vessels.self", "subscribe": [{ "path": "a.*" }] }));
    assert!(world.heard(id)[0].to_string().contains("a.b"));
}

#[test]
fn who_may_only_read_reads_and_changes_nothing() {
    let put = json!({ "requestId": "7", "put": { "path": "a.b", "value": 2 } });
    let delta = json!({ "updates": [{ "values": [{ "path": "a.b", "value": 2 }] }] });
    for (change, user) in [(true, None), (false, Some("ro"))] {
        let mut world = fed(config(|file| file["allow_readonly"] = json!(change)));
        let token = user.map(|user| token(user, None));
        let id = stream(&mut world, "subscribe=self", token.as_deref());
        let heard = world.heard(id);
        assert!(heard.iter().any(|frame| frame.to_string().contains("a.b")), "{heard:?}");
        world.say(id, &delta);
        world.say(id, &put);
        let heard = world.heard(id);
        assert_eq!((heard.len(), &heard[0]["statusCode"]), (1, &json!(403)), "{heard:?}");
        assert_eq!(heard[0]["requestId"], "7");
    }
}

#[test]
fn what_a_user_sends_carries_the_users_name() {
    let mut world = fed(config(|_| {}));
    let id = stream(&mut world, &format!("subscribe=self&token={}", token("rw", None)), None);
    world.heard(id);
    world.say(id, &json!({ "updates": [{ "values": [{ "path": "a.b", "value": 2 }] }] }));
    assert_eq!(world.heard(id)[0]["updates"][0]["$source"], "ws.rw");
    world.say(id, &json!({ "requestId": "7", "put": { "path": "a.b", "value": 2 } }));
    assert_ne!(world.heard(id)[0]["statusCode"], 403);
}

#[test]
fn a_bad_token_opens_nothing() {
    let mut world = secured();
    for target in ["/signalk/v1/stream?token=xxx", "/signalk/v2/api/streams/a?token=xxx"] {
        let id = world.open(request("GET", target, None));
        assert_eq!(world.rejected[&id].status, 401);
        assert_eq!(body(&world.rejected[&id]), json!({ "error": "jwt malformed" }));
    }
    let late = token("ro", Some(BEGIN));
    let id = stream(&mut world, "subscribe=none", Some(&late));
    assert_eq!(body(&world.rejected[&id]), json!({ "error": "jwt expired" }));
}

#[test]
fn binary_streams_are_data() {
    let mut world = secured();
    for (user, opens) in [(None, false), (Some("ro"), true)] {
        let token = user.map(|user| token(user, None));
        let id = world.open(request("GET", "/signalk/v2/api/streams/radars/r", token.as_deref()));
        assert_eq!(world.rejected.contains_key(&id), !opens);
    }
    let mut open = World::new(config(|file| file["allow_readonly"] = json!(true)));
    let id = open.open(request("GET", "/signalk/v2/api/streams/radars/r", None));
    assert!(!open.rejected.contains_key(&id));
}

/// Server-api.md 3.9, 5.6.
#[test]
fn a_stream_ends_with_its_token() {
    let mut world = secured();
    let short = token("ro", Some(BEGIN + 90));
    let text = stream(&mut world, "subscribe=none", Some(&short));
    let binary = world.open(request("GET", "/signalk/v2/api/streams/a", Some(&short)));
    let stays = stream(&mut world, "subscribe=none", Some(&token("ro", None)));
    world.advance(60);
    assert!(world.closed.is_empty());
    world.advance(60);
    assert_eq!(world.closed[&text], "jwt expired");
    assert_eq!(world.closed[&binary], "jwt expired");
    assert!(!world.closed.contains_key(&stays));
}

#[test]
fn events_with_settings_in_them_are_for_administrators() {
    let mut world = secured();
    for (user, expected) in [
        ("ro", &["VESSEL_INFO", "PROVIDERSTATUS", "RECEIVE_LOGIN_STATUS"][..]),
        ("admin", &["VESSEL_INFO", "DEBUG_SETTINGS", "RECEIVE_LOGIN_STATUS"][..]),
    ] {
        let token = token(user, None);
        let id = stream(&mut world, "subscribe=none&serverevents=all", Some(&token));
        let heard = world.heard(id);
        let kinds: Vec<_> = heard.iter().filter_map(|frame| frame["type"].as_str()).collect();
        assert!(expected.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
        assert_eq!(kinds.contains(&"MULTISOURCEPATHS"), user == "admin");
    }
}

#[test]
fn events_that_the_address_asked_for_begin_with_the_login() {
    let mut world = secured();
    let id = stream(&mut world, "subscribe=none&serverevents=all", None);
    let kinds = |world: &mut World| -> Vec<String> {
        let heard = world.heard(id);
        heard.iter().filter_map(|frame| Some(frame["type"].as_str()?.to_owned())).collect()
    };
    assert!(kinds(&mut world).is_empty());
    let login = |password: &str| json!({ "login": { "username": "ro", "password": password } });
    world.say(id, &login("x"));
    assert!(kinds(&mut world).is_empty(), "a wrong password changes nothing");
    world.say(id, &login("ro"));
    let first = kinds(&mut world);
    assert!(first.contains(&"RECEIVE_LOGIN_STATUS".to_owned()), "{first:?}");
    world.say(id, &login("ro"));
    assert!(!kinds(&mut world).contains(&"VESSEL_INFO".to_owned()), "they go on");
    world.advance(10);
    assert!(kinds(&mut world).contains(&"SERVERSTATISTICS".to_owned()));
}

#[test]
fn a_token_in_an_address_is_shown_to_nobody() {
    let mut world = secured();
    let admin = token("admin", None);
    stream(&mut world, &format!("subscribe=none&token={admin}"), None);
    world.open(request("GET", &format!("/signalk/v2/api/streams/a?token={admin}"), None));
    let status = world.ask(request("GET", "/signalk-host/status", Some(&admin))).unwrap();
    let text = String::from_utf8_lossy(&status.body).into_owned();
    assert!(
        text.contains("/signalk/v1/stream?subscribe=none\"") && !text.contains(&admin),
        "{text}"
    );
}

#[test]
fn with_rules_for_paths_only_administrators_see_data() {
    let mut world = fed(config(|file| {
        file["allow_readonly"] = json!(true);
        file["acls"] = json!([{ "context": "vessels.self", "resources": [] }]);
    }));
    for (user, status) in [(None, 401), (Some("ro"), 401), (Some("rw"), 401), (Some("admin"), 200)]
    {
        let token = user.map(|user| token(user, None));
        let asked = request("GET", "/signalk/v1/api/vessels/self", token.as_deref());
        assert_eq!(world.ask(asked).unwrap().status, status, "{user:?}");
        let id = stream(&mut world, "subscribe=all", token.as_deref());
        assert_eq!(world.heard(id).len() > 1, status == 200, "{user:?}");
    }
}

#[test]
fn without_security_nobody_is_asked() {
    let mut world = World::new(crate::Config::default());
    let id = stream(&mut world, "subscribe=none&token=xxx", Some("yyy"));
    world.heard(id);
    world.say(id, &json!({ "requestId": "1", "login": { "username": "a", "password": "b" } }));
    assert!(world.heard(id).is_empty());
    let asked = request("GET", "/skServer/settings", Some("zzz"));
    assert_eq!(world.ask(asked).unwrap().status, 200);
    assert_eq!(login(&mut world, "a", "b").status, 404);
    assert!(world.core.config().security.is_none());
}

/// A password that is checked when its client has gone makes nobody known.
#[test]
fn who_has_gone_is_forgotten() {
    let mut security = Security::default();
    security.socket_is(StreamId(1), Caller::default());
    assert!(security.sockets.is_empty(), "in the open mode there is no table");
    let mut world = secured();
    world.is_slow = true;
    let id = stream(&mut world, "subscribe=none", None);
    world.say(id, &json!({ "requestId": "1", "login": { "username": "ro", "password": "ro" } }));
    world.heard(id);
    world.input(Input::StreamClosed { id, close: None });
    let Some(Effect::CheckPassword { ticket, check }) = world.late.pop() else {
        panic!("no check")
    };
    world.input(Input::Report(Report::PasswordChecked { ticket, is_right: check.execute() }));
    world.input(Input::Report(Report::PasswordChecked { ticket, is_right: true }));
    assert!(world.heard(id).is_empty());
}
