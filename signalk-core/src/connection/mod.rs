//! Input connections: state, back-off, and the parser of each; added, changed and removed while the server runs.
//! Sockets and devices are the edge's; what a sentence means is `input`'s; what happens with a delta is `pipeline`'s.

mod parsing;
mod status;

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use signalk_model::{Delta, Placement, SourceRef};

use self::parsing::Parsing;
use crate::{
    config::{ConnectionConfig, Endpoint},
    demo::DemoBoat,
    intake::Origin,
    io::{ConnectionEvent, ConnectionId, Effect, LogLevel, Output},
    server::Server,
    timer::Timer,
};

/// All configured inputs.
#[derive(Default)]
pub(crate) struct Connections {
    by_id: BTreeMap<ConnectionId, Connection>,
    /// Configured ones that we cannot open, by the user's name, and why.
    refused: BTreeMap<String, String>,
    last_id: u64,
}

struct Connection {
    config: ConnectionConfig,
    provider: SourceRef,
    parser: Parsing,
    demo: Option<(DemoBoat, Duration)>,
    state: State,
    /// Failures since the last byte.
    failures: u32,
    opened: u64,
    bytes: u64,
    deltas: u64,
    last_error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Disabled,
    Opening,
    Open,
    Waiting,
    Finished,
}

impl Connections {
    /// Configured, nothing opened.
    pub(crate) fn new(
        configs: &[ConnectionConfig],
        refused: BTreeMap<String, String>,
    ) -> Connections {
        let mut connections = Connections { refused, ..Connections::default() };
        for config in configs {
            connections.insert(config.clone());
        }
        connections
    }

    /// Whether a connection has this name, whoever configured it.
    pub(crate) fn has(&self, label: &str) -> bool {
        self.refused.contains_key(label) || self.id_of(label).is_some()
    }

    fn id_of(&self, label: &str) -> Option<ConnectionId> {
        self.by_id.iter().find(|(_, c)| c.config.label == label).map(|(id, _)| *id)
    }

    fn insert(&mut self, config: ConnectionConfig) -> ConnectionId {
        self.last_id += 1;
        let id = ConnectionId(self.last_id);
        self.by_id.insert(id, Connection::new(config));
        id
    }
}

impl Connection {
    fn new(config: ConnectionConfig) -> Connection {
        let provider = config.label.parse().unwrap_or_else(|_| SourceRef::from("unnamed"));
        let parser = Parsing::new(config.kind, &config.label);
        let state = if config.enabled { State::Opening } else { State::Disabled };
        Connection {
            config,
            provider,
            parser,
            demo: None,
            state,
            failures: 0,
            opened: 0,
            bytes: 0,
            deltas: 0,
            last_error: None,
        }
    }

    /// The deltas in these bytes.
    fn parse(&mut self, bytes: &[u8], now_wall_ms: i64, out: &mut Vec<Delta>) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        self.parser.push(bytes, now_wall_ms, out);
        if matches!(self.config.endpoint, Endpoint::Udp { .. }) {
            self.parser.end(now_wall_ms, out);
        }
        self.deltas = self.deltas.saturating_add(u64::try_from(out.len()).unwrap_or(0));
    }

    /// The delta of a last line that has no end.
    fn parse_end(&mut self, now_wall_ms: i64, out: &mut Vec<Delta>) {
        let before = out.len();
        self.parser.end(now_wall_ms, out);
        self.deltas = self.deltas.saturating_add(u64::try_from(out.len() - before).unwrap_or(0));
    }
}

impl Server {
    /// Asks for every enabled connection.
    pub(crate) fn open_connections(&mut self, now: Duration) {
        let enabled = self.connections.by_id.iter().filter(|(_, c)| c.state == State::Opening);
        let ids: Vec<ConnectionId> = enabled.map(|(id, _)| *id).collect();
        for id in ids {
            self.open_connection(now, id);
        }
    }

    /// A connection was added, changed or removed in the configuration: takes effect at once.
    pub(crate) fn change_connection(
        &mut self,
        now: Duration,
        old: Option<&str>,
        new: Option<Result<ConnectionConfig, (String, String)>>,
    ) {
        if let Some(old) = old {
            self.connections.refused.remove(old);
            if let Some(id) = self.connections.id_of(old) {
                self.connections.by_id.remove(&id);
                self.timers.clear(Timer::Demo(id));
                self.timers.clear(Timer::Reconnect(id));
                self.outputs.push_back(Output::Effect(Effect::CloseConnection { id }));
            }
        }
        match new {
            Some(Ok(config)) => {
                let enabled = config.enabled;
                let id = self.connections.insert(config);
                if enabled {
                    self.open_connection(now, id);
                }
            }
            Some(Err((label, why))) => {
                self.log_line(LogLevel::Warn, label.clone(), why.clone());
                self.connections.refused.insert(label, why);
            }
            None => {}
        }
        self.broadcast_status();
    }

    fn open_connection(&mut self, now: Duration, id: ConnectionId) {
        let unix_ms = self.unix_ms();
        let Some(connection) = self.connections.by_id.get_mut(&id) else { return };
        if let Endpoint::Demo { seed } = connection.config.endpoint {
            connection.demo = Some((DemoBoat::new(seed, unix_ms), now));
            connection.state = State::Open;
            connection.opened += 1;
            self.timers.set(Timer::Demo(id), now);
            return;
        }
        connection.state = State::Opening;
        let endpoint = connection.config.endpoint.clone();
        self.outputs.push_back(Output::Effect(Effect::OpenConnection { id, endpoint }));
    }

    /// The back-off of a broken connection is over.
    pub(crate) fn reconnect(&mut self, now: Duration, id: ConnectionId) {
        if self
            .connections
            .by_id
            .get(&id)
            .is_some_and(|connection| connection.state == State::Waiting)
        {
            self.open_connection(now, id);
        }
    }

    /// The demo boat's sentences up to now, through the same parser as everybody's.
    pub(crate) fn sail(&mut self, now: Duration, id: ConnectionId) {
        let Some(connection) = self.connections.by_id.get_mut(&id) else { return };
        let Some((boat, began)) = &mut connection.demo else { return };
        let mut sentences = Vec::new();
        let behind = now.saturating_sub(*began + boat.next());
        if behind > LONGEST_CATCH_UP {
            // The machine slept, and so did the boat: nobody waits for the hours that are missing.
            *began += boat.rest(behind);
        }
        boat.sentences_until(now.saturating_sub(*began), &mut sentences);
        let next = *began + boat.next();
        self.timers.set(Timer::Demo(id), next.max(now + SHORTEST_DEMO_STEP));
        self.connection_bytes(now, id, &sentences.into(), false);
    }

    /// News of a connection.
    pub(crate) fn connection_event(
        &mut self,
        now: Duration,
        id: ConnectionId,
        event: ConnectionEvent,
    ) {
        let Some(connection) = self.connections.by_id.get_mut(&id) else { return };
        let place = connection.config.endpoint.describe();
        let label = connection.config.label.clone();
        match event {
            ConnectionEvent::Bytes(bytes) => self.connection_bytes(now, id, &bytes, false),
            ConnectionEvent::Opened => {
                connection.state = State::Open;
                connection.opened += 1;
                self.log_line(LogLevel::Info, label, format!("{place} is open"));
            }
            ConnectionEvent::Finished => {
                connection.state = State::Finished;
                self.connection_bytes(now, id, &Bytes::new(), true);
                self.log_line(LogLevel::Info, label, format!("{place} is read to its end"));
            }
            ConnectionEvent::Closed { reason: text } | ConnectionEvent::Failed { error: text } => {
                let pause = backoff(connection.failures);
                connection.failures = connection.failures.saturating_add(1);
                connection.parser.disconnected();
                connection.state = State::Waiting;
                connection.last_error = Some(text.clone());
                self.timers.set(Timer::Reconnect(id), now + pause);
                self.log_line(
                    LogLevel::Warn,
                    label,
                    format!("{text}; trying again in {} s", pause.as_secs()),
                );
            }
        }
    }

    /// `end`: nothing follows them.
    fn connection_bytes(&mut self, now: Duration, id: ConnectionId, bytes: &Bytes, end: bool) {
        let unix_ms = self.unix_ms();
        let Some(connection) = self.connections.by_id.get_mut(&id) else { return };
        if !bytes.is_empty() {
            connection.failures = 0;
        }
        let mut deltas = Vec::new();
        connection.parse(bytes, unix_ms, &mut deltas);
        if end {
            connection.parse_end(unix_ms, &mut deltas);
        }
        let provider = connection.provider.clone();
        for delta in deltas {
            self.handle_delta_as(now, delta, &provider, Placement::Tree, Origin::Connection);
        }
    }
}

/// 1, 2, 4 ... 60 s: a connection that is down costs nothing, one that comes back is noticed within a minute.
fn backoff(failures: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(failures.min(6)).unwrap_or(60).min(60))
}

/// A demo boat that is further behind goes on from where she was: an hour of hers is 3 MB of sentences.
const LONGEST_CATCH_UP: Duration = Duration::from_secs(10);

/// Keeps a boat that has nothing to say from turning the loop.
const SHORTEST_DEMO_STEP: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_minute() {
        let pauses: Vec<u64> = (0..9).map(|failures| backoff(failures).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
