//! HTTP and the WebSocket handshake: bytes in, bytes out. Every answer is the core's, except the files of the built-in page.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, FromRequestParts, Request, State, ws::WebSocketUpgrade},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use signalk_core::{HttpRequest, HttpResponse, Input, StreamId};
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
    driver::{CoreSender, ToCore},
    outbox::{Ending, Outbox, Taken},
    stream,
};

/// Of a file that is sent in pieces.
const FILE_CHUNK: usize = 64 << 10;

/// Express's limit in the reference.
const BODY_LIMIT: usize = 10 << 20;

/// A smaller answer fits a network packet or two: compressing it costs more than it saves.
const COMPRESS_ABOVE: u64 = 1400;

/// What the core answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// With its body.
    Whole(HttpResponse),
    /// Everything but the body, which is read as it is sent.
    File(HttpResponse, FilePiece),
}

/// A part of an open file.
#[derive(Debug)]
pub(crate) struct FilePiece {
    /// At the first byte.
    pub(crate) file: tokio::fs::File,
    /// How many bytes.
    pub(crate) length: u64,
}

/// What every request needs.
#[derive(Clone)]
pub(crate) struct Edge {
    sender: CoreSender,
    streams: Arc<Streams>,
}

/// The open streams.
struct Streams {
    next: AtomicU64,
    per_ip: Mutex<HashMap<IpAddr, usize>>,
    limit: StreamLimit,
    /// A clone lives in every stream's task: all dropped means that all have ended.
    alive: mpsc::Sender<()>,
}

/// How many streams one address may open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamLimit {
    /// From another machine.
    pub(crate) remote: usize,
    /// From this machine.
    ///
    /// DIFFERENCE: the reference counts these like any other. Here they have no limit unless one is set, because behind a
    /// proxy of the same machine every client comes from this one address.
    pub(crate) local: usize,
}

impl Edge {
    /// The second half ends when the last stream has.
    pub(crate) fn new(sender: CoreSender, limit: StreamLimit) -> (Edge, mpsc::Receiver<()>) {
        let (alive, ended) = mpsc::channel(1);
        let streams = Streams { next: AtomicU64::new(1), per_ip: Mutex::default(), limit, alive };
        (Edge { sender, streams: Arc::new(streams) }, ended)
    }

    /// Everything that is served.
    pub(crate) fn router(self) -> Router {
        let compress = SizeAbove::new(COMPRESS_ABOVE)
            .and(NotForContentType::IMAGES)
            .and(NotForContentType::SSE);
        Router::new()
            .route("/admin/", get(admin::index))
            .route("/admin/{*path}", get(admin::file))
            .fallback(to_core)
            .layer(
                CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compress),
            )
            .with_state(self)
    }

    /// A new stream, unless its address has too many.
    pub(crate) fn admit(&self, ip: IpAddr) -> Option<Admission> {
        let streams = &self.streams;
        let limit = if ip.is_loopback() { streams.limit.local } else { streams.limit.remote };
        let mut per_ip = streams.per_ip.lock().unwrap_or_else(PoisonError::into_inner);
        let count = per_ip.entry(ip).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        let id = StreamId(streams.next.fetch_add(1, Ordering::Relaxed));
        let outbox = Arc::new(Outbox::new(id));
        Some(Admission { edge: self.clone(), ip, outbox, _alive: streams.alive.clone() })
    }
}

/// One stream's place. Dropped, the place is free and the core knows that the client is gone.
pub(crate) struct Admission {
    edge: Edge,
    ip: IpAddr,
    /// Its frames.
    pub(crate) outbox: Arc<Outbox>,
    _alive: mpsc::Sender<()>,
}

impl Admission {
    /// The way to the core.
    pub(crate) fn sender(&self) -> &CoreSender {
        &self.edge.sender
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut per_ip = self.edge.streams.per_ip.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = per_ip.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                per_ip.remove(&self.ip);
            }
        }
        let closed = ToCore::Input(Input::StreamClosed { id: self.outbox.id });
        let sender = self.edge.sender.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { sender.send(closed).await });
        }
    }
}

async fn to_core(
    State(edge): State<Edge>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    if is_upgrade(&parts.headers) {
        return match WebSocketUpgrade::from_request_parts(&mut parts, &edge).await {
            Ok(upgrade) => open_stream(&edge, peer.ip(), upgrade, &parts).await,
            Err(rejection) => rejection.into_response(),
        };
    }
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(refusal) => return refusal.into_response(),
    };
    let request = HttpRequest {
        method: parts.method.as_str().to_owned(),
        target: target(&parts),
        headers: headers(&parts.headers),
        body,
    };
    let (answer, answered) = oneshot::channel();
    if edge.sender.send(ToCore::Http(request, answer)).await.is_err() {
        return stopping();
    }
    match answered.await {
        Ok(Answer::Whole(whole)) => response(whole),
        Ok(Answer::File(head, piece)) => file_response(head, piece),
        Err(_) => stopping(),
    }
}

/// A body that is too large is read on for a while without being kept: a client that is still sending would not see why it was
/// refused.
async fn read_body(body: Body) -> Result<Bytes, (StatusCode, &'static str)> {
    let mut pieces = body.into_data_stream();
    let mut whole = BytesMut::new();
    let mut length = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| (StatusCode::BAD_REQUEST, "the body ended early"))?;
        length += piece.len();
        if length <= BODY_LIMIT {
            whole.extend_from_slice(&piece);
        } else if length > 2 * BODY_LIMIT {
            break;
        }
    }
    if length > BODY_LIMIT {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 10 MB"));
    }
    Ok(whole.freeze())
}

async fn open_stream(
    edge: &Edge,
    ip: IpAddr,
    upgrade: WebSocketUpgrade,
    parts: &Parts,
) -> Response {
    let Some(admission) = edge.admit(ip) else {
        tracing::warn!(%ip, "refused a stream: this address has too many (SIGNALK_MAX_STREAMS_PER_IP)");
        let text = "too many streams from this address";
        return (StatusCode::TOO_MANY_REQUESTS, text).into_response();
    };
    let outbox = Arc::clone(&admission.outbox);
    let open = ToCore::Open {
        target: target(parts),
        headers: headers(&parts.headers),
        outbox: Arc::clone(&outbox),
    };
    if edge.sender.send(open).await.is_err() {
        return stopping();
    }
    match stream::first(&outbox).await {
        Taken::Ended(Ending::Rejected(rejection)) => response(rejection),
        first => upgrade
            .write_buffer_size(stream::WRITE_BUFFER)
            .max_message_size(BODY_LIMIT)
            .max_frame_size(BODY_LIMIT)
            .on_upgrade(move |socket| stream::serve(socket, admission, first)),
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
fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let texts = headers.iter().filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
    texts.map(|(name, value)| (name.as_str().to_owned(), value.to_owned())).collect()
}

fn response(response: HttpResponse) -> Response {
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

fn stopping() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "the server is stopping").into_response()
}
