//! HTTP of plugins: one request with its redirects, whole or in pieces; bodies that are sent in pieces: `upload`;
//! requests that are sent again: `attempts`; that wait for their turn: `line`; answers that are kept: `kept`.
//!
//! One client per life of a plugin, so that connections are kept and rules are not mixed. HTTP/1.1 only: what plugins
//! ask of instruments and weather services gains nothing by more. Bodies are unpacked (gzip, brotli) and bounded while
//! they are read.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use signalk_bridge::{
    FetchHead, FetchId, FetchNews, FetchRequest, PIECE, Refused, Report, shown_url,
};
use tokio::{
    sync::mpsc,
    task::consume_budget,
    time::{Instant, sleep_until, timeout},
};
use tower_http::decompression::{Decompression, DecompressionBody};
use tower_service::Service;
use url::Url;

use super::{
    Way, causes,
    connect::Connector,
    kept::Kept,
    line::{Line, Lines},
    reach::Reach,
    redirect::Ask,
    upload::{Outgoing, Part, Pieces as Upload},
};
use crate::headers;

/// Kept connections are closed after this.
const IDLE: Duration = Duration::from_secs(20);
/// Kept connections to one server.
const KEPT: usize = 2;

/// The client of one life of a plugin, and what it keeps.
#[derive(Clone)]
pub(super) struct Web {
    client: Decompression<Client<Connector, Outgoing>>,
    pub(super) kept: Kept,
    lines: Lines,
}

pub(super) type Answer = Response<DecompressionBody<Incoming>>;

impl Web {
    pub(super) fn new(reach: Reach) -> Web {
        let kept = Kept::new(Arc::clone(&reach.egress));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(KEPT)
            .build(Connector { reach });
        Web { client: Decompression::new(client), kept, lines: Lines::new() }
    }

    /// The place of a request among those that wait for their turn.
    ///
    /// # Errors
    ///
    /// In words: there are too many.
    pub(super) fn line(&self, request: &FetchRequest) -> Result<Option<Line>, String> {
        let Some(limit) = request.rate.clone() else { return Ok(None) };
        let server = Url::parse(&request.url).map(|url| url.origin().ascii_serialization());
        self.lines.place(limit, &server.unwrap_or_default()).map(Some)
    }

    /// The last answer of a chain of redirects.
    pub(super) async fn ask(
        &mut self,
        request: &FetchRequest,
        mut upload: Option<Upload>,
    ) -> Result<(Answer, FetchHead), Failure> {
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
                    let text = format!(
                        "{} is redirected to {}, and a body in pieces cannot be sent again; send it there",
                        shown_url(&request.url),
                        ask.shown()
                    );
                    return Err(Failure::Final(text));
                }
            };
            let sent = sent.body(body).map_err(|error| format!("{}: {error}", ask.shown()))?;
            let answer = self.client.call(sent).await.map_err(|error| failure(&error, &ask))?;
            match ask.after(answer.status(), answer.headers()) {
                Some(next) => ask = next?,
                None => {
                    let head = head(&answer, &ask.url, redirects > 0);
                    if head.status < 400 && !is_safe(&request.method) {
                        self.kept.changed(&request.url);
                    }
                    return Ok((answer, head));
                }
            }
        }
        let shown = shown_url(&request.url);
        Err(Failure::Final(format!("{shown}: more than {} redirects", request.redirects)))
    }
}

/// Whether a method changes nothing (RFC 9110, 9.2.1).
fn is_safe(method: &str) -> bool {
    ["GET", "HEAD", "OPTIONS", "TRACE"].contains(&method)
}

/// Why a request brought nothing. What was refused will be again.
fn failure(error: &(dyn std::error::Error + 'static), ask: &Ask) -> Failure {
    let text = format!("{}: {}", ask.shown(), causes(error));
    if is_refused(error) { Failure::Final(text) } else { Failure::Passing(text) }
}

fn is_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<Refused>) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may go better next time.
    Passing(String),
    /// The owner's rules refuse it, or it would be the same again.
    Final(String),
}

impl From<String> for Failure {
    fn from(text: String) -> Failure {
        Failure::Final(text)
    }
}

impl Failure {
    fn text(self) -> String {
        match self {
            Failure::Passing(text) | Failure::Final(text) => text,
        }
    }
}

/// Sends one request and reports what comes of it.
pub(super) async fn run(
    mut web: Web,
    id: FetchId,
    request: FetchRequest,
    wanted: mpsc::UnboundedReceiver<()>,
    parts: mpsc::UnboundedReceiver<Part>,
    line: Result<Option<Line>, String>,
    way: Way,
) {
    let news = |news| way.report(Report::Fetch { id, news });
    let mut line = match line {
        Ok(line) => line,
        Err(text) => return news(FetchNews::Failed(text)).await,
    };
    if request.upload.is_none() && !request.streamed {
        let whole = web.whole(&request, line).await;
        return news(whole_news(whole)).await;
    }
    // One of few until its last piece.
    let _turn = match &mut line {
        Some(line) => line.turn().await,
        None => None,
    };
    let asked = match &request.upload {
        None => timeout(request.timeout, web.ask(&request, None)).await.ok(),
        Some(upload) => {
            let (pieces, moved) = Upload::new(parts, upload.length);
            send(web.ask(&request, Some(pieces)), moved, request.timeout, &way, id).await
        }
    };
    let (answer, head) = match asked {
        Some(Ok(answered)) => answered,
        Some(Err(failure)) => return news(FetchNews::Failed(failure.text())).await,
        None => return news(FetchNews::Failed(silent(&request))).await,
    };
    if request.streamed {
        return stream(answer, head, &request, wanted, news).await;
    }
    let body = timeout(request.timeout, whole(answer, request.most)).await;
    let body = body.unwrap_or_else(|_| Err(Failure::Passing(late(&request))));
    news(whole_news(body.map(|body| (head, body)).map_err(Failure::text))).await;
}

fn whole_news(whole: Result<(FetchHead, Bytes), String>) -> FetchNews {
    match whole {
        Ok((head, body)) => FetchNews::Whole(head, body),
        Err(text) => FetchNews::Failed(text),
    }
}

/// The head, and the pieces as they are asked for.
async fn stream<F: Future<Output = ()>>(
    answer: Answer,
    head: FetchHead,
    request: &FetchRequest,
    mut wanted: mpsc::UnboundedReceiver<()>,
    news: impl Fn(FetchNews) -> F,
) {
    news(FetchNews::Head(head)).await;
    let mut pieces = Pieces { body: answer.into_body(), rest: Bytes::new(), left: request.most };
    while wanted.recv().await.is_some() {
        let piece = timeout(request.timeout, pieces.next()).await;
        match piece.unwrap_or_else(|_| Err(Failure::Passing(late(request)))) {
            Ok(Some(piece)) => news(FetchNews::Piece(piece)).await,
            Ok(None) => return news(FetchNews::End).await,
            Err(failure) => return news(FetchNews::Failed(failure.text())).await,
        }
    }
}

pub(super) fn late(request: &FetchRequest) -> String {
    format!("{}: no complete answer within {:?}", shown_url(&request.url), request.timeout)
}

fn silent(request: &FetchRequest) -> String {
    match &request.upload {
        None => late(request),
        Some(_) => format!(
            "{}: nothing was sent and no answer came within {:?}",
            shown_url(&request.url),
            request.timeout
        ),
    }
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
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        while self.rest.is_empty() {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(Failure::Passing(causes(error.as_ref()))),
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
            }
            consume_budget().await;
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        self.left = self.left.checked_sub(piece.len()).ok_or_else(too_long)?;
        Ok(Some(piece))
    }
}

pub(super) async fn whole(answer: Answer, most: usize) -> Result<Bytes, Failure> {
    let mut body = answer.into_body();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::Passing(causes(error.as_ref())))?;
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

fn too_long() -> Failure {
    let text = "the body is longer than its limit; ask for less, or take it in pieces";
    Failure::Final(text.to_owned())
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
        cached: None,
    }
}
