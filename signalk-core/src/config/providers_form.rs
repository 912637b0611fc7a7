//! `pipedProviders` of `settings.json` as the data connections page shows and edits them: one flat form per connection.

use serde_json::{Map, Value, json};

/// Why a form is not taken over; nothing was changed.
///
/// DIFFERENCE: the reference answers 401 to each of them, which logs an admin page out. Here they are 400 and 404.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotTaken {
    /// Nothing can be changed or removed that is not there.
    #[error("Connection with name {0} not found")]
    Unknown(String),
    /// Two connections of one name would be one source.
    #[error("Connection with ID '{0}' already exists")]
    Exists(String),
    /// It names the sources of everything that comes in.
    #[error("Please enter a provider ID")]
    NoId,
    /// A pipe of several elements is edited by hand.
    #[error("Can not update an Unknown type")]
    NotEditable,
    /// The form is not what the page sends.
    #[error("the connection needs `type` and `options`")]
    NoOptions,
}

impl NotTaken {
    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        if matches!(self, NotTaken::Unknown(_)) { 404 } else { 400 }
    }
}

/// One connection as the page shows it.
pub(crate) fn listed(provider: &Value) -> Value {
    let member = |name: &str| provider.get(name).cloned().unwrap_or(Value::Null);
    let elements = provider.get("pipeElements").and_then(Value::as_array);
    let first = elements.and_then(|elements| elements.first());
    let kind = first.and_then(|first| first.get("type")).and_then(Value::as_str).unwrap_or("");
    let options = first.and_then(|first| first.get("options")).and_then(Value::as_object);
    let simple = kind == SIMPLE && elements.is_some_and(|elements| elements.len() == 1);
    let Some(options) = options.filter(|_| simple) else {
        let text = serde_json::to_string_pretty(provider).unwrap_or_default();
        return json!({
            "id": member("id"), "enabled": member("enabled"), "json": text, "type": kind,
            "editable": false,
        });
    };
    let rest = options.iter().filter(|(name, _)| *name != "subOptions");
    let mut form: Map<String, Value> =
        rest.map(|(name, value)| (name.clone(), value.clone())).collect();
    form.insert("id".into(), member("id"));
    form.insert("enabled".into(), member("enabled"));
    form.insert("options".into(), options.get("subOptions").cloned().unwrap_or(Value::Null));
    form.insert("editable".into(), true.into());
    Value::Object(form)
}

/// The stored form of what the page sent: a new one, or `stored` with the changes.
pub(crate) fn with_form(stored: Option<&Value>, form: &Value) -> Result<Value, NotTaken> {
    let id = form.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let id = id.ok_or(NotTaken::NoId)?;
    let kind = form.get("type").and_then(Value::as_str).ok_or(NotTaken::NoOptions)?;
    let given = form.get("options").and_then(Value::as_object).ok_or(NotTaken::NoOptions)?;
    if kind == "Unknown"
        || stored.is_some_and(|stored| listed(stored).get("editable") == Some(&false.into()))
    {
        return Err(NotTaken::NotEditable);
    }
    let mut options = stored
        .and_then(|stored| stored.pointer("/pipeElements/0/options"))
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    // Options of another way would mean nothing; those that the page does not know are kept.
    let kept = options.get("subOptions").and_then(Value::as_object);
    let kept = kept.filter(|kept| kept.get("type") == given.get("type")).cloned();
    let mut sub = kept.unwrap_or_default();
    sub.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    options.insert("type".into(), kind.into());
    match form.get("logging") {
        Some(logging) => options.insert("logging".into(), logging.clone()),
        None => options.shift_remove("logging"),
    };
    options.insert("subOptions".into(), Value::Object(sub));
    let mut provider = stored.and_then(Value::as_object).cloned().unwrap_or_default();
    provider.insert("id".into(), id.into());
    provider.insert("enabled".into(), form.get("enabled").cloned().unwrap_or(true.into()));
    provider.insert("pipeElements".into(), json!([{ "type": SIMPLE, "options": options }]));
    Ok(Value::Object(provider))
}

const SIMPLE: &str = "providers/simple";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_a_pipe_and_comes_back_as_it_was() {
        let form = json!({ "id": "gps", "enabled": true, "type": "NMEA0183", "options": { "type": "udp", "port": 7777 } });
        let stored = with_form(None, &form).unwrap();
        assert_eq!(stored.pointer("/pipeElements/0/options/subOptions/port"), Some(&json!(7777)));
        let mut shown = form;
        shown["editable"] = true.into();
        assert_eq!(listed(&stored), shown);
    }

    #[test]
    fn members_that_the_page_does_not_know_are_kept_while_the_way_is_the_same() {
        let stored = json!({ "id": "gps", "mine": 1, "pipeElements": [{ "type": "providers/simple",
            "options": { "type": "NMEA0183", "logging": true, "subOptions": { "type": "udp", "port": 1, "suppress0183event": true } } }] });
        let form = |way: &str| json!({ "id": "gps2", "enabled": false, "type": "NMEA0183", "options": { "type": way, "port": 2 } });
        let changed = with_form(Some(&stored), &form("udp")).unwrap();
        let sub = changed.pointer("/pipeElements/0/options/subOptions").unwrap();
        assert_eq!(*sub, json!({ "type": "udp", "port": 2, "suppress0183event": true }));
        assert_eq!((&changed["id"], &changed["mine"]), (&json!("gps2"), &json!(1)));
        assert_eq!(changed.pointer("/pipeElements/0/options/logging"), None);
        let other = with_form(Some(&stored), &form("tcp")).unwrap();
        let sub = other.pointer("/pipeElements/0/options/subOptions").unwrap();
        assert_eq!(*sub, json!({ "type": "tcp", "port": 2 }));
    }

    #[test]
    fn a_pipe_of_several_elements_is_shown_and_not_edited() {
        let pipe = json!({ "id": "x", "enabled": true, "pipeElements": [{ "type": "providers/execute" }, { "type": "providers/liner" }] });
        let shown = listed(&pipe);
        assert_eq!(
            (&shown["editable"], &shown["type"]),
            (&json!(false), &json!("providers/execute"))
        );
        let form = json!({ "id": "x", "type": "NMEA0183", "options": {} });
        assert_eq!(with_form(Some(&pipe), &form), Err(NotTaken::NotEditable));
        assert_eq!(with_form(None, &json!({ "id": "" })), Err(NotTaken::NoId));
    }
}
