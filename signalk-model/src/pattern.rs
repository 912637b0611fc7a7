//! Patterns of contexts and paths: `*` stands for any run of characters, dots included; the rest
//! must be there literally, from the first character to the last (server-api.md 3.3).

use std::fmt;
use std::sync::Arc;

use crate::error::beginning;
use crate::names::MAX_NAME_BYTES;

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
    /// Anything else: what stands before the first star, the runs between, what stands after the last.
    Runs(Arc<[Box<str>]>),
    /// Longer than any name: fits none.
    Nothing,
}

/// Longest pattern in bytes: as long as the longest name. Patterns come from outside and are tried on every path.
pub(crate) const MAX_PATTERN_BYTES: usize = MAX_NAME_BYTES;

impl Pattern {
    /// A pattern from its text; every text is one. What is longer than a name can be (1024 bytes) fits nothing, and
    /// only its beginning is kept.
    pub fn new(text: &str) -> Self {
        if text.len() > MAX_PATTERN_BYTES {
            return Self {
                text: Arc::from(beginning(text, MAX_PATTERN_BYTES)),
                kind: Kind::Nothing,
            };
        }
        let kind = if !text.contains('*') {
            Kind::Exact
        } else if text.bytes().all(|byte| byte == b'*') {
            Kind::All
        } else if text.find('*') == Some(text.len() - 1) {
            Kind::Prefix(text.len() - 1)
        } else {
            let last = text.split('*').count() - 1;
            let runs = text.split('*').enumerate();
            // Between stars that stand together is nothing to look for.
            let runs = runs.filter(|(at, run)| *at == 0 || *at == last || !run.is_empty());
            Kind::Runs(runs.map(|(_, run)| Box::from(run)).collect())
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
            Kind::Nothing => false,
        }
    }

    /// Whether there is no star in it.
    pub fn is_exact(&self) -> bool {
        matches!(self.kind, Kind::Exact | Kind::Nothing)
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
            ("a**b", "axb", true),
            ("***a***b***", "xaxbx", true),
            ("**a", "b", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), fits, "{pattern} {text}");
        }
    }

    /// Ten million stars would be ten million empty runs to look for in every path.
    #[test]
    fn a_hostile_pattern_costs_no_more_than_its_letters() {
        let pattern = Pattern::new(&format!("{}a*", "*".repeat(1000)));
        assert!(matches!(&pattern.kind, Kind::Runs(runs) if runs.len() == 3));
        assert!(pattern.matches("xa"));
        let pattern = Pattern::new(&format!("{}a*", "*".repeat(10_000)));
        assert_eq!(pattern.as_str().len(), MAX_PATTERN_BYTES);
        assert!(!pattern.matches("a") && !Pattern::new(&"ö".repeat(513)).matches("ö"));
    }
}
