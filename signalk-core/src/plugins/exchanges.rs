//! Requests of clients that a plugin's endpoint has taken, and their bodies in pieces.
//!
//! Every call of an endpoint is here until it ends, so that a client that goes away ends its
//! handler. Of a streamed one, wishes of the plugin become effects and what comes of them goes back;
//! no bytes are kept. What a plugin may wish is `signalk-bridge`'s `net/exchange.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use signalk_bridge::{ExchangeNews, ExchangeWish, HANDLER_PATIENCE, HandlerCallId, Input, PIECE};

use super::Plugins;
use super::host::Host;
use super::routes::At;
use crate::io::{Effect, HttpId, Output};

/// Streamed exchanges that one plugin may have open, and all together.
const MOST_PER_PLUGIN: usize = 16;
const MOST: usize = 64;

/// How long a client may let its plugin wait in all, beside the time that bytes are worth: a second for each
/// [`SLOWEST`] of them, and never more than this. A silence of [`HANDLER_PATIENCE`] ends an exchange; who is only slow
/// has a place as long as nobody else wants it: a talker of 4800 baud may be passed on for days, and sixteen clients
/// that send a byte a minute keep nobody out. Then the slowest goes.
const CLIENT_PATIENCE: Duration = Duration::from_secs(120);
/// The same of a plugin by exports, which does nothing else while it waits (EXTENSIONS.md): then the exchange ends,
/// whoever wants its place.
const ALONE: Duration = Duration::from_secs(10);
/// Bytes per second: a link of 8 kbit/s, as satellite telephones have, is well inside.
const SLOWEST: usize = 1 << 10;

/// The open ones.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    open: BTreeMap<HandlerCallId, Exchange>,
    by_http: BTreeMap<HttpId, HandlerCallId>,
}

#[derive(Debug)]
struct Exchange {
    http: HttpId,
    at: At,
    /// `None`: both bodies are whole.
    streamed: Option<Streamed>,
}

#[derive(Debug)]
struct Streamed {
    body: RequestBody,
    /// A piece was asked of the client.
    reading: bool,
    /// The answer has begun.
    answering: bool,
    /// Bytes that the client has not taken.
    unsent: usize,
    /// What is left of [`CLIENT_PATIENCE`].
    left: Duration,
    /// Since when it is the client that is waited for.
    waits_since: Option<Duration>,
    /// Bytes that the client has sent and taken, and how long was waited for them.
    moved: u64,
    waited: Duration,
    /// Somebody else has its place.
    displaced: bool,
    /// Its plugin does one thing at a time.
    alone: bool,
}

impl Streamed {
    fn new(body: RequestBody, alone: bool) -> Streamed {
        Streamed {
            body,
            reading: false,
            answering: false,
            unsent: 0,
            left: if alone { ALONE } else { CLIENT_PATIENCE },
            waits_since: None,
            moved: 0,
            waited: Duration::ZERO,
            displaced: false,
            alone,
        }
    }

    fn client_rests(&self) -> bool {
        // Up to a piece is not waited for: a plugin that does one thing at a time works on meanwhile.
        self.reading || self.unsent > if self.alone { PIECE } else { 0 }
    }

    /// How long is waited now for something to move.
    fn patience(&self) -> Duration {
        if self.alone && self.client_rests() { self.left } else { HANDLER_PATIENCE }
    }

    /// The patience of its plugin went by drips, not by one silence.
    fn has_dripped(&self) -> bool {
        self.alone && self.client_rests() && self.left < ALONE / 2
    }

    /// Something moved, or is to; so many bytes are the client's.
    fn moved(&mut self, now: Duration, bytes: usize) {
        if let Some(since) = self.waits_since.take() {
            let waited = now.saturating_sub(since);
            self.left = self.left.saturating_sub(waited);
            self.waited = self.waited.saturating_add(waited);
        }
        let most = if self.alone { ALONE } else { CLIENT_PATIENCE };
        self.left = most.min(self.left.saturating_add(worth(bytes)));
        self.moved = self.moved.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.waits_since = self.client_rests().then_some(now);
    }

    /// Bytes in 1024 seconds of one that may have to go; `None`: it keeps its place.
    fn pace(&self, now: Duration) -> Option<u128> {
        let waits = now.saturating_sub(self.waits_since?);
        let waited = self.waited.saturating_add(waits).as_millis().max(1);
        let is_slow = waits >= self.left && !self.displaced;
        is_slow.then(|| u128::from(self.moved) * 1_024_000 / waited)
    }
}

/// The time that bytes are worth.
fn worth(bytes: usize) -> Duration {
    let (bytes, slowest) = (u64::try_from(bytes).unwrap_or(u64::MAX), u64::try_from(SLOWEST));
    Duration::from_millis(bytes.saturating_mul(1000) / slowest.unwrap_or(u64::MAX))
}

/// Where the body of a streamed request is.
#[derive(Debug)]
pub(crate) enum RequestBody {
    /// At the edge, which reads what it is asked for.
    Edge,
    /// Here: the edge had read it, or there is none.
    Here(Bytes),
}

/// How a client's exchange stood when it ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ended {
    /// The head of the answer is gone: nothing but its end can follow.
    pub(crate) answering: bool,
    /// It was the client that nothing came from or went to.
    pub(crate) client_rests: bool,
    /// Something did, but too little, and somebody else has its place.
    pub(crate) displaced: bool,
    /// Something did, but too little for its plugin, which does one thing at a time.
    pub(crate) dripped: bool,
}

impl Exchanges {
    fn add(&mut self, id: HandlerCallId, exchange: Exchange) {
        self.by_http.insert(exchange.http, id);
        self.open.insert(id, exchange);
    }

    fn remove(&mut self, http: HttpId) -> Option<(HandlerCallId, Exchange)> {
        let id = self.by_http.remove(&http)?;
        Some((id, self.open.remove(&id)?))
    }

    /// How many are streamed, of one plugin or of all.
    fn streamed(&self, of: Option<At>) -> usize {
        let own = self.open.values().filter(|it| of.is_none_or(|at| it.at == at));
        own.filter_map(|it| it.streamed.as_ref()).filter(|it| !it.displaced).count()
    }

    /// The one whose client has used up its patience and is the slowest, of one plugin or of all.
    fn slowest(&self, now: Duration, of: Option<At>) -> Option<HandlerCallId> {
        let own = self.open.iter().filter(|(_, it)| of.is_none_or(|at| it.at == at));
        let slow = own.filter_map(|(id, it)| Some((it.streamed.as_ref()?.pace(now)?, *id)));
        slow.min().map(|(_, id)| id)
    }

    /// Whether it is the client that nothing comes from or goes to.
    pub(super) fn client_rests(&self, id: HandlerCallId) -> bool {
        let streamed = self.open.get(&id).and_then(|exchange| exchange.streamed.as_ref());
        streamed.is_some_and(Streamed::client_rests)
    }
}

impl Plugins {
    /// Whether one more streamed exchange fits, or how many there are. Where there is no place, the slowest client
    /// loses its.
    pub(crate) fn room_for_stream(
        &mut self,
        now: Duration,
        plugin: &str,
        host: &mut dyn Host,
    ) -> Result<(), String> {
        let at = self.find(plugin).map(|(at, _)| at);
        if self.exchanges.streamed(at) >= MOST_PER_PLUGIN && !self.displace(now, at, host) {
            return Err(format!(
                "plugin `{plugin}` has {MOST_PER_PLUGIN} streamed requests open; try again when one has ended"
            ));
        }
        if self.exchanges.streamed(None) >= MOST && !self.displace(now, None, host) {
            return Err(format!("{MOST} streamed requests are open; try again when one has ended"));
        }
        Ok(())
    }

    /// Ends the exchange of the slowest client of one plugin, or of all; false: none is slow.
    fn displace(&mut self, now: Duration, of: Option<At>, host: &mut dyn Host) -> bool {
        let Some(id) = self.exchanges.slowest(now, of) else { return false };
        let exchange = self.exchanges.open.get_mut(&id);
        if let Some(streamed) = exchange.and_then(|exchange| exchange.streamed.as_mut()) {
            streamed.displaced = true;
        }
        self.calls.give_up(id);
        self.cancel_exchange(now, id, host);
        true
    }

    /// A client's request was handed to an endpoint; `body`: it is streamed.
    pub(super) fn exchange_began(
        &mut self,
        id: HandlerCallId,
        at: At,
        http: HttpId,
        body: Option<RequestBody>,
    ) {
        let description = self.plugins.get(at).and_then(|plugin| plugin.description.as_ref());
        let alone = !description.is_some_and(|description| description.is_json_rpc);
        let streamed = body.map(|body| Streamed::new(body, alone));
        self.exchanges.add(id, Exchange { http, at, streamed });
    }

    /// A plugin wishes something of a streamed exchange.
    pub(super) fn exchange_wish(
        &mut self,
        now: Duration,
        id: HandlerCallId,
        wish: ExchangeWish,
        host: &mut dyn Host,
    ) {
        let Some(exchange) = self.exchanges.open.get_mut(&id) else { return };
        let (http, at) = (exchange.http, exchange.at);
        let Some(streamed) = &mut exchange.streamed else { return };
        match &wish {
            ExchangeWish::Read => streamed.reading = matches!(streamed.body, RequestBody::Edge),
            ExchangeWish::Write(piece) => streamed.unsent += piece.len(),
            ExchangeWish::Respond(_) => streamed.answering = true,
        }
        streamed.moved(now, 0);
        self.calls.renew(now, id, streamed.patience());
        match wish {
            ExchangeWish::Read => match &mut streamed.body {
                RequestBody::Edge => {
                    host.push(Output::Effect(Effect::HttpRead { id: http }));
                }
                RequestBody::Here(rest) => {
                    let piece = rest.split_to(rest.len().min(PIECE));
                    let news = match piece.is_empty() {
                        true => ExchangeNews::End,
                        false => ExchangeNews::Piece(piece),
                    };
                    self.input(at, now, Input::Exchange { id, news }, host);
                }
            },
            ExchangeWish::Respond(head) => host.begin_answer(http, head),
            ExchangeWish::Write(piece) => {
                host.push(Output::Effect(Effect::HttpWrite { id: http, piece }));
            }
        }
    }

    /// The edge moved something of a streamed exchange.
    pub(crate) fn exchange_news(
        &mut self,
        now: Duration,
        http: HttpId,
        news: ExchangeNews,
        host: &mut dyn Host,
    ) {
        let Some(id) = self.exchanges.by_http.get(&http).copied() else { return };
        let Some(exchange) = self.exchanges.open.get_mut(&id) else { return };
        let Some(streamed) = &mut exchange.streamed else { return };
        let bytes = match &news {
            ExchangeNews::Piece(piece) => piece.len(),
            ExchangeNews::Written(bytes) => *bytes,
            ExchangeNews::End => 0,
        };
        match &news {
            ExchangeNews::Piece(_) | ExchangeNews::End => streamed.reading = false,
            ExchangeNews::Written(_) => streamed.unsent = streamed.unsent.saturating_sub(bytes),
        }
        let at = exchange.at;
        streamed.moved(now, bytes);
        self.calls.renew(now, id, streamed.patience());
        self.input(at, now, Input::Exchange { id, news }, host);
    }

    /// The client is gone: its handler ends, and nobody is answered.
    pub(crate) fn client_gone(&mut self, now: Duration, http: HttpId, host: &mut dyn Host) {
        if let Some((id, exchange)) = self.exchanges.remove(http) {
            self.calls.forget(id);
            self.input(exchange.at, now, Input::Cancel(id), host);
        }
    }

    /// A call took too long: its plugin is told, if it is one of an endpoint.
    pub(super) fn cancel_exchange(
        &mut self,
        now: Duration,
        id: HandlerCallId,
        host: &mut dyn Host,
    ) {
        if let Some(at) = self.exchanges.open.get(&id).map(|exchange| exchange.at) {
            self.input(at, now, Input::Cancel(id), host);
        }
    }

    /// A client's exchange is over.
    pub(crate) fn exchange_over(&mut self, http: HttpId) -> Ended {
        let over = self.exchanges.remove(http).and_then(|(_, exchange)| exchange.streamed);
        over.map_or(Ended::default(), |streamed| Ended {
            answering: streamed.answering,
            client_rests: streamed.client_rests(),
            displaced: streamed.displaced,
            dripped: streamed.has_dripped(),
        })
    }
}
