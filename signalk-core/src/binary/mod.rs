//! Binary streams: frames that plugins emit, radar spokes above all, to WebSocket clients (plugin ABI 12).
//!
//! A frame is handed to the edge once for all its clients and is never changed or copied here. A client that has too
//! much unsent misses frames and is closed when it misses too many in a row; nobody waits for it. Nothing is kept for
//! clients that come later. `address.rs`: which stream an address or a plugin means; `emitted.rs`: whether a plugin's
//! frame goes out; `radars.rs`: whose a radar is. What a plugin may emit at all was checked by `signalk-bridge`;
//! sockets are the edge's.

mod address;
mod emitted;
mod radars;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Value, json};
use signalk_bridge::PluginId;

use self::{address::stream_of, radars::Radars};
use crate::{
    http::{HttpRequest, without_token},
    io::{Effect, Output, StreamId},
    server::Server,
};

/// All streams, their clients, and the radars that plugins say they have.
#[derive(Debug, Default)]
pub(crate) struct BinaryStreams {
    streams: BTreeMap<Arc<str>, Stream>,
    clients: BTreeMap<StreamId, Client>,
    pub(crate) radars: Radars,
}

/// One stream. It exists while somebody emits to it or listens.
#[derive(Debug)]
struct Stream {
    /// Who emits: the first that did, until its life ends.
    owner: Option<PluginId>,
    clients: BTreeSet<StreamId>,
    /// Those that get the next frame; shared with the edge until it changes.
    ready: Arc<[StreamId]>,
    /// Those that miss it.
    behind: Vec<StreamId>,
    /// A client came, left, fell behind or caught up.
    stale: bool,
    frames: u64,
    bytes: u64,
}

impl Default for Stream {
    fn default() -> Stream {
        Stream {
            owner: None,
            clients: BTreeSet::new(),
            ready: Arc::from([]),
            behind: Vec::new(),
            stale: false,
            frames: 0,
            bytes: 0,
        }
    }
}

#[derive(Debug)]
struct Client {
    stream: Arc<str>,
    target: String,
    agent: String,
    opened: Duration,
    /// Frames of the stream before it came.
    before: u64,
    /// Bytes that wait at the edge, as last reported.
    unsent: usize,
    /// Frames that it missed.
    skipped: u64,
    in_a_row: u32,
}

/// Why a frame goes nowhere.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// Another plugin emits to this stream.
    Taken(PluginId),
    /// The plugin has too many streams.
    TooMany,
}

impl BinaryStreams {
    fn open(&mut self, now: Duration, id: StreamId, name: &str, request: &HttpRequest) {
        let name: Arc<str> = match self.streams.get_key_value(name) {
            Some((name, _)) => Arc::clone(name),
            None => name.into(),
        };
        let stream = self.streams.entry(Arc::clone(&name)).or_default();
        stream.clients.insert(id);
        stream.stale = true;
        let client = Client {
            stream: name,
            target: without_token(&request.target),
            agent: request.header("user-agent").unwrap_or_default().to_owned(),
            opened: now,
            before: stream.frames,
            unsent: 0,
            skipped: 0,
            in_a_row: 0,
        };
        self.clients.insert(id, client);
    }

    /// A client is gone. False: it was none of these.
    pub(crate) fn close(&mut self, id: StreamId) -> bool {
        let Some(client) = self.clients.remove(&id) else { return false };
        if let Some(stream) = self.streams.get_mut(&client.stream) {
            stream.clients.remove(&id);
            stream.stale = true;
            if stream.clients.is_empty() && stream.owner.is_none() {
                self.streams.remove(&client.stream);
            }
        }
        true
    }

    /// The edge says how much a client has not read. False: it is none of these.
    pub(crate) fn queue(&mut self, id: StreamId, bytes: usize) -> bool {
        let Some(client) = self.clients.get_mut(&id) else { return false };
        let was_behind = client.is_behind();
        client.unsent = bytes;
        if client.is_behind() != was_behind
            && let Some(stream) = self.streams.get_mut(&client.stream)
        {
            stream.stale = true;
        }
        true
    }

    /// One frame for everybody who listens and keeps up.
    fn emit(
        &mut self,
        plugin: &PluginId,
        name: &str,
        frame: Bytes,
        outputs: &mut VecDeque<Output>,
    ) -> Result<(), Refusal> {
        self.admit(plugin, name)?;
        let Some(stream) = self.streams.get_mut(name) else { return Ok(()) };
        stream.frames += 1;
        stream.bytes += u64::try_from(frame.len()).unwrap_or(0);
        stream.regroup(&mut self.clients);
        if !stream.ready.is_empty() {
            let ids = Arc::clone(&stream.ready);
            outputs.push_back(Output::Effect(Effect::StreamSendBinary { ids, frame }));
        }
        let mut lost = Vec::new();
        for id in &stream.behind {
            let Some(client) = self.clients.get_mut(id) else { continue };
            client.skipped += 1;
            client.in_a_row += 1;
            if client.in_a_row > MOST_SKIPPED {
                lost.push(*id);
            }
        }
        for id in lost {
            self.end(id, TOO_SLOW.0, TOO_SLOW.1, outputs);
        }
        Ok(())
    }

    /// A stream has one source at a time.
    fn admit(&mut self, plugin: &PluginId, name: &str) -> Result<(), Refusal> {
        match self.streams.get(name).and_then(|stream| stream.owner.as_ref()) {
            Some(owner) if owner == plugin => return Ok(()),
            Some(owner) => return Err(Refusal::Taken(owner.clone())),
            None => {}
        }
        let own = self.streams.values().filter(|stream| stream.owner.as_ref() == Some(plugin));
        if own.count() >= MOST_STREAMS {
            return Err(Refusal::TooMany);
        }
        self.streams.entry(name.into()).or_default().owner = Some(plugin.clone());
        Ok(())
    }

    /// Closes from our side.
    fn end(&mut self, id: StreamId, code: u16, reason: &str, outputs: &mut VecDeque<Output>) {
        let reason = reason.to_owned();
        outputs.push_back(Output::Effect(Effect::StreamClose { id, code, reason }));
        self.close(id);
    }

    /// The life of a plugin is over, and so are its streams.
    fn end_of(&mut self, plugin: &PluginId, outputs: &mut VecDeque<Output>) {
        self.radars.forget(plugin);
        let mut over = Vec::new();
        for stream in self.streams.values_mut() {
            if stream.owner.as_ref() == Some(plugin) {
                stream.owner = None;
                over.extend(stream.clients.iter().copied());
            }
        }
        for id in over {
            self.end(id, ENDED.0, ENDED.1, outputs);
        }
        self.streams.retain(|_, stream| stream.owner.is_some() || !stream.clients.is_empty());
    }

    /// For the host's own page.
    pub(crate) fn status_json(&self, now: Duration) -> Value {
        let rows = self.streams.iter().map(|(name, stream)| {
            let clients = stream.clients.iter().filter_map(|id| {
                let client = self.clients.get(id)?;
                Some(json!({
                    "id": id.0,
                    "target": client.target,
                    "userAgent": client.agent,
                    "seconds": now.saturating_sub(client.opened).as_secs(),
                    "frames": stream.frames - client.before - client.skipped,
                    "skipped": client.skipped,
                    "queuedBytes": client.unsent,
                }))
            });
            json!({
                "name": &**name,
                "plugin": stream.owner.as_deref(),
                "frames": stream.frames,
                "bytes": stream.bytes,
                "clients": clients.collect::<Value>(),
            })
        });
        json!({ "streams": rows.collect::<Value>(), "refusedFrames": self.radars.refused_json() })
    }
}

impl Stream {
    /// Who gets the next frame. Those have then been sent one, so they begin to count anew.
    fn regroup(&mut self, clients: &mut BTreeMap<StreamId, Client>) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let is_behind = |id: &StreamId| clients.get(id).is_some_and(Client::is_behind);
        let (behind, ready): (Vec<_>, Vec<_>) = self.clients.iter().copied().partition(is_behind);
        for id in &ready {
            if let Some(client) = clients.get_mut(id) {
                client.in_a_row = 0;
            }
        }
        (self.ready, self.behind) = (ready.into(), behind);
    }
}

impl Client {
    fn is_behind(&self) -> bool {
        self.unsent > MOST_UNSENT
    }
}

impl Server {
    /// A client asks for a stream at this path. False: the path is none of a binary stream.
    pub(crate) fn binary_opened(
        &mut self,
        now: Duration,
        id: StreamId,
        request: &HttpRequest,
    ) -> bool {
        let Some(name) = stream_of(request.path()) else { return false };
        self.binary.open(now, id, &name, request);
        let limit = MOST_UNSENT;
        self.outputs.push_back(Output::Effect(Effect::StreamAccept { id, limit, protocol: None }));
        true
    }

    /// Whoever listens may not any more. False: it is no binary stream's.
    pub(crate) fn binary_refused(&mut self, id: StreamId, why: &str) -> bool {
        let is_one = self.binary.clients.contains_key(&id);
        if is_one {
            self.binary.end(id, 1008, why, &mut self.outputs);
        }
        is_one
    }
}

/// Whether this path of an upgrade request means one of these.
pub(crate) fn is_binary_stream(path: &str) -> bool {
    stream_of(path).is_some()
}

/// A client with more than this unsent misses frames (plugin ABI 12).
const MOST_UNSENT: usize = 256 << 10;
/// One that misses more than these in a row is closed.
const MOST_SKIPPED: u32 = 30;
const TOO_SLOW: (u16, &str) = (1008, "Client cannot keep up with data rate");
const ENDED: (u16, &str) = (1001, "Stream ended");
/// Streams that one plugin may emit to.
const MOST_STREAMS: usize = 256;
