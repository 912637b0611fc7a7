//! The network of a plugin: HTTP, WebSockets, UDP and TCP, as async functions over the host's methods.
//!
//! Who may: HTTP and WebSockets need the capability `network`, sockets `rawSockets`. Waiting costs
//! nothing: a plugin that waits for the world rests, and is woken by its answer. What is dropped is
//! closed.
//!
//! ```
//! use std::time::Duration;
//! use wasmi_pdk::Result;
//! use wasmi_pdk::signalk::{Delta, SignalK};
//! use wasmi_pdk::signalk::net::{Request, Retry, UdpSocket};
//!
//! async fn forecast(sk: &SignalK) -> Result<f64> {
//!     let request = Request::get("https://weather.example/wind.json").timeout(Duration::from_secs(10));
//!     // Again when it fails, and from what was kept when there is no network.
//!     request.retry(Retry::default()).cached().send(sk).await?.json()
//! }
//!
//! async fn listen(sk: SignalK) -> Result<()> {
//!     let socket = UdpSocket::create(&sk).await?;
//!     socket.join("239.2.1.1", "").await?;
//!     socket.bind(10110).await?;
//!     loop {
//!         let datagram = socket.receive().await;
//!         sk.emit(&Delta::new().value("test.bytes", datagram.data.len()));
//!     }
//! }
//! ```
//!
//! | File | What |
//! |---|---|
//! | `http.rs`, `upload.rs` | one request, whole or in pieces |
//! | `wishes.rs` | requests again, answers kept, turns taken: what the host does for a request |
//! | `udp.rs`, `tcp.rs`, `websocket.rs` | sockets |

mod http;
mod tcp;
mod udp;
mod upload;
mod websocket;
mod wishes;

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub use http::{Request, Response, Streamed};
pub use tcp::{Peer, TcpLines, TcpLinesListener, TcpListener, TcpStream};
pub(super) use udp::Inboxes;
pub use udp::{Datagram, UdpSocket};
pub use upload::Upload;
pub use websocket::{Closed, Message, WebSocket};
pub use wishes::{Cached, RateLimit, Retry};

use crate::{Error, ErrorCode, Host, Result};

pub(super) fn encode(data: &[u8]) -> String {
    STANDARD.encode(data)
}

fn decode(text: &str) -> Result<Vec<u8>> {
    let error = |error| Error::new(ErrorCode::NetworkFailed, format!("no base64: {error}"));
    STANDARD.decode(text).map_err(error)
}

/// A number of the host that ends with its owner.
struct Owned {
    host: Host,
    number: u64,
    /// The method that ends it.
    close: &'static str,
}

impl Drop for Owned {
    fn drop(&mut self) {
        // A host that is gone has closed it already.
        let _ = self.host.notify(self.close, (self.number,));
    }
}
