//! Notification management: every value below `notifications.` gets an id and a state of its own before it reaches the
//! model and the streams (server-api.md 4.4). The id is the same for context, path and source as long as the server
//! runs.
//!
//! Who raises a notification is elsewhere: a plugin, an instrument, or [`crate::zones`]. Silencing and acknowledging by
//! a person are the v2 API's.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value as Json, json};
use signalk_model::hash::NameMap;
use signalk_model::{Context, Delta, Path, SourceRef, Value};

use crate::{guest::Platform, identity::uuid_v4};

/// Every notification that was seen.
#[derive(Debug, Default)]
pub(crate) struct Notifications {
    alarms: NameMap<Key, Alarm>,
}

type Key = (Context, Path, Option<SourceRef>);

#[derive(Debug)]
struct Alarm {
    id: String,
    silenced: bool,
    acknowledged: bool,
    can_silence: bool,
    can_acknowledge: bool,
}

impl Notifications {
    /// Adds id and state to the notifications in a normalised delta. Costs one comparison for each other value.
    pub(crate) fn manage(&mut self, delta: &mut Delta, platform: &dyn Platform) {
        let Some(context) = delta.context.clone() else { return };
        for update in &mut delta.updates {
            for entry in &mut update.values {
                if !entry.path.starts_with(PREFIX) {
                    continue;
                }
                let key = (context.clone(), entry.path.clone(), update.source_ref.clone());
                let Some(alarm) = self.alarm(key, platform) else { continue };
                entry.value = alarm.managed(&entry.value);
            }
        }
    }

    /// Contexts were pruned.
    pub(crate) fn forget(&mut self, contexts: &[Context]) {
        let contexts: BTreeSet<&Context> = contexts.iter().collect();
        self.alarms.retain(|(known, ..), _| !contexts.contains(known));
    }

    /// `None` when there are too many: the value then stays as it was sent.
    fn alarm(&mut self, key: Key, platform: &dyn Platform) -> Option<&mut Alarm> {
        if self.alarms.len() >= MOST && !self.alarms.contains_key(&key) {
            return None;
        }
        Some(self.alarms.entry(key).or_insert_with(|| Alarm::new(uuid_v4(platform))))
    }
}

impl Alarm {
    fn new(id: String) -> Alarm {
        Alarm { id, silenced: false, acknowledged: false, can_silence: true, can_acknowledge: true }
    }

    /// The value with id, state, and the methods that are left of it. `null`, the old way to end a notification,
    /// becomes a normal one, as in the reference.
    fn managed(&mut self, value: &Value) -> Value {
        let mut members = match value.as_object() {
            Some(members) => members.clone(),
            None if value.is_null() => ended(),
            None => return value.clone(),
        };
        self.take_support(&members);
        if self.acknowledged {
            let emergency = members.get("state").and_then(Json::as_str) == Some("emergency");
            members.insert("method".into(), if emergency { json!(["visual"]) } else { json!([]) });
        } else if self.silenced {
            self.without_sound(&mut members);
        }
        members.insert("id".into(), self.id.as_str().into());
        members.insert(
            "status".into(),
            json!({
                "silenced": self.silenced, "acknowledged": self.acknowledged, "canSilence": self.can_silence,
                "canAcknowledge": self.can_acknowledge, "canClear": false,
            }),
        );
        Value::Json(Arc::new(Json::Object(members)))
    }

    /// What an alert of NMEA 2000 says of itself.
    fn take_support(&mut self, members: &Map<String, Json>) {
        let said = |name: &str| members.get(name).and_then(Json::as_str).map(|text| text == "Yes");
        self.acknowledged |= said("acknowledgeStatus").unwrap_or(false);
        self.silenced |= said("temporarySilenceStatus").unwrap_or(false);
        self.can_silence = said("temporarySilenceSupport").unwrap_or(self.can_silence);
        self.can_acknowledge = said("acknowledgeSupport").unwrap_or(self.can_acknowledge);
    }

    fn without_sound(&self, members: &mut Map<String, Json>) {
        let emergency = members.get("state").and_then(Json::as_str) == Some("emergency");
        if let Some(methods) =
            members.get_mut("method").and_then(Json::as_array_mut).filter(|_| !emergency)
        {
            methods.retain(|method| method != "sound");
        }
    }
}

fn ended() -> Map<String, Json> {
    let members = [("state", json!("normal")), ("method", json!([])), ("message", json!(""))];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

const PREFIX: &str = "notifications.";

/// Notifications of all contexts: about 2 MB. What comes after them goes without an id.
const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Platform for Counting {
        fn monotonic(&self) -> std::time::Duration {
            std::time::Duration::ZERO
        }
        fn wall_clock(&self) -> std::time::Duration {
            std::time::Duration::ZERO
        }
        fn fill_random(&self, buf: &mut [u8]) {
            buf.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    fn value(notifications: &mut Notifications, source: &str, value: &Json) -> Json {
        let platform = Counting(std::sync::atomic::AtomicU8::new(
            u8::try_from(notifications.alarms.len()).unwrap(),
        ));
        let delta = json!({ "context": "vessels.urn:mrn:imo:mmsi:1", "updates": [{ "$source": source, "values": [
            { "path": "notifications.mob", "value": value }, { "path": "a.b", "value": 1 },
        ] }] });
        let mut delta = Delta::parse(delta.to_string().as_bytes()).unwrap().delta;
        notifications.manage(&mut delta, &platform);
        assert_eq!(delta.updates[0].values[1].value.as_f64(), Some(1.0));
        delta.updates[0].values[0].value.to_json()
    }

    #[test]
    fn the_id_is_that_of_context_path_and_source() {
        let mut notifications = Notifications::default();
        let alarm = json!({ "state": "alarm", "method": ["sound"], "message": "!" });
        let first = value(&mut notifications, "a", &alarm);
        let other = value(&mut notifications, "b", &alarm);
        let again = value(&mut notifications, "a", &json!({ "state": "normal" }));
        assert_eq!(first["id"], again["id"]);
        assert_ne!(first["id"], other["id"]);
        assert_eq!(first["method"], json!(["sound"]));
        assert_eq!(
            again["status"],
            json!({ "silenced": false, "acknowledged": false, "canSilence": true, "canAcknowledge": true, "canClear": false })
        );
    }

    #[test]
    fn null_ends_a_notification_and_what_is_no_object_stays() {
        let mut notifications = Notifications::default();
        let ended = value(&mut notifications, "a", &Json::Null);
        assert_eq!((&ended["state"], &ended["method"]), (&json!("normal"), &json!([])));
        assert_eq!(value(&mut notifications, "a", &json!("x")), json!("x"));
    }

    #[test]
    fn an_alert_that_was_acknowledged_or_silenced_at_its_display_is_so_here() {
        let mut notifications = Notifications::default();
        let alert = |more: Json| {
            let mut alert = json!({ "state": "alarm", "method": ["visual", "sound"] });
            alert.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            alert
        };
        let silenced =
            value(&mut notifications, "a", &alert(json!({ "temporarySilenceStatus": "Yes" })));
        assert_eq!(silenced["method"], json!(["visual"]));
        let done = value(
            &mut notifications,
            "a",
            &alert(json!({ "acknowledgeStatus": "Yes", "acknowledgeSupport": "No" })),
        );
        assert_eq!(done["method"], json!([]));
        assert_eq!(
            (&done["status"]["acknowledged"], &done["status"]["canAcknowledge"]),
            (&json!(true), &json!(false))
        );
    }
}
