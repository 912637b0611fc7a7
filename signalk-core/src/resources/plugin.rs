//! A plugin as a provider: the JSON that its handlers are given, byte for byte as plugin ABI 11.1 has it, and what
//! their replies mean. Which export or method that is, is `signalk-bridge`'s.

use serde_json::{Map, Value};
use signalk_bridge::{HandlerReply, ResourceHandler};
use signalk_model::json;

use crate::api::{compact, values};

use super::{
    provider::{Given, Question},
    scan::Listing,
};

/// The handler, and what it is given.
pub(super) fn request(kind: &str, question: &Question) -> (ResourceHandler, String) {
    let mut members = Map::new();
    let text = |text: &str| Value::String(text.to_owned());
    let handler = match question {
        Question::List(query) => {
            members.clone_from(query);
            ResourceHandler::List
        }
        Question::Get { id, property } => {
            members.insert("id".into(), text(id));
            if let Some(property) = property {
                members.insert("property".into(), text(property));
            }
            ResourceHandler::Get
        }
        Question::Set { id, value } => {
            members.insert("id".into(), text(id));
            members.insert("value".into(), value.clone());
            ResourceHandler::Set
        }
        Question::Delete { id } => {
            members.insert("id".into(), text(id));
            ResourceHandler::Delete
        }
    };
    members.insert("resourceType".into(), text(kind));
    (handler, json::value_text(&Value::Object(members)))
}

/// What a reply means, or why it is none: that is said in the plugin's log.
///
/// DIFFERENCE: the reference shows an error object as a resource, takes any reply for "has it" and none of a write for
/// a failure; here a guest's error is one (plugin ABI 11.1).
pub(super) fn understand(question: &Question, reply: HandlerReply) -> Result<Given, String> {
    let text = match reply {
        Ok(text) => text,
        Err(failure) => return Ok(Given::Failed(Some(failure.to_string()))),
    };
    let text = text.trim();
    if let Question::Get { .. } = question {
        return item(text);
    }
    let value = match text {
        "" => Ok(Value::Null),
        text => values(text),
    };
    match (question, value) {
        (Question::List(_), Ok(Value::Null)) => Ok(Given::Listing(Listing::of(Map::new()))),
        (Question::List(_), Ok(Value::Object(members))) => Ok(match only_error(&members) {
            Some(error) => Given::Failed(Some(error)),
            None => Given::Listing(Listing::of(members)),
        }),
        (Question::List(_), Ok(_)) => Err(NO_OBJECT.to_owned()),
        (Question::List(_), Err(why)) => Err(format!("{NO_OBJECT}: {why}")),
        (_, value) => Ok(written(text, value.ok())),
    }
}

/// One resource: handed on as text, however large it is. Nothing, an empty object and an error are none.
fn item(text: &str) -> Result<Given, String> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct OnlyError {
        #[serde(rename = "error")]
        _error: serde::de::IgnoredAny,
    }

    let text = if text.is_empty() { "null" } else { text };
    let text = compact(text.as_bytes()).map_err(|why| format!("{NO_OBJECT}: {why}"))?;
    let is_none = text == "null"
        || text == "{}"
        // Of a list serde would take the only item for the only member.
        || text.starts_with('{') && serde_json::from_str::<OnlyError>(&text).is_ok();
    Ok(if is_none { Given::Missing } else { Given::Item(text.into()) })
}

const NO_OBJECT: &str = "the plugin's reply is not the JSON object that was asked for";

fn written(text: &str, value: Option<Value>) -> Given {
    match value {
        Some(Value::Bool(false)) => Given::Failed(None),
        Some(Value::String(text)) if !text.is_empty() => Given::Failed(Some(text)),
        Some(Value::Object(members)) => match members.get("error") {
            Some(error) => Given::Failed(Some(told(error))),
            None => Given::Done,
        },
        Some(_) => Given::Done,
        None => Given::Failed(Some(text.to_owned())),
    }
}

/// The text of an object that is nothing but an error.
pub(crate) fn only_error(members: &Map<String, Value>) -> Option<String> {
    members.get("error").filter(|_| members.len() == 1).map(told)
}

/// The text of an error.
pub(crate) fn told(error: &Value) -> String {
    error.as_str().map_or_else(|| json::value_text(error), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use signalk_bridge::HandlerFailure;

    fn get() -> Question {
        Question::Get { id: "a".into(), property: None }
    }

    #[test]
    fn only_an_object_of_nothing_but_an_error_is_no_resource() {
        for none in ["", "null", "{}", r#"{"error":"gone"}"#] {
            assert!(matches!(item(none), Ok(Given::Missing)), "{none}");
        }
        for some in [r#"["a"]"#, r#"[{"x":1}]"#, r#"{"error":1,"a":2}"#, "5"] {
            assert!(matches!(item(some), Ok(Given::Item(_))), "{some}");
        }
    }

    #[test]
    fn requests_are_those_of_the_abi_byte_for_byte() {
        let query = json!({ "bbox": [24, 60, 26.5, 61], "limit": 5 });
        let list = Question::List(query.as_object().unwrap().clone());
        assert_eq!(
            request("routes", &list),
            (
                ResourceHandler::List,
                r#"{"bbox":[24,60,26.5,61],"limit":5,"resourceType":"routes"}"#.into()
            )
        );
        assert_eq!(request("x", &get()).1, r#"{"id":"a","resourceType":"x"}"#);
        let property = Question::Get { id: "a".into(), property: Some("b.c".into()) };
        assert_eq!(request("x", &property).1, r#"{"id":"a","property":"b.c","resourceType":"x"}"#);
        let set = Question::Set { id: "a".into(), value: json!({ "z": 1.0, "a": [] }) };
        assert_eq!(
            request("x", &set),
            (
                ResourceHandler::Set,
                r#"{"id":"a","value":{"z":1,"a":[]},"resourceType":"x"}"#.into()
            )
        );
        let delete = Question::Delete { id: "a".into() };
        assert_eq!(
            request("x", &delete),
            (ResourceHandler::Delete, r#"{"id":"a","resourceType":"x"}"#.into())
        );
    }

    #[test]
    fn a_read_that_gives_nothing_or_an_error_is_not_found() {
        for nothing in ["", " ", "null", "{}", r#"{"error":"not found"}"#] {
            assert!(
                matches!(understand(&get(), Ok(nothing.into())), Ok(Given::Missing)),
                "{nothing}"
            );
        }
        for something in [r#"{"error":"low","name":"x"}"#, "5", "\"text\"", "[]"] {
            assert!(
                matches!(understand(&get(), Ok(something.into())), Ok(Given::Item(_))),
                "{something}"
            );
        }
        assert!(understand(&get(), Ok("oops".into())).is_err());
        assert!(matches!(
            understand(&get(), Err(HandlerFailure::NotRunning)),
            Ok(Given::Failed(Some(_)))
        ));
    }

    #[test]
    fn a_write_fails_by_a_text_an_error_or_a_trap() {
        let set = Question::Set { id: "a".into(), value: json!({}) };
        for done in ["", "null", "true", "{}", r#"{"id":"a"}"#, "1", "\"\""] {
            assert!(matches!(understand(&set, Ok(done.into())), Ok(Given::Done)), "{done}");
        }
        for (reply, why) in
            [("disk full", "disk full"), (r#"{"error":"no"}"#, "no"), ("\"no\"", "no")]
        {
            let Ok(Given::Failed(Some(told))) = understand(&set, Ok(reply.into())) else {
                panic!("{reply}")
            };
            assert_eq!(told, why);
        }
        let trap = HandlerFailure::Crashed { text: "unreachable".into() };
        assert!(matches!(understand(&set, Err(trap)), Ok(Given::Failed(Some(_)))));
    }

    #[test]
    fn a_list_is_an_object_by_id() {
        let list = Question::List(Map::new());
        let Ok(Given::Listing(listing)) = understand(&list, Ok(r#"{"a": {"n":1.0}}"#.into()))
        else {
            panic!("a list")
        };
        assert_eq!(listing.body, r#"{"a":{"n":1}}"#);
        assert!(matches!(understand(&list, Ok("".into())), Ok(Given::Listing(_))));
        assert!(understand(&list, Ok("[]".into())).is_err());
        assert!(matches!(understand(&list, Ok(r#"{"error":"x"}"#.into())), Ok(Given::Failed(_))));
    }
}
