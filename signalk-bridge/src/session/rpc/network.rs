//! The network of a JSON-RPC plugin: calls that the world answers, and datagrams that come unasked.
//!
//! What a socket or request does is `net/`, what a call means is `methods/`.
//! Here is who waits for what: a wait of the network, or data of a socket.
//! Datagrams wait in `net/` until the plugin rests; then it is told of them.

use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};
use wasmi_rpc::RequestId;

use crate::methods::network::{Later, Reply, answer, failed, received, take};
use crate::net::{Completed, Fresh, Net, Outcome, Wait};
use crate::{BridgeError, Effect, PluginId, PutId, Report, SocketId};

/// Datagrams and bytes of one notification.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 256 << 10;

pub(super) type Answer = Result<Box<RawValue>, BridgeError>;

/// The network of one life.
pub(super) struct World {
    plugin: PluginId,
    pub(super) net: Net,
    awaited: BTreeMap<Wait, (RequestId, Later)>,
    receiving: BTreeMap<SocketId, (RequestId, &'static str)>,
}

impl World {
    pub(super) fn new(plugin: PluginId, net: Net) -> World {
        World { plugin, net, awaited: BTreeMap::new(), receiving: BTreeMap::new() }
    }

    /// The answer to a call, if it is known now.
    pub(super) fn begin(&mut self, id: RequestId, reply: Reply) -> Option<Answer> {
        match reply {
            Reply::Now(answer) => Some(Ok(answer)),
            Reply::Later(wait, later) => {
                self.awaited.insert(wait, (id, later));
                None
            }
            Reply::Data { call, socket } => {
                if self.receiving.contains_key(&socket) {
                    let text = format!("another call waits for data of socket {}", socket.0);
                    return Some(Err(failed(&self.plugin, call, text)));
                }
                let answer = self.take(call, socket);
                if answer.is_none() {
                    self.receiving.insert(socket, (id, call));
                }
                answer
            }
        }
    }

    /// A call that is a notification has nobody to answer; what it began goes on.
    pub(super) fn forget(&mut self, reply: Reply) {
        if let Reply::Later(wait, _) = reply {
            self.leave(wait);
        }
    }

    /// Nobody waits for this any more.
    fn leave(&mut self, wait: Wait) {
        match wait {
            // Its answer would be read by nobody.
            Wait::Fetch(id) => self.net.fetch_cancel(id),
            // The piece that comes would be lost, and with it the meaning of those after it.
            Wait::Body(id) => self.net.exchange_read_dropped(id),
            // What was written goes out all the same.
            Wait::Room(id) => self.net.exchange_write_dropped(id),
            Wait::Upload(id) => self.net.upload_write_dropped(id),
            Wait::Socket(_) | Wait::Put(_) | Wait::Save(_) => {}
        }
    }

    /// News of the world: the calls that have their answer now.
    pub(super) fn report(&mut self, report: Report) -> Vec<(RequestId, Answer)> {
        let completed = self.net.handle_report(report);
        self.answers(completed)
    }

    /// A PUT has come to its end: who waited for it has the answer now.
    pub(super) fn put_done(&mut self, id: PutId, reply: String) -> Vec<(RequestId, Answer)> {
        let completed = self.net.put_done(id, reply);
        self.answers(completed)
    }

    /// Calls that ended by another call, for example by closing their socket.
    pub(super) fn settle(&mut self) -> Vec<(RequestId, Answer)> {
        let completed = self.net.take_completed();
        self.answers(completed)
    }

    fn answers(&mut self, completed: Vec<Completed>) -> Vec<(RequestId, Answer)> {
        let mut answers = Vec::new();
        for Completed { wait, outcome } in completed {
            let Some((id, Later { call, give })) = self.awaited.remove(&wait) else { continue };
            let is_end = matches!(outcome, Outcome::Failed(_));
            if let Wait::Body(exchange) | Wait::Room(exchange) = wait
                && is_end
                && self.net.exchange_has_left(exchange)
            {
                let (plugin, exchange) = (self.plugin.clone(), exchange.0);
                answers.push((id, Err(BridgeError::ClientLeft { plugin, call, exchange })));
                continue;
            }
            let done = answer(give, outcome, &mut self.net);
            let done = done.and_then(|value| to_raw_value(&value).map_err(|e| e.to_string()));
            answers.push((id, done.map_err(|text| failed(&self.plugin, call, text))));
        }
        let mut sockets: Vec<SocketId> = Vec::new();
        for fresh in self.net.take_fresh() {
            match fresh {
                Fresh::Tcp(id) | Fresh::WebSocket(id) | Fresh::Listener(id) => sockets.push(id),
                Fresh::Udp(_) => {}
            }
        }
        // A socket that is gone has no news any more.
        sockets.extend(self.receiving.keys().filter(|id| !self.net.is_open(**id)));
        for socket in sockets {
            let Some((_, call)) = self.receiving.get(&socket) else { continue };
            if let Some(answer) = self.take(call, socket)
                && let Some((id, _)) = self.receiving.remove(&socket)
            {
                answers.push((id, answer));
            }
        }
        answers
    }

    fn take(&mut self, call: &'static str, socket: SocketId) -> Option<Answer> {
        let taken = take(&mut self.net, call, socket).transpose()?;
        let taken = taken.and_then(|value| to_raw_value(&value).map_err(|e| e.to_string()));
        Some(taken.map_err(|text| failed(&self.plugin, call, text)))
    }

    /// The plugin took a call back: what it began ends.
    pub(super) fn cancel(&mut self, id: &RequestId) {
        self.receiving.retain(|_, (waiting, _)| waiting != id);
        let waits = self.awaited.iter().find(|(_, (waiting, _))| waiting == id);
        let Some((wait, later)) = waits.map(|(wait, (_, later))| (*wait, *later)) else { return };
        self.awaited.remove(&wait);
        self.leave(wait);
        if matches!(later.call, "tcp.connect" | "tcp.listen" | "ws.connect") {
            self.net.abandon(later.give.socket());
        }
    }

    /// The plugin stops: its requests by HTTP end. Sockets, bodies and PUTs go on until it has stopped.
    pub(super) fn stop(&mut self) -> Vec<(RequestId, Answer)> {
        let cancelled = self.net.cancel_fetches();
        self.answers(cancelled)
    }

    /// What the edge is to do, in order.
    pub(super) fn effects(&mut self) -> impl Iterator<Item = Effect> + use<> {
        self.net.take_effects().into_iter()
    }

    /// Params of `udp.received`, one batch of each socket that has any.
    pub(super) fn datagrams(&mut self) -> Vec<String> {
        let waiting = self.net.udp_waiting();
        let batch = |id: SocketId| {
            let (datagrams, dropped) = self.net.udp_take(id, BATCH, BATCH_BYTES);
            received(id, &datagrams, dropped)
        };
        waiting.into_iter().map(batch).collect()
    }
}
