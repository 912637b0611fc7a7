//! Clients whose bodies move in pieces. What moves when is the test's choice: fast, slow, or never.

use std::collections::VecDeque;

use bytes::Bytes;
use signalk_core::{BodyNews, Effect, HttpId, HttpRequest, HttpResponse, Input};

use crate::Sim;

/// A request whose head was handed in, as its client's connection sees it.
#[derive(Debug, Default)]
pub struct Exchange {
    /// Pieces that the server has asked for and that were not sent.
    pub wanted: usize,
    /// The server wants the body in one piece.
    pub wants_whole: bool,
    /// Head and length of a streamed answer.
    pub head: Option<(HttpResponse, Option<u64>)>,
    /// Pieces of it that the client has not taken.
    pub unsent: VecDeque<Bytes>,
    /// Whether it ended as a whole one.
    pub ended: Option<bool>,
}

impl Exchange {
    /// Bytes of the answer that wait for the client.
    pub fn waiting(&self) -> usize {
        self.unsent.iter().map(Bytes::len).sum()
    }
}

impl Sim {
    /// A request comes whose body waits at the edge.
    pub fn begin(&mut self, method: &str, target: &str, headers: &[(&str, &str)]) -> HttpId {
        let id = HttpId(self.number());
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let request = HttpRequest {
            method: method.into(),
            target: target.into(),
            headers: headers.collect(),
            body: Bytes::new(),
            peer: None,
        };
        self.exchanges.insert(id, Exchange::default());
        self.input(Input::HttpHead { id, request });
        id
    }

    /// How a request stands that was begun.
    pub fn exchange(&mut self, id: HttpId) -> &mut Exchange {
        self.exchanges.entry(id).or_default()
    }

    /// Its whole answer, if it got one.
    pub fn answer(&mut self, id: HttpId) -> Option<HttpResponse> {
        self.responses.remove(&id)
    }

    /// The client sends a piece that was asked for; `None`: the end of its body.
    pub fn send(&mut self, id: HttpId, piece: Option<Bytes>) {
        self.exchange(id).wanted -= 1;
        let news = piece.map_or(BodyNews::End, BodyNews::Piece);
        self.input(Input::HttpBody { id, news });
    }

    /// The client takes a piece of its answer.
    pub fn take(&mut self, id: HttpId) -> Option<Bytes> {
        let piece = self.exchange(id).unsent.pop_front()?;
        self.input(Input::HttpBody { id, news: BodyNews::Written(piece.len()) });
        Some(piece)
    }

    /// The client goes away.
    pub fn go_away(&mut self, id: HttpId) {
        self.input(Input::HttpGone { id });
    }

    /// An effect of an exchange.
    pub(crate) fn move_body(&mut self, effect: Effect) {
        match effect {
            Effect::HttpReadWhole { id } => self.exchange(id).wants_whole = true,
            Effect::HttpRead { id } => self.exchange(id).wanted += 1,
            Effect::HttpRespondStream { id, response, length } => {
                self.exchange(id).head = Some((response, length));
            }
            Effect::HttpWrite { id, piece } => self.exchange(id).unsent.push_back(piece),
            Effect::HttpEnd { id, complete } => self.exchange(id).ended = Some(complete),
            _ => {}
        }
    }
}
