//! From an HTTP request to a socket of our own. Compression (permessage-deflate) is not offered: it would make every
//! client's bytes different, and one boat's deltas would be compressed once per client.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{
    error::{Error, ProtocolError},
    handshake::server::create_response_with_body,
};

use crate::patience::Patient;

/// A request for a WebSocket that can be granted.
pub(crate) struct Upgrade {
    answer: Response,
    socket: OnUpgrade,
}

impl Upgrade {
    /// # Errors
    ///
    /// The answer to a request that asks for it in a wrong way.
    pub(crate) fn asked_for(parts: &Parts) -> Result<Upgrade, Box<Response>> {
        let mut request = axum::http::Request::new(());
        request.method_mut().clone_from(&parts.method);
        *request.version_mut() = parts.version;
        request.headers_mut().clone_from(&parts.headers);
        request.extensions_mut().clone_from(&parts.extensions);
        match create_response_with_body(&request, Body::empty) {
            Ok(answer) => Ok(Upgrade { answer, socket: hyper::upgrade::on(request) }),
            Err(error) => Err(Box::new(refusal(&error))),
        }
    }

    /// Says which of the subprotocols that the client speaks it is; `None`: the answer names none.
    pub(crate) fn speaking(mut self, protocol: Option<String>) -> Upgrade {
        // One of the client's own, which came in a header.
        if let Some(value) = protocol.and_then(|name| HeaderValue::from_str(&name).ok()) {
            self.answer.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, value);
        }
        self
    }

    /// The answer that grants it; `then` gets the socket and the bytes that came with the request.
    pub(crate) fn grant<F>(
        self,
        then: impl FnOnce(TcpStream, Bytes) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send,
    {
        let Upgrade { answer, socket } = self;
        tokio::spawn(async move {
            let Ok(socket) = socket.await else { return };
            match socket.downcast::<TokioIo<Patient<TcpStream>>>() {
                Ok(parts) => then(parts.io.into_inner().into_inner(), parts.read_buf).await,
                Err(_) => tracing::error!("a WebSocket over something that is no TCP socket"),
            }
        });
        answer
    }
}

fn refusal(error: &Error) -> Response {
    let status = match error {
        Error::Protocol(ProtocolError::WrongHttpMethod) => StatusCode::METHOD_NOT_ALLOWED,
        Error::Protocol(ProtocolError::MissingSecWebSocketVersionHeader) => {
            StatusCode::UPGRADE_REQUIRED
        }
        _ => StatusCode::BAD_REQUEST,
    };
    let mut answer = (status, error.to_string()).into_response();
    if status == StatusCode::UPGRADE_REQUIRED {
        let ours = HeaderValue::from_static("13");
        answer.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, ours);
    }
    answer
}
