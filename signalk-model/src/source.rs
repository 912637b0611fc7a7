//! The `source` object of an update: who sent the value over which wire. All members are kept in
//! their order; the ones the model reads are taken out once. Its JSON text is kept too, since the
//! same source is written with every delta.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::json;
use crate::names::SourceRef;

/// The `source` object: `{"label":"gps0","type":"NMEA0183","talker":"GP","sentence":"RMC"}`.
#[derive(Debug, Clone)]
pub struct Source {
    members: Map<String, Json>,
    text: Arc<str>,
    message: Option<Message>,
    own_ref: Option<SourceRef>,
}

/// What carried the value: shown beside it as `pgn` or `sentence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// NMEA 2000 parameter group number.
    Pgn(u32),
    /// NMEA 0183 sentence formatter, `RMC`.
    Sentence(Arc<str>),
}

impl Source {
    /// A source from the members of its object.
    pub fn new(members: Map<String, Json>) -> Self {
        let mut text = Vec::with_capacity(96);
        json::write_map(&mut text, &members);
        // Text written by our own writer from text is valid.
        let text = String::from_utf8(text).unwrap_or_default();
        let pgn = members.get("pgn").and_then(Json::as_f64).and_then(pgn_number);
        let sentence = members.get("sentence").and_then(Json::as_str).filter(|s| !s.is_empty());
        // A source with both shows the sentence: the reference assigns it last.
        let message = match (sentence, pgn) {
            (Some(sentence), _) => Some(Message::Sentence(Arc::from(sentence))),
            (None, Some(pgn)) => Some(Message::Pgn(pgn)),
            (None, None) => None,
        };
        let mut source = Self { members, text: Arc::from(text), message, own_ref: None };
        source.own_ref = source
            .label()
            .filter(|label| label_allowed(label))
            .map(|label| source.source_ref_with(label));
        source
    }

    /// The source of a value from an NMEA 0183 sentence.
    pub fn nmea0183(label: &str, talker: &str, sentence: &str) -> Self {
        Self::of(&[
            ("label", label),
            ("type", "NMEA0183"),
            ("talker", talker),
            ("sentence", sentence),
        ])
    }

    /// The source of a value from an NMEA 2000 message.
    pub fn nmea2000(label: &str, pgn: u32, src: &str) -> Self {
        let mut members = Map::new();
        members.insert("label".to_owned(), label.into());
        members.insert("type".to_owned(), "NMEA2000".into());
        members.insert("pgn".to_owned(), pgn.into());
        members.insert("src".to_owned(), src.into());
        Self::new(members)
    }

    /// A source with text members only.
    pub fn of(members: &[(&str, &str)]) -> Self {
        Self::new(members.iter().map(|(key, text)| ((*key).to_owned(), (*text).into())).collect())
    }

    /// Reads the object.
    ///
    /// # Errors
    /// What the JSON parser said.
    pub fn parse(text: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        Ok(match json::parse(text)? {
            Json::Object(members) => Some(Self::new(members)),
            _ => None,
        })
    }

    /// `label`: the connection.
    pub fn label(&self) -> Option<&str> {
        self.text_member("label")
    }

    /// `type`: `NMEA0183`, `NMEA2000`, `plugin`, ...
    pub fn kind(&self) -> Option<&str> {
        self.text_member("type")
    }

    /// `talker` of an NMEA 0183 sentence.
    pub fn talker(&self) -> Option<&str> {
        self.text_member("talker")
    }

    /// `sentence`, or `pgn`.
    pub fn message(&self) -> Option<&Message> {
        self.message.as_ref()
    }

    /// `canName`: identifies an NMEA 2000 device whatever its address.
    pub fn can_name(&self) -> Option<&str> {
        self.text_member("canName")
    }

    /// `src`: an NMEA 2000 address, given as text or number.
    pub fn src(&self) -> Option<String> {
        match self.members.get("src")? {
            Json::String(text) if !text.is_empty() => Some(text.clone()),
            Json::Number(number) => number.as_f64().map(json::number_text),
            _ => None,
        }
    }

    /// Every member in the order given.
    pub fn members(&self) -> &Map<String, Json> {
        &self.members
    }

    /// The object as compact JSON.
    pub fn json(&self) -> &str {
        &self.text
    }

    /// The `$source` this object stands for when its own label may be used (server-api.md 7,
    /// rule 4).
    pub fn source_ref(&self) -> Option<&SourceRef> {
        self.own_ref.as_ref()
    }

    /// The `$source` under another label.
    pub fn source_ref_with(&self, label: &str) -> SourceRef {
        if let Some(name) = self.can_name() {
            SourceRef::from(format!("{label}.{name}"))
        } else if let Some(src) = self.src() {
            SourceRef::from(format!("{label}.{src}"))
        } else if self.kind() == Some("plugin") {
            SourceRef::from(label)
        } else {
            SourceRef::from(format!("{label}.{}", self.talker().unwrap_or("XX")))
        }
    }

    /// The same source under another label.
    #[must_use]
    pub fn with_label(&self, label: &str) -> Self {
        let mut members = self.members.clone();
        match members.get_mut("label") {
            Some(old) => *old = label.into(),
            None => {
                members.shift_insert(0, "label".to_owned(), label.into());
            }
        }
        Self::new(members)
    }

    fn text_member(&self, key: &str) -> Option<&str> {
        self.members.get(key)?.as_str().filter(|text| !text.is_empty())
    }
}

/// Whether a client's own label may be used: `[A-Za-z0-9-_.]+`, and no word that is refused as
/// a key.
fn label_allowed(label: &str) -> bool {
    !label.is_empty()
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && SourceRef::check(label).is_ok()
}

fn pgn_number(pgn: f64) -> Option<u32> {
    let whole = pgn > 0.0 && pgn <= f64::from(u32::MAX) && pgn.fract() == 0.0;
    // In range and whole.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    whole.then_some(pgn as u32)
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Source {}

impl Hash for Source {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source_ref(text: &str) -> Option<String> {
        Source::parse(text.as_bytes()).unwrap().unwrap().source_ref().map(ToString::to_string)
    }

    #[test]
    fn the_source_ref_follows_the_rules_of_the_reference() {
        for (source, expected) in [
            (r#"{"label":"gps0","type":"NMEA0183","talker":"GP"}"#, "gps0.GP"),
            (r#"{"label":"can0","src":"36","canName":"c0ffee"}"#, "can0.c0ffee"),
            (r#"{"label":"can0","src":36}"#, "can0.36"),
            (r#"{"label":"p","type":"plugin","talker":"x"}"#, "p"),
            (r#"{"label":"x"}"#, "x.XX"),
        ] {
            assert_eq!(source_ref(source).as_deref(), Some(expected));
        }
        assert_eq!(source_ref(r#"{"label":"a b"}"#), None);
        assert_eq!(source_ref(r#"{"type":"NMEA0183"}"#), None);
    }

    #[test]
    fn unknown_members_and_their_order_are_kept() {
        let text = r#"{"type":"x","bus":{"n":1},"label":"a"}"#;
        let source = Source::parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(source.json(), text);
        assert_eq!(source.with_label("b").json(), r#"{"type":"x","bus":{"n":1},"label":"b"}"#);
    }
}
