//! Subscribe and unsubscribe messages as a client sends them (server-api.md 3.3, 3.5), with the
//! warnings of the reference word for word. Delivery is in `subscriptions`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::error::quoted;
use crate::json;
use crate::names::SourceRef;
use crate::pattern::{MAX_PATTERN_BYTES, Pattern};
use crate::selector::ContextSelector;

/// One row of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// Whose values.
    pub context: ContextSelector,
    /// Which paths.
    pub path: Pattern,
    /// How often.
    pub timing: Timing,
    /// From which sources.
    pub sources: SourceFilter,
}

/// How often a row delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Timing {
    /// Policy `instant`: every value.
    #[default]
    Instant,
    /// Policy `instant` with `minPeriod`: the first value at once, then at most one per period and
    /// path.
    MinPeriod(Duration),
    /// Policy `fixed`: the last value of each path and source at the end of the period.
    Fixed(Duration),
}

/// The word on the wire for how often a row delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// `instant`.
    Instant,
    /// `fixed`.
    Fixed,
}

impl Timing {
    /// Its policy.
    pub fn policy(self) -> Policy {
        match self {
            Self::Instant | Self::MinPeriod(_) => Policy::Instant,
            Self::Fixed(_) => Policy::Fixed,
        }
    }

    /// Sorts the quickest first.
    pub(crate) fn rank(self) -> (Duration, bool) {
        match self {
            Self::Instant => (Duration::ZERO, false),
            Self::MinPeriod(period) => (period, false),
            Self::Fixed(period) => (period, true),
        }
    }
}

/// Whether source priorities apply to a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SourcePolicy {
    /// Only the values of the source that leads.
    #[default]
    Preferred,
    /// Those of every source.
    All,
}

impl SourcePolicy {
    /// From the wire: everything but `all` is `preferred`.
    pub fn from_wire(text: Option<&str>) -> Self {
        if text == Some("all") { Self::All } else { Self::Preferred }
    }
}

/// From which sources a row takes values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SourceFilter {
    /// Whether source priorities apply.
    pub policy: SourcePolicy,
    /// `$source`s that are not wanted.
    pub exclude: Arc<[SourceRef]>,
}

impl SourceFilter {
    /// Whether a value from `source_ref` is wanted.
    pub fn wants(&self, source_ref: Option<&SourceRef>) -> bool {
        self.exclude.is_empty() || source_ref.is_none_or(|name| !self.exclude.contains(name))
    }
}

/// A subscribe message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Subscribe {
    /// Its rows.
    pub subscriptions: Vec<Subscription>,
    /// Whether every path, present and to come, is to be sent once.
    pub announce_new_paths: bool,
    /// Whether a row asked for the server's log (`path` is `log`).
    pub log: bool,
    /// What to tell the client, word for word as the reference.
    pub warnings: Vec<String>,
    /// Whose new paths, when they are to be announced.
    pub context: Option<ContextSelector>,
}

impl Subscribe {
    /// Reads the message; `None` when it has no array `subscribe`.
    pub fn from_json(message: &Map<String, Json>) -> Option<Self> {
        let rows = message.get("subscribe")?.as_array()?;
        let mut subscribe = Self::default();
        let context = context_selector(message.get("context"), &mut subscribe.warnings);
        let exclude = message.get("excludeSources").and_then(Json::as_array);
        if exclude.is_some_and(|refs| refs.len() > MAX_EXCLUDED) {
            subscribe
                .warnings
                .push(format!("only the first {MAX_EXCLUDED} of excludeSources are used"));
        }
        let sources = SourceFilter {
            policy: SourcePolicy::from_wire(message.get("sourcePolicy").and_then(Json::as_str)),
            exclude: exclude
                .map(|refs| {
                    let refs = refs.iter().take(MAX_EXCLUDED).filter_map(Json::as_str);
                    refs.map(SourceRef::from).collect()
                })
                .unwrap_or_default(),
        };
        subscribe.announce_new_paths = message.get("announceNewPaths") == Some(&Json::Bool(true));
        for row in rows.iter().filter_map(Json::as_object) {
            let Some(path) = row.get("path").and_then(Json::as_str) else { continue };
            if subscribe.subscriptions.len() == MAX_ROWS {
                subscribe
                    .warnings
                    .push(format!("only the first {MAX_ROWS} rows of a message are read"));
                break;
            }
            if path.len() > MAX_PATTERN_BYTES {
                subscribe.warnings.push(format!(
                    "a path has {} bytes, at most {MAX_PATTERN_BYTES} are allowed: ignoring its row",
                    path.len()
                ));
                continue;
            }
            subscribe.log |= path == "log";
            let timing = timing(row, &mut subscribe.warnings);
            subscribe.subscriptions.push(Subscription {
                context: context.clone(),
                path: Pattern::new(path),
                timing,
                sources: sources.clone(),
            });
        }
        if subscribe.warnings.len() > MAX_WARNINGS {
            let more = subscribe.warnings.len() - MAX_WARNINGS;
            subscribe.warnings.truncate(MAX_WARNINGS);
            subscribe.warnings.push(format!("{more} more warnings about this message"));
        }
        subscribe.context = Some(context);
        Some(subscribe)
    }

    /// Reads the message from text; `None` when it is no subscribe message.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        Self::from_json(json::parse(bytes).ok()?.as_object()?)
    }
}

/// Most rows that are read of one message, and that one receiver may have: a display of every instrument of a large
/// boat has some 200.
pub(crate) const MAX_ROWS: usize = 1000;
/// Most sources that a row may exclude: each is compared with every value.
const MAX_EXCLUDED: usize = 50;
/// Most warnings about one message.
const MAX_WARNINGS: usize = 100;

/// An unsubscribe message.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsubscribe {
    /// The context as it was written when subscribing.
    pub context: ContextSelector,
    /// The paths as they were written when subscribing.
    pub paths: Vec<Pattern>,
}

impl Unsubscribe {
    /// Reads the message; `None` when it has no array `unsubscribe`.
    pub fn from_json(message: &Map<String, Json>) -> Option<Self> {
        let rows = message.get("unsubscribe")?.as_array()?;
        let paths = rows.iter().filter_map(|row| row.get("path")?.as_str()).map(Pattern::new);
        let context = context_selector(message.get("context"), &mut Vec::new());
        Some(Self { context, paths: paths.collect() })
    }

    /// Whether everything goes: context `*` and path `*`.
    pub fn is_all(&self) -> bool {
        self.context == ContextSelector::All && self.paths.iter().any(|path| path.as_str() == "*")
    }
}

fn context_selector(context: Option<&Json>, warnings: &mut Vec<String>) -> ContextSelector {
    match context {
        None => ContextSelector::All,
        Some(Json::String(text)) => ContextSelector::named(text),
        Some(Json::Object(members)) => around(members).unwrap_or_else(|| {
            warnings.push(INCOMPLETE_POSITION.to_owned());
            ContextSelector::Nothing
        }),
        Some(_) => ContextSelector::Nothing,
    }
}

fn around(members: &Map<String, Json>) -> Option<ContextSelector> {
    let position = members.get("position")?;
    Some(ContextSelector::Around {
        radius: members.get("radius")?.as_f64()?,
        latitude: position.get("latitude")?.as_f64()?,
        longitude: position.get("longitude")?.as_f64()?,
    })
}

/// The timing of a row. Where period and policy contradict each other, the reference ignores the
/// timing and not the policy, whatever its warning says.
fn timing(row: &Map<String, Json>, warnings: &mut Vec<String>) -> Timing {
    if row.get("format").is_some_and(|format| truthy(format) && format != "delta") {
        warnings.push(ONLY_DELTA.to_owned());
    }
    let policy = row.get("policy").filter(|policy| truthy(policy)).map(plain_text);
    if let Some(policy) = policy.as_deref().filter(|policy| !matches!(*policy, "instant" | "fixed"))
    {
        warnings.push(format!(
            "Only 'instant' and 'fixed' policies supported, ignoring policy {policy}"
        ));
    }
    if let Some(min_period) = row.get("minPeriod").filter(|period| truthy(period)) {
        let Some(period) = milliseconds(min_period) else {
            warnings
                .push(format!("invalid minPeriod value '{}', ignoring", plain_text(min_period)));
            return Timing::Instant;
        };
        return match policy.as_deref() {
            None | Some("instant") => Timing::MinPeriod(period),
            Some(policy) => {
                warnings
                    .push(format!("minPeriod assumes policy 'instant', ignoring policy {policy}"));
                Timing::Instant
            }
        };
    }
    let period = row.get("period").filter(|period| truthy(period));
    match (period, policy.as_deref()) {
        (_, Some("fixed")) | (Some(_), None) => {
            Timing::Fixed(period.and_then(milliseconds).unwrap_or(DEFAULT_PERIOD))
        }
        (Some(_), Some(policy)) => {
            warnings.push(format!("period assumes policy 'fixed', ignoring policy {policy}"));
            Timing::Instant
        }
        (None, _) => Timing::Instant,
    }
}

const DEFAULT_PERIOD: Duration = Duration::from_millis(1000);
/// Longer than any voyage; keeps sums of times in range.
const LONGEST_PERIOD_MS: f64 = 1e12;
const ONLY_DELTA: &str = "Only delta format supported, using it";
const INCOMPLETE_POSITION: &str = "Please specify a radius and position for relativePosition";

fn milliseconds(value: &Json) -> Option<Duration> {
    let ms = match value {
        Json::Number(number) => number.as_f64()?,
        Json::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (ms > 0.0)
        .then(|| Duration::try_from_secs_f64(ms.min(LONGEST_PERIOD_MS) / 1000.0).ok())
        .flatten()
}

/// Whether JavaScript takes the value for a yes.
fn truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(_) | Json::Object(_) => true,
    }
}

fn plain_text(value: &Json) -> String {
    match value {
        Json::String(text) => quoted(text),
        other => quoted(&json::value_text(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> (Timing, Vec<String>) {
        let subscribe =
            Subscribe::parse(format!(r#"{{"subscribe":[{text}]}}"#).as_bytes()).unwrap();
        (subscribe.subscriptions[0].timing, subscribe.warnings)
    }

    #[test]
    fn warnings_are_those_of_the_reference() {
        let ms = Duration::from_millis;
        for (text, timing, warning) in [
            (
                r#"{"path":"a","format":"full"}"#,
                Timing::Instant,
                "Only delta format supported, using it",
            ),
            (
                r#"{"path":"a","policy":"ideal"}"#,
                Timing::Instant,
                "Only 'instant' and 'fixed' policies supported, ignoring policy ideal",
            ),
            (
                r#"{"path":"a","period":500,"policy":"instant"}"#,
                Timing::Instant,
                "period assumes policy 'fixed', ignoring policy instant",
            ),
            (
                r#"{"path":"a","minPeriod":500,"policy":"fixed"}"#,
                Timing::Instant,
                "minPeriod assumes policy 'instant', ignoring policy fixed",
            ),
            (
                r#"{"path":"a","minPeriod":"x"}"#,
                Timing::Instant,
                "invalid minPeriod value 'x', ignoring",
            ),
            (
                r#"{"path":"a","minPeriod":200,"period":1000,"policy":"instant"}"#,
                Timing::MinPeriod(ms(200)),
                "",
            ),
            (r#"{"path":"a","period":2000}"#, Timing::Fixed(ms(2000)), ""),
            (r#"{"path":"a","policy":"fixed"}"#, Timing::Fixed(ms(1000)), ""),
            (r#"{"path":"a"}"#, Timing::Instant, ""),
        ] {
            let (got, warnings) = row(text);
            assert_eq!(got, timing, "{text}");
            assert_eq!(warnings.join("|"), warning, "{text}");
        }
    }

    #[test]
    fn rows_without_path_and_messages_without_rows_are_ignored() {
        assert_eq!(Subscribe::parse(br#"{"subscribe":{"path":"a"}}"#), None);
        let subscribe =
            Subscribe::parse(br#"{"subscribe":[{"period":1},{"path":"a"},7]}"#).unwrap();
        assert_eq!(subscribe.subscriptions.len(), 1);
        assert_eq!(subscribe.subscriptions[0].context, ContextSelector::All);
    }

    #[test]
    fn a_place_without_position_matches_nothing_and_says_so() {
        let subscribe =
            Subscribe::parse(br#"{"context":{"radius":20000},"subscribe":[{"path":"a"}]}"#)
                .unwrap();
        assert_eq!(subscribe.subscriptions[0].context, ContextSelector::Nothing);
        assert_eq!(
            subscribe.warnings,
            ["Please specify a radius and position for relativePosition"]
        );
    }

    #[test]
    fn a_hostile_message_costs_a_bounded_number_of_rows_and_warnings() {
        let rows: Vec<String> = (0..MAX_ROWS + 500)
            .map(|at| format!(r#"{{"path":"a{at}","policy":"{}"}}"#, "x".repeat(1000)))
            .collect();
        let exclude = vec![r#""gps""#; 1000].join(",");
        let text = format!(r#"{{"excludeSources":[{exclude}],"subscribe":[{}]}}"#, rows.join(","));
        let subscribe = Subscribe::parse(text.as_bytes()).unwrap();
        assert_eq!(subscribe.subscriptions.len(), MAX_ROWS);
        assert_eq!(subscribe.subscriptions[0].sources.exclude.len(), MAX_EXCLUDED);
        assert_eq!(subscribe.warnings.len(), MAX_WARNINGS + 1);
        assert!(subscribe.warnings.iter().all(|warning| warning.len() < 400));

        let text =
            format!(r#"{{"subscribe":[{{"path":"{}"}},{{"path":"a"}}]}}"#, "*a".repeat(1000));
        let subscribe = Subscribe::parse(text.as_bytes()).unwrap();
        assert_eq!((subscribe.subscriptions.len(), subscribe.warnings.len()), (1, 1));
    }
}
