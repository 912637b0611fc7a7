//! Input connections: state, back-off, counters, and the parser of each. Sockets and devices are the edge's; what a
//! sentence means is `input`'s; what happens with a delta is `pipeline`'s.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use signalk_model::{Delta, SourceRef};

use crate::{
    config::{ConnectionConfig, ConnectionKind, Endpoint},
    demo::DemoBoat,
    input::{nmea0183::Parser, signalk},
    io::{ConnectionEvent, ConnectionId, Effect, LogLevel, Output},
    server::Server,
    timer::Timer,
};

/// All configured inputs.
#[derive(Default)]
pub(crate) struct Connections {
    by_id: BTreeMap<ConnectionId, Connection>,
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

enum Parsing {
    Nmea0183(Box<Parser>),
    SignalK(Box<signalk::Parser>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Disabled,
    Opening,
    Open,
    Waiting,
    Finished,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Disabled => "disabled",
            State::Opening => "opening",
            State::Open => "open",
            State::Waiting => "waiting",
            State::Finished => "finished",
        }
    }
}

impl Connections {
    /// Configured, nothing opened.
    pub(crate) fn new(configs: &[ConnectionConfig]) -> Connections {
        let numbered = configs.iter().zip(1..);
        let connections = numbered
            .map(|(config, number)| (ConnectionId(number), Connection::new(config.clone())));
        Connections { by_id: connections.collect() }
    }

    /// For `GET /skServer/providers`.
    pub(crate) fn providers_json(&self) -> Value {
        self.by_id.values().map(Connection::provider_json).collect()
    }

    /// For the host's own page.
    pub(crate) fn status_json(&self) -> Value {
        self.by_id.values().map(Connection::status_json).collect()
    }

    /// Rows of PROVIDERSTATUS: (id, type, message, last error).
    pub(crate) fn status_rows(
        &self,
    ) -> impl Iterator<Item = (&str, &'static str, String, Option<&str>)> {
        self.by_id.values().filter(|c| c.state != State::Disabled).map(|c| {
            let kind =
                if c.last_error.is_some() && c.state != State::Open { "error" } else { "status" };
            let place = c.config.endpoint.describe();
            let message = match (c.state, &c.last_error) {
                (State::Open, _) => format!("Connected to {place}"),
                (State::Waiting, Some(error)) => error.clone(),
                (state, _) => format!("{place}: {}", state.name()),
            };
            (c.config.label.as_str(), kind, message, c.last_error.as_deref())
        })
    }
}

impl Connection {
    fn new(config: ConnectionConfig) -> Connection {
        let provider = config.label.parse().unwrap_or_else(|_| SourceRef::from("unnamed"));
        let parser = match config.kind {
            ConnectionKind::Nmea0183 => Parsing::Nmea0183(Box::new(Parser::new(&config.label))),
            ConnectionKind::SignalK => Parsing::SignalK(Box::default()),
        };
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

    fn provider_json(&self) -> Value {
        let options = match &self.config.endpoint {
            Endpoint::Demo { seed } => json!({ "type": "demo", "seed": seed }),
            Endpoint::TcpClient { host, port } => {
                json!({ "type": "tcp", "host": host, "port": port })
            }
            Endpoint::TcpServer { port } => json!({ "type": "tcpserver", "port": port }),
            Endpoint::Udp { port } => json!({ "type": "udp", "port": port }),
            Endpoint::Serial { device, baud } => {
                json!({ "type": "serial", "device": device, "baudrate": baud })
            }
            Endpoint::File { path, .. } => {
                json!({ "type": "file", "filename": path, "dataType": self.config.kind.name() })
            }
        };
        json!({
            "type": self.config.kind.name(), "id": self.config.label, "enabled": self.config.enabled,
            "options": options, "editable": true,
        })
    }

    fn status_json(&self) -> Value {
        let mut status = json!({
            "id": self.config.label, "type": self.config.kind.name(), "endpoint": self.config.endpoint.describe(),
            "state": self.state.name(), "opened": self.opened, "bytes": self.bytes, "deltas": self.deltas,
            "lastError": self.last_error,
        });
        let counters = match &self.parser {
            Parsing::Nmea0183(parser) => {
                let counters = parser.counters();
                json!({
                    "sentences": counters.sentences, "badChecksum": counters.bad_checksum, "garbageBytes": counters.garbage_bytes,
                    "truncated": counters.truncated, "oversized": counters.oversized, "badFields": counters.bad_fields,
                    "lostFragments": counters.lost_fragments, "unsupported": counters.unsupported,
                })
            }
            Parsing::SignalK(parser) => {
                let counters = parser.counters();
                json!({ "deltas": counters.deltas, "notDeltas": counters.not_deltas, "oversized": counters.oversized })
            }
        };
        if let Some(status) = status.as_object_mut() {
            status.insert("counters".into(), counters);
        }
        status
    }

    /// What was half read is no use after a reconnect.
    fn disconnected(&mut self) {
        match &mut self.parser {
            Parsing::Nmea0183(parser) => parser.disconnected(),
            Parsing::SignalK(parser) => parser.push(b"\n", &mut Vec::new()),
        }
    }

    /// The deltas in these bytes.
    fn parse(&mut self, bytes: &[u8], now_wall_ms: i64, out: &mut Vec<Delta>) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        match &mut self.parser {
            Parsing::Nmea0183(parser) => {
                parser.push(bytes, now_wall_ms, out);
                if matches!(self.config.endpoint, Endpoint::Udp { .. }) {
                    parser.end_of_datagram(now_wall_ms, out);
                }
            }
            Parsing::SignalK(parser) => {
                let mut parsed = Vec::new();
                parser.push(bytes, &mut parsed);
                if matches!(self.config.endpoint, Endpoint::Udp { .. }) {
                    parser.push(b"\n", &mut parsed);
                }
                out.extend(parsed.into_iter().map(|parsed| parsed.delta));
            }
        }
        self.deltas = self.deltas.saturating_add(u64::try_from(out.len()).unwrap_or(0));
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
        boat.sentences_until(now.saturating_sub(*began), &mut sentences);
        let next = *began + boat.next();
        self.timers.set(Timer::Demo(id), next.max(now + SHORTEST_DEMO_STEP));
        self.connection_bytes(now, id, &sentences.into());
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
            ConnectionEvent::Bytes(bytes) => self.connection_bytes(now, id, &bytes),
            ConnectionEvent::Opened => {
                connection.state = State::Open;
                connection.opened += 1;
                self.log_line(LogLevel::Info, label, format!("{place} is open"));
            }
            ConnectionEvent::Finished => {
                connection.state = State::Finished;
                self.log_line(LogLevel::Info, label, format!("{place} is read to its end"));
            }
            ConnectionEvent::Closed { reason: text } | ConnectionEvent::Failed { error: text } => {
                let pause = backoff(connection.failures);
                connection.failures = connection.failures.saturating_add(1);
                connection.disconnected();
                connection.state = State::Waiting;
                connection.last_error = Some(text.clone());
                self.timers.set(Timer::Reconnect(id), now + pause);
                self.log_line(
                    LogLevel::Warn,
                    label,
                    format!("{place}: {text}; trying again in {} s", pause.as_secs()),
                );
            }
        }
    }

    fn connection_bytes(&mut self, now: Duration, id: ConnectionId, bytes: &Bytes) {
        let unix_ms = self.unix_ms();
        let Some(connection) = self.connections.by_id.get_mut(&id) else { return };
        if !bytes.is_empty() {
            connection.failures = 0;
        }
        let mut deltas = Vec::new();
        connection.parse(bytes, unix_ms, &mut deltas);
        let provider = connection.provider.clone();
        for delta in deltas {
            self.handle_delta(now, delta, &provider);
        }
    }
}

/// 1, 2, 4 ... 60 s: a connection that is down costs nothing, one that comes back is noticed within a minute.
fn backoff(failures: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(failures.min(6)).unwrap_or(60).min(60))
}

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
