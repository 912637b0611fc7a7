//! Clients' WebSockets to a plugin (F67): who may open one, both directions, bounds, ends; with a real guest.

use super::*;

const LIVE: &str = "/plugins/signalk_socket/live/wind";

fn with(rights: &Value, config: Config) -> Sim {
    let mut sim = Sim::with_config(config);
    sim.install_built("signalk_socket", rights);
    sim.boot();
    sim
}

fn sim() -> Sim {
    with(&json!({ "httpEndpoints": true }), Config::default())
}

fn open(sim: &mut Sim, id: u64, target: &str) {
    let headers = [("user-agent", "test"), ("cookie", "a=b")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let request = HttpRequest { headers, ..HttpRequest::get(target) };
    sim.input(Input::StreamOpened { id: StreamId(id), request });
}

fn text(sim: &mut Sim, id: u64, text: &str) {
    sim.input(Input::StreamMessage { id: StreamId(id), text: text.to_owned().into() });
}

fn texts(sim: &mut Sim, id: u64) -> Vec<String> {
    let all = std::mem::take(&mut sim.frames);
    all.into_iter().filter(|(to, _)| *to == StreamId(id)).map(|(_, text)| text).collect()
}

#[test]
fn a_client_and_a_plugin_talk_in_text_and_bytes() {
    let mut sim = sim();
    open(&mut sim, 5, &format!("{LIVE}?a=1&token=secret"));
    assert_eq!(sim.accepted, [(StreamId(5), 2 << 20)]);
    assert_eq!(
        serde_json::from_str::<Value>(&texts(&mut sim, 5)[0]).unwrap(),
        json!({
            "path": "/live/wind", "query": { "a": "1" }, "params": { "name": "wind" },
            "cookie": false, "agent": "test", "protocol": null,
        })
    );
    text(&mut sim, 5, "hello ä");
    assert_eq!(texts(&mut sim, 5), ["hello ä"]);
    // Text that happens to be a delta is the plugin's as well.
    let delta = r#"{"updates":[{"values":[{"path":"a.b","value":1}]}]}"#;
    text(&mut sim, 5, delta);
    assert_eq!((texts(&mut sim, 5), sim.value("a.b")), (vec![delta.to_owned()], json!(null)));
    sim.input(Input::StreamBinary { id: StreamId(5), data: vec![1, 2, 255].into() });
    assert_eq!(sim.binary, [(StreamId(5), bytes::Bytes::from_static(&[255, 2, 1]))]);
}

/// RFC 6455, 4.2.2: the first of the client's that the plugin speaks; a client that asks for others is answered none.
#[test]
fn a_subprotocol_that_both_speak_is_spoken() {
    for (offered, spoken) in [
        (&["v3.test, v1.test ,v2.test"][..], Some("v1.test")),
        (&["v3.test", "v2.test"], Some("v2.test")),
        (&["v3.test"], None),
        (&["V1.TEST"], None),
        (&[], None),
    ] {
        let mut sim = sim();
        let headers =
            offered.iter().map(|names| ("sec-websocket-protocol".to_owned(), (*names).to_owned()));
        let request = HttpRequest { headers: headers.collect(), ..HttpRequest::get(LIVE) };
        sim.input(Input::StreamOpened { id: StreamId(5), request });
        assert_eq!(sim.protocols, [spoken.map(str::to_owned)], "{offered:?}");
        let told: Value = serde_json::from_str(&texts(&mut sim, 5)[0]).unwrap();
        assert_eq!(told["protocol"], json!(spoken), "{offered:?}");
    }
}

#[test]
fn a_clients_own_code_and_words_reach_the_plugin() {
    for (close, code, reason) in [
        (Some((4321, "dinner".to_owned())), json!(4321), json!("dinner")),
        (Some((1005, String::new())), json!(1005), json!("")),
        (None, json!(null), json!(null)),
    ] {
        let mut sim = sim();
        open(&mut sim, 5, LIVE);
        sim.input(Input::StreamClosed { id: StreamId(5), close });
        let leaf = |sim: &mut Sim, name: &str| {
            sim.get(&format!("/signalk/v1/api/vessels/self/test/{name}"))["value"].clone()
        };
        assert_eq!((leaf(&mut sim, "code"), leaf(&mut sim, "left")), (code, reason));
    }
}

#[test]
fn a_scoped_mount_and_its_second_address_lead_to_the_same_plugin() {
    let mut sim = sim();
    open(&mut sim, 5, "/skServer/plugins/signalk_socket/live/x/");
    assert_eq!(texts(&mut sim, 5).len(), 1);
}

#[test]
fn either_side_closes() {
    let mut sim = sim();
    open(&mut sim, 5, LIVE);
    text(&mut sim, 5, "close");
    assert_eq!(sim.closed, [(StreamId(5), 4001, "enough".to_owned())]);
    // Its own closing is not told, and later frames find nobody.
    text(&mut sim, 5, "hello");
    assert_eq!((texts(&mut sim, 5).len(), sim.value("test.left")), (1, json!(null)));
    open(&mut sim, 6, LIVE);
    sim.input(Input::StreamClosed { id: StreamId(6), close: None });
    let left = sim.get("/signalk/v1/api/vessels/self/test/left");
    assert_eq!((&left["value"], &left["$source"]), (&json!(null), &json!("signalk_socket")));
}

#[test]
fn addresses_that_nobody_serves_are_refused() {
    let mut sim = sim();
    for (id, target) in
        ["/plugins/signalk_socket/other", "/plugins/signalk_socket", "/plugins/x/live/y"]
            .iter()
            .enumerate()
    {
        open(&mut sim, 10 + id as u64, target);
    }
    assert_eq!(sim.rejected.iter().map(|(_, status)| *status).collect::<Vec<_>>(), [404; 3]);
    sim.post("signalk_socket", json!({ "enabled": false }));
    open(&mut sim, 20, LIVE);
    assert_eq!(sim.rejected.last(), Some(&(StreamId(20), 503)));
}

#[test]
fn without_the_capability_there_are_none() {
    let mut sim = with(&json!({}), Config::default());
    let status = sim.entry("signalk_socket")["statusMessage"].to_string();
    assert!(status.contains(r#"add \"httpEndpoints\": true to wasmCapabilities"#), "{status}");
    open(&mut sim, 5, LIVE);
    assert_eq!(sim.rejected, [(StreamId(5), 503)]);
}

/// Plugin ABI 8.4, 8.5: an administrator's; and its token does not reach the plugin.
#[test]
fn with_security_they_are_an_administrators() {
    let config = crate::security::testing::config(|file| file["allow_readonly"] = json!(true));
    let mut sim = with(&json!({ "httpEndpoints": true }), config);
    open(&mut sim, 5, LIVE);
    let token = |user: &str| crate::security::testing::token(user, None);
    open(&mut sim, 6, &format!("{LIVE}?token={}", token("rw")));
    open(&mut sim, 7, &format!("{LIVE}?token=x"));
    assert_eq!(sim.rejected, [5, 6, 7].map(|id| (StreamId(id), 401)));
    open(&mut sim, 8, &format!("{LIVE}?token={}", token("admin")));
    assert_eq!((sim.rejected.len(), sim.accepted.len()), (3, 1));
}

#[test]
fn connections_are_counted_and_messages_have_a_limit() {
    let mut sim = sim();
    for id in 0..101 {
        open(&mut sim, 100 + id, LIVE);
    }
    assert_eq!((sim.accepted.len(), &sim.rejected[..]), (100, &[(StreamId(200), 503)][..]));
    let long = |n: usize| Input::StreamBinary { id: StreamId(100), data: vec![7; n].into() };
    sim.input(long(1 << 20));
    assert_eq!((sim.binary.len(), sim.closed.len()), (1, 0));
    sim.input(long((1 << 20) + 1));
    let (id, code, reason) = &sim.closed[0];
    assert_eq!((id.0, *code, reason.as_str()), (100, 1009, "a message may have 1 MiB"));
    assert_eq!(sim.value("test.left"), "a message may have 1 MiB");
    open(&mut sim, 300, LIVE);
    assert_eq!(sim.accepted.len(), 101);
}

#[test]
fn who_does_not_keep_up_loses_the_connection() {
    let mut sim = sim();
    open(&mut sim, 5, LIVE);
    sim.input(Input::StreamQueue { id: StreamId(5), bytes: 2 << 20 });
    assert_eq!(sim.closed.len(), 0);
    sim.input(Input::StreamQueue { id: StreamId(5), bytes: (2 << 20) + 1 });
    assert_eq!(sim.closed, [(StreamId(5), 1008, "the client does not keep up".to_owned())]);
    assert_eq!(sim.value("test.left"), "the client does not keep up");
    // A plugin that is busy: what waits for it is bounded, and its next client to speak is closed.
    open(&mut sim, 6, LIVE);
    sim.closed.clear();
    for _ in 0..10 {
        let data = vec![7; 300 << 10].into();
        sim.core.handle_input(sim.now(), Input::StreamBinary { id: StreamId(6), data });
    }
    let (id, request) = (StreamId(7), HttpRequest::get(LIVE));
    sim.core.handle_input(sim.now(), Input::StreamOpened { id, request });
    sim.input(Input::Tick);
    assert_eq!(sim.rejected, [(StreamId(7), 503)]);
    assert_eq!(sim.closed, [(StreamId(6), 1008, "the plugin does not keep up".to_owned())]);
    assert_eq!(sim.state("signalk_socket"), "running");
}

#[test]
fn all_are_closed_when_the_plugin_ends() {
    for how in ["trap", "stop", "reload"] {
        let mut sim = sim();
        open(&mut sim, 5, LIVE);
        open(&mut sim, 6, LIVE);
        match how {
            "trap" => text(&mut sim, 5, "trap"),
            "stop" => {
                sim.post("signalk_socket", json!({ "enabled": false }));
            }
            _ => {
                let mut request = HttpRequest::get("/plugins/signalk_socket/reload");
                request.method = "POST".to_owned();
                sim.input(Input::Http { id: HttpId(7), request });
            }
        }
        let ended = |id| (StreamId(id), 1001, "the plugin has ended".to_owned());
        assert_eq!(sim.closed, [ended(5), ended(6)], "{how}");
        sim.advance_to(10.0);
        open(&mut sim, 7, LIVE);
        assert_eq!(sim.rejected.len(), usize::from(how == "stop"), "{how}");
    }
}
