//! What becomes of each delta of the specification's test data: the valid ones are taken without a
//! complaint, the invalid ones are refused or complained about. Where the reference takes what the
//! specification forbids, so do we (clients rely on it), and the complaint says so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use signalk_model::{Context, Delta, DeltaError, SourceRef, Store, Timestamp};

/// File, message, and the deltas' JSON after normalising.
const VALID: &[(&str, &str, &str)] = &[
    (
        "delta-simple",
        r#"{"context":"bar","updates":[{"source":{"label":"","type":"NMEA0183","sentence":"GLL","talker":"II"},"timestamp":"2013-10-08T15:47:28.263Z","values":[{"path":"a.b.c","value":1}]}]}"#,
        r#"{"context":"bar","updates":[{"source":{"label":"p","type":"NMEA0183","sentence":"GLL","talker":"II"},"$source":"p.II","timestamp":"2013-10-08T15:47:28.263Z","values":[{"path":"a.b.c","value":1}]}]}"#,
    ),
    (
        "delta-without_context_source_and_timestamp_is_valid",
        r#"{"updates":[{"values":[{"path":"a.b.c","value":1}]}]}"#,
        r#"{"context":"vessels.urn:own","updates":[{"$source":"p","timestamp":"T","values":[{"path":"a.b.c","value":1}]}]}"#,
    ),
    ("identity-blank", r#"{"updates":[ ]}"#, r#"{"context":"vessels.urn:own","updates":[]}"#),
    (
        "identity-mmsi",
        r#"{"context":"vessels.urn:mrn:imo:mmsi:230099999","updates":[ ]}"#,
        r#"{"context":"vessels.urn:mrn:imo:mmsi:230099999","updates":[]}"#,
    ),
    (
        "identity-uuid",
        r#"{"context":"vessels.urn:mrn:signalk:uuid:c0d79334-4e25-4245-8892-54e8ccc8021d","updates":[]}"#,
        r#"{"context":"vessels.urn:mrn:signalk:uuid:c0d79334-4e25-4245-8892-54e8ccc8021d","updates":[]}"#,
    ),
    (
        "identity-url",
        r#"{"context":"vessels.https://example.org/boat","updates":[]}"#,
        r#"{"context":"vessels.https://example.org/boat","updates":[]}"#,
    ),
    (
        "meta-delta",
        r#"{"context":"bar","updates":[{"source":{"label":"schema"},"timestamp":"T","meta":[{"path":"a.b","value":{"description":"...","units":"m"}}]}]}"#,
        r#"{"context":"bar","updates":[{"source":{"label":"schema"},"$source":"schema.XX","timestamp":"T","meta":[{"path":"a.b","value":{"description":"...","units":"m"}}]}]}"#,
    ),
    (
        "meta-and-values",
        r#"{"context":"bar","updates":[{"$source":"s","timestamp":"T","meta":[{"path":"a","value":{"units":"m"}}],"values":[{"path":"a","value":1}]}]}"#,
        r#"{"context":"bar","updates":[{"$source":"s","timestamp":"T","values":[{"path":"a","value":1}],"meta":[{"path":"a","value":{"units":"m"}}]}]}"#,
    ),
    (
        "value-can_be_null",
        r#"{"context":"vessels.1","updates":[{"source":{"label":"","type":"NMEA2000","pgn":129025,"name":1398271,"src":"160"},"values":[{"path":"navigation.position","value":null}]}]}"#,
        r#"{"context":"vessels.1","updates":[{"source":{"label":"p","type":"NMEA2000","pgn":129025,"name":1398271,"src":"160"},"$source":"p.160","timestamp":"T","values":[{"path":"navigation.position","value":null}]}]}"#,
    ),
    (
        "value-can_be_boolean",
        r#"{"updates":[{"$source":"s","values":[{"path":"a","value":true}]}]}"#,
        r#"{"context":"vessels.urn:own","updates":[{"$source":"s","timestamp":"T","values":[{"path":"a","value":true}]}]}"#,
    ),
    (
        "value-can_be_number",
        r#"{"updates":[{"$source":"s","values":[{"path":"a","value":-1.50e1}]}]}"#,
        r#"{"context":"vessels.urn:own","updates":[{"$source":"s","timestamp":"T","values":[{"path":"a","value":-15}]}]}"#,
    ),
    (
        "value-can_be_object",
        r#"{"updates":[{"$source":"s","values":[{"path":"navigation.position","value":{"longitude":24.90,"latitude":60.0,"source":{"pgn":"129025"},"timestamp":"x"}}]}]}"#,
        r#"{"context":"vessels.urn:own","updates":[{"$source":"s","timestamp":"T","values":[{"path":"navigation.position","value":{"longitude":24.9,"latitude":60,"source":{"pgn":"129025"},"timestamp":"x"}}]}]}"#,
    ),
];

/// File, message, complaint, and whether the tree changes as that of the reference does.
const INVALID: &[(&str, &str, &str, bool)] = &[
    (
        "delta-extra property",
        r#"{"context":"vessels.x","updates":[{"$source":"s","values":[{"path":"a","value":1}]}],"foo":"bar"}"#,
        "`foo` is no member of a delta, ignored",
        true,
    ),
    (
        "delta-update-with-get",
        r#"{"context":"vessels.x","updates":[{"$source":"s","values":[{"path":"a","value":1}]}],"get":[{"path":"a"}]}"#,
        "`get` is no member of a delta, ignored",
        true,
    ),
    (
        "delta-update-with-put-no-requestId",
        r#"{"context":"vessels.x","updates":[{"$source":"s","values":[{"path":"a","value":1}]}],"put":[{"path":"a","value":1}]}"#,
        "`put` is no member of a delta, ignored",
        true,
    ),
    (
        "meta-missing-value",
        r#"{"context":"vessels.x","updates":[{"meta":[{"path":"propulsion.0.revolutions"}]}]}"#,
        "update 0: `propulsion.0.revolutions` has no value, entry dropped; update 0: has neither values nor meta, dropped",
        false,
    ),
    (
        "sources-bad_1",
        r#"{"context":"vessels.x","updates":[{"source":{"sentence":"HDT","label":"0183-1","talker":"II"},"$source":"i2c-0.0x48.amps","values":[{"path":"a","value":1}]}]}"#,
        "update 0: has `source` and `$source`, `$source` is used",
        true,
    ),
    (
        "sources-bad_2",
        r#"{"context":"vessels.x","updates":[{"source":"test","values":[{"path":"a","value":1}]}]}"#,
        "update 0: `source` is not an object, update dropped",
        false,
    ),
    (
        "sources-bad_3",
        r#"{"context":"vessels.x","updates":[{"$source":"path with space","values":[{"path":"a","value":1}]}]}"#,
        "update 0: `$source` `path with space` has spaces in it, used all the same",
        true,
    ),
    (
        "sources-bad 4",
        r#"{"context":"vessels.x","updates":[{"$source":{"sentence":"HDT","label":"0183-1"},"values":[{"path":"a","value":1}]}]}"#,
        "update 0: `$source` is not a text, update dropped",
        false,
    ),
    (
        "value-path_missing",
        r#"{"updates":[{"values":[{"value":1234}]}]}"#,
        "update 0: an entry of `values` is null or has no path, update dropped",
        false,
    ),
    (
        "value-value missing",
        r#"{"updates":[{"values":[{"path":"a.b.c"}]}]}"#,
        "update 0: `a.b.c` has no value, entry dropped; update 0: has neither values nor meta, dropped",
        false,
    ),
    (
        "value-value_and_path_missing",
        r#"{"updates":[{"values":[{}]}]}"#,
        "update 0: an entry of `values` is null or has no path, update dropped",
        false,
    ),
    (
        "(ours) one bad entry costs its whole update, the others stay",
        r#"{"context":"vessels.x","updates":[{"values":[{"path":"a","value":1},null]},7,{"values":[{"path":"b","value":1}],"timestamp":5}]}"#,
        "update 0: an entry of `values` is null or has no path, update dropped; update 1: not an object, dropped; update 2: `timestamp` is not a text, ignored",
        true,
    ),
    (
        "(ours) keys that reach a prototype",
        r#"{"updates":[{"values":[{"path":"a.__proto__.b","value":1}],"meta":3}]}"#,
        "update 0: path: the segment `__proto__` is not allowed, entry dropped; update 0: `meta` is not an array, ignored; update 0: has neither values nor meta, dropped",
        false,
    ),
];

#[test]
fn valid_deltas_are_taken_without_complaint() {
    for (name, message, expected) in VALID {
        let mut parsed = Delta::parse(message.as_bytes()).unwrap();
        let own = Context::from("vessels.urn:own");
        let more = parsed.delta.normalise(&own, &SourceRef::from("p"), &Timestamp::from("T"));
        assert!(parsed.complaints.is_empty() && more.is_empty(), "{name}: {parsed:?} {more:?}");
        assert_eq!(parsed.delta.to_json(), *expected, "{name}");
    }
}

#[test]
fn invalid_deltas_are_refused_or_complained_about() {
    for (name, message, complaint, changes) in INVALID {
        let mut parsed = Delta::parse(message.as_bytes()).unwrap();
        let complaints: Vec<_> = parsed.complaints.iter().map(ToString::to_string).collect();
        assert_eq!(complaints.join("; "), *complaint, "{name}");

        let mut store = Store::new("urn:own");
        let before = store.get(&[]).unwrap().to_json();
        let own = store.self_context().clone();
        parsed.delta.normalise(&own, &SourceRef::from("p"), &Timestamp::from("T"));
        if !parsed.delta.updates.is_empty() {
            store.apply(Duration::ZERO, &parsed.delta);
        }
        assert_eq!(store.get(&[]).unwrap().to_json() != before, *changes, "{name}");
    }
}

#[test]
fn messages_that_are_no_deltas_are_told_apart() {
    for (message, expected) in [
        (r#"{"context":"bar","get":[{"path":"a.b.c"}]}"#, DeltaError::NoUpdates),
        (
            r#"{"context":"bar","requestId":"1","put":{"path":"a","value":1}}"#,
            DeltaError::NoUpdates,
        ),
        (r#"{"updates":{}}"#, DeltaError::NoUpdates),
        ("[]", DeltaError::NoUpdates),
        ("7", DeltaError::NoUpdates),
        (
            r#"{"context":{},"updates":[]}"#,
            DeltaError::Context { reason: "is not a text".to_owned() },
        ),
    ] {
        assert_eq!(Delta::parse(message.as_bytes()).unwrap_err(), expected, "{message}");
    }
    let error = Delta::parse(b"{\"updates\":[").unwrap_err().to_string();
    assert!(error.starts_with("delta: not JSON: EOF"), "{error}");
}
