//! Deltas of others on their way in: what a delta input handler says about each.

use serde::{Deserialize, Serialize, Serializer};

use super::Delta;

/// What is to become of a delta that another sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// It goes on as it is.
    Pass,
    /// Nobody gets it.
    Drop,
    /// This takes its place. A value that it had, by `$source` and path, stays its source's, whatever its new value;
    /// any other value is the plugin's own. Without values it is dropped.
    Change(Delta),
}

impl Serialize for Incoming {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Incoming::Pass => serializer.serialize_bool(true),
            Incoming::Drop => serializer.serialize_bool(false),
            Incoming::Change(delta) if delta.is_empty() => serializer.serialize_bool(false),
            Incoming::Change(delta) => delta.serialize(serializer),
        }
    }
}

/// Params of `deltas.input`.
#[derive(Deserialize)]
pub(super) struct Batch {
    pub(super) deltas: Vec<Delta>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_short() {
        let changed = Delta::new().value("a", 1);
        let said = [
            Incoming::Pass,
            Incoming::Change(changed),
            Incoming::Change(Delta::new()),
            Incoming::Drop,
        ];
        assert_eq!(
            serde_json::to_string(&said).unwrap(),
            r#"[true,{"updates":[{"values":[{"path":"a","value":1}]}]},false,false]"#
        );
    }
}
