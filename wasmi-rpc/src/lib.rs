//! JSON-RPC 2.0 between a plugin and its host, as a state machine without I/O.
//!
//! [`Peer`] is the same type on both ends: bytes go in with [`Peer::handle_input`], and
//! [`Peer::poll_output`] hands out what they mean and the bytes that must travel back. The crate
//! opens nothing, reads no clock (time comes in as `now`) and starts no thread; who moves the bytes
//! is the business of `wasmi-hdk` (host) and `wasmi-pdk` (plugin).
//!
//! One worked exchange, a call and its answer:
//!
//! ```
//! use std::time::Duration;
//! use wasmi_rpc::{Output, Peer, PeerConfig};
//!
//! let now = Duration::ZERO;
//! let (mut host, mut plugin) = (Peer::new(PeerConfig::default()), Peer::new(PeerConfig::default()));
//!
//! let id = host.call_with(now, "add", &(1, 2), None)?;
//! let Some(Output::Send(bytes)) = host.poll_output() else { unreachable!() };
//! assert_eq!(bytes, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"add\",\"params\":[1,2]}\n");
//!
//! plugin.handle_input(now, &bytes);
//! let Some(Output::Request { id: asked, method, params }) = plugin.poll_output() else { unreachable!() };
//! let (a, b): (i32, i32) = serde_json::from_str(params.unwrap().get()).unwrap();
//! assert_eq!((method.as_str(), a + b), ("add", 3));
//! plugin.respond_with(asked, &(a + b))?;
//!
//! let Some(Output::Send(bytes)) = plugin.poll_output() else { unreachable!() };
//! host.handle_input(now, &bytes);
//! let Some(Output::Answered { id: answered, result }) = host.poll_output() else { unreachable!() };
//! assert_eq!((answered, result.unwrap().get()), (id, "3"));
//! # Ok::<(), wasmi_rpc::RpcError>(())
//! ```
//!
//! | File | Question it answers |
//! |---|---|
//! | `message.rs` | what is in these bytes, by the specification's words |
//! | `envelope.rs` | which members has this object, found in one scan |
//! | `quick.rs` | is this the line that our own ends write |
//! | `scan.rs` | where in a text is the next byte of interest |
//! | `encode.rs` | how is a message written |
//! | `framing.rs` | where does a message begin and end in the stream |
//! | `pending.rs` | who waits for which id |
//! | `peer.rs` | what must happen next |
//! | `code.rs` | which numbers do we promise |

mod code;
mod encode;
mod envelope;
mod error;
mod framing;
mod message;
mod peer;
mod pending;
mod quick;
mod scan;

pub use code::ErrorCode;
pub use error::{CallError, RpcError};
pub use framing::{Decoder, Frame, Framing, Sink};
pub use jsonrpsee_types::{ErrorObjectOwned as ErrorObject, Id};
pub use message::{Message, Params, RequestId, RpcResult};
pub use peer::{BatchEntry, Counters, Output, Peer, PeerConfig};
pub use quick::Quick;
pub use serde_json::value::RawValue;
