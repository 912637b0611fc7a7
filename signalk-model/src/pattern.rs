//! Patterns of contexts and paths: `*` stands for any run of characters, dots included; the rest
//! must be there literally, from the first character to the last (server-api.md 3.3).

use std::fmt;
use std::sync::Arc;

/// A pattern such as `navigation.*` or `*.temperature`.
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    /// Without a star.
    Exact,
    /// Only stars.
    All,
    /// One star at the end: the usual case. The length of what stands before it.
    Prefix(usize),
    /// Anything else: the literal runs between the stars.
    Runs(Arc<[Box<str>]>),
}

impl Pattern {
    /// A pattern from its text; every text is one.
    pub fn new(text: &str) -> Self {
        let kind = if !text.contains('*') {
            Kind::Exact
        } else if text.bytes().all(|byte| byte == b'*') {
            Kind::All
        } else if text.find('*') == Some(text.len() - 1) {
            Kind::Prefix(text.len() - 1)
        } else {
            Kind::Runs(text.split('*').map(Box::from).collect())
        };
        Self { text: Arc::from(text), kind }
    }

    /// Whether all of `text` fits.
    ///
    /// ```
    /// # use signalk_model::Pattern;
    /// let pattern = Pattern::new("propulsion.*.temperature");
    /// assert!(pattern.matches("propulsion.port.coolant.temperature"));
    /// assert!(!pattern.matches("propulsion.port.temperature.high"));
    /// assert!(Pattern::new("*").matches(""));
    /// ```
    pub fn matches(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Exact => *self.text == *text,
            Kind::All => true,
            Kind::Prefix(len) => text.as_bytes().starts_with(&self.text.as_bytes()[..*len]),
            Kind::Runs(runs) => runs_match(runs, text),
        }
    }

    /// Whether there is no star in it.
    pub fn is_exact(&self) -> bool {
        matches!(self.kind, Kind::Exact)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The first run is the start, the last one the end, and each between is looked for as early as
/// possible: when any choice fits, the earliest does.
fn runs_match(runs: &[Box<str>], text: &str) -> bool {
    let [first, between @ .., last] = runs else { return false };
    let Some(rest) = text.strip_prefix(&**first) else { return false };
    let Some(mut rest) = rest.strip_suffix(&**last) else { return false };
    for run in between {
        let Some(at) = rest.find(&**run) else { return false };
        rest = &rest[at + run.len()..];
    }
    true
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl std::hash::Hash for Pattern {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text, fits) in [
            ("navigation.*", "navigation.position", true),
            ("navigation.*", "navigation.a.b", true),
            ("navigation.*", "navigation", false),
            ("navigation", "navigation.position", false),
            ("nav*", "navigation.position", true),
            ("*.a*b", "x.ab", true),
            ("a*a", "a", false),
            ("*a*a*", "xaya", true),
            ("*", "", true),
            ("", "", true),
            ("", "name", false),
            ("a*b*c", "abbcbc", true),
            ("ö*", "ö", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), fits, "{pattern} {text}");
        }
    }
}
