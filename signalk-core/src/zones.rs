//! Zones: the metadata of a path of the own vessel says which of its values are an alarm, and a value that enters or
//! leaves a zone raises or ends `notifications.<path>` (server-api.md 4.4). Ids and states of it are
//! [`crate::notifications`]'.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use signalk_model::hash::NameMap;
use signalk_model::{Context, Delta, Path, PathValue, Update, Value, meta::Registry};

use crate::server::Server;

/// The own vessel's zones by path.
#[derive(Debug, Default)]
pub(crate) struct Zones {
    by_path: NameMap<Path, Watched>,
}

#[derive(Debug)]
struct Watched {
    zones: Vec<Zone>,
    /// `alarmMethod` and its like.
    methods: Map<String, Json>,
    /// Where the last value was.
    now: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Unknown,
    Outside,
    In(usize),
}

#[derive(Debug, PartialEq)]
struct Zone {
    lower: f64,
    upper: f64,
    members: Map<String, Json>,
}

impl Zones {
    /// Takes zones from metadata of the own vessel, and the values of a delta: gives the notifications that follow.
    /// A delta may have any part of the metadata: methods are those of `known`, which holds all of it.
    ///
    /// DIFFERENCE: when zones are taken away the path is no longer watched; the reference goes on with the old ones.
    fn follow(&mut self, delta: &Delta, own: &Context, known: &Registry) -> Vec<(Path, Json)> {
        let mut raised = Vec::new();
        for update in &delta.updates {
            for entry in &update.meta {
                let methods = || methods_of(known, own, &entry.path);
                match entry.value.get("zones") {
                    Some(Json::Null) => {
                        if self.by_path.remove(&entry.path).is_some() {
                            let ended = json!({ "state": "normal", "method": [] });
                            raised.push((entry.path.clone(), ended));
                        }
                    }
                    Some(Json::Array(zones)) => {
                        let mut watched = Watched::new(zones, methods());
                        if let Some(before) = self.by_path.get(&entry.path) {
                            watched.stay_where(before);
                        }
                        self.by_path.insert(entry.path.clone(), watched);
                    }
                    _ => {
                        if let Some(watched) = self.by_path.get_mut(&entry.path) {
                            watched.take_methods(methods());
                        }
                    }
                }
            }
            if self.by_path.is_empty() {
                continue;
            }
            for entry in &update.values {
                if let Some(watched) = self.by_path.get_mut(&entry.path)
                    && let Some(notification) = watched.moved(&entry.value)
                {
                    raised.push((entry.path.clone(), notification));
                }
            }
        }
        raised
    }
}

impl Watched {
    fn new(zones: &[Json], methods: Map<String, Json>) -> Watched {
        let zones = zones.iter().filter_map(Json::as_object).map(|zone| {
            let bound = |name: &str| zone.get(name).and_then(Json::as_f64);
            Zone {
                lower: bound("lower").unwrap_or(f64::NEG_INFINITY),
                upper: bound("upper").unwrap_or(f64::INFINITY),
                members: zone.clone(),
            }
        });
        Watched { zones: zones.collect(), methods, now: Place::Unknown }
    }

    /// The same zones told again raise nothing again: somebody may have silenced it.
    fn stay_where(&mut self, before: &Watched) {
        if self.zones == before.zones && self.methods == before.methods {
            self.now = before.now;
        }
    }

    /// Other methods hold from the next value on, also for the alarm that stands.
    fn take_methods(&mut self, methods: Map<String, Json>) {
        if self.methods != methods {
            self.methods = methods;
            self.now = Place::Unknown;
        }
    }

    /// The notification of a value that is elsewhere than the one before.
    fn moved(&mut self, value: &Value) -> Option<Json> {
        let inside =
            |zone: &Zone| value.as_f64().is_some_and(|v| v >= zone.lower && v < zone.upper);
        let place = self.zones.iter().position(inside).map_or(Place::Outside, Place::In);
        if std::mem::replace(&mut self.now, place) == place {
            return None;
        }
        let zone = match place {
            Place::In(at) => self.zones.get(at),
            Place::Outside | Place::Unknown => None,
        };
        let Some(Zone { members, .. }) = zone else {
            let methods = self.methods("normal");
            return Some(json!({ "state": "normal", "message": IN_RANGE, "method": methods }));
        };
        let state = members.get("state").and_then(Json::as_str).unwrap_or("normal");
        let message = members.get("message").and_then(Json::as_str).filter(|text| !text.is_empty());
        let message = message.map_or_else(|| range(members), str::to_owned);
        Some(json!({ "state": state, "message": message, "method": self.methods(state) }))
    }

    /// `alarmMethod` and its like: none when it is null, to be seen when it is missing.
    fn methods(&self, state: &str) -> Json {
        match self.methods.get(&format!("{state}Method")) {
            Some(methods @ Json::Array(_)) => methods.clone(),
            Some(Json::Null) => json!([]),
            _ => json!(["visual"]),
        }
    }
}

/// `alarmMethod` and its like of a path.
fn methods_of(known: &Registry, own: &Context, path: &Path) -> Map<String, Json> {
    let meta = known.get(own, path);
    let members = meta.iter().flat_map(|meta| meta.members());
    let methods = members.filter(|(name, _)| name.ends_with("Method"));
    methods.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// As JavaScript writes it.
fn range(members: &Map<String, Json>) -> String {
    let bound = |name: &str| members.get(name).map_or("undefined".to_owned(), Json::to_string);
    format!("{} < value < {}", bound("lower"), bound("upper"))
}

impl Server {
    /// What the metadata and values of a delta of the own vessel mean for its notifications.
    pub(crate) fn follow_zones(&mut self, delta: &Delta) -> Vec<Delta> {
        if delta.context.as_ref() != Some(&self.self_context) {
            return Vec::new();
        }
        let raised = self.zones.follow(delta, &self.self_context, self.store.meta());
        let raised = raised.into_iter().filter_map(|(path, notification)| {
            let path = format!("notifications.{path}").parse().ok()?;
            let values = vec![PathValue { path, value: Value::Json(Arc::new(notification)) }];
            let update = Update { values, ..Update::default() };
            Some(Delta { context: Some(self.self_context.clone()), updates: vec![update] })
        });
        raised.collect()
    }
}

const IN_RANGE: &str = "Value is within normal range";

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(zones: &mut Zones, update: &Json) -> Vec<Json> {
        let delta = json!({ "updates": [update] });
        let delta = Delta::parse(delta.to_string().as_bytes()).unwrap().delta;
        let own = Context::from("vessels.self");
        let mut known = Registry::default();
        for entry in delta.updates.iter().flat_map(|update| &update.meta) {
            known.merge(&own, &entry.path, &entry.value, Some(&"p".into()));
        }
        zones
            .follow(&delta, &own, &known)
            .into_iter()
            .map(|(_, notification)| notification)
            .collect()
    }

    fn meta(value: &Json) -> Json {
        json!({ "meta": [{ "path": "a.b", "value": value }] })
    }

    fn value(value: &Json) -> Json {
        json!({ "values": [{ "path": "a.b", "value": value }, { "path": "a.c", "value": 1 }] })
    }

    #[test]
    fn each_change_of_zone_is_told_once() {
        let mut zones = Zones::default();
        let three = json!({ "alarmMethod": ["sound"], "warnMethod": null, "zones": [
            { "lower": 10, "state": "alarm", "message": "hot" }, { "lower": 5, "upper": 10, "state": "warn" },
        ] });
        assert!(follow(&mut zones, &meta(&three)).is_empty());
        let mut states = Vec::new();
        for number in [json!(1), json!(2), json!(5), json!(9.9), json!(10), json!(null), json!("x")]
        {
            for told in follow(&mut zones, &value(&number)) {
                states.push(format!("{number}: {told}"));
            }
        }
        assert_eq!(
            states,
            [
                r#"1: {"state":"normal","message":"Value is within normal range","method":["visual"]}"#,
                r#"5: {"state":"warn","message":"5 < value < 10","method":[]}"#,
                r#"10: {"state":"alarm","message":"hot","method":["sound"]}"#,
                r#"null: {"state":"normal","message":"Value is within normal range","method":["visual"]}"#,
            ]
        );
    }

    /// DIFFERENCE of [`Zones::follow`].
    #[test]
    fn zones_that_are_taken_away_end_their_notification_and_are_not_watched() {
        let mut zones = Zones::default();
        follow(&mut zones, &meta(&json!({ "zones": [{ "lower": 10, "state": "alarm" }] })));
        follow(&mut zones, &value(&json!(11)));
        let ended = follow(&mut zones, &meta(&json!({ "zones": null })));
        assert_eq!(ended, [json!({ "state": "normal", "method": [] })]);
        assert!(follow(&mut zones, &value(&json!(1))).is_empty());
        assert!(follow(&mut zones, &meta(&json!({ "displayName": "x" }))).is_empty());
    }
}
