//! Plugin calls to Signal K and back: manifest, capabilities, methods, ABIs.
//!
//! The map. What a plugin may call is one table ([`methods::METHODS`]): one row
//! per method with its capability and its handler file. How a plugin calls it
//! is one file per convention: JSON-RPC in `session/rpc`, the conventions of
//! existing plugins in `abi/`. A [`Session`] is one started plugin, whatever its
//! convention; the server behind it is the trait [`SignalK`], the world behind
//! the server is [`Effect`] and [`Report`]. Only this crate knows both Signal K
//! and plugins.
//!
//! Not here: who is started when ([`signalk-core`]'s `plugins/`), files,
//! threads, clocks.
//!
//! [`signalk-core`]: https://docs.rs/signalk-core

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod abi;
mod account;
mod capability;
mod client_socket;
mod effect;
mod egress;
mod error;
mod exchange;
#[cfg(test)]
mod fake;
mod handler;
mod handover;
mod http_cache;
mod id;
mod input_handler;
mod manifest;
pub mod methods;
mod net;
mod registration;
mod rules;
mod session;
mod signalk;
mod url;
mod usage;

pub use abi::Flavour;
pub use abi::env::host_calls;
pub use account::{Account, Backlog, Counters, SubscriptionUse, WhenFull};
pub use capability::{Capabilities, Capability};
pub use client_socket::{ClientDeed, ClientEnd, ClientNews, ClientSocketId, LONGEST_MESSAGE};
pub use effect::{
    BACKLOG, Cached, ConnectionId, Datagram, Effect, FetchHead, FetchId, FetchNews, FetchRequest,
    RateLimit, Report, Retry, SaveId, SocketId, Turns, UdpOption, Upload, WINDOW, WebSocketMessage,
};
pub use egress::{Destination, Egress, Fingerprint, Refused, Scheme};
pub use error::{BridgeError, Cause, Crash, Failure};
pub use exchange::{ANSWER_WINDOW, ExchangeNews, ExchangeWish, MOST_HEADERS, PIECE, StreamHead};
pub use handler::{
    HANDLER_PATIENCE, Handler, HandlerCall, HandlerCallId, HandlerFailure, HandlerReply,
    RadarHandler, ResourceHandler, WeatherHandler,
};
pub use handover::{Handed, Head, Heads, Piece, Whole};
pub use http_cache::{Cache, Found, Kept as KeptAnswer};
pub use id::PluginId;
pub use input_handler::{Verdict, verdicts};
pub use manifest::{Complaint, Interface, Manifest, ManifestError, Reading};
pub use registration::{Access, Endpoint, Registration};
pub use rules::Rules;
pub use session::{
    Code, Delivery, DeltaQueue, Description, HostInfo, Input, Kept, Output, PROTOCOL_VERSION,
    Purpose, Ran, Run, Session, SessionConfig,
};
pub use signalk::{
    PutId, PutRequest, SignalK, Status, SubscribeRequest, SubscribeRow, SubscriptionId, Version,
};
pub use url::shown_url;
pub use usage::{ExportUse, Usage};
