//! Who may open a stream: so many per address. An admitted stream's place is free again when its task ends.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use signalk_core::{HttpId, Input, StreamId};
use tokio::sync::mpsc;

use crate::{
    bodies::Bodies,
    driver::{CoreSender, ToCore},
    outbox::Outbox,
    stream::wire::Framing,
};

/// What every request needs.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) sender: CoreSender,
    pub(crate) bodies: Bodies,
    streams: Arc<Streams>,
    requests: Arc<AtomicU64>,
}

/// The open streams.
struct Streams {
    next: AtomicU64,
    per_ip: Mutex<HashMap<IpAddr, usize>>,
    limit: StreamLimit,
    /// A clone lives in every stream's task: all dropped means that all have ended.
    alive: mpsc::Sender<()>,
}

/// How many streams one address may open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamLimit {
    /// From another machine.
    pub(crate) remote: usize,
    /// From this machine.
    ///
    /// DIFFERENCE: the reference counts these like any other. Here they have no limit unless one is set, because behind
    /// a proxy of the same machine every client comes from this one address.
    pub(crate) local: usize,
}

impl Edge {
    /// The second half ends when the last stream has.
    pub(crate) fn new(
        sender: CoreSender,
        limit: StreamLimit,
        bodies: Bodies,
    ) -> (Edge, mpsc::Receiver<()>) {
        let (alive, ended) = mpsc::channel(1);
        let streams = Streams { next: AtomicU64::new(1), per_ip: Mutex::default(), limit, alive };
        (Edge { sender, bodies, streams: Arc::new(streams), requests: Arc::default() }, ended)
    }

    /// Names a request.
    pub(crate) fn next_request(&self) -> HttpId {
        HttpId(self.requests.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// A new stream, unless its address has too many.
    pub(crate) fn admit(&self, ip: IpAddr, framing: Framing) -> Option<Admission> {
        let streams = &self.streams;
        let limit = if ip.is_loopback() { streams.limit.local } else { streams.limit.remote };
        let mut per_ip = streams.per_ip.lock().unwrap_or_else(PoisonError::into_inner);
        let count = per_ip.entry(ip).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        let id = StreamId(streams.next.fetch_add(1, Ordering::Relaxed));
        let outbox = Arc::new(Outbox::new(id, framing));
        Some(Admission { edge: self.clone(), ip, outbox, _alive: streams.alive.clone() })
    }
}

/// One stream's place. Dropped, the place is free and the core knows that the client is gone.
pub(crate) struct Admission {
    edge: Edge,
    ip: IpAddr,
    /// Its frames.
    pub(crate) outbox: Arc<Outbox>,
    _alive: mpsc::Sender<()>,
}

impl Admission {
    /// The way to the core.
    pub(crate) fn sender(&self) -> &CoreSender {
        &self.edge.sender
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut per_ip = self.edge.streams.per_ip.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = per_ip.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                per_ip.remove(&self.ip);
            }
        }
        let closed = ToCore::Input(Input::StreamClosed {
            id: self.outbox.id,
            close: self.outbox.take_client_close(),
        });
        let sender = self.edge.sender.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { sender.send(closed).await });
        }
    }
}
