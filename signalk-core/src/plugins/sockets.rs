//! Clients' WebSockets to plugins, below `/plugins/{id}` (requirement F67): who may open one, whose it is, and how much
//! may wait in either direction.
//!
//! Nothing is dropped out of the middle: a side that does not keep up loses its connection, with a reason. What the
//! plugin is told and may do is `signalk-bridge/src/client_socket.rs`; frames are the edge's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use signalk_bridge::{
    ClientDeed, ClientEnd, ClientNews, ClientSocketId, Input, LONGEST_MESSAGE, WebSocketMessage,
};

use super::Plugins;
use super::host::Host;
use super::offers::needs;
use super::plugin::State;
use super::routes::At;
use crate::api::{address_of_plugin, client_headers};
use crate::http::{HttpRequest, HttpResponse};
use crate::io::{Effect, Output, StreamId};
use crate::query;
use crate::security::Needs;

/// Connections of one plugin.
const MOST: usize = 100;
/// Bytes that may wait for the plugin, of all its clients; one message more is let in.
const MOST_WAITING: usize = 1 << 20;
/// Bytes that may wait for one client, at the edge: the longest message with its header, and as much again.
const MOST_UNSENT: usize = 2 << 20;

const PLUGIN_ENDED: (u16, &str) = (1001, "the plugin has ended");
const TOO_LONG: (u16, &str) = (1009, "a message may have 1 MiB");
const PLUGIN_BEHIND: (u16, &str) = (1008, "the plugin does not keep up");
const CLIENT_BEHIND: (u16, &str) = (1008, "the client does not keep up");

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    open: BTreeMap<StreamId, (At, ClientSocketId)>,
    streams: BTreeMap<(At, ClientSocketId), StreamId>,
    last: u64,
}

impl Sockets {
    fn add(&mut self, at: At, stream: StreamId) -> ClientSocketId {
        self.last += 1;
        let id = ClientSocketId(self.last);
        self.open.insert(stream, (at, id));
        self.streams.insert((at, id), stream);
        id
    }

    fn remove(&mut self, stream: StreamId) -> Option<(At, ClientSocketId)> {
        let owner = self.open.remove(&stream)?;
        self.streams.remove(&owner);
        Some(owner)
    }

    fn of(&self, at: At) -> Vec<StreamId> {
        let owned = self.open.iter().filter(|(_, (owner, _))| *owner == at);
        owned.map(|(stream, _)| *stream).collect()
    }

    /// What a plugin does with one of its own.
    pub(super) fn act(
        &mut self,
        at: At,
        id: ClientSocketId,
        deed: ClientDeed,
        host: &mut dyn Host,
    ) -> Result<(), String> {
        let Some(stream) = self.streams.get(&(at, id)).copied() else {
            return Err(format!("there is no connection {}, or it is closed", id.0));
        };
        let effect = match deed {
            ClientDeed::Send(WebSocketMessage::Text(text)) => {
                Effect::StreamSend { id: stream, frame: text.into() }
            }
            ClientDeed::Send(WebSocketMessage::Binary(frame)) => {
                Effect::StreamSendBinary { ids: Arc::from([stream]), frame }
            }
            ClientDeed::Close(code, reason) => {
                self.remove(stream);
                Effect::StreamClose { id: stream, code, reason }
            }
        };
        host.push(Output::Effect(effect));
        Ok(())
    }
}

impl Plugins {
    /// A client asks for a WebSocket. False: the address is none below a plugin.
    pub(crate) fn socket_opened(
        &mut self,
        now: Duration,
        stream: StreamId,
        (request, user): (&HttpRequest, Option<&str>),
        host: &mut dyn Host,
    ) -> bool {
        let Some((id, below)) = address_of_plugin(self, request.path()) else { return false };
        let below = below.to_owned();
        let (at, params, spoken) = match self.admit(&id, &below) {
            Ok(found) => found,
            Err(response) => {
                host.push(Output::Effect(Effect::StreamReject { id: stream, response }));
                return true;
            }
        };
        let passes = self.plugins.get(at).is_some_and(|p| p.options.flag("passCredentials"));
        let (_, asked) = request.target.split_once('?').unwrap_or_default();
        let mut asked = query::parse(asked);
        if !passes {
            asked.shift_remove("token");
        }
        let path = if below.is_empty() { "/" } else { &below };
        let protocol = chosen(&request.headers, &spoken);
        let mut opening = json!({
            "path": path, "query": asked, "params": params,
            "headers": client_headers(request, passes), "user": user,
        });
        if let Some(protocol) = &protocol {
            opening["protocol"] = protocol.as_str().into();
        }
        let id = self.sockets.add(at, stream);
        let limit = MOST_UNSENT;
        host.push(Output::Effect(Effect::StreamAccept { id: stream, limit, protocol }));
        let news = ClientNews::Opened { id, request: signalk_model::json::value_text(&opening) };
        self.input(at, now, Input::Client(news), host);
        true
    }

    /// Who may open one at this path (plugin ABI 8.5): an administrator, unless the plugin says otherwise of it.
    pub(crate) fn socket_needs(&self, path: &str) -> Needs {
        let access = || {
            let (id, below) = address_of_plugin(self, path)?;
            let (at, _) = self.find(&id)?;
            let (endpoints, _) = self.registrations.web_sockets(at)?;
            Some(endpoints.find("GET", below)?.0.access)
        };
        access().map_or(Needs::ADMIN, needs)
    }

    /// Whoever is behind it may not stay. False: it is none of a plugin's.
    pub(crate) fn socket_refused(
        &mut self,
        now: Duration,
        stream: StreamId,
        why: &str,
        host: &mut dyn Host,
    ) -> bool {
        let is_one = self.sockets.open.contains_key(&stream);
        self.close_socket(now, stream, (1008, why), host);
        is_one
    }

    /// Who takes it, and what the address says; or why nobody does.
    fn admit(&self, id: &str, below: &str) -> Result<(At, Value, Vec<String>), HttpResponse> {
        let refused =
            |status: u16, text: &str| HttpResponse::json(status, &json!({ "error": text }));
        let none = || refused(404, "the plugin has no WebSocket at this address");
        let (at, plugin) = self.find(id).ok_or_else(none)?;
        if plugin.state != State::Running || plugin.stopping {
            return Err(refused(503, "Plugin not running"));
        }
        let (endpoints, protocols) = self.registrations.web_sockets(at).ok_or_else(none)?;
        let (_, params) = endpoints.find("GET", below).ok_or_else(none)?;
        if self.sockets.of(at).len() >= MOST {
            let text = format!("{MOST} WebSockets of this plugin are open, which is the limit");
            return Err(refused(503, &text));
        }
        if self.is_behind(at) {
            return Err(refused(503, PLUGIN_BEHIND.1));
        }
        Ok((at, Value::Object(params), protocols.to_vec()))
    }

    /// Whether this client is a plugin's.
    pub(crate) fn has_socket(&self, stream: StreamId) -> bool {
        self.sockets.open.contains_key(&stream)
    }

    /// A client says something.
    pub(crate) fn socket_message(
        &mut self,
        now: Duration,
        stream: StreamId,
        message: WebSocketMessage,
        host: &mut dyn Host,
    ) {
        let Some((at, id)) = self.sockets.open.get(&stream).copied() else { return };
        if message.len() > LONGEST_MESSAGE {
            self.close_socket(now, stream, TOO_LONG, host);
        } else if self.is_behind(at) {
            self.close_socket(now, stream, PLUGIN_BEHIND, host);
        } else {
            self.input(at, now, Input::Client(ClientNews::Message { id, message }), host);
        }
    }

    /// Whether so much waits for the plugin that nobody may add to it.
    fn is_behind(&self, at: At) -> bool {
        let session = self.plugins.get(at).and_then(|plugin| plugin.session.as_ref());
        session.map_or(0, signalk_bridge::Session::client_bytes) > MOST_WAITING
    }

    /// A client is gone. False: it was none of a plugin's.
    pub(crate) fn socket_closed(
        &mut self,
        now: Duration,
        stream: StreamId,
        close: Option<(u16, String)>,
        host: &mut dyn Host,
    ) -> bool {
        let Some((at, id)) = self.sockets.remove(stream) else { return false };
        let end = close.map_or(ClientEnd::Gone, |(code, reason)| ClientEnd::Client(code, reason));
        self.input(at, now, Input::Client(ClientNews::Closed { id, end }), host);
        true
    }

    /// The edge says how much a client has not read. False: it is none of a plugin's.
    pub(crate) fn socket_queue(
        &mut self,
        now: Duration,
        stream: StreamId,
        bytes: usize,
        host: &mut dyn Host,
    ) -> bool {
        let is_one = self.sockets.open.contains_key(&stream);
        if is_one && bytes > MOST_UNSENT {
            self.close_socket(now, stream, CLIENT_BEHIND, host);
        }
        is_one
    }

    /// From our side; the plugin is told why.
    fn close_socket(
        &mut self,
        now: Duration,
        stream: StreamId,
        (code, reason): (u16, &str),
        host: &mut dyn Host,
    ) {
        let Some((at, id)) = self.sockets.remove(stream) else { return };
        let reason = reason.to_owned();
        let effect = Effect::StreamClose { id: stream, code, reason: reason.clone() };
        host.push(Output::Effect(effect));
        let news = ClientNews::Closed { id, end: ClientEnd::Server(reason) };
        self.input(at, now, Input::Client(news), host);
    }

    /// The plugin's life is over.
    pub(super) fn end_sockets(&mut self, at: At, host: &mut dyn Host) {
        let (code, reason) = PLUGIN_ENDED;
        for stream in self.sockets.of(at) {
            self.sockets.remove(stream);
            let reason = reason.to_owned();
            host.push(Output::Effect(Effect::StreamClose { id: stream, code, reason }));
        }
    }
}

/// The first subprotocol of the client's that the plugin speaks (RFC 6455, 4.2.2).
fn chosen(headers: &[(String, String)], spoken: &[String]) -> Option<String> {
    let offered = headers.iter().filter(|(name, _)| name == "sec-websocket-protocol");
    let mut offered = offered.flat_map(|(_, names)| names.split(',')).map(str::trim);
    offered.find(|name| spoken.iter().any(|own| own == name)).map(str::to_owned)
}
