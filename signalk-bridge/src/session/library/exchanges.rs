//! Streamed endpoints of a library guest: its handler is told the number of its exchange, and moves the bodies by
//! `sk_call` of `http.read`, `.respond` and `.write`.
//!
//! Such a plugin does one thing at a time: while it waits for a client it does nothing else. How long a client may let
//! it wait is the server's (`signalk-core/src/plugins/exchanges.rs`); what a plugin may wish is `net/exchange.rs`.

use super::Exports;
use crate::abi::library::Library;
use crate::handler::HandlerReply;
use crate::methods::later::leave;
use crate::net::{Completed, Outcome, Wait};
use crate::session::Common;
use crate::{ExchangeNews, HandlerCall, HandlerCallId, HandlerFailure, PutId};

/// What somebody says about something that the guest asked for, and waits while the guest is away on a run.
#[derive(Debug)]
pub(super) enum Letter {
    /// Of a streamed exchange.
    Exchange(HandlerCallId, ExchangeNews),
    /// Nobody waits for the answer of this handler any more.
    Left(HandlerCallId),
    /// The end of a PUT.
    Put(PutId, String),
}

impl Exports {
    /// What came of a wish of an exchange.
    pub(in crate::session) fn exchange(
        &mut self,
        id: HandlerCallId,
        news: ExchangeNews,
        common: &mut Common,
    ) {
        self.letter(Letter::Exchange(id, news), common);
    }

    /// A PUT of the plugin has come to its end.
    pub(in crate::session) fn put_done(
        &mut self,
        (id, reply): (PutId, String),
        common: &mut Common,
    ) {
        self.letter(Letter::Put(id, reply), common);
    }

    /// Nobody wants a reply any more. A call that is in the guest's queue already is finished for nobody; of a streamed
    /// one every wish fails from now on.
    pub(in crate::session) fn forget(&mut self, id: HandlerCallId, common: &mut Common) {
        self.handlers.retain(|call| call.id != id);
        self.letter(Letter::Left(id), common);
    }

    fn letter(&mut self, letter: Letter, common: &mut Common) {
        self.letters.push_back(letter);
        if let Some(mut library) = self.library.take() {
            self.deliver(&mut library, common);
            self.library = Some(library);
        }
    }

    /// Opens the letters.
    pub(super) fn read_letters(&mut self, library: &mut Library, common: &mut Common) {
        while let Some(letter) = self.letters.pop_front() {
            let completed = match letter {
                Letter::Exchange(id, news) => {
                    library.moved(id);
                    library.shared().map(|shared| {
                        shared.net.exchange_news(id, news);
                        shared.net.take_completed()
                    })
                }
                Letter::Put(id, reply) => {
                    library.shared().map(|shared| shared.net.put_done(id, reply))
                }
                Letter::Left(id) => library.shared().map(|shared| {
                    shared.net.exchange_left(id);
                    let over = |wait| {
                        leave(wait, &mut shared.net);
                        let outcome = Outcome::Failed("its client has left".to_owned());
                        Completed { wait, outcome }
                    };
                    [Wait::Body(id), Wait::Room(id)].map(over).into()
                }),
            };
            for completed in completed.unwrap_or_default() {
                self.completed(completed, library, common);
            }
        }
    }
}

/// A handler as the guest gets it: of a streamed one the request says which exchange it is.
pub(super) fn opened(mut call: HandlerCall, library: &mut Library) -> HandlerCall {
    if call.handler.is_streamed() {
        if let Some(shared) = library.shared() {
            shared.net.exchange_opened(call.id);
        }
        call.request = with_exchange(&call.request, call.id);
    }
    call
}

/// What a client gets: an answer that is not whole is none.
pub(super) fn ended(id: HandlerCallId, reply: HandlerReply, library: &mut Library) -> HandlerReply {
    let whole = library.shared().and_then(|shared| shared.net.exchange_ended(id)).unwrap_or(Ok(()));
    reply.and_then(|text| whole.map(|()| text).map_err(HandlerFailure::Failed))
}

/// The request with one member more.
fn with_exchange(request: &str, id: HandlerCallId) -> String {
    let members = request.trim_end().strip_suffix('}').unwrap_or("{");
    let comma = if members.trim_end().ends_with('{') { "" } else { "," };
    format!(r#"{members}{comma}"exchange":{}}}"#, id.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_its_exchange_last() {
        let with = |request| with_exchange(request, HandlerCallId(7));
        assert_eq!(with(r#"{"a":{}}"#), r#"{"a":{},"exchange":7}"#);
        assert_eq!(
            (with("{}"), with("")),
            (r#"{"exchange":7}"#.into(), r#"{"exchange":7}"#.into())
        );
    }
}
