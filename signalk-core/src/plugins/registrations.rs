//! What running plugins offer to clients: PUT handlers, providers, HTTP endpoints.
//!
//! One table, so that everything a plugin offers ends with its life (plugin ABI
//! W19). Order is that of registration: the first provider is the default.

use std::collections::{BTreeMap, BTreeSet};

use signalk_bridge::Registration;

use super::endpoints::Endpoints;
use super::routes::At;

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    rows: Vec<(At, Registration)>,
    /// Of a life that has ended they stay until the next has started: a client reads 503 and not 404.
    endpoints: BTreeMap<At, Endpoints>,
    /// Whose endpoints are of a life that has ended.
    past: BTreeSet<At>,
}

impl Registrations {
    /// Adds; what the plugin registered before under the same name is replaced in its place.
    pub(super) fn add(&mut self, at: At, registration: Registration) {
        let registration = match registration {
            Registration::Http(endpoints) => {
                self.endpoints.insert(at, Endpoints::new(endpoints));
                self.past.remove(&at);
                return;
            }
            other => other,
        };
        let same = |row: &&mut (At, Registration)| row.0 == at && is_same(&row.1, &registration);
        match self.rows.iter_mut().find(same) {
            Some(row) => row.1 = registration,
            None => self.rows.push((at, registration)),
        }
    }

    /// The plugin's life has ended.
    pub(super) fn remove(&mut self, at: At) {
        self.rows.retain(|(owner, _)| *owner != at);
        self.past.insert(at);
    }

    /// The plugin has started: what it did not offer anew is over.
    pub(super) fn started(&mut self, at: At) {
        if self.past.remove(&at) {
            self.endpoints.remove(&at);
        }
    }

    fn of<'a, T>(
        &'a self,
        pick: impl Fn(&'a Registration) -> Option<T>,
    ) -> impl Iterator<Item = (At, T)> {
        self.rows.iter().filter_map(move |(at, registration)| Some((*at, pick(registration)?)))
    }

    /// PUT handlers: who, context and path as registered.
    pub(super) fn puts(&self) -> impl Iterator<Item = (At, (&str, &str))> {
        self.of(|registration| match registration {
            Registration::Put { context, path } => Some((context.as_str(), path.as_str())),
            _ => None,
        })
    }

    /// Resource providers and their types.
    pub(super) fn resources(&self) -> impl Iterator<Item = (At, &str)> {
        self.of(|registration| match registration {
            Registration::Resources { kind } => Some(kind.as_str()),
            _ => None,
        })
    }

    /// Weather providers and their names.
    pub(super) fn weather(&self) -> impl Iterator<Item = (At, &str)> {
        self.of(|registration| match registration {
            Registration::Weather { name } => Some(name.as_str()),
            _ => None,
        })
    }

    /// Radar providers and their names.
    pub(super) fn radars(&self) -> impl Iterator<Item = (At, &str)> {
        self.of(|registration| match registration {
            Registration::Radar { name } => Some(name.as_str()),
            _ => None,
        })
    }

    /// The HTTP endpoints of one plugin, which may have ended.
    pub(super) fn endpoints(&self, at: At) -> Option<&Endpoints> {
        self.endpoints.get(&at)
    }
}

/// Whether the second takes the place of the first.
fn is_same(a: &Registration, b: &Registration) -> bool {
    match (a, b) {
        (Registration::Put { .. }, Registration::Put { .. })
        | (Registration::Resources { .. }, Registration::Resources { .. }) => a == b,
        (Registration::Weather { .. }, Registration::Weather { .. })
        | (Registration::Radar { .. }, Registration::Radar { .. }) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_may_provide_several_types_and_one_weather() {
        let mut table = Registrations::default();
        for kind in ["routes", "fishing", "routes"] {
            table.add(7, Registration::Resources { kind: kind.to_owned() });
        }
        for name in ["old", "new"] {
            table.add(7, Registration::Weather { name: name.to_owned() });
        }
        table.add(3, Registration::Radar { name: "Halo".to_owned() });
        assert_eq!(table.resources().collect::<Vec<_>>(), [(7, "routes"), (7, "fishing")]);
        assert_eq!(table.weather().collect::<Vec<_>>(), [(7, "new")]);
        table.remove(7);
        assert_eq!(table.resources().count() + table.weather().count(), 0);
        assert_eq!(table.radars().count(), 1);
    }
}
