//! The streaming protocol as a function: message to messages (server-api.md 3). Which client wants what, and who gets a
//! delta; sockets and their buffers are the edge's.
//!
//! One delta is serialised once, whoever listens: clients of a query subscription (`?subscribe=all`) share the whole
//! delta's text, clients of a subscribe message share the text of one value. A client that does not read is taken out
//! of the shared lists and costs a bounded table of latest values ([`backlog`]).

mod backlog;
mod client;
mod events;
mod fanout;
mod hello;
mod message;
mod snapshot;
mod subscribe;

use core::net::IpAddr;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use signalk_model::{Context, SubscriptionSet};

use self::client::{Client, Live};
use crate::io::StreamId;

/// All stream clients, and who listens to what.
pub(crate) struct Streams {
    clients: BTreeMap<StreamId, Client>,
    subscriptions: SubscriptionSet<StreamId>,
    groups: Groups,
}

/// Clients that get the same text, so that a delta is handed to the edge once for all of them.
#[derive(Default)]
struct Groups {
    /// Get every delta of the own vessel.
    own: Group,
    /// Get every delta of the others.
    others: Group,
    /// Query clients that need a look of their own: metadata first, or a backlog.
    special: Vec<StreamId>,
    /// A client of the above came, left or changed.
    stale: bool,
}

struct Group {
    ids: Arc<[StreamId]>,
    /// Frames since the group was formed.
    frames: u64,
}

impl Default for Group {
    fn default() -> Group {
        Group { ids: Arc::from([]), frames: 0 }
    }
}

impl Streams {
    /// No client yet.
    pub(crate) fn new(self_context: Context) -> Streams {
        Streams {
            clients: BTreeMap::new(),
            subscriptions: SubscriptionSet::new(self_context),
            groups: Groups::default(),
        }
    }

    /// When a value that waits is due.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.subscriptions.poll_timeout()
    }

    /// Contexts that were pruned.
    pub(crate) fn forget(&mut self, contexts: &[Context]) {
        self.subscriptions.forget(contexts);
        let contexts: BTreeSet<&Context> = contexts.iter().collect();
        for client in self.clients.values_mut() {
            if let Some(announced) = &mut client.announced_meta {
                announced.retain(|(known, _)| !contexts.contains(known));
            }
        }
    }

    /// Whether the client is open; counts one more frame to it.
    pub(crate) fn count_frame(&mut self, id: StreamId) -> bool {
        self.clients.get_mut(&id).map(|client| client.frames += 1).is_some()
    }

    /// Whether the client is open.
    pub(crate) fn has(&self, id: StreamId) -> bool {
        self.clients.contains_key(&id)
    }

    /// Clients that have been open for as long as this.
    pub(crate) fn open_for(&self, now: Duration, long: Duration) -> Vec<StreamId> {
        let is_old = |client: &Client| now.saturating_sub(client.opened) >= long;
        self.clients.iter().filter(|(_, client)| is_old(client)).map(|(id, _)| *id).collect()
    }

    /// Where the client is.
    pub(crate) fn peer(&self, id: StreamId) -> Option<IpAddr> {
        self.clients.get(&id)?.peer
    }

    /// How many clients are open.
    pub(crate) fn len(&self) -> usize {
        self.clients.len()
    }

    /// For the host's own page.
    pub(crate) fn status_json(&self, now: Duration) -> Value {
        let rows = self.clients.iter().map(|(id, client)| {
            json!({
                "id": id.0,
                "target": client.target,
                "userAgent": client.agent,
                "seconds": now.saturating_sub(client.opened).as_secs(),
                "frames": client.frames + self.groups.frames_of(*id),
                "queuedBytes": client.queue_bytes,
                "accumulating": client.backlog.is_some(),
                "coalesced": client.coalesced,
                "subscriptions": self.subscriptions.rows_of(id).count(),
            })
        });
        rows.collect()
    }

    fn insert(&mut self, id: StreamId, client: Client) {
        self.groups.stale |= client.live != Live::None;
        self.clients.insert(id, client);
    }

    fn remove(&mut self, id: StreamId) -> Option<Client> {
        let client = self.clients.remove(&id)?;
        self.subscriptions.remove(&id);
        self.groups.stale = true;
        Some(client)
    }

    /// Forms the groups anew after a client came, left or changed.
    fn regroup(&mut self) {
        if !std::mem::take(&mut self.groups.stale) {
            return;
        }
        for group in [&self.groups.own, &self.groups.others] {
            for id in group.ids.iter() {
                if let Some(client) = self.clients.get_mut(id) {
                    client.frames += group.frames;
                }
            }
        }
        let members = |wanted: fn(&Client) -> bool| -> Vec<StreamId> {
            self.clients.iter().filter(|(_, client)| wanted(client)).map(|(id, _)| *id).collect()
        };
        self.groups.own =
            Group { ids: members(|c| c.live != Live::None && !c.is_special()).into(), frames: 0 };
        self.groups.others =
            Group { ids: members(|c| c.live == Live::All && !c.is_special()).into(), frames: 0 };
        self.groups.special = members(|c| c.live != Live::None && c.is_special());
    }
}

impl Groups {
    fn frames_of(&self, id: StreamId) -> u64 {
        [&self.own, &self.others]
            .iter()
            .filter(|group| group.ids.binary_search(&id).is_ok())
            .map(|group| group.frames)
            .sum()
    }
}

/// Whether a query client of this kind gets deltas of this context.
fn wants(live: Live, context: &Context, own: &Context) -> bool {
    match live {
        Live::None => false,
        Live::Own => context == own,
        Live::All => true,
    }
}
