//! [`Exchange`]: the bodies of one request and of its answer, in pieces.

use serde::Deserialize;

use crate::signalk::bytes::{Base64, Decoded};
use crate::{Host, Result};

/// The most bytes that the host takes of an answer at once.
const CHUNK: usize = 64 << 10;

/// The bodies of one request and of its answer. At most 64 KiB are moved at once; who waits lets the
/// other end wait.
pub struct Exchange {
    pub(super) host: Host,
    pub(super) number: u64,
    pub(super) ended: bool,
}

#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    data: Option<Decoded>,
}

impl Exchange {
    /// The next piece of the request's body, at most 64 KiB; `None`: there are no more.
    ///
    /// # Errors
    /// The exchange is over: the client has gone, or nothing moved for a minute.
    pub async fn read_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        let piece = self.host.call::<Piece>("http.read", (self.number,)).await?.data;
        self.ended = piece.is_none();
        Ok(piece.map(|Decoded(bytes)| bytes))
    }

    /// Begins the answer. A `content-length` among the headers is a promise: an answer of another
    /// length is broken off.
    ///
    /// # Errors
    /// It has begun already, or the exchange is over.
    pub async fn respond(&self, status: u16, headers: &[(&str, &str)]) -> Result<()> {
        self.host.call("http.respond", (self.number, status, headers)).await
    }

    /// Writes a part of the answer, of any length; done when the client has taken most of it. What was
    /// written goes out also when the future is dropped while it waits.
    ///
    /// # Errors
    /// [`Exchange::respond`] was not called, more than the promised length, or the exchange is over.
    pub async fn write(&self, data: &[u8]) -> Result<()> {
        for chunk in data.chunks(CHUNK) {
            self.host.call::<()>("http.write", (self.number, Base64(chunk))).await?;
        }
        Ok(())
    }
}
