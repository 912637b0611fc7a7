//! `cases.json` is what the reference's own validator (api-schema-builder 2.0.11 over Ajv 6.15.0, with the API
//! description of signalk-server 2.23.0) says of each value: recorded once, by running it.

use super::*;

#[test]
fn every_value_is_judged_in_the_words_of_the_reference() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("cases.json")).unwrap();
    assert!(cases.len() > 80);
    for case in cases {
        let kind = ResourceType::from_name(case["type"].as_str().unwrap()).unwrap();
        let (found, after) = if case["what"] == "query" {
            let mut query = case["value"].as_object().unwrap().clone();
            let found = kind.query_violations(&mut query);
            (found, Value::Object(query))
        } else {
            (kind.violations(&case["value"]), case["value"].clone())
        };
        let told: Value = found.iter().map(Violation::to_json).collect();
        let wanted =
            if case["errors"].is_null() { serde_json::json!([]) } else { case["errors"].clone() };
        assert_eq!(told, wanted, "{}", case["value"]);
        let wanted = case.get("after").unwrap_or(&case["value"]);
        assert_eq!(json::value_text(&after), json::value_text(wanted));
    }
}

#[test]
fn an_id_is_a_uuid_of_version_4_or_a_chart_name() {
    assert!(is_uuid_v4("ac3a3b2d-07e8-4f25-92bc-98e7c92f7f1a"));
    for wrong in [
        "ac3a3b2d-07e8-1f25-92bc-98e7c92f7f1a",
        "ac3a3b2d-07e8-4f25-c2bc-98e7c92f7f1a",
        "",
        "notauuid",
    ] {
        assert!(!ResourceType::Routes.takes_id(wrong), "{wrong}");
    }
    assert!(ResourceType::Charts.takes_id("NZ615-a_b") && !ResourceType::Charts.takes_id("NZ615"));
    assert!(!ResourceType::Charts.takes_id("../charts"));
    assert_eq!(ResourceType::from_name("tracks"), None);
}

#[test]
fn violations_are_told_as_one_text() {
    let found = ResourceType::Waypoints.violations(&serde_json::json!({"name": "x"}));
    assert_eq!(
        violations_text(&found),
        r##"[{"keyword":"required","dataPath":"","schemaPath":"#/required","params":{"missingProperty":"feature"},"message":"should have required property 'feature'"}]"##
    );
}

/// A body of 10 MB would have 10 million violations of 500 bytes each.
#[test]
fn a_value_that_is_wrong_everywhere_costs_a_bounded_number_of_violations() {
    let geometry = |coordinates: Value| {
        serde_json::json!({ "feature": { "type": "Feature", "properties": {},
            "geometry": { "type": "Polygon", "coordinates": coordinates } } })
    };
    let wrong = geometry(Value::Array(vec![Value::from(0); 5000]));
    let found = ResourceType::Regions.violations(&wrong);
    assert!((1..200).contains(&found.len()), "{}", found.len());
    // A good one of many points is still good, although it is wrong as a MultiPolygon.
    let ring = Value::Array((0..5000).map(|_| serde_json::json!([1.0, 2.0])).collect());
    assert_eq!(ResourceType::Regions.violations(&geometry(Value::Array(vec![ring]))), []);
    let meta = Value::Array(vec![Value::from(0); 5000]);
    let route = serde_json::json!({ "feature": { "type": "Feature", "properties": { "coordinatesMeta": meta },
        "geometry": { "type": "LineString", "coordinates": [] } } });
    let found = ResourceType::Routes.violations(&route);
    assert!((1..200).contains(&found.len()), "{}", found.len());
}
