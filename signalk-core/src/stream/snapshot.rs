//! What a new query client is sent at once: every cached value, oldest first, each as a delta of its own with its
//! original source and time (server-api.md 3.2).

use bytes::Bytes;
use signalk_model::hash::NameSet;
use signalk_model::{
    Body, Context, Item, Path, SourcePolicy, json,
    meta::{Meta, Registry},
};

use super::{client::Live, wants};
use crate::{io::StreamId, server::Server};

impl Server {
    /// Sends the cached values that this kind of client wants.
    pub(crate) fn send_snapshot(&mut self, id: StreamId, live: Live, policy: SourcePolicy) {
        let cached = self.store.cached(|context| wants(live, context, &self.self_context), policy);
        let Some(client) = self.streams.clients.get_mut(&id) else { return };
        let mut frames = Vec::with_capacity(cached.len());
        for item in &cached {
            announce_meta(&mut client.announced_meta, self.store.meta(), item, &mut frames);
            frames.push(frame(item));
        }
        self.send_all(id, frames);
    }
}

/// The text of one item as a delta.
pub(crate) fn frame(item: &Item<'_>) -> Bytes {
    let mut text = Vec::with_capacity(TYPICAL_VALUE);
    item.write_json(&mut text);
    Bytes::from(text)
}

/// `sendMeta=all`: metadata that this client has not seen yet, of the path and then of its parents down to two segments
/// (server-api.md 3.4).
pub(crate) fn announce_meta(
    announced: &mut Option<NameSet<(Context, Path)>>,
    registry: &Registry,
    item: &Item<'_>,
    frames: &mut Vec<Bytes>,
) {
    let (Some(announced), Body::Value(_)) = (announced, item.body) else { return };
    let mut name = item.path.as_str();
    while !name.is_empty() && (name.len() == item.path.len() || name.contains('.')) {
        let path = if name.len() == item.path.len() { item.path.clone() } else { Path::from(name) };
        if !announced.insert((item.context.clone(), path.clone())) {
            return;
        }
        if let Some(meta) = registry.get(item.context, &path) {
            frames.push(meta_frame(item, &path, &meta));
        }
        name = name.rsplit_once('.').map_or("", |(parent, _)| parent);
    }
}

fn meta_frame(item: &Item<'_>, path: &Path, meta: &Meta) -> Bytes {
    let mut text = Vec::with_capacity(TYPICAL_VALUE);
    text.extend_from_slice(b"{\"context\":");
    json::write_str(&mut text, item.context);
    text.extend_from_slice(b",\"updates\":[{");
    if let Some(timestamp) = item.timestamp {
        text.extend_from_slice(b"\"timestamp\":");
        json::write_str(&mut text, timestamp.as_str());
        text.push(b',');
    }
    text.extend_from_slice(b"\"meta\":[{\"path\":");
    json::write_str(&mut text, path);
    text.extend_from_slice(b",\"value\":");
    text.extend_from_slice(meta.stream_json(path).as_bytes());
    text.extend_from_slice(b"}]}]}");
    Bytes::from(text)
}

/// Saves the first few growths of the text.
const TYPICAL_VALUE: usize = 320;
