//! The table, walked: every row has a granted and a denied case here, or the suite fails.

mod bounds;
mod network;

use super::*;
use crate::Capabilities;
use crate::fake::Fake;

/// One row's proof: a call that works, what it does, and what it answers.
struct Case {
    method: &'static str,
    params: &'static str,
    /// Answer when everything is granted.
    answer: &'static str,
    /// What the server saw.
    trace: &'static [&'static str],
    /// The text without the capability; `None`: the row needs none, and works without any.
    denied: Option<&'static str>,
}

const CASES: &[Case] = &[
    Case {
        method: "deltas.emit",
        params: r#"{"delta":{"updates":[{"values":[{"path":"a.b","value":1}]}]}}"#,
        answer: "null",
        trace: &[r#"p V1 {"updates":[{"$source":"p","values":[{"path":"a.b","value":1}]}]}"#],
        denied: Some(
            r#"plugin `p`: `deltas.emit` needs the capability `dataWrite`; add "dataWrite": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "deltas.subscribe",
        params: r#"{"path":"navigation.*","period":500}"#,
        answer: r#"{"subscription":1,"warnings":[]}"#,
        trace: &[r#"p subscribe 1 vessels.self [{"path":"navigation.*","period":500}]"#],
        denied: Some(
            r#"plugin `p`: `deltas.subscribe` needs the capability `dataRead`; add "dataRead": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "deltas.unsubscribe",
        params: "",
        answer: "0",
        trace: &[],
        denied: Some(
            r#"plugin `p`: `deltas.unsubscribe` needs the capability `dataRead`; add "dataRead": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "deltas.intercept",
        params: r#"{"paths":["navigation.*"]}"#,
        answer: "null",
        trace: &[r#"p registers DeltaInput { context: "vessels.self", paths: ["navigation.*"] }"#],
        denied: Some(
            r#"plugin `p`: `deltas.intercept` needs the capability `deltaInputHandler`; add "deltaInputHandler": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "paths.get",
        params: r#"{"path":"navigation.speedOverGround"}"#,
        answer: r#"{"value":3.1}"#,
        trace: &[],
        denied: Some(
            r#"plugin `p`: `paths.get` needs the capability `dataRead`; add "dataRead": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "meta.get",
        params: r#"["navigation.speedOverGround"]"#,
        answer: r#"{"units":"m/s"}"#,
        trace: &[],
        denied: Some(
            r#"plugin `p`: `meta.get` needs the capability `dataRead`; add "dataRead": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "meta.set",
        params: r#"{"path":"a.b","meta":{"units":"K"}}"#,
        answer: "null",
        trace: &[
            r#"p V1 {"context":"vessels.urn:x","updates":[{"$source":"p","meta":[{"path":"a.b","value":{"units":"K"}}]}]}"#,
        ],
        denied: Some(
            r#"plugin `p`: `meta.set` needs the capability `dataWrite`; add "dataWrite": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "options.read",
        params: "{}",
        answer: r#"{"radius":30}"#,
        trace: &[],
        denied: None,
    },
    Case {
        method: "options.save",
        params: r#"[{"radius":40}]"#,
        answer: "null",
        trace: &[r#"p save {"radius":40}"#],
        denied: None,
    },
    Case {
        method: "status.set",
        params: r#"{"message":"fine"}"#,
        answer: "null",
        trace: &[r#"p Ok("fine")"#],
        denied: None,
    },
    Case {
        method: "status.error",
        params: r#"["no GPS"]"#,
        answer: "null",
        trace: &[r#"p Error("no GPS")"#],
        denied: None,
    },
    Case {
        method: "notifications.raise",
        params: r#"{"path":"navigation.anchor","state":"alarm","message":"dragging","radius":30}"#,
        answer: "null",
        trace: &[
            r#"p V1 {"updates":[{"$source":"p","values":[{"path":"notifications.navigation.anchor","value":{"state":"alarm","method":["visual","sound"],"message":"dragging","radius":30}}]}]}"#,
        ],
        denied: Some(
            r#"plugin `p`: `notifications.raise` needs the capability `dataWrite`; add "dataWrite": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "notifications.clear",
        params: r#"["notifications.navigation.anchor"]"#,
        answer: "null",
        trace: &[
            r#"p V1 {"updates":[{"$source":"p","values":[{"path":"notifications.navigation.anchor","value":{"state":"normal","method":[],"message":""}}]}]}"#,
        ],
        denied: Some(
            r#"plugin `p`: `notifications.clear` needs the capability `dataWrite`; add "dataWrite": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "log",
        params: r#"{"level":"warn","message":"one\ntwo"}"#,
        answer: "null",
        trace: &["p warn: one", "p warn: two"],
        denied: None,
    },
    Case {
        method: "put.register",
        params: r#"{"path":"a.b"}"#,
        answer: "null",
        trace: &[
            r#"p V1 {"updates":[{"$source":"p","meta":[{"path":"a.b","value":{"supportsPut":true}}]}]}"#,
            r#"p registers Put { context: "vessels.self", path: "a.b" }"#,
        ],
        denied: Some(
            r#"plugin `p`: `put.register` needs the capability `putHandlers`; add "putHandlers": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "put.send",
        params: r#"{"path":"a.b","value":{"on":true},"source":"q"}"#,
        answer: "later",
        trace: &[
            r#"p puts 1 PutRequest { context: "vessels.self", path: "a.b", source: Some("q"), value: "{\"on\":true}" }"#,
        ],
        denied: Some(
            r#"plugin `p`: `put.send` needs the capability `dataWrite`; add "dataWrite": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "resources.register",
        params: r#"["fishing"]"#,
        answer: "null",
        trace: &[r#"p registers Resources { kind: "fishing" }"#],
        denied: Some(
            r#"plugin `p`: `resources.register` needs the capability `resourceProvider`; add "resourceProvider": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "weather.register",
        params: r#"["Sky"]"#,
        answer: "null",
        trace: &[r#"p registers Weather { name: "Sky" }"#],
        denied: Some(
            r#"plugin `p`: `weather.register` needs the capability `weatherProvider`; add "weatherProvider": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "radar.register",
        params: r#"["Halo"]"#,
        answer: "null",
        trace: &[r#"p registers Radar { name: "Halo" }"#],
        denied: Some(
            r#"plugin `p`: `radar.register` needs the capability `radarProvider`; add "radarProvider": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "http.register",
        params: r#"{"endpoints":[{"method":"GET","path":"/x","handler":"x"}]}"#,
        answer: "null",
        trace: &[
            r#"p registers Http([Endpoint { method: "GET", path: "/x", handler: "x", access: Admin, largest_reply: None, stream: false }])"#,
        ],
        denied: Some(
            r#"plugin `p`: `http.register` needs the capability `httpEndpoints`; add "httpEndpoints": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "websocket.register",
        params: r#"{"paths":["/live/:what"]}"#,
        answer: "null",
        trace: &[
            r#"p registers WebSockets { paths: ["/live/:what"], protocols: [], access: Admin }"#,
        ],
        denied: Some(
            r#"plugin `p`: `websocket.register` needs the capability `httpEndpoints`; add "httpEndpoints": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "websocket.send",
        params: r#"{"connection":1,"text":"hello"}"#,
        answer: "null",
        trace: &[r#"p client 1: Send(Text("hello"))"#],
        denied: Some(
            r#"plugin `p`: `websocket.send` needs the capability `httpEndpoints`; add "httpEndpoints": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "websocket.close",
        params: r#"[1,4001,"enough"]"#,
        answer: "null",
        trace: &[r#"p client 1: Close(4001, "enough")"#],
        denied: Some(
            r#"plugin `p`: `websocket.close` needs the capability `httpEndpoints`; add "httpEndpoints": true to wasmCapabilities in its package.json"#,
        ),
    },
    Case {
        method: "streams.emit",
        params: r#"["plugins/p/x","AAE="]"#,
        answer: "null",
        trace: &[r#"p emits 2 bytes to plugins/p/x"#],
        denied: None,
    },
];

fn server() -> Fake {
    let mut fake = Fake::default();
    for (path, value) in [
        ("vessels.urn:x.navigation.speedOverGround", r#"{"value":3.1}"#),
        ("vessels.urn:x.navigation.speedOverGround.meta", r#"{"units":"m/s"}"#),
    ] {
        fake.values.insert(path.to_owned(), value.to_owned());
    }
    fake.options = Some(r#"{"radius":30}"#.to_owned());
    fake
}

fn all() -> Capabilities {
    Capability::ALL.into_iter().fold(Capabilities::NONE, Capabilities::with)
}

fn account(capabilities: Capabilities) -> Account {
    Account::new(PluginId::from_package("p"), capabilities, 1000)
}

fn try_call(
    account: &mut Account,
    fake: &mut Fake,
    method: &str,
    params: &str,
) -> Result<String, String> {
    let mut net = Net::new();
    match call(method, params, account, &mut net, fake, Duration::ZERO) {
        Ok(Reply::Now(answer)) => Ok(answer.get().to_owned()),
        Ok(Reply::Later(..)) => Ok("later".to_owned()),
        Ok(later) => Err(format!("{later:?}")),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn every_row_has_a_granted_and_a_denied_case() {
    let rows: Vec<_> = METHODS.iter().map(|row| row.name).collect();
    let mut cases: Vec<_> = CASES.iter().map(|case| case.method).collect();
    cases.extend(network::CASES.iter().map(|case| case.method));
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    assert_eq!(sorted(rows), sorted(cases), "one case per row");
    for case in CASES {
        assert_eq!(needs(case.method).is_some(), case.denied.is_some(), "{}", case.method);
    }
}

fn needs(method: &str) -> Option<Capability> {
    METHODS.iter().find(|row| row.name == method).unwrap().needs
}

#[test]
fn granted_each_method_does_its_work() {
    for case in CASES {
        let (mut fake, mut account) = (server(), account(all()));
        let answer = try_call(&mut account, &mut fake, case.method, case.params);
        assert_eq!(answer.as_deref(), Ok(case.answer), "{}", case.method);
        assert_eq!(fake.trace, case.trace, "{}", case.method);
        assert_eq!(account.counters.host_call_errors, 0);
    }
}

#[test]
fn denied_each_method_says_what_to_add_and_does_nothing() {
    for case in CASES {
        let rights = needs(case.method).map_or(Capabilities::NONE, |needed| all().without(needed));
        let (mut fake, mut account) = (server(), account(rights));
        let answer = try_call(&mut account, &mut fake, case.method, case.params);
        match case.denied {
            Some(text) => {
                assert_eq!(answer.as_ref().unwrap_err(), text);
                assert_eq!(fake.trace, [""; 0], "{}", case.method);
                assert_eq!(account.counters.host_call_errors, 1);
            }
            None => assert_eq!(answer.as_deref(), Ok(case.answer), "{}", case.method),
        }
    }
}

#[test]
fn wit_and_table_agree() {
    let wit = include_str!("../../../wit/signalk-plugin.wit");
    let mut described = Vec::new();
    let (mut interface, mut needs) = (String::new(), None);
    for line in wit.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("interface ") {
            interface = name.trim_end_matches(" {").to_owned();
        } else if let Some(comment) = line.strip_prefix("///") {
            if let Some((_, rest)) = comment.split_once("Needs `") {
                needs = rest.split('`').next().and_then(Capability::from_key);
            }
        } else if let Some((name, rest)) = line.split_once(": func(") {
            let (params, _) = rest.split_once(')').unwrap();
            let params: Vec<String> = params
                .split(", ")
                .filter_map(|param| param.split_once(": "))
                .map(|(name, _)| camel(name.trim_start_matches('%')))
                .collect();
            let method =
                if name == interface { name.to_owned() } else { format!("{interface}.{name}") };
            described.push((method, needs.take(), params));
        }
    }
    let host = |(method, ..): &(String, Option<Capability>, Vec<String>)| {
        !["plugin-interface.", "delta-handler.", "handlers.", "datagrams.", "client-sockets."]
            .iter()
            .any(|own| method.starts_with(own))
    };
    described.retain(host);
    let table: Vec<_> = METHODS
        .iter()
        .map(|row| {
            let params = row.params.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            (row.name.to_owned(), row.needs, params)
        })
        .collect();
    assert_eq!(described, table);
}

fn camel(kebab: &str) -> String {
    let mut parts = kebab.split('-');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let (head, tail) = part.split_at(1);
        name + &head.to_uppercase() + tail
    })
}

#[test]
fn unknown_methods_and_bad_params_are_named() {
    let (mut fake, mut account) = (server(), account(all()));
    for (method, params, text) in [
        (
            "deltas.emmit",
            "{}",
            "plugin `p`: the host has no method `deltas.emmit`; the methods are those of signalk-plugin.wit",
        ),
        ("paths.get", "{}", "plugin `p`: `paths.get`: missing field `path` at line 1 column 2"),
        ("paths.get", r#"["a","b","c"]"#, "plugin `p`: `paths.get`: 3 parameters, at most 2"),
        ("options.save", r#"[7]"#, "plugin `p`: `options.save`: `options` must be an object"),
        (
            "notifications.raise",
            r#"{"path":"a","state":"red"}"#,
            "plugin `p`: `notifications.raise`: state \"red\" is none of nominal, normal, alert, warn, alarm, emergency",
        ),
        (
            "deltas.subscribe",
            "{}",
            "plugin `p`: `deltas.subscribe`: give rows in `subscribe`, or a `path`",
        ),
        (
            "deltas.subscribe",
            r#"{"path":"a","backlog":{"most":0}}"#,
            "plugin `p`: `deltas.subscribe`: `backlog.most` is 0, not 1 to 1000",
        ),
        ("meta.set", r#"{"path":"","meta":{}}"#, "plugin `p`: `meta.set`: `path` is empty"),
    ] {
        let answer = try_call(&mut account, &mut fake, method, params);
        assert_eq!(answer.unwrap_err(), text);
    }
    assert_eq!(fake.trace, [""; 0]);
}

#[test]
fn a_full_disk_reaches_the_plugin() {
    let (mut fake, mut account) = (server(), account(all()));
    fake.disk_is_full = true;
    let answer = try_call(&mut account, &mut fake, "options.save", r#"{"options":{}}"#);
    assert_eq!(
        answer.unwrap_err(),
        "plugin `p`: `options.save`: plugin-config-data/p.json: no space left; free some"
    );
}

/// The answer comes when the disk has said so.
#[test]
fn a_save_is_answered_by_the_disk() {
    let (mut net, mut fake, mut account) = (crate::net::Net::new(), server(), account(all()));
    fake.disk_is_slow = true;
    let params = r#"{"options":{"a":1}}"#;
    let now = std::time::Duration::ZERO;
    let reply = call("options.save", params, &mut account, &mut net, &mut fake, now).unwrap();
    assert!(matches!(reply, Reply::Later(crate::net::Wait::Save(crate::SaveId(1)), _)));
    let result = Err("no space left".to_owned());
    let done = net.handle_report(crate::Report::Saved { save: crate::SaveId(1), result });
    assert_eq!(done[0].outcome, crate::net::Outcome::Failed("no space left".to_owned()));
}

#[test]
fn a_plugin_is_the_source_of_what_it_sends() {
    let (mut fake, mut account) = (server(), account(all()));
    for (update, source) in [
        (r#""$source":"gps0.GP""#, "p"),
        (r#""source":{"label":"wind","type":"x"}"#, "p.wind"),
        (r#""source":{"label":"p"}"#, "p"),
        (r#""source":{"label":"no spaces please"}"#, "p"),
    ] {
        let params = format!(
            r#"{{"delta":{{"updates":[{{{update},"values":[{{"path":"a","value":1}}]}}]}}}}"#
        );
        try_call(&mut account, &mut fake, "deltas.emit", &params).unwrap();
        let seen = fake.take().remove(0);
        assert!(seen.contains(&format!(r#""$source":"{source}""#)), "{update}: {seen}");
    }
}

#[test]
fn resources_leave_a_version_1_delta() {
    let (mut fake, mut account) = (server(), account(all()));
    let params = r#"[{"updates":[{"values":[{"path":"a","value":1},{"path":"resources.routes.x","value":{}}]}]}]"#;
    try_call(&mut account, &mut fake, "deltas.emit", params).unwrap();
    assert_eq!(
        fake.take(),
        [
            r#"p V1 {"updates":[{"$source":"p","values":[{"path":"a","value":1}]}]}"#,
            r#"p V2 {"updates":[{"$source":"p","values":[{"path":"resources.routes.x","value":{}}]}]}"#,
        ]
    );
}

#[test]
fn a_flood_is_dropped_before_it_is_parsed() {
    let (mut fake, mut account) = (server(), account(all()));
    let params = r#"[{"updates":[{"values":[{"path":"a","value":1}]}]}]"#;
    let answers: Vec<_> =
        (0..1500).map(|_| try_call(&mut account, &mut fake, "deltas.emit", params)).collect();
    assert_eq!(fake.trace.len(), 1000);
    assert_eq!(account.counters.deltas_out_dropped, 500);
    assert_eq!(
        answers.last().unwrap().as_ref().unwrap_err(),
        "plugin `p`: `deltas.emit`: over its limit of 1000 deltas per second; this one is dropped. Send less, or raise the limit in the plugin's settings"
    );
}

#[test]
fn subscriptions_end_one_by_one_or_all_at_once() {
    let (mut fake, mut account) = (server(), account(all()));
    for path in ["a", "b", "c"] {
        let params = format!(r#"{{"path":"{path}"}}"#);
        try_call(&mut account, &mut fake, "deltas.subscribe", &params).unwrap();
    }
    fake.take();
    let end = |account: &mut _, fake: &mut _, params| {
        try_call(account, fake, "deltas.unsubscribe", params).unwrap()
    };
    assert_eq!(end(&mut account, &mut fake, r#"{"subscription":2}"#), "1");
    assert_eq!(end(&mut account, &mut fake, r#"{"subscription":2}"#), "0");
    assert_eq!(end(&mut account, &mut fake, ""), "2");
    assert_eq!(fake.take(), ["p unsubscribe 2", "p unsubscribe 1", "p unsubscribe 3"]);
}
