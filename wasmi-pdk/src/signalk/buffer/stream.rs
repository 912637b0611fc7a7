//! Bodies of HTTP in pieces, of buffer plugins: any number of bytes, of which neither the host nor the plugin keeps
//! more than a window. Each call returns when it is done; nothing else of the plugin runs meanwhile.

use std::io;

use serde::Serialize;

use super::Server;
use super::web::failed;
use crate::exports::sk;
use crate::signalk::net::{Request, Response};
use crate::{Error, Result};

/// The most bytes that the host takes at once.
const PIECE: usize = 64 << 10;

/// An answer whose body is read. Dropping it ends the transfer.
#[derive(Debug)]
pub struct BlockingBody {
    /// Status and headers.
    pub head: Response,
    number: u32,
    ended: bool,
}

/// A request whose body is written. Dropping it gives the request up: no server takes what was sent for a whole body.
#[derive(Debug)]
pub struct BlockingUpload {
    number: u32,
    finished: bool,
}

#[derive(Serialize)]
struct Open<'a> {
    #[serde(flatten)]
    request: &'a Request,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
}

impl Server {
    /// Sends a request; returns when the answer begins. Its body is read by [`BlockingBody::read`], or as [`io::Read`].
    ///
    /// # Errors
    /// As [`Server::fetch`].
    pub fn fetch_body(&self, request: &Request) -> Result<BlockingBody> {
        let request = serde_json::to_string(&request.streamed())?;
        BlockingBody::of(&sk::http_request(&request).map_err(failed)?)
    }

    /// Begins a request whose body follows. With a `length` the server is told how many bytes it has; otherwise they
    /// come chunked.
    ///
    /// # Errors
    /// It cannot be sent: no URL, a body that it has already, too many requests at once, or no permission.
    pub fn upload(&self, request: &Request, length: Option<u64>) -> Result<BlockingUpload> {
        let open = serde_json::to_string(&Open { request, length })?;
        let number = sk::http_open(&open).map_err(failed)?;
        Ok(BlockingUpload { number, finished: false })
    }
}

impl BlockingUpload {
    /// Writes a part of the body, of any length; returns when the server has taken most of it. When the server has
    /// answered already it goes nowhere.
    ///
    /// # Errors
    /// The request failed, or more than the promised length.
    pub fn write(&mut self, data: &[u8]) -> Result<()> {
        for piece in data.chunks(PIECE) {
            sk::http_send(self.number, piece).map_err(failed)?;
        }
        Ok(())
    }

    /// Ends the body; the whole answer.
    ///
    /// # Errors
    /// As [`Server::fetch`]; or the body has another length than promised.
    pub fn finish(mut self) -> Result<Response> {
        self.finished = true;
        Response::read(&sk::http_finish(self.number).map_err(failed)?)
    }
}

impl BlockingBody {
    fn of(json: &[u8]) -> Result<Self> {
        let (head, number) = Response::read_streamed(json)?;
        let number = u32::try_from(number).map_err(|error| failed(error.to_string()))?;
        Ok(BlockingBody { head, number, ended: false })
    }

    /// The next bytes, at most as many as fit; 0: there are no more.
    ///
    /// # Errors
    /// The transfer broke, or took too long.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let read = sk::http_read(self.number, buffer).map_err(failed);
        self.ended = !matches!(read, Ok(1..));
        read
    }
}

impl io::Read for BlockingBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        BlockingBody::read(self, buffer).map_err(|error: Error| io::Error::other(error.to_string()))
    }
}

impl Drop for BlockingBody {
    fn drop(&mut self) {
        // Closing what has ended does no harm.
        sk::http_close(self.number);
    }
}

impl Drop for BlockingUpload {
    fn drop(&mut self) {
        if !self.finished {
            sk::http_close(self.number);
        }
    }
}
