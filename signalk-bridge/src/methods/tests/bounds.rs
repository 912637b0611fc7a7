//! What a call may bring and how often: sizes, names, numbers of registrations, own sources.

use super::*;

/// A call of a plugin that has everything.
fn one(account: &mut Account, fake: &mut Fake, method: &str, params: &str) -> Result<(), String> {
    try_call(account, fake, method, params).map(|_| ())
}

#[test]
fn a_registration_names_a_path_that_can_be() {
    let long = "x".repeat(1 << 20);
    for params in [
        r#"{"path":"__proto__.x"}"#.to_owned(),
        r#"{"path":"a.b","context":"__proto__.x"}"#.to_owned(),
        format!(r#"{{"path":"{long}"}}"#),
        format!(r#"{{"path":"a.b","context":"vessels.{long}"}}"#),
    ] {
        let (mut fake, mut account) = (server(), account(all()));
        let error = one(&mut account, &mut fake, "put.register", &params).unwrap_err();
        assert!(error.len() < 500, "{} bytes: {}", error.len(), &error[..100]);
        assert_eq!(fake.trace, [""; 0], "{}", &error[..100.min(error.len())]);
    }
    for (method, params) in [
        ("resources.register", format!(r#"["{long}"]"#)),
        ("weather.register", format!(r#"["{long}"]"#)),
        ("radar.register", format!(r#"["{long}"]"#)),
    ] {
        let (mut fake, mut account) = (server(), account(all()));
        let error = one(&mut account, &mut fake, method, &params).unwrap_err();
        assert!(error.contains("256") && fake.trace.is_empty(), "{error}");
    }
}

#[test]
fn registrations_have_a_number_and_those_of_puts_count_as_deltas() {
    let (mut fake, mut account) = (server(), account(all()));
    for number in 0..1000 {
        let params = format!(r#"{{"path":"electrical.switches.{number}.state"}}"#);
        one(&mut account, &mut fake, "put.register", &params).unwrap();
    }
    assert_eq!(account.counters.deltas_out, 1000);
    let error = one(&mut account, &mut fake, "put.register", r#"{"path":"a.b"}"#).unwrap_err();
    assert!(error.contains("1000 PUT handlers"), "{error}");
    fake.take();
    // What is known is registered again, and not announced again.
    let known = r#"{"path":"electrical.switches.7.state"}"#;
    one(&mut account, &mut fake, "put.register", known).unwrap();
    assert_eq!(fake.take().len(), 1);

    let error = (0..200)
        .find_map(|kind| {
            one(&mut account, &mut fake, "resources.register", &format!(r#"["kind{kind}"]"#)).err()
        })
        .unwrap();
    assert!(error.contains("100 types"), "{error}");
    assert_eq!(fake.take().len(), 100);
}

/// A plugin that publishes all it has and then registers, or raises an alarm, is not the poorer for it.
#[test]
fn registrations_and_alarms_do_not_end_with_the_delta_budget() {
    let mut fake = server();
    let mut account = Account::new(PluginId::from_package("p"), all(), 10);
    let delta = r#"[{"updates":[{"values":[{"path":"a.b","value":1}]}]}]"#;
    let sent = |account: &mut Account, fake: &mut Fake, method: &str, params: &str| {
        (0..300).filter(|_| one(account, fake, method, params).is_ok()).count()
    };
    assert_eq!(sent(&mut account, &mut fake, "deltas.emit", delta), 10);
    fake.take();
    for number in 0..50 {
        let params = format!(r#"{{"path":"a.x{number}"}}"#);
        one(&mut account, &mut fake, "put.register", &params).unwrap();
    }
    assert_eq!(fake.take().len(), 100, "an announcement and a registration each");
    let alarm = r#"{"path":"fire","state":"emergency"}"#;
    assert_eq!(sent(&mut account, &mut fake, "notifications.raise", alarm), 100, "the reserve");
    assert_eq!(sent(&mut account, &mut fake, "deltas.emit", delta), 0);
    assert_eq!(account.counters.deltas_out_dropped, 290 + 200 + 300);
}

#[test]
fn a_delta_has_1_mib_at_most() {
    let long = "x".repeat(1 << 20);
    for (method, params) in [
        (
            "deltas.emit",
            format!(r#"[{{"updates":[{{"values":[{{"path":"a.b","value":"{long}"}}]}}]}}]"#),
        ),
        ("notifications.raise", format!(r#"{{"path":"a.b","state":"alarm","message":"{long}"}}"#)),
        ("meta.set", format!(r#"{{"path":"a.b","meta":{{"description":"{long}"}}}}"#)),
    ] {
        let (mut fake, mut account) = (server(), account(all()));
        let error = one(&mut account, &mut fake, method, &params).unwrap_err();
        assert!(error.contains("1048576") && error.len() < 300, "{error}");
        assert_eq!(fake.trace, [""; 0], "{method}");
    }
}

#[test]
fn http_endpoints_are_read_as_those_of_the_buffer_abi() {
    let (mut fake, mut account) = (server(), account(all()));
    let params = r#"[[{"method":"get","path":"/x","handler":"x"},{"method":"TRACE","path":"/y","handler":"y"},7]]"#;
    one(&mut account, &mut fake, "http.register", params).unwrap();
    let seen = fake.take();
    assert!(seen[0].starts_with("p warn: ") && seen[0].contains("TRACE"), "{seen:?}");
    assert!(seen[1].starts_with("p warn: "), "{seen:?}");
    let row = r#"p registers Http([Endpoint { method: "GET", path: "/x", handler: "x""#;
    assert!(seen.len() == 3 && seen[2].starts_with(row), "{seen:?}");

    let error = one(&mut account, &mut fake, "http.register", r#"[7]"#).unwrap_err();
    assert!(error.contains("no JSON array"), "{error}");
    let row = r#"{"method":"GET","path":"/a","handler":"h"}"#;
    let many = format!("[[{}]]", vec![row; 201].join(","));
    one(&mut account, &mut fake, "http.register", &many).unwrap();
    assert!(fake.take()[0].contains("limit is 200"));
}

/// The server parses and writes in its own step: the plugin pays for that, by the byte.
#[test]
fn params_and_what_is_read_of_the_model_are_owed() {
    let (mut fake, mut account) = (server(), account(all()));
    for (method, params, answer) in [
        ("paths.get", r#"{"path":"navigation.speedOverGround"}"#, r#"{"value":3.1}"#.len()),
        ("meta.get", r#"["navigation.speedOverGround"]"#, r#"{"units":"m/s"}"#.len()),
        ("deltas.emit", r#"{"delta":{"updates":[]}}"#, 0),
    ] {
        one(&mut account, &mut fake, method, params).unwrap();
        let owed = u64::try_from(params.len() + answer).unwrap();
        assert_eq!(account.take_owed(), owed, "{method}");
    }
}

/// Plugin ABI 7.2: what is below its own name is not foreign.
#[test]
fn own_sub_sources_are_kept() {
    let (mut fake, mut account) = (server(), account(all()));
    for (update, source) in [
        (r#""$source":"p""#, "p"),
        (r#""$source":"p.battery2""#, "p.battery2"),
        (r#""$source":"p.battery2","source":{"label":"x"}"#, "p.battery2"),
        (r#""$source":"p.""#, "p"),
        (r#""$source":"p.no spaces""#, "p"),
        (r#""$source":"pq.battery2""#, "p"),
        (r#""$source":"gps0.p""#, "p"),
    ] {
        let params = format!(
            r#"{{"delta":{{"updates":[{{{update},"values":[{{"path":"a","value":1}}]}}]}}}}"#
        );
        one(&mut account, &mut fake, "deltas.emit", &params).unwrap();
        let seen = fake.take().pop().unwrap();
        assert!(seen.contains(&format!(r#""$source":"{source}""#)), "{update}: {seen}");
    }
}
