//! Handler calls on their way: who asked which plugin, until when, and what happens with the reply.
//!
//! A route that needs a plugin's answer gives a continuation along and returns.
//! It is called exactly once: with the reply, with a failure when the plugin ends
//! or takes too long, or at once when the plugin does not run.

use std::collections::BTreeMap;
use std::time::Duration;

use signalk_bridge::{
    HANDLER_PATIENCE, Handler, HandlerCall, HandlerCallId, HandlerFailure, HandlerReply, Input,
    PluginId,
};

use super::Plugins;
use super::exchanges::RequestBody;
use super::host::Host;
use super::offers::FoundEndpoint;
use super::plugin::State;
use super::routes::At;
use crate::io::HttpId;
use crate::server::Server;

/// Calls that one plugin may be behind with.
const MOST_PER_PLUGIN: usize = 100;
/// Bytes of their requests: one alone may have 16 MiB (R123), and half more as base64.
const MOST_BYTES_PER_PLUGIN: usize = 32 << 20;

/// What a continuation may use.
pub(crate) struct Later<'a> {
    pub(crate) now: Duration,
    pub(crate) server: &'a mut Server,
    pub(crate) plugins: &'a mut Plugins,
}

/// A client's request to an endpoint.
pub(crate) struct Asked {
    pub(crate) http: HttpId,
    /// `None`: it is part of the call.
    pub(crate) body: Option<RequestBody>,
}

/// What happens with a reply.
pub(crate) type Then = Box<dyn FnOnce(&mut Later<'_>, HandlerReply) + Send>;

struct Waiting {
    at: At,
    /// Of its request.
    bytes: usize,
    until: Duration,
    /// How long that is since something moved.
    patience: Duration,
    then: Then,
}

/// The table of calls.
#[derive(Default)]
pub(super) struct Calls {
    last: u64,
    waiting: BTreeMap<HandlerCallId, Waiting>,
    ended: Vec<(Then, HandlerReply)>,
}

impl Calls {
    fn end(&mut self, id: HandlerCallId, reply: HandlerReply) {
        // `None`: it took too long and was answered before.
        if let Some(waiting) = self.waiting.remove(&id) {
            self.ended.push((waiting.then, reply));
        }
    }

    /// Ends a call that never was in the table.
    pub(super) fn end_now(&mut self, then: Then, reply: HandlerReply) {
        self.ended.push((then, reply));
    }

    fn end_all(
        &mut self,
        over: impl Fn(&Waiting) -> bool,
        failure: impl Fn(&Waiting) -> HandlerFailure,
    ) -> Vec<HandlerCallId> {
        let over = self.waiting.iter().filter(|(_, call)| over(call));
        let over: Vec<_> = over.map(|(id, call)| (*id, failure(call))).collect();
        let end = |(id, failure)| {
            self.end(id, Err(failure));
            id
        };
        over.into_iter().map(end).collect()
    }

    /// How many calls wait for a plugin, and the bytes of their requests.
    fn waiting_for(&self, at: At) -> (usize, usize) {
        let own = self.waiting.values().filter(|call| call.at == at);
        own.fold((0, 0), |(count, bytes), call| (count + 1, bytes + call.bytes))
    }

    /// Whether somebody waits for the reply of a call.
    pub(super) fn awaits(&self, id: HandlerCallId) -> bool {
        self.waiting.contains_key(&id)
    }

    /// Nobody waits any more.
    pub(super) fn forget(&mut self, id: HandlerCallId) {
        self.waiting.remove(&id);
    }

    /// A call ends as if its time were up.
    pub(super) fn give_up(&mut self, id: HandlerCallId) {
        self.end(id, Err(HandlerFailure::Timeout { limit: HANDLER_PATIENCE }));
    }

    /// Something moved: so long is waited from now.
    pub(super) fn renew(&mut self, now: Duration, id: HandlerCallId, patience: Duration) {
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.until = now.saturating_add(patience);
            waiting.patience = patience;
        }
    }

    /// When a call is given up.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.waiting.values().map(|call| call.until).min()
    }
}

impl Plugins {
    /// Asks a plugin; `then` is called later, never from here. `None`: it will be told that nobody can be asked.
    pub(crate) fn call_handler(
        &mut self,
        now: Duration,
        plugin: &PluginId,
        handler: Handler,
        request: String,
        host: &mut dyn Host,
        then: Then,
    ) -> Option<HandlerCallId> {
        let (id, at) = self.begin_call(now, plugin, request.len(), then)?;
        let call = HandlerCall { id, handler, request };
        self.input(at, now, Input::Handle(call), host);
        Some(id)
    }

    /// Nobody waits for this call any more; who was asked.
    pub(super) fn forget_call(&mut self, id: HandlerCallId) -> Option<At> {
        self.calls.waiting.remove(&id).map(|waiting| waiting.at)
    }

    /// Asks an endpoint for a client, whose going away ends the call: then `then` is not called.
    pub(crate) fn call_endpoint(
        &mut self,
        now: Duration,
        endpoint: FoundEndpoint,
        request: String,
        asked: Asked,
        host: &mut dyn Host,
        then: Then,
    ) {
        if let Some((id, at)) = self.begin_call(now, &endpoint.plugin, request.len(), then) {
            let handler = Handler::Http {
                handler: endpoint.handler,
                repeatable: endpoint.repeatable,
                largest_reply: endpoint.largest_reply,
                streamed: asked.body.is_some(),
            };
            self.exchange_began(id, at, asked.http, asked.body);
            let call = HandlerCall { id, handler, request };
            self.input(at, now, Input::Handle(call), host);
        }
    }

    /// The number of a new call; `None`: it has ended at once.
    fn begin_call(
        &mut self,
        now: Duration,
        plugin: &PluginId,
        bytes: usize,
        then: Then,
    ) -> Option<(HandlerCallId, At)> {
        let running = self.ids.get(plugin).copied().filter(|at| {
            self.plugins.get(*at).is_some_and(|plugin| plugin.state == State::Running)
        });
        let Some(at) = running else {
            self.calls.end_now(then, Err(HandlerFailure::NotRunning));
            return None;
        };
        let (count, waiting) = self.calls.waiting_for(at);
        if count >= MOST_PER_PLUGIN || (count > 0 && waiting + bytes > MOST_BYTES_PER_PLUGIN) {
            let text = format!(
                "{count} calls of {waiting} bytes wait for this plugin already; try again later"
            );
            self.calls.end_now(then, Err(HandlerFailure::Busy(text)));
            return None;
        }
        self.calls.last += 1;
        let id = HandlerCallId(self.calls.last);
        let patience = HANDLER_PATIENCE;
        let until = now.saturating_add(patience);
        self.calls.waiting.insert(id, Waiting { at, bytes, until, patience, then });
        Some((id, at))
    }

    /// Whose handlers have had all their time, each once for each call. One that waits for its client is not late.
    pub(super) fn late_handlers(&self, now: Duration) -> Vec<PluginId> {
        let late = self.calls.waiting.iter().filter(|(_, call)| call.until <= now);
        let late = late.filter(|(id, _)| !self.exchanges.client_rests(**id));
        let plugins = late.filter_map(|(_, call)| self.plugins.get(call.at));
        plugins.map(|plugin| plugin.manifest.id.clone()).collect()
    }

    /// A plugin answered.
    pub(super) fn handled(&mut self, id: HandlerCallId, reply: HandlerReply) {
        self.calls.end(id, reply);
    }

    /// A plugin's life is over: nobody answers any more.
    pub(super) fn end_calls(&mut self, at: At) {
        self.calls.end_all(|call| call.at == at, |_| HandlerFailure::NotRunning);
    }

    /// Gives up what took too long.
    pub(super) fn expire_calls(&mut self, now: Duration, host: &mut dyn Host) {
        let failure = |call: &Waiting| HandlerFailure::Timeout { limit: call.patience };
        for id in self.calls.end_all(|call| call.until <= now, failure) {
            self.cancel_exchange(now, id, host);
        }
    }

    /// Calls that have ended, for whoever holds the server.
    pub(crate) fn take_ended_calls(&mut self) -> Vec<(Then, HandlerReply)> {
        std::mem::take(&mut self.calls.ended)
    }
}
