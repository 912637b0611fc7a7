//! Bodies between clients and plugins' endpoints (plugin ABI 8.5): up to 16 MiB each way, and no copy that is not
//! needed.
//!
//! JSON is copied from text to text, never built as values: 16 MiB of `[0,0,0` would be half a gigabyte of them.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use signalk_model::json;

use crate::{
    http::{HttpRequest, HttpResponse},
    query,
};

/// What of a request's body the plugin sees.
pub(super) enum Body<'a> {
    /// JSON text, compact.
    Json(String),
    /// An extension: other types than JSON and forms.
    Bytes(&'a [u8]),
}

impl<'a> Body<'a> {
    /// Objects and arrays only, as the reference; what is no JSON is the client's fault.
    pub(super) fn read(request: &'a HttpRequest) -> Result<Body<'a>, HttpResponse> {
        let kind = request.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if request.body.is_empty() {
            return Ok(Body::Json("{}".to_owned()));
        }
        match kind.as_str() {
            "application/json" => match compact(&request.body) {
                Ok(text) if text.starts_with(['{', '[']) => Ok(Body::Json(text)),
                Ok(_) => Err(HttpResponse::error(
                    400,
                    "SyntaxError: the body must be a JSON object or array",
                )),
                Err(error) => Err(HttpResponse::error(400, &format!("SyntaxError: {error}"))),
            },
            "application/x-www-form-urlencoded" => {
                let text = String::from_utf8_lossy(&request.body);
                Ok(Body::Json(json::value_text(&Value::Object(query::parse(&text)))))
            }
            _ => Ok(Body::Bytes(&request.body)),
        }
    }
}

/// Values in a reply that has to be looked into: numbers, texts, arrays, objects. As values they need 130 MB at the
/// worst; as text they are 24 MiB or less. A list of a thousand routes of 400 points has 800,000.
const MOST_VALUES: usize = 1_000_000;

/// The same in one message of a client, which is read in the core's own step too: at the worst 33 MB of values, where a
/// body of 10 MB would be 400. A track of 80,000 points has so many.
const MOST_OF_A_CLIENT: usize = 250_000;

/// Whether a client's text is of so many values that it is not made into any.
pub(crate) fn is_too_much(text: &[u8]) -> bool {
    // So few bytes cannot be so many values.
    text.len() > MOST_OF_A_CLIENT && count(text) > MOST_OF_A_CLIENT
}

/// A client's body as values, whose form the parser knows.
///
/// DIFFERENCE: the reference counts bytes only. 10 MB of `[]` are more than a small computer's memory.
///
/// # Errors
/// The answer to the client: it is no JSON, or of too many values.
pub(super) fn read<'a, E: fmt::Display>(
    body: &'a [u8],
    parse: impl FnOnce(&'a [u8]) -> Result<Value, E>,
) -> Result<Value, HttpResponse> {
    read_at_most(MOST_OF_A_CLIENT, body, parse)
}

/// A resource, which cannot be sent in parts: a track of a day has 86,400 points. As many values as a plugin's reply
/// may have.
///
/// # Errors
/// As [`read`].
pub(super) fn read_resource<'a, E: fmt::Display>(
    body: &'a [u8],
    parse: impl FnOnce(&'a [u8]) -> Result<Value, E>,
) -> Result<Value, HttpResponse> {
    read_at_most(MOST_VALUES, body, parse)
}

fn read_at_most<'a, E: fmt::Display>(
    most: usize,
    body: &'a [u8],
    parse: impl FnOnce(&'a [u8]) -> Result<Value, E>,
) -> Result<Value, HttpResponse> {
    if body.len() > most && count(body) > most {
        let text = format!("the body has more than {most} JSON values; send less at a time");
        return Err(HttpResponse::error(413, &text));
    }
    parse(body).map_err(|error| HttpResponse::error(400, &format!("SyntaxError: {error}")))
}

/// Whether texts have few enough values together to be looked into.
pub(crate) fn are_few<'a>(texts: impl Iterator<Item = &'a [u8]>) -> bool {
    texts.map(count).sum::<usize>() <= MOST_VALUES
}

/// A plugin's reply as values, in the core's own step: not of any number of them.
///
/// # Errors
/// It is no JSON, or of more than [`MOST_VALUES`] values.
pub(crate) fn values(text: &str) -> Result<Value, String> {
    if count(text.as_bytes()) > MOST_VALUES {
        return Err(format!(
            "the reply has more than {MOST_VALUES} JSON values: answer less at a time"
        ));
    }
    json::parse(text.as_bytes()).map_err(|error| error.to_string())
}

/// At least as many as there are values: what opens or follows one, outside of texts.
fn count(text: &[u8]) -> usize {
    let (mut count, mut inside, mut escaped) = (1, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b',' | b'[' | b'{' if !inside => count += 1,
            _ => {}
        }
    }
    count
}

/// JSON text as JavaScript would print it: without spaces, numbers in their shortest form.
pub(crate) fn compact(text: &[u8]) -> Result<String, serde_json::Error> {
    let mut out = Vec::with_capacity(text.len());
    let mut reader = serde_json::Deserializer::from_slice(text);
    Copy(&mut out).deserialize(&mut reader)?;
    reader.end()?;
    Ok(String::from_utf8(out).unwrap_or_default())
}

/// A JSON string, borrowed where it has no escapes.
pub(super) fn string(json: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    serde_json::from_str(json).ok().map(|Text(text)| text)
}

struct Copy<'a>(&'a mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Copy<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Copy<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn visit_bool<E>(self, it: bool) -> Result<(), E> {
        self.0.extend_from_slice(if it { b"true" } else { b"false" });
        Ok(())
    }

    fn visit_i64<E>(self, it: i64) -> Result<(), E> {
        json::write_value(self.0, &it.into());
        Ok(())
    }

    fn visit_u64<E>(self, it: u64) -> Result<(), E> {
        json::write_value(self.0, &it.into());
        Ok(())
    }

    fn visit_f64<E>(self, it: f64) -> Result<(), E> {
        json::write_f64(self.0, it);
        Ok(())
    }

    fn visit_str<E>(self, it: &str) -> Result<(), E> {
        json::write_str(self.0, it);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let start = self.0.len() + 1;
        self.0.push(b'[');
        loop {
            let before = self.0.len();
            if before > start {
                self.0.push(b',');
            }
            if items.next_element_seed(Copy(self.0))?.is_none() {
                self.0.truncate(before);
                self.0.push(b']');
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let start = self.0.len() + 1;
        self.0.push(b'{');
        while let Some(Key(key)) = members.next_key::<Key<'_>>()? {
            if self.0.len() > start {
                self.0.push(b',');
            }
            json::write_key(self.0, &key);
            members.next_value_seed(Copy(self.0))?;
        }
        self.0.push(b'}');
        Ok(())
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_copied_as_javascript_prints_it() {
        for (from, to) in [
            (
                r#" { "b" : 1.0 , "a" : [ 1e3, -0.5, null, true ] } "#,
                r#"{"b":1,"a":[1000,-0.5,null,true]}"#,
            ),
            ("[]", "[]"),
            ("{}", "{}"),
            ("[[],{},[{}]]", "[[],{},[{}]]"),
            (r#"{"k\u0041":"\u00e9\n"}"#, "{\"kA\":\"é\\n\"}"),
            ("12345678901234567890", "12345678901234567000"),
        ] {
            assert_eq!(compact(from.as_bytes()).unwrap(), to, "{from}");
        }
        for bad in ["", "[1", "[1,]", "{\"a\"}", "1 2", "\u{feff}{}"] {
            assert!(compact(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_reply_of_too_many_values_is_not_built() {
        let zeros = |n: usize| format!("[{}0]", "0,".repeat(n - 1));
        assert!(values(&zeros(MOST_VALUES)).unwrap_err().contains("1000000"));
        assert!(values(&zeros(1000)).is_ok());
        assert_eq!(values(r#"{"a":["x,[{\",",1]}"#).unwrap()["a"][1], 1);
        for (text, at_least) in
            [("0", 1), ("[1,2]", 3), (r#"{"a":{"b":[]}}"#, 3), (r#"",,\"[""#, 1)]
        {
            assert!(count(text.as_bytes()) >= at_least && count(text.as_bytes()) <= at_least + 1);
        }
    }

    #[test]
    fn a_clients_body_of_too_many_values_is_not_built() {
        let zeros = |n: usize| format!("[{}0]", "0,".repeat(n - 1));
        let much = zeros(MOST_OF_A_CLIENT);
        let refused = read(much.as_bytes(), json::parse).unwrap_err();
        let text = String::from_utf8_lossy(&refused.body).into_owned();
        assert!(refused.status == 413 && text.contains("250000 JSON values"), "{text}");
        let long = serde_json::json!({ "description": "x,".repeat(MOST_OF_A_CLIENT) }).to_string();
        assert!(read(long.as_bytes(), json::parse).is_ok(), "a long text is one value");
        assert_eq!(read(b"{", json::parse).unwrap_err().status, 400);
    }

    #[test]
    fn a_string_without_escapes_is_not_copied() {
        assert!(matches!(string("\"AAEC\""), Some(Cow::Borrowed("AAEC"))));
        assert!(matches!(string("\"a\\n\""), Some(Cow::Owned(_))));
        assert!(string("7").is_none());
    }
}
