//! Server events, `?serverevents=all` (server-api.md 5.6): what the admin UI's dashboard and our own page show. Only
//! those that something here can cause; the UI lives without the others.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{
    io::StreamId,
    security::{Caller, Needs},
    server::Server,
    timer::Timer,
};

impl Server {
    /// A client wants events: the state of things first.
    pub(crate) fn events_began(&mut self, now: Duration, id: StreamId) {
        let multi_source = self.multi_source_paths();
        let status = self.provider_status();
        let first = [
            self.vessel_info(),
            json!({ "type": "PROVIDERSTATUS", "from": "signalk-server", "data": status }),
            json!({ "type": "DEBUG_SETTINGS", "data": { "debugEnabled": "", "rememberDebug": false } }),
            json!({ "type": "PRIORITYOVERRIDES", "data": {} }),
            json!({ "type": "SOURCEALIASES", "data": {} }),
            json!({ "type": "PRIORITYGROUPS", "data": [] }),
            json!({ "type": "PRIORITYDEFAULTS", "data": {} }),
            json!({ "type": "MULTISOURCEPATHS", "data": multi_source }),
        ];
        let caller = self.security.socket(id).clone();
        let login = self.security.is_on().then(|| {
            let status = self.security.status_json(&caller);
            json!({ "type": "RECEIVE_LOGIN_STATUS", "data": status })
        });
        let all = first.into_iter().chain(login);
        for event in all.filter(|event| may_hear(&caller, event)) {
            self.send(id, event.to_string());
        }
        if !self.timers.is_set(Timer::Statistics) {
            self.timers.set(Timer::Statistics, now + STATISTICS_EVERY);
        }
    }

    /// Who has logged in gets the events that the query asked for.
    pub(crate) fn take_up_events(&mut self, now: Duration, id: StreamId) {
        let may_read = self.security.socket(id).may_read();
        let Some(client) = self.streams.clients.get_mut(&id) else { return };
        if may_read && client.wants_events && !client.events {
            client.events = true;
            self.events_began(now, id);
        }
    }

    /// Who the own vessel is.
    pub(crate) fn vessel_info(&self) -> Value {
        let base = &self.config.base_deltas;
        let known = ["name", "mmsi", "uuid"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), base.self_text(name)?.into())));
        json!({ "type": "VESSEL_INFO", "data": known.collect::<Map<_, _>>() })
    }

    /// The timer of the dashboard; it runs only while somebody looks.
    pub(crate) fn send_statistics(&mut self, now: Duration) {
        if self.streams.listeners().next().is_none() {
            return;
        }
        self.timers.set(Timer::Statistics, now + STATISTICS_EVERY);
        let (rate, by_provider) = self.providers.interval(now);
        let paths = self.store.paths(&self.self_context).count();
        let statistics = json!({
            "deltaRate": rate,
            "numberOfAvailablePaths": paths,
            "wsClients": self.streams.len(),
            "providerStatistics": by_provider,
            "uptime": self.uptime(now).as_secs_f64(),
        });
        self.broadcast(
            &json!({ "type": "SERVERSTATISTICS", "from": "signalk-server", "data": statistics }),
        );
        self.broadcast_status();
    }

    /// States of connections and plugins, on change and every five seconds.
    pub(crate) fn broadcast_status(&mut self) {
        if self.has_listeners() {
            let status = self.provider_status();
            self.broadcast(
                &json!({ "type": "PROVIDERSTATUS", "from": "signalk-server", "data": status }),
            );
        }
    }

    /// Whether what plugins say about themselves has changed, somebody wants to know, and it was not told just now: a
    /// plugin may say something new a thousand times a second.
    pub(crate) fn may_tell_plugin_status(&mut self, now: Duration) -> bool {
        if !self.plugin_status_changed || !self.has_listeners() {
            return false;
        }
        let again = self.plugin_status_told.map_or(now, |told| told + STATUS_AT_MOST_EVERY);
        if again > now {
            self.timers.set(Timer::PluginStatus, again);
            return false;
        }
        self.plugin_status_told = Some(now);
        true
    }

    /// Whether somebody wants events.
    pub(crate) fn has_listeners(&self) -> bool {
        self.streams.listeners().next().is_some()
    }

    /// One event to every client that wants events and may have this one.
    pub(crate) fn broadcast(&mut self, event: &Value) {
        let may = |id: &StreamId| may_hear(self.security.socket(*id), event);
        let listeners: Vec<StreamId> = self.streams.listeners().filter(may).collect();
        let text = bytes::Bytes::from(event.to_string());
        for id in listeners {
            self.send(id, text.clone());
        }
    }

    fn provider_status(&self) -> Value {
        let time = self.timestamp();
        let connections = self.connections.status_rows().map(|status| {
            let mut row = json!({
                "type": status.kind, "id": status.id, "statusType": "provider", "timeStamp": time.as_str(),
                "message": status.message,
            });
            if let (Some(error), Some(row)) = (status.last_error, row.as_object_mut()) {
                row.insert("lastError".into(), error.into());
            }
            row
        });
        connections.chain(self.plugin_status.iter().cloned()).collect()
    }
}

/// Server-api.md 5.6: what is not for everybody is for administrators. The list of plugins has their options in it.
fn may_hear(caller: &Caller, event: &Value) -> bool {
    let name = event.get("type").and_then(Value::as_str).unwrap_or_default();
    caller.may(if FOR_READERS.contains(&name) { Needs::READ } else { Needs::ADMIN })
}

const FOR_READERS: [&str; 4] =
    ["VESSEL_INFO", "PROVIDERSTATUS", "SERVERSTATISTICS", "RECEIVE_LOGIN_STATUS"];

impl super::Streams {
    /// Clients that want server events and read them: a stuck one is spared.
    fn listeners(&self) -> impl Iterator<Item = StreamId> {
        self.clients
            .iter()
            .filter(|(_, client)| client.events && client.backlog.is_none())
            .map(|(id, _)| *id)
    }
}

/// Of a changed status; one at rest is told with the statistics.
const STATUS_AT_MOST_EVERY: Duration = Duration::from_secs(1);
const STATISTICS_EVERY: Duration = Duration::from_secs(5);
