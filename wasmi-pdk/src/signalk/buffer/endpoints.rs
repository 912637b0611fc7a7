//! Endpoints of a buffer plugin: the export `http_handler`, and bodies in pieces.

use serde::Deserialize;

use super::{BufferPlugin, SERVER, Server, Slot};
use crate::signalk::bytes::{Base64, Decoded};
use crate::signalk::http::{Endpoint, HttpRequest, Reply};
use crate::{Error, Result};

/// The export that is asked.
const HANDLER: &str = "http_handler";

/// The most bytes that the host takes of an answer at once.
const CHUNK: usize = 64 << 10;

/// The bodies of one request and of its answer. While it waits for its client nothing else of the plugin runs: where
/// nothing moves for 10 s the host breaks it off.
#[derive(Debug)]
pub struct BlockingExchange {
    number: u64,
    ended: bool,
}

#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    data: Option<Decoded>,
}

impl BlockingExchange {
    /// The next piece of the request's body, at most 64 KiB; `None`: there are no more.
    ///
    /// # Errors
    /// The exchange is over: the client has gone, or nothing moved in time.
    pub fn read_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        let piece = SERVER.call::<Piece>("http.read", (self.number,))?.data;
        self.ended = piece.is_none();
        Ok(piece.map(|Decoded(bytes)| bytes))
    }

    /// Begins the answer. A `content-length` among the headers is a promise: an answer of another length is broken off.
    ///
    /// # Errors
    /// It has begun already, or the exchange is over.
    pub fn respond(&self, status: u16, headers: &[(&str, &str)]) -> Result<()> {
        SERVER.call("http.respond", (self.number, status, headers))
    }

    /// Writes a part of the answer, of any length; returns when the client has taken most of it.
    ///
    /// # Errors
    /// [`BlockingExchange::respond`] was not called, more than the promised length, or the exchange is over.
    pub fn write(&self, data: &[u8]) -> Result<()> {
        let mut chunks = data.chunks(CHUNK);
        chunks.try_for_each(|chunk| SERVER.call("http.write", (self.number, Base64(chunk))))
    }
}

impl Server {
    /// Says which endpoints the plugin answers by [`BufferPlugin::answer`]: all of them, in order; the first that fits
    /// is asked. What their `handler` says is not used. Needs `httpEndpoints`.
    ///
    /// # Errors
    /// What the host says.
    pub fn serve_http(&self, endpoints: &[Endpoint]) -> Result<()> {
        let endpoints = endpoints.iter().map(|endpoint| endpoint.clone().handled_by(HANDLER));
        self.call("http.register", (endpoints.collect::<Vec<_>>(),))
    }
}

/// What `http_handler` is asked.
#[derive(Deserialize)]
struct Asked {
    #[serde(flatten)]
    request: HttpRequest,
    #[serde(default)]
    exchange: Option<u64>,
}

impl<P: BufferPlugin> Slot<P> {
    /// `http_handler`: the reply as JSON.
    pub(crate) fn http(&self, json: &[u8]) -> String {
        let answered =
            serde_json::from_slice::<Asked>(json).map_err(Error::from).and_then(|asked| {
                let exchange =
                    asked.exchange.map(|number| BlockingExchange { number, ended: false });
                let mut plugin = self.0.borrow_mut();
                let plugin =
                    plugin.as_mut().ok_or_else(|| Error::message("the plugin is stopped"))?;
                plugin.answer(&SERVER, &asked.request, exchange)
            });
        let reply = answered.unwrap_or_else(|error| {
            let text = serde_json::json!({ "error": error.to_string() });
            Reply::json(text).unwrap_or_default().status(500)
        });
        serde_json::to_string(&reply).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;

    impl BufferPlugin for Echo {
        const ID: &'static str = "echo";
        const NAME: &'static str = "Echo";
        type Options = serde_json::Value;

        fn start(_: &Server, _: serde_json::Value) -> Result<Self> {
            Ok(Echo)
        }

        fn answer(
            &mut self,
            _: &Server,
            request: &HttpRequest,
            exchange: Option<BlockingExchange>,
        ) -> Result<Reply> {
            if request.path == "/bad" {
                return Err(Error::message("too bad"));
            }
            Ok(Reply::text(&format!("{} {}", request.path, exchange.is_some())))
        }
    }

    #[test]
    fn a_request_is_answered_and_a_refusal_is_500() {
        let slot = Slot::<Echo>::new();
        let ask = |text: &str| {
            serde_json::from_str::<serde_json::Value>(&slot.http(text.as_bytes())).unwrap()
        };
        assert_eq!(ask(r#"{"method":"GET","path":"/a"}"#)["statusCode"], 500, "not started");
        slot.start(b"");
        assert_eq!(ask(r#"{"method":"GET","path":"/a"}"#)["body"], "/a false");
        assert_eq!(ask(r#"{"method":"GET","path":"/a","exchange":7}"#)["body"], "/a true");
        let bad = ask(r#"{"method":"GET","path":"/bad"}"#);
        assert_eq!(bad["statusCode"], 500);
        assert!(bad["body"]["error"].as_str().unwrap().contains("too bad"), "{bad}");
        assert_eq!(ask("nonsense")["statusCode"], 500);
    }
}
