//! HTTP of plugins: one request with its redirects, whole or in pieces; bodies that are sent in pieces: `upload`.
//!
//! One client per life of a plugin, so that connections are kept and rules are not mixed. HTTP/1.1 only: what plugins ask of
//! instruments and weather services gains nothing by more. Bodies are unpacked (gzip, brotli) and bounded while they are read.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use signalk_bridge::{FetchHead, FetchId, FetchNews, FetchRequest, PIECE, Report, shown_url};
use tokio::{
    sync::mpsc,
    task::consume_budget,
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};
use tower_http::decompression::{Decompression, DecompressionBody};
use tower_service::Service;
use url::Url;

use super::{
    Way, causes,
    connect::Connector,
    reach::Reach,
    redirect::Ask,
    upload::{Outgoing, Part, Pieces as Upload},
};
use crate::headers;

/// Kept connections are closed after this.
const IDLE: Duration = Duration::from_secs(20);
/// Kept connections to one server.
const KEPT: usize = 2;

/// The client of one life of a plugin.
#[derive(Clone)]
pub(super) struct Web {
    client: Decompression<Client<Connector, Outgoing>>,
}

type Answer = Response<DecompressionBody<Incoming>>;

impl Web {
    pub(super) fn new(reach: Reach) -> Web {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(KEPT)
            .build(Connector { reach });
        Web { client: Decompression::new(client) }
    }

    /// The last answer of a chain of redirects.
    async fn ask(
        &mut self,
        request: &FetchRequest,
        mut upload: Option<Upload>,
    ) -> Result<(Answer, FetchHead), String> {
        let mut ask = read(request)?;
        for redirects in 0..=request.redirects {
            let mut sent = Request::builder().method(ask.method.clone()).uri(ask.url.as_str());
            if let Some(headers) = sent.headers_mut() {
                *headers = ask.headers.clone();
            }
            let body = match (ask.in_pieces, upload.take()) {
                (false, _) => Outgoing::Whole(ask.body.clone()),
                (true, Some(pieces)) => Outgoing::Pieces(pieces),
                (true, None) => {
                    return Err(format!(
                        "{} is redirected to {}, and a body in pieces cannot be sent again; send it there",
                        shown_url(&request.url),
                        ask.shown()
                    ));
                }
            };
            let sent = sent.body(body).map_err(|error| format!("{}: {error}", ask.shown()))?;
            let answer = self
                .client
                .call(sent)
                .await
                .map_err(|error| format!("{}: {}", ask.shown(), causes(&error)))?;
            match ask.after(answer.status(), answer.headers()) {
                Some(next) => ask = next?,
                None => {
                    let head = head(&answer, &ask.url, redirects > 0);
                    return Ok((answer, head));
                }
            }
        }
        let shown = shown_url(&request.url);
        Err(format!("{shown}: more than {} redirects", request.redirects))
    }
}

/// Sends one request and reports what comes of it.
pub(super) async fn run(
    mut web: Web,
    id: FetchId,
    request: FetchRequest,
    mut wanted: mpsc::UnboundedReceiver<()>,
    parts: mpsc::UnboundedReceiver<Part>,
    way: Way,
) {
    let news = |news| way.report(Report::Fetch { id, news });
    let shown = shown_url(&request.url);
    let late = || format!("{shown}: no complete answer within {:?}", request.timeout);
    let mut end = Instant::now() + request.timeout;
    let asked = match &request.upload {
        None => {
            let mut attempt = 1;
            loop {
                let asked = timeout_at(end, web.ask(&request, None)).await;
                let asked = asked.unwrap_or_else(|_| Err(late()));
                let Some(pause) = pause(&request, attempt, &asked) else { break asked };
                // With its connection: whoever asks to be left alone is.
                drop(asked);
                sleep(pause).await;
                (attempt, end) = (attempt + 1, Instant::now() + request.timeout);
            }
        }
        Some(upload) => {
            let (pieces, moved) = Upload::new(parts, upload.length);
            let asked =
                send(web.ask(&request, Some(pieces)), moved, request.timeout, &way, id).await;
            end = Instant::now() + request.timeout;
            asked.unwrap_or_else(|| {
                let limit = request.timeout;
                Err(format!("{shown}: nothing was sent and no answer came within {limit:?}"))
            })
        }
    };
    let (answer, head) = match asked {
        Ok(answered) => answered,
        Err(text) => return news(FetchNews::Failed(text)).await,
    };
    if !request.streamed {
        let whole = timeout_at(end, whole(answer, request.most)).await;
        return news(match whole.unwrap_or_else(|_| Err(late())) {
            Ok(body) => FetchNews::Whole(head, body),
            Err(text) => FetchNews::Failed(text),
        })
        .await;
    }
    news(FetchNews::Head(head)).await;
    let mut pieces = Pieces { body: answer.into_body(), rest: Bytes::new(), left: request.most };
    while wanted.recv().await.is_some() {
        let piece = timeout(request.timeout, pieces.next()).await;
        match piece.unwrap_or_else(|_| Err(late())) {
            Ok(Some(piece)) => news(FetchNews::Piece(piece)).await,
            Ok(None) => return news(FetchNews::End).await,
            Err(text) => return news(FetchNews::Failed(text)).await,
        }
    }
}

/// How long to wait before the request is sent once more; `None`: this is its answer.
fn pause(
    request: &FetchRequest,
    attempt: u32,
    asked: &Result<(Answer, FetchHead), String>,
) -> Option<Duration> {
    let answer = asked.as_ref().ok().map(|(answer, _)| answer);
    let after = answer.and_then(|answer| answer.headers().get(http::header::RETRY_AFTER));
    let status = answer.map(|answer| answer.status().as_u16());
    request.retry.pause(attempt, status, after.and_then(|value| value.to_str().ok()))
}

/// Waits for an answer while a body is sent, and tells what of it moved; `None`: nothing did for too long.
async fn send<T>(
    asked: impl Future<Output = T>,
    mut moved: mpsc::UnboundedReceiver<usize>,
    patience: Duration,
    way: &Way,
    id: FetchId,
) -> Option<T> {
    tokio::pin!(asked);
    let mut end = Instant::now() + patience;
    loop {
        let bytes = tokio::select! {
            answer = &mut asked => return Some(answer),
            Some(bytes) = moved.recv() => bytes,
            () = sleep_until(end) => return None,
        };
        way.report(Report::Fetch { id, news: FetchNews::Written(bytes) }).await;
        end = Instant::now() + patience;
    }
}

/// A body that is taken in pieces.
struct Pieces {
    body: DecompressionBody<Incoming>,
    rest: Bytes,
    left: usize,
}

impl Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>, String> {
        while self.rest.is_empty() {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(causes(error.as_ref())),
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
            }
            consume_budget().await;
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        self.left = self.left.checked_sub(piece.len()).ok_or_else(too_long)?;
        Ok(Some(piece))
    }
}

async fn whole(answer: Answer, most: usize) -> Result<Bytes, String> {
    let mut body = answer.into_body();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| causes(error.as_ref()))?;
        let data = frame.into_data().unwrap_or_default();
        if all.len() + data.len() > most {
            return Err(too_long());
        }
        all.extend_from_slice(&data);
        // What is unpacked is always ready: a few bytes could keep this thread for megabytes.
        consume_budget().await;
    }
    Ok(all.freeze())
}

fn too_long() -> String {
    "the body is longer than its limit; ask for less, or take it in pieces".to_owned()
}

/// What a plugin wrote, as HTTP has it.
fn read(request: &FetchRequest) -> Result<Ask, String> {
    let shown = shown_url(&request.url);
    let url = Url::parse(&request.url).map_err(|error| format!("`{shown}`: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{shown}`: only http: and https: are fetched"));
    }
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| format!("`{}` is no method", request.method))?;
    let mut headers = HeaderMap::new();
    headers::add(&request.headers, &mut headers).map_err(|text| format!("{shown}: {text}"))?;
    if !headers.contains_key(http::header::USER_AGENT) {
        let agent = concat!("signalk-host/", env!("CARGO_PKG_VERSION"));
        headers.insert(http::header::USER_AGENT, HeaderValue::from_static(agent));
    }
    let in_pieces = request.upload.is_some();
    Ok(Ask { method, url, headers, body: request.body.clone(), in_pieces })
}

fn head(answer: &Answer, url: &Url, redirected: bool) -> FetchHead {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    FetchHead {
        status: answer.status().as_u16(),
        headers: answer.headers().iter().map(|(n, v)| (n.to_string(), text(v))).collect(),
        url: url.to_string(),
        redirected,
    }
}
