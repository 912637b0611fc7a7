//! `GET` and `PUT /skServer/vessel`: what the admin UI shows and changes of the own vessel. It is kept in the base
//! deltas.

use serde_json::{Map, Value, json};

use super::base_deltas::BaseDeltas;
use crate::input::ship_type_name;

/// A member of the form, its path in the base deltas, and how it is kept there.
struct Row {
    name: &'static str,
    path: &'static str,
    kept: Kept,
}

#[derive(Clone, Copy)]
enum Kept {
    Text,
    Number,
    /// A number as this member of an object.
    Member(&'static str),
    /// AIS ship type: number and name.
    ShipType,
    /// Text as this member of an object.
    TextMember(&'static str),
}

const fn row(name: &'static str, path: &'static str, kept: Kept) -> Row {
    Row { name, path, kept }
}

const ROWS: [Row; 11] = [
    row("name", "name", Kept::Text),
    row("mmsi", "mmsi", Kept::Text),
    row("uuid", "uuid", Kept::Text),
    row("draft", "design.draft", Kept::Member("maximum")),
    row("length", "design.length", Kept::Member("overall")),
    row("beam", "design.beam", Kept::Number),
    row("height", "design.airHeight", Kept::Number),
    row("gpsFromBow", "sensors.gps.fromBow", Kept::Number),
    row("gpsFromCenter", "sensors.gps.fromCenter", Kept::Number),
    row("aisShipType", "design.aisShipType", Kept::ShipType),
    row("callsignVhf", "communication", Kept::TextMember("callsignVhf")),
];

/// Something that must be a number is none; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must be a number")]
pub(crate) struct NotANumber(&'static str);

impl BaseDeltas {
    /// The form, filled in with what is known.
    pub(crate) fn vessel_form(&self) -> Value {
        let shown = ROWS.iter().filter_map(|row| {
            let value = self.self_value(row.path);
            let value = match row.kept {
                Kept::Text | Kept::Number => value?,
                Kept::Member(name) => value?.get(name)?,
                Kept::TextMember(name) => match value {
                    Some(value) => value.get(name)?,
                    None => self.self_value(&format!("{}.{name}", row.path))?,
                },
                Kept::ShipType => value?.get("id")?,
            };
            Some((row.name.to_owned(), value.clone()))
        });
        Value::Object(shown.collect::<Map<_, _>>())
    }

    /// Takes the form over; a member that is missing or empty in it is forgotten.
    ///
    /// DIFFERENCE: without an MMSI in the form the UUID stays, also when the form leaves it out: the reference would
    /// give the vessel a new identity at its next start.
    pub(crate) fn take_vessel_form(&mut self, form: &Map<String, Value>) -> Result<(), NotANumber> {
        let has = |name: &str| form.get(name).is_some_and(|value| !is_empty(value));
        let mut changes = Vec::new();
        for row in &ROWS {
            if row.name == "uuid" && !has("uuid") && !has("mmsi") {
                continue;
            }
            let given = form.get(row.name).filter(|value| !is_empty(value));
            let given = given.filter(|_| row.name != "uuid" || !has("mmsi"));
            let value = match (given, row.kept) {
                (given, Kept::TextMember(name)) => self.with_member(row.path, name, given),
                (None, _) => None,
                (Some(value), Kept::Text) => Some(text(value)),
                (Some(value), Kept::Number) => Some(number(row.name, value)?),
                (Some(value), Kept::Member(name)) => {
                    Some(json!({ name: number(row.name, value)? }))
                }
                (Some(value), Kept::ShipType) => {
                    let id = number(row.name, value)?;
                    let known = id.as_u64().and_then(|id| ship_type_name(u32::try_from(id).ok()?));
                    Some(json!({ "name": known, "id": id }))
                }
            };
            changes.push((row.path, value));
        }
        for (path, value) in changes {
            self.set_self(path, value);
        }
        // Older files have it as a path of its own.
        self.set_self("communication.callsignVhf", None);
        Ok(())
    }

    /// The object at this path with this member changed; `None` when nothing is left of it.
    fn with_member(&self, path: &str, name: &str, given: Option<&Value>) -> Option<Value> {
        let mut members =
            self.self_value(path).and_then(Value::as_object).cloned().unwrap_or_default();
        match given {
            Some(value) => members.insert(name.into(), text(value)),
            None => members.shift_remove(name),
        };
        (!members.is_empty()).then_some(Value::Object(members))
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// The page sends texts; an MMSI is one even when it looks like a number.
fn text(value: &Value) -> Value {
    match value {
        Value::String(text) => text.trim().into(),
        value => value.to_string().into(),
    }
}

fn number(name: &'static str, value: &Value) -> Result<Value, NotANumber> {
    match value {
        Value::Number(_) => Ok(value.clone()),
        Value::String(text) => {
            let number: f64 = text.trim().parse().map_err(|_| NotANumber(name))?;
            Some(signalk_model::json::number(number))
                .filter(|n| n.is_number())
                .ok_or(NotANumber(name))
        }
        _ => Err(NotANumber(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vessel(text: &str) -> BaseDeltas {
        BaseDeltas::parse(Some(text), None, &mut Vec::new())
    }

    fn take(vessel: &mut BaseDeltas, form: &Value) -> Result<(), NotANumber> {
        vessel.take_vessel_form(form.as_object().unwrap())
    }

    #[test]
    fn a_form_comes_back_as_it_was_typed() {
        let mut vessel = vessel("[]");
        let typed = json!({ "name": " Aava ", "mmsi": 230_099_999, "draft": "1.9", "beam": 3.9, "aisShipType": 36, "callsignVhf": "OH1", "height": "" });
        take(&mut vessel, &typed).unwrap();
        assert_eq!(
            vessel.vessel_form(),
            json!({ "name": "Aava", "mmsi": "230099999", "draft": 1.9, "beam": 3.9, "aisShipType": 36, "callsignVhf": "OH1" })
        );
        assert_eq!(
            vessel.self_value("design.aisShipType"),
            Some(&json!({ "name": "Sailing", "id": 36 }))
        );
        take(&mut vessel, &json!({ "name": "Aava", "mmsi": "230099999" })).unwrap();
        assert_eq!(vessel.vessel_form(), json!({ "name": "Aava", "mmsi": "230099999" }));
    }

    #[test]
    fn a_wrong_number_changes_nothing() {
        let mut vessel = vessel("[]");
        let error = take(&mut vessel, &json!({ "name": "A", "beam": "wide" })).unwrap_err();
        assert_eq!(error.to_string(), "`beam` must be a number");
        assert_eq!(vessel.vessel_form(), json!({}));
    }

    /// DIFFERENCE of [`BaseDeltas::take_vessel_form`].
    #[test]
    fn the_uuid_outlives_a_form_without_it_and_an_mmsi_replaces_it() {
        let mut vessel = vessel(
            r#"[{"updates":[{"values":[{"path":"","value":{"uuid":"urn:mrn:signalk:uuid:x"}}]}]}]"#,
        );
        take(&mut vessel, &json!({ "name": "A" })).unwrap();
        assert_eq!(vessel.self_text("uuid").as_deref(), Some("urn:mrn:signalk:uuid:x"));
        take(&mut vessel, &json!({ "name": "A", "mmsi": "1" })).unwrap();
        assert_eq!(vessel.self_text("uuid"), None);
    }
}
