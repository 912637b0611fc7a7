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

/// How long a client may let its plugin wait in all, beside the time that bytes are worth: a second for each [`SLOWEST`] of
/// them, and never more than this. Who sends or takes one byte a minute would keep a place for ever.
const CLIENT_PATIENCE: Duration = Duration::from_secs(120);
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
}

impl Streamed {
    fn new(body: RequestBody) -> Streamed {
        let (reading, answering, unsent) = (false, false, 0);
        Streamed { body, reading, answering, unsent, left: CLIENT_PATIENCE, waits_since: None }
    }

    fn client_rests(&self) -> bool {
        self.reading || self.unsent > 0
    }

    /// Something moved, or is to; so many bytes are the client's. How long is waited now.
    fn moved(&mut self, now: Duration, bytes: usize) -> Duration {
        if let Some(since) = self.waits_since.take() {
            self.left = self.left.saturating_sub(now.saturating_sub(since));
        }
        self.left = CLIENT_PATIENCE.min(self.left.saturating_add(worth(bytes)));
        if !self.client_rests() {
            return HANDLER_PATIENCE;
        }
        self.waits_since = Some(now);
        HANDLER_PATIENCE.min(self.left)
    }

    /// Its patience went by drips, not by one silence.
    fn is_slow(&self) -> bool {
        self.client_rests() && self.left < HANDLER_PATIENCE
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
    /// Something did, but too little.
    pub(crate) client_is_slow: bool,
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

    /// Whether it is the client that nothing comes from or goes to.
    pub(super) fn client_rests(&self, id: HandlerCallId) -> bool {
        let streamed = self.open.get(&id).and_then(|exchange| exchange.streamed.as_ref());
        streamed.is_some_and(Streamed::client_rests)
    }
}

impl Plugins {
    /// Whether one more streamed exchange fits, or how many there are.
    pub(crate) fn room_for_stream(&self, plugin: &str) -> Result<(), String> {
        let at = self.find(plugin).map(|(at, _)| at);
        let streamed = || self.exchanges.open.values().filter(|it| it.streamed.is_some());
        let own = streamed().filter(|exchange| Some(exchange.at) == at).count();
        if own >= MOST_PER_PLUGIN {
            return Err(format!(
                "plugin `{plugin}` has {MOST_PER_PLUGIN} streamed requests open; try again when one has ended"
            ));
        }
        if streamed().count() >= MOST {
            return Err(format!("{MOST} streamed requests are open; try again when one has ended"));
        }
        Ok(())
    }

    /// A client's request was handed to an endpoint; `body`: it is streamed.
    pub(super) fn exchange_began(
        &mut self,
        id: HandlerCallId,
        at: At,
        http: HttpId,
        body: Option<RequestBody>,
    ) {
        let streamed = body.map(Streamed::new);
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
        self.calls.renew(now, id, streamed.moved(now, 0));
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
        self.calls.renew(now, id, streamed.moved(now, bytes));
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
            client_is_slow: streamed.is_slow(),
        })
    }
}
