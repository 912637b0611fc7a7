//! Streamed bodies of clients' requests and of the answers to them: who may read and write what, and when.
//!
//! The same shape as `fetch`, seen from the other end: a piece of the request comes when it is
//! asked for, and who writes an answer waits while the client is behind. A refused write leaves a
//! hole, so the answer is not ended as if it were whole: it is broken off (`outflow`).

use std::collections::VecDeque;

use bytes::Bytes;

use super::outflow::Outflow;
use super::{Completed, Net, Outcome, Wait};
use crate::exchange::{ExchangeNews, ExchangeWish, StreamHead};
use crate::handler::HandlerCallId;

/// Exchanges whose client left that are remembered: as many as one plugin may have open.
const MOST_LEFT: usize = 16;

/// What is known of one exchange.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    body: Body,
    answer: Option<Outflow>,
}

/// Of the request.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Body {
    #[default]
    Open,
    /// A piece is waited for.
    Asked,
    /// Who waited for a piece took the call back.
    Left,
    /// The piece came when nobody waited, or the end.
    Kept(Option<Bytes>),
    Ended,
}

impl Net {
    /// A client's exchange begins.
    pub(crate) fn exchange_opened(&mut self, id: HandlerCallId) {
        self.exchanges.insert(id, Exchange::default());
    }

    /// Asks for the next piece of the request's body.
    ///
    /// # Errors
    /// In words: no such exchange, its body has ended, a piece is waited for.
    pub(crate) fn exchange_read(&mut self, id: HandlerCallId) -> Result<Wait, String> {
        let exchange = self.exchange(id)?;
        let wait = Wait::Body(id);
        match std::mem::replace(&mut exchange.body, Body::Asked) {
            Body::Asked => {
                return Err(format!("a piece of exchange {} is waited for already", id.0));
            }
            Body::Ended => {
                exchange.body = Body::Ended;
                return Err(format!("the body of exchange {} has no more", id.0));
            }
            Body::Open => self.wishes.push_back((id, ExchangeWish::Read)),
            Body::Left => {}
            Body::Kept(piece) => {
                exchange.body = if piece.is_some() { Body::Open } else { Body::Ended };
                self.completed.push(Completed { wait, outcome: Outcome::Piece(piece) });
            }
        }
        Ok(wait)
    }

    /// Who waited for a piece does not any more; it is kept for who asks next.
    pub(crate) fn exchange_read_dropped(&mut self, id: HandlerCallId) {
        if let Some(exchange) = self.exchanges.get_mut(&id).filter(|it| it.body == Body::Asked) {
            exchange.body = Body::Left;
        }
    }

    /// Begins the answer.
    ///
    /// # Errors
    /// In words: no such exchange, it has begun before.
    pub(crate) fn exchange_respond(
        &mut self,
        id: HandlerCallId,
        head: StreamHead,
    ) -> Result<(), String> {
        let exchange = self.exchange(id)?;
        if exchange.answer.is_some() {
            return Err(format!("the answer of exchange {} has begun already", id.0));
        }
        exchange.answer = Some(Outflow::new(head.length));
        self.wishes.push_back((id, ExchangeWish::Respond(head)));
        Ok(())
    }

    /// Writes a piece of the answer; a wait: until there is room for the next.
    ///
    /// # Errors
    /// In words; the answer is broken then, unless the piece only found no room and is written again.
    pub(crate) fn exchange_write(
        &mut self,
        id: HandlerCallId,
        data: Bytes,
    ) -> Result<Option<Wait>, String> {
        let exchange = self.exchange(id)?;
        let Some(answer) = &mut exchange.answer else {
            return Err(format!(
                "exchange {} has no answer yet; begin it with `http.respond`",
                id.0
            ));
        };
        let waits = answer.write(&data)?;
        if data.is_empty() {
            return Ok(None);
        }
        let wait = waits.then_some(Wait::Room(id));
        self.wishes.push_back((id, ExchangeWish::Write(data)));
        Ok(wait)
    }

    /// Who waits for room does not any more: the next write takes its place.
    pub(crate) fn exchange_write_dropped(&mut self, id: HandlerCallId) {
        let answer = self.exchanges.get_mut(&id).and_then(|exchange| exchange.answer.as_mut());
        if let Some(answer) = answer {
            answer.leave();
        }
    }

    /// A piece of the answer could not be read: it is no whole one any more.
    ///
    /// # Errors
    /// In words: no such exchange.
    pub(crate) fn exchange_spoilt(
        &mut self,
        id: HandlerCallId,
        text: String,
    ) -> Result<(), String> {
        if let Some(answer) = &mut self.exchange(id)?.answer {
            answer.spoil(text);
        }
        Ok(())
    }

    /// Something came of a wish.
    pub(crate) fn exchange_news(&mut self, id: HandlerCallId, news: ExchangeNews) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let done = match news {
            ExchangeNews::Piece(piece) => exchange.came(id, Some(piece)),
            ExchangeNews::End => exchange.came(id, None),
            ExchangeNews::Written(bytes) => {
                let answer = exchange.answer.as_mut();
                let room = answer.is_some_and(|answer| answer.sent(bytes));
                let outcome = Outcome::Number(0);
                room.then_some(Completed { wait: Wait::Room(id), outcome })
            }
        };
        self.completed.extend(done);
    }

    /// The handler call has ended, and the exchange with it; who waits is told. `None`: it had no
    /// streamed answer; else whether that is a whole one, or why not.
    pub(crate) fn exchange_ended(&mut self, id: HandlerCallId) -> Option<Result<(), String>> {
        let exchange = self.exchanges.remove(&id)?;
        let over = || Err(format!("exchange {} has ended", id.0));
        if exchange.body == Body::Asked {
            self.complete(Some(Wait::Body(id)), over());
        }
        let answer = exchange.answer?;
        if answer.waits() {
            self.complete(Some(Wait::Room(id)), over());
        }
        Some(answer.whole())
    }

    /// The client of an exchange has left, or its time is up: its end follows.
    pub(crate) fn exchange_left(&mut self, id: HandlerCallId) {
        if self.exchanges.contains_key(&id) {
            self.left.push_back(id);
            if self.left.len() > MOST_LEFT {
                self.left.pop_front();
            }
        }
    }

    /// Whether its client has left.
    pub(crate) fn exchange_has_left(&self, id: HandlerCallId) -> bool {
        self.left.contains(&id)
    }

    /// What plugins wish of exchanges, in order.
    pub(crate) fn take_wishes(&mut self) -> VecDeque<(HandlerCallId, ExchangeWish)> {
        std::mem::take(&mut self.wishes)
    }

    fn exchange(&mut self, id: HandlerCallId) -> Result<&mut Exchange, String> {
        self.exchanges.get_mut(&id).ok_or_else(|| {
            format!(
                "there is no exchange {}: it has ended, or its endpoint is registered without `stream`",
                id.0
            )
        })
    }
}

impl Exchange {
    /// A piece of the body came, or its end.
    fn came(&mut self, id: HandlerCallId, piece: Option<Bytes>) -> Option<Completed> {
        match self.body {
            Body::Asked => {
                self.body = if piece.is_some() { Body::Open } else { Body::Ended };
                Some(Completed { wait: Wait::Body(id), outcome: Outcome::Piece(piece) })
            }
            Body::Left => {
                self.body = Body::Kept(piece);
                None
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::PIECE;

    const ID: HandlerCallId = HandlerCallId(7);

    fn net(length: Option<u64>) -> Net {
        let mut net = Net::new();
        net.exchange_opened(ID);
        net.exchange_respond(ID, StreamHead { status: 200, headers: vec![], length }).unwrap();
        net.take_wishes();
        net
    }

    fn piece(bytes: usize) -> Bytes {
        Bytes::from(vec![7; bytes])
    }

    #[test]
    fn a_body_is_asked_for_piece_by_piece_and_ends_once() {
        let mut net = Net::new();
        net.exchange_opened(ID);
        let wait = net.exchange_read(ID).unwrap();
        assert!(net.exchange_read(ID).unwrap_err().contains("waited for already"));
        assert_eq!(net.take_wishes(), [(ID, ExchangeWish::Read)]);
        net.exchange_news(ID, ExchangeNews::Piece(piece(3)));
        let done = net.take_completed();
        assert_eq!((done[0].wait, &done[0].outcome), (wait, &Outcome::Piece(Some(piece(3)))));
        net.exchange_read(ID).unwrap();
        net.exchange_news(ID, ExchangeNews::End);
        assert_eq!(net.take_completed()[0].outcome, Outcome::Piece(None));
        assert!(net.exchange_read(ID).unwrap_err().contains("has no more"));
        assert_eq!(net.exchange_ended(ID), None);
        assert!(net.exchange_read(ID).unwrap_err().contains("no exchange 7"));
    }

    #[test]
    fn a_piece_that_nobody_waits_for_any_more_is_kept_for_the_next() {
        let mut net = Net::new();
        net.exchange_opened(ID);
        for news in [ExchangeNews::Piece(piece(3)), ExchangeNews::End] {
            net.exchange_read(ID).unwrap();
            net.exchange_read_dropped(ID);
            net.exchange_news(ID, news);
            assert!(net.take_completed().is_empty());
            net.take_wishes();
            net.exchange_read(ID).unwrap();
            assert!(net.take_wishes().is_empty(), "it is here");
            assert_eq!(net.take_completed().len(), 1);
        }
        assert!(net.exchange_read(ID).is_err());
    }

    #[test]
    fn who_writes_waits_while_more_than_a_piece_is_unsent() {
        let mut net = net(None);
        assert_eq!(net.exchange_write(ID, piece(PIECE)), Ok(None));
        assert_eq!(net.exchange_write(ID, piece(PIECE)), Ok(Some(Wait::Room(ID))));
        net.exchange_news(ID, ExchangeNews::Written(PIECE - 1));
        assert!(net.take_completed().is_empty());
        net.exchange_news(ID, ExchangeNews::Written(1));
        assert_eq!(net.take_completed()[0].wait, Wait::Room(ID));
        assert_eq!(net.exchange_ended(ID), Some(Ok(())));
    }

    #[test]
    fn the_next_write_takes_the_place_of_one_that_was_taken_back() {
        let mut net = net(None);
        net.exchange_write(ID, piece(PIECE)).unwrap();
        for _ in 0..3 {
            assert_eq!(net.exchange_write(ID, piece(PIECE)), Ok(Some(Wait::Room(ID))));
            net.exchange_write_dropped(ID);
        }
        // Each has its piece on the way: so many, and no more.
        net.exchange_news(ID, ExchangeNews::Written(PIECE));
        assert_eq!(net.exchange_write(ID, piece(PIECE)), Ok(Some(Wait::Room(ID))));
        net.exchange_news(ID, ExchangeNews::Written(3 * PIECE));
        let done = net.take_completed();
        assert_eq!((done.len(), done[0].wait), (1, Wait::Room(ID)), "the one who waits is told");
        assert_eq!(net.exchange_ended(ID), Some(Ok(())), "it is whole");
    }

    #[test]
    fn writes_that_are_taken_back_again_and_again_fill_no_memory() {
        let mut net = net(None);
        let taken = (0..100).take_while(|_| {
            let taken = net.exchange_write(ID, piece(PIECE)).is_ok();
            net.exchange_write_dropped(ID);
            taken
        });
        assert_eq!(taken.count(), 4);
        let refused = net.exchange_write(ID, piece(PIECE)).unwrap_err();
        assert!(refused.contains("262144 bytes of writes that were taken back"), "{refused}");
        let broken = net.exchange_ended(ID).unwrap().unwrap_err();
        assert!(broken.contains("not written again"), "{broken}");
    }

    /// A plugin that does `select(write, timer)` over a slow link.
    #[test]
    fn a_piece_that_found_no_room_may_be_written_again_in_parts() {
        let filled = || {
            let mut net = net(None);
            for _ in 0..4 {
                net.exchange_write(ID, piece(PIECE)).unwrap();
                net.exchange_write_dropped(ID);
            }
            let fifth = Bytes::from_static(b"abcdef");
            net.exchange_write(ID, fifth.clone()).unwrap_err();
            net.exchange_write(ID, fifth).unwrap_err();
            net.exchange_news(ID, ExchangeNews::Written(4 * PIECE));
            net
        };
        for (parts, whole) in [
            (&["abcdef"][..], true),
            (&["abcdefghi"], true),
            (&["ab", "", "cd", "ef", "ghi"], true),
            (&["ghi"], false),
            (&["ab", "ef"], false),
            (&["abc"], false),
            (&[], false),
        ] {
            let mut net = filled();
            for part in parts {
                net.exchange_write(ID, Bytes::from_static(part.as_bytes())).unwrap();
            }
            let ended = net.exchange_ended(ID).unwrap();
            assert_eq!(ended.is_ok(), whole, "{parts:?}: {ended:?}");
        }
    }

    #[test]
    fn an_answer_with_a_hole_or_of_another_length_is_not_a_whole_one() {
        let refused = |length: Option<u64>, writes: &[usize]| {
            let mut net = net(length);
            for bytes in writes {
                let _ = net.exchange_write(ID, piece(*bytes));
            }
            net.exchange_ended(ID).unwrap().err().unwrap_or_default()
        };
        assert_eq!(refused(Some(3), &[1, 2]), "");
        assert!(
            refused(Some(3), &[2, 2]).contains("4 bytes are more than the content-length of 3")
        );
        assert!(refused(Some(3), &[2]).contains("2 bytes were written of a content-length of 3"));
        assert!(refused(None, &[PIECE + 1]).contains("write less at a time"));
        assert!(refused(None, &[PIECE, PIECE, 1]).contains("waits for room already"));
        let mut spoilt = net(None);
        spoilt.exchange_write(ID, piece(1)).unwrap();
        spoilt.exchange_spoilt(ID, "no base64".to_owned()).unwrap();
        spoilt.exchange_write(ID, piece(1)).unwrap();
        assert_eq!(spoilt.exchange_ended(ID), Some(Err("no base64".to_owned())));
    }

    #[test]
    fn whose_client_left_is_remembered_for_a_while() {
        let mut net = net(None);
        net.exchange_left(ID);
        net.exchange_ended(ID);
        assert!(net.exchange_has_left(ID));
        for id in 100..120 {
            net.exchange_opened(HandlerCallId(id));
            net.exchange_left(HandlerCallId(id));
        }
        net.exchange_left(HandlerCallId(1000));
        assert!(!net.exchange_has_left(ID) && net.left.len() == MOST_LEFT, "the last ones");
    }

    #[test]
    fn who_waits_when_an_exchange_ends_is_told() {
        let mut net = net(None);
        net.exchange_read(ID).unwrap();
        net.exchange_write(ID, piece(PIECE)).unwrap();
        net.exchange_write(ID, piece(PIECE)).unwrap();
        net.exchange_ended(ID);
        let waits: Vec<_> = net.take_completed().into_iter().map(|done| done.wait).collect();
        assert_eq!(waits, [Wait::Body(ID), Wait::Room(ID)]);
        net.exchange_news(ID, ExchangeNews::End);
        assert!(net.take_completed().is_empty());
    }
}
