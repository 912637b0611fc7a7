//! A row is what the same delta in JSON is.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// One value after another for the same head, as JSON texts.
fn read(texts: &[String]) -> Vec<Delta> {
    let mut rows = Rows::default();
    let mut seen = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let heads = if at == 0 { r#"[0,"vessels.x","gps","a.b",false]"# } else { "" };
        let message = format!(r#"[[{heads}],[[7,"2026-01-02T03:04:05Z",0,{text}]]]"#);
        let read = rows.read(&message, |subscription, delta| {
            assert_eq!(subscription, 7);
            seen.push(delta.clone());
        });
        assert_eq!(read, Some(()), "{message}");
    }
    seen
}

fn by_json(text: &str) -> Delta {
    serde_json::from_str(&format!(
        r#"{{"context":"vessels.x","updates":[{{"$source":"gps","timestamp":"2026-01-02T03:04:05Z","values":[{{"path":"a.b","value":{text}}}]}}]}}"#
    ))
    .unwrap()
}

fn value() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<f64>()
            .prop_filter("JSON has no others", |n| n.is_finite())
            .prop_map(|n| json!(n).to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?",
    ];
    let leaf = prop_oneof![
        4 => number,
        1 => Just("null".to_owned()),
        1 => any::<bool>().prop_map(|b| b.to_string()),
        1 => any::<String>().prop_map(|text| json!(text).to_string()),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let key = prop_oneof![Just("latitude"), Just("longitude"), Just("a\"b"), Just("\u{e4}")];
        let member =
            (key, inner.clone()).prop_map(|(key, value)| format!("{}:{value}", json!(key)));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec(member, 0..4).prop_map(|all| format!("{{{}}}", all.join(","))),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_came_before(texts in prop::collection::vec(value(), 1..6)) {
        let expected: Vec<_> = texts.iter().map(|text| by_json(text)).collect();
        let seen = read(&texts);
        prop_assert_eq!(&seen, &expected);
        // Equal numbers may still be written in two ways.
        prop_assert_eq!(json!(seen).to_string(), json!(expected).to_string());
    }

    #[test]
    fn nothing_panics(text in "[\\[\\],0-9\"na{}:. -]{0,40}") {
        let mut rows = Rows::default();
        rows.read(r#"[[[0,"c",null,"p",false],[1,"c",null,"m",true]],[]]"#, |_, _| {});
        rows.read(&text, |_, _| {});
        rows.read(&format!("[[],[[1,{text}]]]"), |_, _| {});
    }
}

#[test]
fn times_subscriptions_and_heads_go_on_from_message_to_message() {
    let mut rows = Rows::default();
    let mut seen = Vec::new();
    let mut read = |message: &str| {
        rows.read(message, |subscription, delta| {
            let time = delta.updates[0].timestamp.clone().unwrap_or_default();
            let entry =
                delta.updates[0].values.iter().chain(&delta.updates[0].meta).next().unwrap();
            seen.push(format!("{subscription} {time} {} {}", entry.path, entry.value));
        })
    };
    let heads = r#"[[0,"c","s","speed",false],[1,"c",null,"depth",true]]"#;
    assert_eq!(
        read(&format!(r#"[{heads},[[1,0,3.5,"t1",0,4,1,{{"units":"m"}}],[2,0,5]]]"#)),
        Some(())
    );
    assert_eq!(
        read(r#"[[[0,"c","s","other",false]],[[1,"t\u0032",1,{"units":"ft"},null,0,-1.5]]]"#),
        Some(())
    );
    assert_eq!(read("[[],[]]"), Some(()));
    assert_eq!(read("[[],[[1,2,3]]]"), None, "a number that was never told");
    assert_eq!(read("[[[70000,\"c\",null,\"p\",false]],[]]"), None, "a number beyond reason");
    assert_eq!(
        seen,
        [
            "1  speed 3.5",
            "1 t1 speed 4",
            r#"1 t1 depth {"units":"m"}"#,
            "2  speed 5",
            r#"1 t2 depth {"units":"ft"}"#,
            "1  other -1.5",
        ]
    );
}
