//! HTTP: requests in, answers out. Every answer is the core's, except the files of the built-in page. Who asks for a
//! stream gets one in `stream`.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{ConnectInfo, Request, State},
    http::{
        Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header,
        request::Parts,
    },
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::{Bytes, BytesMut};
use signalk_core::{HttpRequest, HttpResponse};
use tokio::{
    io::AsyncReadExt,
    sync::{mpsc, oneshot},
};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer, Predicate,
        predicate::{NotForContentType, SizeAbove},
    },
};

use crate::{
    admin,
    admission::Edge,
    driver::ToCore,
    exchanges::Next,
    headers,
    outbox::{Ending, Taken},
    stream::{self, upgrade::Upgrade, wire::Framing},
    streamed::{self, AsItComes, Presence},
};

/// Of a file that is sent in pieces.
const FILE_CHUNK: usize = 64 << 10;

/// A smaller answer fits a network packet or two: compressing it costs more than it saves.
const COMPRESS_ABOVE: u64 = 1400;

/// What the core answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// With its body.
    Whole(HttpResponse),
    /// Everything but the body, which is read as it is sent.
    File(HttpResponse, FilePiece),
    /// Everything but the body, which a plugin writes as it is sent.
    Stream {
        /// Status and headers.
        head: HttpResponse,
        /// Of the body, if it is known.
        length: Option<u64>,
        /// The body.
        pieces: mpsc::UnboundedReceiver<Next>,
    },
}

/// A part of an open file.
#[derive(Debug)]
pub(crate) struct FilePiece {
    /// At the first byte.
    pub(crate) file: tokio::fs::File,
    /// How many bytes.
    pub(crate) length: u64,
}

/// Everything that is served.
pub(crate) fn router(edge: Edge) -> Router {
    let compress =
        SizeAbove::new(COMPRESS_ABOVE).and(NotForContentType::IMAGES).and(NotForContentType::SSE);
    let is_whole = |_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions| {
        extensions.get::<AsItComes>().is_none()
    };
    let compress = compress.and(is_whole);
    Router::new()
        .route("/admin/", get(admin::index))
        .route("/admin/{*path}", get(admin::file))
        .fallback(to_core)
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compress))
        .with_state(edge)
}

async fn to_core(
    State(edge): State<Edge>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    if is_upgrade(&parts.headers) {
        return match Upgrade::asked_for(&parts) {
            Ok(upgrade) => open_stream(&edge, peer.ip(), upgrade, &parts).await,
            Err(refusal) => *refusal,
        };
    }
    let mut request = HttpRequest {
        method: parts.method.as_str().to_owned(),
        target: target(&parts),
        headers: texts(&parts.headers),
        body: Bytes::new(),
        peer: Some(peer.ip()),
    };
    let presence = Presence::new(edge.next_request(), edge.sender.clone());
    let (method, target) = (request.method.as_str(), request.target.as_str());
    if !body.is_end_stream() && signalk_core::http::may_stream(method, target) {
        return streamed::ask(&edge, presence, request, body).await;
    }
    let is_head = parts.method == Method::HEAD;
    let limit = edge.bodies.limit(method, target);
    let (body, _place) = match edge.bodies.read(body, limit).await {
        Ok(read) => read,
        Err(refusal) => return refusal.into_response(),
    };
    request.body = body;
    let (answer, answer_comes) = oneshot::channel();
    let asked = ToCore::Http { id: presence.id(), request, answer, body: None };
    if edge.sender.send(asked).await.is_err() {
        return stopping();
    }
    answered(answer_comes.await, presence, is_head)
}

/// What a client gets.
pub(crate) fn answered(
    answer: Result<Answer, oneshot::error::RecvError>,
    presence: Presence,
    is_head: bool,
) -> Response {
    if let Ok(answer) = &answer
        && let Err(refusal) = is_sendable(answer)
    {
        // Its presence is not ended: who streams the answer learns that nobody takes it.
        return response(refusal);
    }
    let answer = match answer {
        Ok(Answer::Stream { head, length, pieces }) => {
            let has_body = !is_head && !matches!(head.status, 204 | 304);
            return streamed::response(head, length, pieces, presence, has_body);
        }
        Ok(Answer::Whole(whole)) => response(whole),
        Ok(Answer::File(head, piece)) => file_response(head, piece),
        Err(_) => stopping(),
    };
    presence.end();
    answer
}

/// What a client gets instead of an answer with more headers than there may be.
fn is_sendable(answer: &Answer) -> Result<(), HttpResponse> {
    let (Answer::Whole(head) | Answer::File(head, _) | Answer::Stream { head, .. }) = answer;
    headers::check(head.headers.len()).map_err(|text| {
        let text = format!("the plugin's answer has {text}");
        tracing::warn!("an answer is not sent: {text}");
        HttpResponse::json(500, &serde_json::json!({ "error": text }))
    })
}

async fn open_stream(edge: &Edge, ip: IpAddr, upgrade: Upgrade, parts: &Parts) -> Response {
    let Some(admission) = edge.admit(ip, Framing::WebSocket) else {
        tracing::warn!(%ip, "refused a stream: this address has too many (SIGNALK_MAX_STREAMS_PER_IP)");
        let text = "too many streams from this address";
        return (StatusCode::TOO_MANY_REQUESTS, text).into_response();
    };
    let outbox = Arc::clone(&admission.outbox);
    let request = HttpRequest {
        method: parts.method.as_str().to_owned(),
        target: target(parts),
        headers: texts(&parts.headers),
        body: Bytes::new(),
        peer: Some(ip),
    };
    let open = ToCore::Open { request, outbox: Arc::clone(&outbox) };
    if edge.sender.send(open).await.is_err() {
        return stopping();
    }
    match stream::first(&outbox).await {
        Taken::Ended(Ending::Rejected(rejection)) => response(rejection),
        first => {
            let upgrade = upgrade.speaking(outbox.protocol());
            upgrade.grant(move |socket, before| stream::serve(socket, before, admission, first))
        }
    }
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn target(parts: &Parts) -> String {
    parts.uri.path_and_query().map_or_else(|| "/".to_owned(), |target| target.as_str().to_owned())
}

/// A header that is no text is one that no rule could ask for.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |name: &HeaderName, value: &HeaderValue| match value.to_str() {
        Ok(text) => Some(text.to_owned()),
        // Of several programs of this computer: what another has put in takes nothing away from the rest.
        Err(_) if name == header::COOKIE => Some(readable_cookies(value.as_bytes())),
        Err(_) => None,
    };
    let texts = headers.iter().filter_map(|(name, value)| Some((name, text(name, value)?)));
    texts.map(|(name, value)| (name.as_str().to_owned(), value)).collect()
}

/// The pairs that are ASCII.
fn readable_cookies(value: &[u8]) -> String {
    let pairs = value.split(|byte| *byte == b';').filter(|pair| pair.is_ascii());
    let pairs: Vec<_> = pairs.filter_map(|pair| str::from_utf8(pair.trim_ascii()).ok()).collect();
    pairs.join("; ")
}

pub(crate) fn response(response: HttpResponse) -> Response {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = (status, Body::from(response.body)).into_response();
    let headers = answer.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in response.headers {
        match (HeaderName::try_from(&*name), HeaderValue::from_str(&value)) {
            (Ok(name), Ok(value)) => {
                headers.append(name, value);
            }
            _ => tracing::warn!(%name, "left out a header that cannot be sent"),
        }
    }
    answer
}

/// The body in pieces, each read when the one before is on its way.
fn file_response(head: HttpResponse, piece: FilePiece) -> Response {
    let length = piece.length;
    let pieces = futures::stream::try_unfold(piece, |mut piece| async move {
        let next = usize::try_from(piece.length).map_or(FILE_CHUNK, |rest| rest.min(FILE_CHUNK));
        if next == 0 {
            return Ok(None);
        }
        let mut bytes = BytesMut::zeroed(next);
        piece.file.read_exact(&mut bytes).await?;
        piece.length -= u64::try_from(next).unwrap_or_default();
        Ok::<_, std::io::Error>(Some((bytes.freeze(), piece)))
    });
    let (mut parts, _) = response(head).into_parts();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Response::from_parts(parts, Body::from_stream(pieces))
}

pub(crate) fn stopping() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "the server is stopping").into_response()
}

#[cfg(test)]
mod tests {
    use signalk_core::Input;

    use super::*;
    use crate::{admission::StreamLimit, inbox};

    /// One name more than a `HeaderMap` can hold.
    fn too_many() -> HttpResponse {
        let headers = (0..=32_768).map(|at| (format!("x{at}").into(), String::new())).collect();
        HttpResponse { status: 200, headers, body: Bytes::new() }
    }

    #[test]
    fn a_foreign_cookie_that_is_no_text_takes_no_other_away() {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"a=1; b=\xe4; JAUTHENTICATION=c").unwrap();
        headers.insert(header::COOKIE, value);
        headers.insert("x-other", HeaderValue::from_bytes(b"\xe4").unwrap());
        let expected = ("cookie".to_owned(), "a=1; JAUTHENTICATION=c".to_owned());
        assert_eq!(texts(&headers), [expected]);
    }

    #[tokio::test]
    async fn an_answer_with_too_many_headers_is_refused_and_a_streamed_one_is_given_up() {
        let (sender, inbox) = inbox::channel(8);
        let (edge, _ended) = Edge::new(
            sender,
            StreamLimit { remote: 1, local: 1 },
            crate::bodies::Bodies::new(1 << 20),
        );
        let (_writes, pieces) = mpsc::unbounded_channel();
        let stream = Answer::Stream { head: too_many(), length: None, pieces };
        for answer in [Answer::Whole(too_many()), stream] {
            let presence = Presence::new(edge.next_request(), edge.sender.clone());
            let id = presence.id();
            let refused = answered(Ok(answer), presence, false);
            assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let body = axum::body::to_bytes(refused.into_body(), 1000).await.unwrap();
            let text = String::from_utf8(body.into()).unwrap();
            assert!(text.contains("32769 headers, the limit is 200"), "{text}");
            let mut batch = Vec::new();
            inbox.take(&mut batch, std::time::Instant::now(), None).await;
            let gone = |message: &ToCore| matches!(message, ToCore::Input(Input::HttpGone { id: gone }) if *gone == id);
            assert!(batch.iter().all(gone) && batch.len() == 1);
        }
    }
}
