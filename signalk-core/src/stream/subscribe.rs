//! Subscribe and unsubscribe (server-api.md 3.3, 3.5), and the delivery of single values. Which row matches what, and
//! when, is `signalk_model::SubscriptionSet`.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use serde_json::{Map, Value};
use signalk_model::{Context, Delta, Item, Placement, Store, Subscribe, Unsubscribe};

use super::{
    Streams,
    client::{Client, Live},
    snapshot::{announce_meta, frame},
    wants,
};
use crate::{
    io::{Effect, Output, StreamId},
    server::Server,
};

impl Server {
    /// A client's subscribe message: warnings first, then what is known already. A client that does not read what it
    /// has been sent gets that with the rest of its backlog: else each message of 40 bytes would add the whole model to
    /// its queue.
    pub(crate) fn subscribe(&mut self, id: StreamId, message: &Map<String, Value>) {
        let Some(request) = Subscribe::from_json(message) else { return };
        for warning in &request.warnings {
            self.send(id, Value::from(warning.as_str()).to_string());
        }
        let Streams { clients, subscriptions, .. } = &mut self.streams;
        let Some(client) = clients.get_mut(&id) else { return };
        let mut frames = Vec::new();
        let refused = subscriptions.subscribe(id, &request, &self.store, |item| {
            if let Some(backlog) = &mut client.backlog {
                client.coalesced += backlog.add(item);
                return;
            }
            announce_meta(&mut client.announced_meta, self.store.meta(), item, &mut frames);
            frames.push(frame(item));
        });
        for warning in refused.warnings() {
            self.send(id, Value::from(warning).to_string());
        }
        self.send_all(id, frames);
    }

    /// A client's unsubscribe message.
    ///
    /// DIFFERENCE: rows can be taken away one by one; the reference closes the socket unless everything goes.
    pub(crate) fn unsubscribe(&mut self, id: StreamId, message: &Map<String, Value>) {
        let Some(request) = Unsubscribe::from_json(message) else { return };
        self.streams.subscriptions.unsubscribe(&id, &request);
        let Some(client) = self.streams.clients.get_mut(&id).filter(|_| request.is_all()) else {
            return;
        };
        client.live = Live::None;
        if let Some(announced) = &mut client.announced_meta {
            announced.clear();
        }
        self.streams.groups.stale = true;
    }

    /// A client gets nothing any more until it asks anew.
    pub(crate) fn stop_stream(&mut self, id: StreamId) {
        self.streams.subscriptions.remove(&id);
        if let Some(client) = self.streams.clients.get_mut(&id) {
            (client.live, client.events, client.backlog) = (Live::None, false, None);
        }
        self.streams.groups.stale = true;
    }

    /// Subscribers: each value by itself.
    pub(crate) fn fan_out_values(&mut self, now: Duration, delta: &Delta, placement: Placement) {
        let Server { streams, store, outputs, self_context, .. } = self;
        let Streams { clients, subscriptions, .. } = streams;
        let mut hand_over = HandOver { clients, store, outputs, self_context };
        subscriptions.route(now, delta, placement, store, |item, to| hand_over.deliver(item, to));
    }

    /// Values whose period has ended.
    pub(crate) fn run_subscription_timers(&mut self, now: Duration) {
        if self.streams.subscriptions.poll_timeout().is_none_or(|due| due > now) {
            return;
        }
        let Server { streams, store, outputs, self_context, .. } = self;
        let Streams { clients, subscriptions, .. } = streams;
        let mut hand_over = HandOver { clients, store, outputs, self_context };
        subscriptions.handle_timeout(now, |item, to| hand_over.deliver(item, to));
    }
}

/// What the delivery of one value touches.
struct HandOver<'a> {
    clients: &'a mut BTreeMap<StreamId, Client>,
    store: &'a Store,
    outputs: &'a mut VecDeque<Output>,
    self_context: &'a Context,
}

impl HandOver<'_> {
    /// The text is made once. A client whose query already got the whole delta is left out.
    fn deliver(&mut self, item: &Item<'_>, to: &[StreamId]) {
        let frame = frame(item);
        let mut ids = Vec::with_capacity(to.len());
        for id in to {
            let Some(client) = self.clients.get_mut(id) else { continue };
            if wants(client.live, item.context, self.self_context) {
                continue;
            }
            if let Some(backlog) = &mut client.backlog {
                client.coalesced += backlog.add(item);
                continue;
            }
            if client.announced_meta.is_some() {
                let mut first = Vec::new();
                announce_meta(&mut client.announced_meta, self.store.meta(), item, &mut first);
                client.frames += u64::try_from(first.len()).unwrap_or(0);
                self.outputs.extend(
                    first
                        .into_iter()
                        .map(|frame| Output::Effect(Effect::StreamSend { id: *id, frame })),
                );
            }
            client.frames += 1;
            ids.push(*id);
        }
        match ids.as_slice() {
            [] => {}
            [id] => self.outputs.push_back(Output::Effect(Effect::StreamSend { id: *id, frame })),
            _ => self
                .outputs
                .push_back(Output::Effect(Effect::StreamSendMany { ids: ids.into(), frame })),
        }
    }
}
