//! Whether an answer is the recorded one: status, the headers that matter, and the body without what
//! changes with every run.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use signalk_core::HttpResponse;
use workspace_tests::golden::{difference, masked};

pub(crate) enum Outcome {
    Same,
    Different(String),
}

pub(crate) fn judge(expected: &Value, response: &HttpResponse) -> Outcome {
    if expected["status"] != response.status {
        return Outcome::Different(format!(
            "status {} expected, got {}",
            expected["status"], response.status
        ));
    }
    for name in ["content-type", "location", "access-control-allow-methods"] {
        let want = expected["headers"][name].as_str();
        if want != response.header(name) {
            return Outcome::Different(format!(
                "{name}: {want:?} expected, got {:?}",
                response.header(name)
            ));
        }
    }
    if expected["headers"].get("etag").is_some()
        && response.header("etag").is_none_or(|tag| !tag.starts_with("W/\""))
    {
        return Outcome::Different("no weak etag".into());
    }
    let text = String::from_utf8_lossy(&response.body).into_owned();
    let want = &expected["body"];
    if want.get("__html__").is_some() {
        let (head, got) =
            (want["head"].as_str().unwrap(), text.split_whitespace().collect::<Vec<_>>().join(" "));
        let same = !head.contains("Cannot ") || got.starts_with(head.trim());
        return if same {
            Outcome::Same
        } else {
            Outcome::Different(format!("page starts {head:?}, got {got:?}"))
        };
    }
    if response.header("content-type").is_none_or(|kind| !kind.contains("json")) {
        let same = want.as_str() == Some(&text);
        return if same {
            Outcome::Same
        } else {
            Outcome::Different(format!("body {want} expected, got {text:?}"))
        };
    }
    let Ok(got) = serde_json::from_str::<Value>(&text) else {
        return Outcome::Different(format!("not JSON: {text}"));
    };
    match difference(want, &got) {
        None => Outcome::Same,
        Some(why) => Outcome::Different(why),
    }
}

/// Keys in alphabetical order, volatile texts masked, the reference's own close message left out.
pub(crate) fn canonical(message: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let members: BTreeMap<&String, Value> =
                    members.iter().map(|(name, value)| (name, sorted(value))).collect();
                json!(members)
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            Value::Number(number) => json!(number.as_f64()),
            value => value.clone(),
        }
    }
    sorted(&masked(message)).to_string()
}
