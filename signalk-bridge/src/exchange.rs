//! Streamed bodies of an HTTP handler, as the session and the server speak of them.
//!
//! An exchange is one request of a client to an endpoint with `"stream": true`, from its head to
//! the end of its answer. It has the number of the handler call and ends with it. What a plugin
//! may do with it is `net/exchange.rs`; who moves the bytes is `signalk-core` and the edge.

use bytes::Bytes;

/// The most bytes of one piece of a body, in either direction: of an exchange, and of a request of a plugin.
pub const PIECE: usize = 64 << 10;

/// Bytes of an answer that may wait for the client: a plugin that has written more waits, too.
pub const ANSWER_WINDOW: usize = 2 * PIECE;

/// Headers that a plugin may give an answer, or a request of its own: as many as a module by
/// `as-fetch` has. No browser reads more than some hundred.
pub const MOST_HEADERS: usize = 200;

/// What a plugin wishes of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeWish {
    /// The next piece of the request's body; [`ExchangeNews::Piece`] or [`ExchangeNews::End`] follows.
    Read,
    /// The answer begins; its body follows in pieces, and the end of the handler call is its end.
    Respond(StreamHead),
    /// The next piece of the answer, not empty; [`ExchangeNews::Written`] follows.
    Write(Bytes),
}

/// The head of a streamed answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamHead {
    /// 200 to 599.
    pub status: u16,
    /// As the plugin gave them, `content-length` left out.
    pub headers: Vec<(String, String)>,
    /// Bytes of the body, when the plugin said how many.
    pub length: Option<u64>,
}

/// What came of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeNews {
    /// The next piece of the request's body, at most [`PIECE`] bytes.
    Piece(Bytes),
    /// The request's body has ended.
    End,
    /// So many bytes of the answer are on their way to the client.
    Written(usize),
}
