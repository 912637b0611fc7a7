//! What can go wrong on a connection ([`RpcError`]) and with one call ([`CallError`]).
//! The wire form of an error is an error object; its numbers are in `code.rs`.

use crate::{ErrorCode, ErrorObject, RequestId};

/// A fault of the connection or of this end's use of it. Never fatal: the stream goes on.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// The bytes of one message are not JSON. Answered with -32700 and id null.
    #[error("message is not JSON: {reason}")]
    NotJson {
        /// What the JSON parser says.
        reason: String,
    },
    /// JSON, but neither request, notification nor response. Answered with -32600.
    #[error("not a valid request (id {id}): {reason}")]
    InvalidRequest {
        /// The id the answer carries.
        id: RequestId,
        /// Which rule is broken.
        reason: String,
    },
    /// A response with neither or both of `result` and `error`, or without a usable id. Not answered.
    #[error("not a valid response: {reason}")]
    InvalidResponse {
        /// Which rule is broken.
        reason: String,
    },
    /// A message above the size bound; it was skipped to its end.
    #[error("message of {size} bytes exceeds the limit of {limit} bytes (`max_message`)")]
    Oversized {
        /// Bytes of the message.
        size: u64,
        /// The bound, `PeerConfig::max_message`.
        limit: usize,
    },
    /// A response to a request that does not wait: never sent, or answered before.
    #[error("response to request {id}, which waits for no answer")]
    UnknownResponse {
        /// The id in the response.
        id: RequestId,
    },
    /// The other end could not make out one of our messages, and says so with id null.
    #[error("the other end reports error {}: {}", error.code(), error.message())]
    Unattributed {
        /// What it says.
        error: ErrorObject,
    },
    /// This end answers a request that does not wait: never received, or answered before.
    #[error("no request {id} waits for an answer here")]
    UnknownRequest {
        /// The id given.
        id: RequestId,
    },
    /// A header section of Content-Length framing that cannot be followed.
    #[error("bad message header: {reason}")]
    BadHeader {
        /// Which rule is broken.
        reason: &'static str,
    },
    /// The stream ended inside a message.
    #[error("stream ended inside a message, {size} bytes after its start")]
    Truncated {
        /// Bytes received of it.
        size: u64,
    },
    /// As many calls wait as may wait.
    #[error("{limit} calls wait for answers already (`max_pending`)")]
    Busy {
        /// The bound, `PeerConfig::max_pending`.
        limit: usize,
    },
    /// The message to be sent is above the size bound.
    #[error("message of {size} bytes not sent: the limit is {limit} bytes (`max_message`)")]
    TooLarge {
        /// Bytes of the message.
        size: usize,
        /// The bound, `PeerConfig::max_message`.
        limit: usize,
    },
    /// `params` that are neither array nor object (JSON-RPC 2.0, section 4.2), or cannot be written.
    #[error("parameters cannot be sent: {reason}")]
    BadParams {
        /// Why not.
        reason: String,
    },
    /// The stream has ended.
    #[error("the connection is closed")]
    Closed,
}

impl RpcError {
    pub(crate) fn bad_params(why: impl ToString) -> Self {
        RpcError::BadParams { reason: why.to_string() }
    }
}

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The other end answered with an error object.
    #[error("{} (code {})", .0.message(), .0.code())]
    Remote(ErrorObject),
    /// The deadline passed.
    #[error("no answer before the deadline")]
    Timeout,
    /// This end cancelled it.
    #[error("cancelled")]
    Cancelled,
    /// The stream ended before the answer.
    #[error("the connection closed before the answer")]
    Closed,
    /// The answer breaks the protocol.
    #[error("invalid answer: {0}")]
    InvalidAnswer(String),
}

impl From<CallError> for ErrorObject {
    fn from(error: CallError) -> Self {
        let code = match &error {
            CallError::Remote(object) => return object.clone(),
            CallError::Timeout => ErrorCode::Timeout,
            CallError::Cancelled => ErrorCode::Cancelled,
            CallError::Closed => ErrorCode::NotRunning,
            CallError::InvalidAnswer(_) => ErrorCode::InternalError,
        };
        code.with(error.to_string())
    }
}
