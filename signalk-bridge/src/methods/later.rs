//! Answers that come later: what the end of a wait is told as, and what becomes of a wait that nobody waits for any
//! more.
//!
//! Who waits is the convention's: `session/rpc/network.rs` for JSON-RPC, `session/library/by_name.rs` for `sk_call`.

use serde_json::value::{RawValue, to_raw_value};

use super::network::{Give, Later, answer, failed, take};
use crate::net::{Net, Outcome, Wait};
use crate::{BridgeError, PluginId, SocketId};

/// To a call by name.
pub(crate) type Answer = Result<Box<RawValue>, BridgeError>;

impl Later {
    /// The answer when its wait has ended so.
    pub(crate) fn answer(
        self,
        wait: Wait,
        outcome: Outcome,
        plugin: &PluginId,
        net: &mut Net,
    ) -> Answer {
        let Later { call, give } = self;
        if let Wait::Body(exchange) | Wait::Room(exchange) = wait
            && matches!(outcome, Outcome::Failed(_))
            && net.exchange_has_left(exchange)
        {
            let (plugin, exchange) = (plugin.clone(), exchange.0);
            return Err(BridgeError::ClientLeft { plugin, call, exchange });
        }
        let done = answer(give, outcome, net);
        let done = done.and_then(|value| to_raw_value(&value).map_err(|e| e.to_string()));
        done.map_err(|text| failed(plugin, call, text))
    }

    /// Nobody waits any more: what the call began ends.
    pub(crate) fn give_up(self, wait: Wait, net: &mut Net) {
        leave(wait, net);
        if matches!(self.call, "tcp.connect" | "tcp.listen" | "ws.connect") {
            net.abandon(self.give.socket());
        }
    }
}

impl Give {
    /// The socket that it is about.
    pub(crate) fn socket(self) -> Option<SocketId> {
        match self {
            Give::Port(id) | Give::Socket(id) | Give::Listener(id) | Give::WebSocket(id) => {
                Some(id)
            }
            Give::Null | Give::Put | Give::Answer(_) | Give::Piece => None,
        }
    }
}

/// Nobody waits for this any more; what was begun goes on where that makes sense.
pub(crate) fn leave(wait: Wait, net: &mut Net) {
    match wait {
        // Its answer would be read by nobody.
        Wait::Fetch(id) => net.fetch_cancel(id),
        // The piece that comes would be lost, and with it the meaning of those after it.
        Wait::Body(id) => net.exchange_read_dropped(id),
        // What was written goes out all the same.
        Wait::Room(id) => net.exchange_write_dropped(id),
        Wait::Upload(id) => net.upload_write_dropped(id),
        Wait::Socket(_) | Wait::Put(_) | Wait::Save(_) => {}
    }
}

/// What a socket has for a call that receives; `None`: nothing yet.
pub(crate) fn taken(
    call: &'static str,
    socket: SocketId,
    plugin: &PluginId,
    net: &mut Net,
) -> Option<Answer> {
    let taken = take(net, call, socket).transpose()?;
    let taken = taken.and_then(|value| to_raw_value(&value).map_err(|e| e.to_string()));
    Some(taken.map_err(|text| failed(plugin, call, text)))
}
