//! Where contexts stand in the tree, and the text of the whole model. What a context looks like is `context.rs`.

use super::Store;
use super::tree::JsMap;
use crate::json;
use crate::names::Context;

/// What stands at one name.
#[derive(Debug)]
pub(super) enum Place {
    Context(Context),
    Group(JsMap<Place>),
}

/// Root members that are no groups of contexts.
const RESERVED: [&str; 3] = ["self", "version", "sources"];

impl Store {
    /// Gives a new context its place in the tree; one without identity gets none.
    pub(super) fn place(&mut self, context: &Context) {
        let Some(identity) = context.identity() else { return };
        if RESERVED.contains(&context.group()) {
            return;
        }
        let group =
            self.groups.get_or_insert_with(context.group(), || Place::Group(JsMap::default()));
        let Place::Group(mut here) = std::mem::replace(group, Place::Context(context.clone()))
        else {
            return;
        };
        insert_place(&mut here, identity, context);
        *group = Place::Group(here);
    }

    /// Appends the full model, as `GET /signalk/v1/api/` gives it.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"vessels\":");
        match self.groups.get("vessels") {
            Some(place) => self.write_place(place, out),
            None => out.extend_from_slice(b"{}"),
        }
        out.extend_from_slice(b",\"self\":");
        json::write_str(out, &self.self_context);
        out.extend_from_slice(b",\"version\":\"0.1.0\",\"sources\":");
        self.sources.write_json(out);
        for (key, place) in self.groups.iter().filter(|(key, _)| &***key != "vessels") {
            out.push(b',');
            json::write_key(out, key);
            self.write_place(place, out);
        }
        out.push(b'}');
    }

    pub(super) fn write_place(&self, place: &Place, out: &mut Vec<u8>) {
        match place {
            Place::Context(context) => match self.contexts.get(context) {
                Some(model) => model.write_json(out),
                None => out.extend_from_slice(b"{}"),
            },
            Place::Group(members) => {
                out.push(b'{');
                for (at, (key, place)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    json::write_key(out, key);
                    self.write_place(place, out);
                }
                out.push(b'}');
            }
        }
    }
}

/// Contexts with more than two segments stand deeper; where another context is in the way, the
/// rest stays one key.
fn insert_place(group: &mut JsMap<Place>, identity: &str, context: &Context) {
    if let Some((first, rest)) = identity.split_once('.')
        && !rest.is_empty()
        && !matches!(group.get(first), Some(Place::Context(_)))
    {
        let below = group.get_or_insert_with(first, || Place::Group(JsMap::default()));
        if let Place::Group(below) = below {
            insert_place(below, rest, context);
        }
    } else {
        group.insert(identity, Place::Context(context.clone()));
    }
}

/// Takes a context out, and the groups that are empty then.
pub(super) fn remove_place(group: &mut JsMap<Place>, identity: &str, context: &Context) {
    if matches!(group.get(identity), Some(Place::Context(found)) if found == context) {
        group.remove(identity);
        return;
    }
    let Some((first, rest)) = identity.split_once('.') else { return };
    if let Some(Place::Group(below)) = group.get_mut(first) {
        remove_place(below, rest, context);
        if below.is_empty() {
            group.remove(first);
        }
    }
}
