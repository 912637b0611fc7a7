//! How the connections are: for the data connections page, the dashboard and our own page. Nothing is changed here.

use serde_json::{Value, json};

use super::{Connection, Connections, State};
use crate::config::Endpoint;

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

/// One row of PROVIDERSTATUS.
pub(crate) struct Row<'a> {
    pub(crate) id: &'a str,
    /// `status` or `error`.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) last_error: Option<&'a str>,
}

impl Connections {
    /// For `GET /skServer/providers`: those that the command line added, as the page shows what it cannot edit.
    pub(crate) fn added(&self, in_settings: impl Fn(&str) -> bool) -> impl Iterator<Item = Value> {
        self.by_id
            .values()
            .filter(move |c| !in_settings(&c.config.label))
            .map(Connection::provider_json)
    }

    /// For the host's own page.
    pub(crate) fn status_json(&self) -> Value {
        self.by_id.values().map(Connection::status_json).collect()
    }

    /// For the dashboard.
    pub(crate) fn status_rows(&self) -> impl Iterator<Item = Row<'_>> {
        let opened =
            self.by_id.values().filter(|c| c.state != State::Disabled).map(Connection::row);
        let refused = self.refused.iter().map(|(id, why)| Row {
            id,
            kind: "error",
            message: why.clone(),
            last_error: Some(why),
        });
        opened.chain(refused)
    }
}

impl Connection {
    fn row(&self) -> Row<'_> {
        let failed = self.last_error.is_some() && self.state != State::Open;
        let place = self.config.endpoint.describe();
        let message = match (self.state, &self.last_error) {
            (State::Open, _) => format!("Connected to {place}"),
            (State::Waiting, Some(error)) => error.clone(),
            (state, _) => format!("{place}: {}", state.name()),
        };
        Row {
            id: &self.config.label,
            kind: if failed { "error" } else { "status" },
            message,
            last_error: self.last_error.as_deref(),
        }
    }

    fn provider_json(&self) -> Value {
        let options = match &self.config.endpoint {
            Endpoint::Demo { seed } => json!({ "type": "demo", "seed": seed }),
            Endpoint::TcpClient { host, port } => {
                json!({ "type": "tcp", "host": host, "port": port })
            }
            Endpoint::TcpServer { port, .. } => json!({ "type": "tcpserver", "port": port }),
            Endpoint::Udp { port, .. } => json!({ "type": "udp", "port": port }),
            Endpoint::Serial { device, baud } => {
                json!({ "type": "serial", "device": device, "baudrate": baud })
            }
            Endpoint::File { path, .. } => {
                json!({ "type": "file", "filename": path, "dataType": self.config.kind.name() })
            }
        };
        json!({
            "type": self.config.kind.name(), "id": self.config.label, "enabled": self.config.enabled,
            "options": options, "editable": false, "json": self.config.endpoint.describe(),
        })
    }

    fn status_json(&self) -> Value {
        json!({
            "id": self.config.label, "type": self.config.kind.name(), "endpoint": self.config.endpoint.describe(),
            "state": self.state.name(), "opened": self.opened, "bytes": self.bytes, "deltas": self.deltas,
            "lastError": self.last_error, "counters": self.parser.counters_json(),
        })
    }
}
