//! Our reading of 1263 sentences beside that of the reference converter, `@signalk/nmea0183-signalk` 3.20.1.
//!
//! `oracle/recorded.jsonl` is what the reference says (made by `oracle/record.mjs`); a sentence after a
//! `# DIFFERENCE:` line is one where we say something else on purpose, and it has to stay different.

#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};
use signalk_core::input::nmea0183::Parser;
use signalk_model::Delta;

/// The moment at which the clock of the recording stood still.
const NOW_MS: i64 = 1_767_323_045_000;
const NOW: &str = "2026-01-02T03:04:05.000Z";

#[test]
fn sentences_mean_what_they_mean_to_the_reference() {
    let mut recorded = include_str!("oracle/recorded.jsonl").lines();
    let mut parser = Parser::new("oracle");
    let (mut same, mut different, mut reason) = (0, 0, None);
    let mut wrong = Vec::new();
    for line in include_str!("oracle/sentences.txt").lines() {
        if line.starts_with('#') {
            reason = line.strip_prefix("# DIFFERENCE: ");
            continue;
        }
        let reference: Value = serde_json::from_str(recorded.next().unwrap()).unwrap();
        let mut deltas = Vec::new();
        parser.push(line.as_bytes(), NOW_MS, &mut deltas);
        parser.push(b"\r\n", NOW_MS, &mut deltas);
        let ours = deltas.pop().map_or(Value::Null, |delta| like_the_recording(&delta, &reference));
        match (agree(&ours, &reference), reason.take()) {
            (true, None) => same += 1,
            (false, Some(_)) => different += 1,
            (agrees, reason) => wrong.push(format!(
                "{line}\n  agrees: {agrees}, {}\n  ours      {ours}\n  reference {reference}",
                reason.unwrap_or("no difference expected")
            )),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(recorded.next(), None);
    assert_eq!((same, different), (1195, 68));
    assert_eq!(parser.counters().bad_checksum, 0);
}

/// DIFFERENCE of GSA, which the reference does not read.
#[test]
fn a_receiver_says_how_sure_its_position_is() {
    let mut parser = Parser::new("oracle");
    let mut values = |sentence: &str| {
        let mut deltas = Vec::new();
        parser.push(format!("{sentence}\r\n").as_bytes(), NOW_MS, &mut deltas);
        let values = deltas.iter().flat_map(|delta| &delta.updates[0].values);
        json!(values.map(|v| json!([v.path.as_str(), v.value.to_json()])).collect::<Vec<_>>())
    };
    const PDOP: &str = "navigation.gnss.positionDilution";
    let good = "$GPGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1";
    assert_eq!(values(good), json!([[PDOP, 2.5]]));
    let with_system = "$GNGSA,A,3,65,71,,,,,,,,,,,1.8,1.0,1.5,2";
    assert_eq!(values(with_system), json!([[PDOP, 1.8]]));
    let no_fix = "$GPGSA,A,1,,,,,,,,,,,,,99.9,99.9,99.9";
    assert_eq!(values(no_fix), json!([[PDOP, null]]));
    assert_eq!(values("$GPGSA,A,3,04,05,,09,12,,,24,,,,,,,"), json!([[PDOP, null]]));
    assert_eq!(values("$GPGSA,A,3,04,05"), json!([]));
    assert_eq!(parser.counters().bad_fields, 1);
}

/// The delta in the form of the recording; a sentence without a time of its own has that of its arrival.
fn like_the_recording(delta: &Delta, reference: &Value) -> Value {
    let update = &delta.updates[0];
    let source = update.source.as_ref().unwrap();
    assert_eq!(source.label(), Some("oracle"));
    assert_eq!(source.kind(), Some("NMEA0183"));
    let timestamp = update.timestamp.as_ref().unwrap().as_str();
    let values: Vec<Value> = update
        .values
        .iter()
        .map(|entry| json!([entry.path.as_str(), entry.value.to_json()]))
        .collect();
    let mut out = json!({
        "talker": source.talker(),
        "sentence": source.members()["sentence"],
        "values": values,
    });
    if let Some(context) = &delta.context {
        out["context"] = context.as_str().into();
    }
    if !reference["timestamp"].is_null() || timestamp != NOW {
        out["timestamp"] = timestamp.into();
    }
    out
}

/// Equal, but for the last digits of numbers.
fn agree(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| agree(a, b)))
        }
        _ => a == b,
    }
}
