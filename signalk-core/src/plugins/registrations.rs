//! What running plugins offer: PUT handlers, providers, HTTP endpoints, delta input handlers.
//!
//! One table, so that everything a plugin offers ends with its life (plugin ABI
//! W19). Order is that of registration: the first provider is the default. How
//! many one plugin may register is bounded by the bridge, which also checks them.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use signalk_bridge::{Endpoint, Registration};

use super::endpoints::Endpoints;
use super::routes::At;

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    /// By owner and name, so that the thousandth costs what the first does.
    rows: IndexMap<(At, Name), Registration>,
    /// Of a life that has ended they stay until the next has started: a client reads 503 and not 404.
    endpoints: BTreeMap<At, Endpoints>,
    /// Whose endpoints are of a life that has ended.
    past: BTreeSet<At>,
    /// Where clients may open WebSockets.
    web_sockets: BTreeMap<At, (Endpoints, Vec<String>)>,
    /// Who looks at incoming deltas may be another now.
    pub(super) inputs_changed: bool,
}

impl Registrations {
    /// Adds; what the plugin registered before under the same name is replaced in its place. Answers
    /// what of it cannot be served, in words.
    pub(super) fn add(&mut self, at: At, registration: Registration) -> Vec<String> {
        let name = match &registration {
            Registration::Put { context, path } => Name::Put(context.clone(), path.clone()),
            Registration::Resources { kind } => Name::Resources(kind.clone()),
            Registration::Weather { .. } => Name::Weather,
            Registration::Radar { .. } => Name::Radar,
            Registration::DeltaInput { .. } => {
                self.inputs_changed = true;
                Name::DeltaInput
            }
            Registration::WebSockets { paths, protocols, access } => {
                let rows = paths.iter().map(|path| Endpoint {
                    method: "GET".to_owned(),
                    path: path.clone(),
                    handler: String::new(),
                    access: *access,
                    largest_reply: None,
                    stream: false,
                });
                let (rows, complaints) = Endpoints::new(rows.collect());
                self.web_sockets.insert(at, (rows, protocols.clone()));
                return complaints;
            }
            Registration::Http(endpoints) => {
                let (endpoints, complaints) = Endpoints::new(endpoints.clone());
                self.endpoints.insert(at, endpoints);
                self.past.remove(&at);
                return complaints;
            }
        };
        self.rows.insert((at, name), registration);
        Vec::new()
    }

    /// The plugin's life has ended.
    pub(super) fn remove(&mut self, at: At) {
        self.inputs_changed |= self.rows.contains_key(&(at, Name::DeltaInput));
        self.rows.retain(|(owner, _), _| *owner != at);
        self.web_sockets.remove(&at);
        self.past.insert(at);
    }

    /// Where clients may open WebSockets of a plugin that lives, and the subprotocols that it speaks.
    pub(super) fn web_sockets(&self, at: At) -> Option<(&Endpoints, &[String])> {
        self.web_sockets.get(&at).map(|(rows, protocols)| (rows, protocols.as_slice()))
    }

    /// The plugin has started: what it did not offer anew is over.
    pub(super) fn started(&mut self, at: At) {
        self.inputs_changed |= self.rows.contains_key(&(at, Name::DeltaInput));
        if self.past.remove(&at) {
            self.endpoints.remove(&at);
        }
    }

    fn of<'a, T>(
        &'a self,
        pick: impl Fn(&'a Registration) -> Option<T>,
    ) -> impl Iterator<Item = (At, T)> {
        self.rows.iter().filter_map(move |((at, _), row)| Some((*at, pick(row)?)))
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

    /// Delta input handlers: context and paths as registered.
    pub(super) fn inputs(&self) -> impl Iterator<Item = (At, (&str, &[String]))> {
        self.of(|registration| match registration {
            Registration::DeltaInput { context, paths } => {
                Some((context.as_str(), paths.as_slice()))
            }
            _ => None,
        })
    }

    /// The HTTP endpoints of one plugin, which may have ended.
    pub(super) fn endpoints(&self, at: At) -> Option<&Endpoints> {
        self.endpoints.get(&at)
    }
}

/// What a registration is known by: a later one of the same name takes its place.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Name {
    Put(String, String),
    Resources(String),
    Weather,
    Radar,
    DeltaInput,
}

#[cfg(test)]
mod tests {
    use signalk_bridge::Access;

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

    #[test]
    fn websockets_are_an_administrators_unless_the_plugin_says_otherwise() {
        let mut table = Registrations::default();
        for access in [Access::default(), Access::Readonly] {
            let (paths, protocols) = (vec!["/live".to_owned()], Vec::new());
            table.add(7, Registration::WebSockets { paths, protocols, access });
            let found = table.web_sockets(7).and_then(|(rows, _)| rows.find("GET", "/live"));
            assert_eq!(found.map(|(row, _)| row.access), Some(access));
        }
        assert_eq!(Access::default(), Access::Admin);
    }

    #[test]
    fn what_is_registered_again_keeps_its_place() {
        let mut table = Registrations::default();
        let put =
            |path: &str| Registration::Put { context: "vessels.self".into(), path: path.into() };
        for path in ["a", "b", "a"] {
            table.add(7, put(path));
        }
        let other = Registration::Put { context: "vessels.x".into(), path: "a".into() };
        table.add(7, other);
        table.add(3, put("a"));
        let paths: Vec<_> = table.puts().map(|(at, (_, path))| (at, path)).collect();
        assert_eq!(paths, [(7, "a"), (7, "b"), (7, "a"), (3, "a")]);
    }
}
