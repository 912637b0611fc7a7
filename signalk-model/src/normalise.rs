//! The rules for a delta that comes in (server-api.md 7, rules 2 to 5): defaults for context, time
//! and `$source`, and values of this vessel that only its configuration may set. What is wrong in
//! the JSON itself is `parse`'s business; source priorities are the core's.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::delta::{Delta, Update};
use crate::error::{Complaint, complain, quoted};
use crate::names::{Context, SourceRef, segment_allowed};
use crate::timestamp::Timestamp;
use crate::value::Value;

impl Delta {
    /// Fills in what the sender left out: the context of this vessel, the time `now`, and `$source`
    /// from `source` or else from `provider`. Returns what had to be changed.
    pub fn normalise(
        &mut self,
        self_context: &Context,
        provider: &SourceRef,
        now: &Timestamp,
    ) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        match &self.context {
            Some(context) if *context != "vessels.self" => {}
            _ => self.context = Some(self_context.clone()),
        }
        for (index, update) in self.updates.iter_mut().enumerate() {
            if update.timestamp.is_none() {
                update.timestamp = Some(now.clone());
            }
            name_source(update, index, provider, &mut complaints);
            refuse_prototype_keys(update);
        }
        complaints
    }

    /// Takes out what only the configuration (`$source` `defaults`) may say about this vessel: its
    /// name, mmsi, callsign, dimensions and antenna position. Updates left empty are removed.
    ///
    /// Call it after `normalise`.
    pub fn protect_self(&mut self, self_context: &Context) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        if self.context.as_ref() != Some(self_context) {
            return complaints;
        }
        for (index, update) in self.updates.iter_mut().enumerate() {
            let configured = update.source_ref.as_ref().is_some_and(|name| *name == "defaults");
            if !configured && update.values.iter().any(|entry| may_be_protected(&entry.path)) {
                protect(update, index, &mut complaints);
            }
        }
        if !complaints.is_empty() {
            self.updates.retain(|update| !update.values.is_empty() || !update.meta.is_empty());
        }
        complaints
    }
}

fn name_source(
    update: &mut Update,
    index: usize,
    provider: &SourceRef,
    complaints: &mut Vec<Complaint>,
) {
    let Some(source) = &update.source else {
        update.source_ref.get_or_insert_with(|| provider.clone());
        return;
    };
    if let Some(own) = source.source_ref() {
        update.source_ref.get_or_insert_with(|| own.clone());
        return;
    }
    if let Some(label) = source.label() {
        complain(complaints, || Complaint::Label {
            update: index,
            label: quoted(label),
            used: provider.to_string(),
        });
    }
    let labelled = source.with_label(provider);
    update.source_ref.get_or_insert_with(|| labelled.source_ref_with(provider));
    update.source = Some(Arc::new(labelled));
}

/// The keys of a root value are segments too.
fn refuse_prototype_keys(update: &mut Update) {
    for entry in update.values.iter_mut().filter(|entry| entry.path.is_root()) {
        let Some(members) = entry.value.as_object() else { continue };
        if members.keys().any(|key| !segment_allowed(key)) {
            let mut members = members.clone();
            members.retain(|key, _| segment_allowed(key));
            entry.value = Value::Json(Arc::new(Json::Object(members)));
        }
    }
}

fn protect(update: &mut Update, index: usize, complaints: &mut Vec<Complaint>) {
    let mut protected = |path: &str| {
        complain(complaints, || Complaint::Protected { update: index, path: path.to_owned() });
    };
    update.values.retain_mut(|entry| {
        if PROTECTED_PATHS.contains(&&*entry.path) {
            protected(&entry.path);
            return false;
        }
        let (true, Some(members)) = (entry.path.is_root(), entry.value.as_object()) else {
            return true;
        };
        match without_protected(members, &mut protected) {
            None => true,
            Some(rest) if rest.is_empty() => false,
            Some(rest) => {
                entry.value = Value::Json(Arc::new(Json::Object(rest)));
                true
            }
        }
    });
}

/// The members that may stay; `None` when all may.
fn without_protected(
    members: &Map<String, Json>,
    protected: &mut impl FnMut(&str),
) -> Option<Map<String, Json>> {
    let callsign = members
        .get("communication")
        .and_then(Json::as_object)
        .is_some_and(|communication| communication.contains_key("callsignVhf"));
    if !callsign && !members.contains_key("name") && !members.contains_key("mmsi") {
        return None;
    }
    let mut rest = members.clone();
    for key in ["name", "mmsi"] {
        if rest.shift_remove(key).is_some() {
            protected(key);
        }
    }
    if callsign && let Some(Json::Object(communication)) = rest.get_mut("communication") {
        communication.shift_remove("callsignVhf");
        protected("communication.callsignVhf");
        if communication.is_empty() {
            rest.shift_remove("communication");
        }
    }
    Some(rest)
}

/// Sorts out nearly every path by a glance.
fn may_be_protected(path: &str) -> bool {
    path.is_empty() || path.starts_with("design.") || path.starts_with("sensors.gps.")
}

const PROTECTED_PATHS: [&str; 6] = [
    "design.aisShipType",
    "design.beam",
    "design.length",
    "design.draft",
    "sensors.gps.fromBow",
    "sensors.gps.fromCenter",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(text: &str) -> (Delta, Vec<Complaint>) {
        let mut delta = Delta::parse(text.as_bytes()).unwrap().delta;
        let complaints = delta.normalise(
            &Context::from("vessels.urn:x"),
            &SourceRef::from("ws"),
            &Timestamp::from("2026-01-01T00:00:00.000Z"),
        );
        (delta, complaints)
    }

    #[test]
    fn what_the_sender_left_out_is_filled_in() {
        let (delta, _) = normalised(
            r#"{"context":"vessels.self","updates":[{"values":[{"path":"a","value":1}]}]}"#,
        );
        assert_eq!(
            delta.to_json(),
            r#"{"context":"vessels.urn:x","updates":[{"$source":"ws","timestamp":"2026-01-01T00:00:00.000Z","values":[{"path":"a","value":1}]}]}"#
        );
    }

    #[test]
    fn a_label_that_cannot_be_used_gives_way_to_the_provider() {
        let (delta, complaints) = normalised(
            r#"{"updates":[{"source":{"label":"a b","talker":"GP"},"values":[{"path":"a","value":1}]}]}"#,
        );
        assert_eq!(delta.updates[0].source_ref.as_deref(), Some("ws.GP"));
        assert_eq!(complaints.len(), 1);
    }

    #[test]
    fn only_the_configuration_names_this_vessel() {
        let text = r#"{"updates":[{"$source":"plugin-x","values":[{"path":"","value":{"name":"EVIL RENAME","flag":"FI"}},{"path":"design.beam","value":99}]}]}"#;
        let (mut delta, _) = normalised(text);
        let complaints = delta.protect_self(&Context::from("vessels.urn:x"));
        assert_eq!(complaints.len(), 2);
        assert!(delta.to_json().ends_with(r#""values":[{"path":"","value":{"flag":"FI"}}]}]}"#));

        let (mut delta, _) = normalised(&text.replace("plugin-x", "defaults"));
        assert!(delta.protect_self(&Context::from("vessels.urn:x")).is_empty());
        let (mut delta, _) = normalised(text);
        assert!(delta.protect_self(&Context::from("vessels.urn:other")).is_empty());
    }

    #[test]
    fn an_update_that_only_said_what_is_protected_is_gone() {
        let (mut delta, _) = normalised(
            r#"{"updates":[{"$source":"p","values":[{"path":"","value":{"communication":{"callsignVhf":"X"}}}]}]}"#,
        );
        delta.protect_self(&Context::from("vessels.urn:x"));
        assert!(delta.updates.is_empty());
    }
}
