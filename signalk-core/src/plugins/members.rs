//! Members of an options file that an owner may have meant otherwise: of a wrong type, or with a name that is nearly
//! one of ours. What is inside `limits`, `egress`, `listen` and `trust` is named by those who read it (`limits.rs`,
//! `signalk_bridge::Egress`).
//!
//! Members that are like none of ours are somebody else's, and kept without a word.

use serde_json::{Map, Value};

/// What this server reads, and what it takes where that is said nowhere else.
const KNOWN: [(&str, Option<Takes>); 15] = [
    ("enabled", Some(FLAG)),
    ("enableDebug", Some(FLAG)),
    ("enableLogging", Some(FLAG)),
    ("configuration", Some(("an object", Value::is_object))),
    ("limits", None),
    ("egress", None),
    ("listen", None),
    ("trust", None),
    ("inputOrder", Some(("a whole number", Value::is_i64))),
    ("passCredentials", Some(FLAG)),
    ("httpRequestEncoding", None),
    ("sourceName", None),
    ("lenientSource", Some(FLAG)),
    ("keepInstanceOnRestart", Some(FLAG)),
    ("strict", Some(FLAG)),
];

/// In words, and the test.
type Takes = (&'static str, fn(&Value) -> bool);

const FLAG: Takes = ("true or false", Value::is_boolean);

/// What is said about a file's members, each as the end of a sentence about the file.
pub(super) fn complaints(members: &Map<String, Value>) -> Vec<String> {
    let mut said = Vec::new();
    for (name, value) in members {
        let known = KNOWN.iter().find(|(known, _)| known == name);
        match known {
            Some((_, Some((wants, fits)))) if !fits(value) => {
                said.push(format!("`{name}` is {wants}; it is left aside"));
            }
            Some(_) => {}
            None => said.extend(meant(name).map(|meant| {
                format!("`{name}` is not known and has no effect; write `{meant}` if that is meant")
            })),
        }
    }
    said
}

/// The name of ours that this one is nearly.
fn meant(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    let distance = |known: &str| strsim::osa_distance(&lower, &known.to_lowercase());
    let near = KNOWN.iter().map(|(known, _)| (distance(known), *known)).min()?;
    // A third of the letters otherwise is another word.
    (near.0 <= 2 && near.0 * 3 < near.1.len()).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(members: Value) -> Vec<String> {
        complaints(members.as_object().unwrap())
    }

    #[test]
    fn a_misspelt_member_is_named_with_the_one_that_is_meant() {
        for (wrong, right) in [
            ("egres", "egress"),
            ("Egress", "egress"),
            ("lissten", "listen"),
            ("limit", "limits"),
            ("enable", "enabled"),
            ("passCredential", "passCredentials"),
            ("stirct", "strict"),
        ] {
            let [one] = &said(json!({ wrong: {} }))[..] else { panic!("{wrong}") };
            let (wrong, right) = (format!("`{wrong}`"), format!("`{right}`"));
            assert!(one.contains(&wrong) && one.contains(&right), "{one}");
        }
    }

    #[test]
    fn what_is_somebody_elses_or_right_is_not_named() {
        let members = json!({
            "enabled": true, "enableDebug": false, "enableLogging": true, "configuration": {},
            "limits": 7, "egress": [], "inputOrder": -1, "strict": false, "mine": [1], "note": "x",
            "schedule": {}, "version": 2,
        });
        assert_eq!(said(members), [""; 0]);
    }

    #[test]
    fn wrong_types_are_named_with_what_is_taken() {
        let members = json!({
            "enabled": "yes", "enableDebug": 1, "configuration": [], "inputOrder": "first",
            "lenientSource": null,
        });
        let said = said(members);
        assert_eq!(said.len(), 5, "{said:?}");
        assert!(said[3].contains("`inputOrder` is a whole number"), "{said:?}");
    }
}
