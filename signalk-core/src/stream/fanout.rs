//! Who gets a delta. The whole delta's text is made once for query clients, one value's text once for subscribers; a
//! receiver costs a clone of a pointer. Figures: `benches` of the workspace, performance-goals.md B1 to B3, B9.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use signalk_model::{Context, Delta, Item, Placement, Update};

use super::{
    Streams,
    backlog::{Backlog, ENTER_BYTES, EXIT_BYTES, OVERFLOW_AFTER, OVERFLOW_BYTES},
    client::Client,
    snapshot::announce_meta,
    wants,
};
use crate::{
    io::{Effect, Output, StreamId},
    server::Server,
    timer::Timer,
};

impl Server {
    /// Hands a delta that is already stored to everybody who wants it.
    pub(crate) fn fan_out(&mut self, now: Duration, delta: &Delta, placement: Placement) {
        self.streams.regroup();
        let Some(context) = &delta.context else { return };
        self.fan_out_whole(delta, context);
        self.fan_out_values(now, delta, placement);
    }

    /// Query clients: the delta as it is.
    fn fan_out_whole(&mut self, delta: &Delta, context: &Context) {
        let Streams { clients, groups, .. } = &mut self.streams;
        let group =
            if *context == self.self_context { &mut groups.own } else { &mut groups.others };
        if group.ids.is_empty() && groups.special.is_empty() {
            return;
        }
        let mut text = Vec::with_capacity(TYPICAL_DELTA);
        delta.write_json(&mut text);
        let frame = Bytes::from(text);
        if !group.ids.is_empty() {
            group.frames += 1;
            self.outputs.push_back(Output::Effect(Effect::StreamSendMany {
                ids: Arc::clone(&group.ids),
                frame: frame.clone(),
            }));
        }
        for id in &groups.special {
            let Some(client) = clients
                .get_mut(id)
                .filter(|client| wants(client.live, context, &self.self_context))
            else {
                continue;
            };
            if client.hold_back(context, &delta.updates) {
                continue;
            }
            let mut frames = Vec::new();
            for update in &delta.updates {
                for entry in &update.values {
                    let item = Item::of_value(context, update, entry);
                    announce_meta(
                        &mut client.announced_meta,
                        self.store.meta(),
                        &item,
                        &mut frames,
                    );
                }
            }
            frames.push(frame.clone());
            client.frames += u64::try_from(frames.len()).unwrap_or(0);
            self.outputs.extend(
                frames
                    .into_iter()
                    .map(|frame| Output::Effect(Effect::StreamSend { id: *id, frame })),
            );
        }
    }

    /// The edge says how much a client has not read (server-api.md 3.10).
    pub(crate) fn stream_queue(&mut self, now: Duration, id: StreamId, bytes: usize) {
        let Some(client) = self.streams.clients.get_mut(&id) else { return };
        client.queue_bytes = bytes;
        if bytes > OVERFLOW_BYTES {
            if !self.timers.is_set(Timer::Overflow(id)) {
                self.timers.set(Timer::Overflow(id), now + OVERFLOW_AFTER);
            }
        } else {
            self.timers.clear(Timer::Overflow(id));
        }
        if bytes > ENTER_BYTES && client.backlog.is_none() {
            client.backlog = Some(Backlog::new(now));
            self.streams.groups.stale = true;
        } else if bytes <= EXIT_BYTES
            && let Some(backlog) = client.backlog.take()
        {
            self.streams.groups.stale = true;
            for text in backlog.flush(now) {
                self.send(id, text);
            }
        }
    }

    /// A client has not read for too long.
    pub(crate) fn stream_overflowed(&mut self, id: StreamId) {
        let message = serde_json::json!({ "errorMessage": OVERFLOW_TEXT });
        self.send(id, message.to_string());
        self.close_stream(id, 1008, OVERFLOW_TEXT);
    }
}

impl Client {
    /// Whether the client is behind; then the values wait.
    pub(crate) fn hold_back(&mut self, context: &Context, updates: &[Update]) -> bool {
        let Some(backlog) = &mut self.backlog else { return false };
        for update in updates {
            for entry in &update.values {
                self.coalesced += backlog.add(&Item::of_value(context, update, entry));
            }
            for entry in &update.meta {
                backlog.add(&Item::of_meta(context, update, entry));
            }
        }
        true
    }
}

/// Saves the first few growths of the text.
const TYPICAL_DELTA: usize = 512;

const OVERFLOW_TEXT: &str = "Server outgoing buffer overflow, terminating connection";
