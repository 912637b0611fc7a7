//! Whose a radar is: plugins are asked in the order in which they registered, and the first that lists it has it. What
//! they answered holds for a second (`crate::binary`).

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Map, Value};
use signalk_bridge::{Handler, HandlerFailure, HandlerReply, PluginId, RadarHandler};

use super::{
    ask::{read_object, respond},
    listed,
};
use crate::{api::provider::no_answer, http::HttpResponse, plugins::Later, resources::Client};

/// What follows when the owner is known.
pub(super) type Next = Box<dyn FnOnce(&mut Later<'_>, Client, String, PluginId) + Send>;

/// Who could not say which radars it has, and why.
type Failed = Option<(PluginId, HandlerFailure)>;

/// A client's request on its way to the plugin that has the radar.
pub(super) struct Search {
    client: Client,
    radar: String,
    /// What the client reads when there is no such radar.
    missing: fn(&str) -> HttpResponse,
    left: VecDeque<PluginId>,
    failed: Failed,
    next: Next,
}

impl Search {
    pub(super) fn new(
        client: Client,
        radar: String,
        missing: fn(&str) -> HttpResponse,
        left: VecDeque<PluginId>,
        next: Next,
    ) -> Search {
        Search { client, radar, missing, left, failed: None, next }
    }

    /// Asks the next plugin, or ends.
    pub(super) fn go_on(mut self, later: &mut Later<'_>) {
        while let Some(plugin) = self.left.pop_front() {
            let Some(ids) = later.server.binary.radars.fresh(later.now, &plugin) else {
                return radars_of(later, plugin, move |later, plugin, result| {
                    match result {
                        Ok(()) => self.left.push_front(plugin),
                        Err(failure) => drop(self.failed.get_or_insert((plugin, failure))),
                    }
                    self.go_on(later);
                });
            };
            if ids.contains(&self.radar) {
                return (self.next)(later, self.client, self.radar, plugin);
            }
        }
        let response = match self.failed {
            Some(failed) => no_list(&failed),
            None => (self.missing)(&self.radar),
        };
        respond(later, &self.client, response);
    }
}

/// A list of all radars on its way.
pub(super) struct Listing {
    client: Client,
    left: VecDeque<PluginId>,
    /// Radars whose description is still to be asked for.
    wanted: VecDeque<(PluginId, String)>,
    claimed: BTreeSet<String>,
    radars: Map<String, Value>,
    failed: Failed,
    /// Somebody could say.
    answered: bool,
}

impl Listing {
    pub(super) fn new(client: Client, left: VecDeque<PluginId>) -> Listing {
        Listing {
            client,
            left,
            wanted: VecDeque::new(),
            claimed: BTreeSet::new(),
            radars: Map::new(),
            failed: None,
            answered: false,
        }
    }

    /// Asks for the next description, or the next plugin, or ends.
    pub(super) fn go_on(mut self, later: &mut Later<'_>) {
        if let Some((plugin, radar)) = self.wanted.pop_front() {
            return self.describe(later, plugin, radar);
        }
        let Some(plugin) = self.left.pop_front() else { return self.end(later) };
        if let Some(ids) = later.server.binary.radars.fresh(later.now, &plugin) {
            self.answered = true;
            for id in ids {
                if self.claimed.insert(id.clone()) {
                    self.wanted.push_back((plugin.clone(), id.clone()));
                }
            }
            return self.go_on(later);
        }
        radars_of(later, plugin, move |later, plugin, result| {
            match result {
                Ok(()) => self.left.push_front(plugin),
                Err(failure) => drop(self.failed.get_or_insert((plugin, failure))),
            }
            self.go_on(later);
        });
    }

    fn describe(mut self, later: &mut Later<'_>, plugin: PluginId, radar: String) {
        let request = super::ask::request(&radar, Map::new());
        let asked = plugin.clone();
        let then = Box::new(move |later: &mut Later<'_>, reply: HandlerReply| {
            // A failure is in the plugin's log.
            if let Ok(text) = reply
                && let Ok(Some(info)) = read_object(&text)
            {
                self.radars.insert(radar, info);
            }
            self.go_on(later);
        });
        let handler = Handler::Radar(RadarHandler::Info);
        later.plugins.call_handler(later.now, &asked, handler, request, later.server, then);
    }

    /// One plugin that fails takes nothing from the others' radars; when nobody could answer, the client is told.
    fn end(self, later: &mut Later<'_>) {
        let response = match self.failed {
            Some(failed) => {
                if self.answered {
                    listed(self.radars)
                } else {
                    no_list(&failed)
                }
            }
            None => listed(self.radars),
        };
        respond(later, &self.client, response);
    }
}

/// Asks a plugin which radars it has. `Ok`: it said so, and that is fresh now.
fn radars_of(
    later: &mut Later<'_>,
    plugin: PluginId,
    next: impl FnOnce(&mut Later<'_>, PluginId, Result<(), HandlerFailure>) + Send + 'static,
) {
    let asked = plugin.clone();
    let then = Box::new(move |later: &mut Later<'_>, reply: HandlerReply| {
        let result = later.server.radars_told(later.now, &plugin, reply);
        next(later, plugin, result);
    });
    let handler = Handler::Radar(RadarHandler::Radars);
    later.plugins.call_handler(later.now, &asked, handler, String::new(), later.server, then);
}

fn no_list((_, failure): &(PluginId, HandlerFailure)) -> HttpResponse {
    no_answer("getRadars", failure)
}
