//! The network of a JSON-RPC plugin: calls that the world answers, and datagrams that come unasked.
//!
//! What a socket or request does is `net/`, what a call means is `methods/`.
//! Here is who waits for what: a wait of the network, or data of a socket.
//! Datagrams wait in `net/` until the plugin rests; then it is told of them.

use std::collections::BTreeMap;

use wasmi_rpc::RequestId;

use crate::methods::later::{Answer, leave, taken};
use crate::methods::network::{Later, Reply, failed, received};
use crate::net::{Completed, Fresh, Net, Wait};
use crate::{Effect, PluginId, PutId, Report, SocketId};

/// Datagrams and bytes of one notification.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 256 << 10;

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
                let answer = taken(call, socket, &self.plugin, &mut self.net);
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
            leave(wait, &mut self.net);
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
            let Some((id, later)) = self.awaited.remove(&wait) else { continue };
            answers.push((id, later.answer(wait, outcome, &self.plugin, &mut self.net)));
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
            if let Some(answer) = taken(call, socket, &self.plugin, &mut self.net)
                && let Some((id, _)) = self.receiving.remove(&socket)
            {
                answers.push((id, answer));
            }
        }
        answers
    }

    /// The plugin took a call back: what it began ends.
    pub(super) fn cancel(&mut self, id: &RequestId) {
        self.receiving.retain(|_, (waiting, _)| waiting != id);
        let waits = self.awaited.iter().find(|(_, (waiting, _))| waiting == id);
        let Some((wait, later)) = waits.map(|(wait, (_, later))| (*wait, *later)) else { return };
        self.awaited.remove(&wait);
        later.give_up(wait, &mut self.net);
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
