//! HTTP by as-fetch, end to end: plugins in AssemblyScript, as their authors build them, as packages in `node_modules`
//! of the real binary, and a real HTTP server. What the library's calls do is in `signalk-bridge`; here is what
//! arrives, in the plugin's deltas, its status and its answers.

use std::{
    net::TcpListener,
    sync::{Arc, Barrier, Condvar, Mutex},
};

use serde_json::{Value, json};

use super::{
    common::{Host, eventually, guest},
    port, served,
};

/// With the transform that hosts in JavaScript need, and without.
const SYNCHRONOUS: [&str; 2] = ["as_fetch", "as_fetch_plain"];

/// A plugin for [`guest::Package`] with what these guests use, and the owner's word for loopback.
fn package<'a>(id: &'a str, guest: &'a str, configuration: &Value) -> guest::Package<'a> {
    let capabilities = json!({
        "network": true, "httpEndpoints": true, "putHandlers": true, "resourceProvider": true,
    });
    let options = json!({
        "enabled": true, "enableDebug": true, "configuration": configuration,
        "egress": { "allow": ["127.0.0.0/8"] },
    });
    guest::Package { id, guest, capabilities, options }
}

/// What this plugin says of `path` of the own vessel, waited for.
fn said(host: &Host, path: &str, id: &str) -> Value {
    let url = format!("/signalk/v1/api/vessels/self/{}", path.replace('.', "/"));
    let found = || {
        let node: Value = serde_json::from_slice(&host.get(&url).body).ok()?;
        let own = node["$source"] == id;
        let value = if own { &node["value"] } else { &node["values"][id]["value"] };
        (!value.is_null()).then(|| value.clone())
    };
    eventually(&format!("{path} of {id}"), found, || host.log())
}

fn plugin(host: &Host, id: &str) -> Value {
    host.json("/signalk-host/status")["plugins"][id].clone()
}

fn in_state(host: &Host, id: &str, state: &str) -> Value {
    let reached = || Some(plugin(host, id)).filter(|plugin| plugin["state"] == state);
    eventually(&format!("{id} to be {state}"), reached, || host.log())
}

/// What the guests are answered, by the first part of the path.
fn reply(asked: &served::Asked) -> Vec<u8> {
    match asked.first() {
        "gone" => served::answer("404 Not Found", &[], b"no such depth"),
        "moved" => served::answer("302 Found", &[("location", "/there/start/0")], b""),
        "binary" => served::answer("200 OK", &[("content-type", "image/png")], &BINARY),
        "nothing" => served::answer("204 No Content", &[], b""),
        _ => {
            let said = format!("{} {} {}", asked.method, asked.header("x-guest"), asked.text());
            served::answer("200 OK", &[("x-wind", "12 knots")], said.as_bytes())
        }
    }
}

/// No UTF-8. AssemblyScript reads the four as one letter that has a part of each, so it shows that they came as they
/// are.
const BINARY: [u8; 4] = [0x89, b'P', 0, 1];
const BINARY_READ: &str = "\u{50001}";

/// A place where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://127.0.0.1:{}", port(&listener))
}

#[test]
fn what_a_server_answers_is_what_the_plugin_gets() {
    let web = served::Web::new(reply);
    let cases = [
        ("get", json!({ "url": web.url("ok"), "header": "mine" }), "GET mine "),
        ("post", json!({ "url": web.url("ok"), "post": "5 m å" }), "POST  5 m å"),
        ("gone", json!({ "url": web.url("gone") }), "no such depth"),
        ("moved", json!({ "url": web.url("moved") }), "GET  "),
        ("nothing", json!({ "url": web.url("nothing") }), ""),
        ("binary", json!({ "url": web.url("binary") }), BINARY_READ),
        ("refused", json!({ "url": nobody() }), ""),
    ];
    let plugins: Vec<_> = SYNCHRONOUS
        .iter()
        .flat_map(|name| cases.iter().map(move |case| (*name, format!("{name}-{}", case.0), case)))
        .collect();
    let packages = plugins.iter().map(|(name, id, (_, configuration, _))| {
        let mut configuration = configuration.clone();
        configuration["start"] = 1.into();
        package(id, name, &configuration)
    });
    let host = guest::hosts(&packages.collect::<Vec<_>>());
    for (_, id, (case, _, body)) in &plugins {
        assert_eq!(said(&host, "test.fetch.start", id), json!([body]), "{id}");
        let status = in_state(&host, id, "running");
        let error = status["lastError"].as_str().unwrap_or_default();
        let failed = error.starts_with("fetch: http://127.0.0.1:") && error.contains("refused");
        assert_eq!(failed, *case == "refused", "{status:#}");
    }
    // Each once; a redirect is a request more, a refusal one less.
    assert_eq!(web.asked().len(), plugins.len(), "{:?}", web.asked());
}

/// This flavour also reads the status.
#[test]
fn answers_that_come_later_have_their_status_too() {
    let web = served::Web::new(reply);
    let cases = [
        ("get", json!({ "url": web.url("ok") }), "200 GET async "),
        ("post", json!({ "url": web.url("ok"), "post": "5 m å" }), "200 POST async 5 m å"),
        ("gone", json!({ "url": web.url("gone") }), "404 no such depth"),
        ("moved", json!({ "url": web.url("moved") }), "200 redirected GET async "),
        ("nothing", json!({ "url": web.url("nothing") }), "204 "),
        ("binary", json!({ "url": web.url("binary") }), "200 \u{50001}"),
        ("refused", json!({ "url": nobody() }), "0 "),
    ];
    let packages = cases.iter().map(|(id, configuration, _)| {
        let mut configuration = configuration.clone();
        configuration["start"] = 1.into();
        package(id, "as_fetch_async", &configuration)
    });
    let host = guest::hosts(&packages.collect::<Vec<_>>());
    for (id, _, outcome) in cases {
        host.logged(&format!(" {id}: then {outcome}\n"));
        in_state(&host, id, "running");
    }
}

/// W3 to W6 and plugin ABI 5 in the real program: a call rests, several at once and of several plugins at once, in
/// several flavours, and who rests holds up nobody.
#[test]
fn many_wait_at_once_and_a_neighbour_works_on() {
    let waiting = ["as_fetch", "as_fetch_plain", "go_everything", "c_everything", "as_everything"];
    let (three, gate) = (Barrier::new(3), Arc::new(Gate::default()));
    let open = Arc::clone(&gate);
    let web = served::Web::new(move |asked: &served::Asked| {
        match asked.first() {
            // Nobody is answered before all three are there.
            "three" => drop(three.wait()),
            _ => open.pass(),
        }
        served::answer("200 OK", &[], asked.path.as_bytes())
    });
    let url = web.url("slow");
    let request = json!({ "url": url, "method": "GET" }).to_string();
    let calls = json!({ "start": [["sk_http_request", request, { "max": 1000 }]] });
    let fetch = json!({ "url": url, "start": 1 });
    let mut packages: Vec<_> = waiting
        .iter()
        .map(|name| package(name, name, if name.ends_with("everything") { &calls } else { &fetch }))
        .collect();
    let three = json!({ "url": web.url("three"), "start": 3 });
    packages.push(package("async", "as_fetch_async", &three));
    packages.push(package("tinygo", "tinygo_shaped", &json!({})));
    packages.push(package("neighbour", "as_hello", &json!({ "message": "ahoy" })));
    let host = guest::hosts(&packages);
    let all_wait = || (gate.waiting() == waiting.len()).then_some(());
    eventually("all to wait", all_wait, || host.log());

    // While they rest, the others live: their polls, their deltas, their answers.
    for n in 0..3 {
        host.logged(&format!("async: then 200 /three/start/{n}\n"));
    }
    in_state(&host, "tinygo", "running");
    host.logged("tinygo: polled 2\n");
    host.logged("tinygo: delta ");
    assert_eq!(said(&host, "test.hello.message", "neighbour"), "ahoy");
    host.value("test.hello.polls", |polls| polls.as_u64() > Some(1));
    for name in waiting {
        assert_eq!(plugin(&host, name)["state"], "starting", "{name}");
    }

    gate.open();
    for name in waiting {
        in_state(&host, name, "running");
    }
    for name in SYNCHRONOUS {
        assert_eq!(said(&host, "test.fetch.start", name), json!(["/slow/start/0"]), "{name}");
    }
    for name in &waiting[2..] {
        host.logged(&format!("{name}: start sk_http_request -> "));
    }
    assert!(!host.log().contains(" ERROR "), "{}", host.log());
}

/// Lets nobody pass until it is opened.
#[derive(Default)]
struct Gate {
    /// Who waits, and whether it is open.
    state: Mutex<(usize, bool)>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        while !state.1 {
            state = self.opened.wait(state).unwrap();
        }
    }

    fn waiting(&self) -> usize {
        self.state.lock().unwrap().0
    }

    fn open(&self) {
        self.state.lock().unwrap().1 = true;
        self.opened.notify_all();
    }
}

/// A call that rests in what clients ask for: an endpoint, a PUT, a resource; and in `poll`.
#[test]
fn what_clients_ask_for_waits_for_a_server_too() {
    let web = served::Web::new(|asked| served::answer("200 OK", &[], asked.path.as_bytes()));
    let configuration =
        json!({ "url": web.url("x"), "poll": 1, "http": 2, "put": 1, "resource": 1 });
    for name in SYNCHRONOUS {
        let host = guest::hosts(&[package("fetches", name, &configuration)]);
        in_state(&host, "fetches", "running");
        let answer = host.get("/plugins/fetches/fetch");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, body), (200, json!(["/x/http/0", "/x/http/1"])), "{name}");

        let list = host.json("/signalk/v2/api/resources/fetched");
        assert_eq!(list["one"]["bodies"], json!(["/x/resource/0"]), "{name}");

        let mut stream = host.stream("?subscribe=none");
        let put = json!({ "path": "test.fetch", "value": 42 });
        stream.send(&json!({ "context": "vessels.self", "requestId": "r", "put": put }));
        let reply = std::iter::from_fn(|| stream.next())
            .find(|reply| reply["requestId"] == "r" && reply["state"] == "COMPLETED")
            .unwrap();
        assert_eq!(reply["statusCode"], 200, "{reply}");
        assert_eq!(reply["message"], r#"42 ["/x/put/0"]"#, "{reply}");

        assert_eq!(said(&host, "test.fetch.poll", "fetches"), json!(["/x/poll/0"]), "{name}");
    }
}

#[test]
fn without_the_capability_or_the_owners_word_as_fetch_reaches_nobody() {
    let web = served::Web::new(reply);
    let configuration = json!({ "url": web.url("ok"), "start": 1 });
    let guests = ["as_fetch", "as_fetch_plain", "as_fetch_async"];
    let ids = guests.map(|name| (name, format!("denied-{name}"), format!("closed-{name}")));
    let mut packages = vec![package("granted", "as_fetch", &configuration)];
    for (name, denied, closed) in &ids {
        let mut package = package(denied, name, &configuration);
        package.capabilities = json!({ "dataRead": true, "dataWrite": true });
        packages.push(package);
        let mut package = self::package(closed, name, &configuration);
        package.options["egress"] = json!({});
        packages.push(package);
    }
    let host = guest::hosts(&packages);
    assert_eq!(said(&host, "test.fetch.start", "granted"), json!(["GET  "]));
    for (name, denied, closed) in &ids {
        host.logged(&format!("{denied}: "));
        let refused = || {
            let error = plugin(&host, denied)["lastError"].as_str().map(str::to_owned);
            error.filter(|text| text.contains("network capability not granted"))
        };
        eventually(&format!("{name} to be refused"), refused, || host.log());
        let status = in_state(&host, closed, "running");
        let said = format!("{status}");
        assert!(said.contains("is closed to plugins"), "{said}");
    }
    assert_eq!(web.asked().len(), 1, "{:?}", web.asked());
}
