//! Bodies between a client and a plugin, in pieces: read when the core asks, sent when the client takes them. At no
//! time is more of a body here than one piece that was read and the window of the answer.

use std::{io, time::Duration};

use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::StreamExt;
use signalk_bridge::PIECE;
use signalk_core::{BodyNews, HttpId, HttpRequest, HttpResponse, Input};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{
    admission::Edge,
    driver::{CoreSender, ToCore},
    exchanges::{Next, Want},
    http::{self, Answer},
};

/// Bytes that are handed to the connection at once: so often it is seen that a slow client moves.
const FRAME: usize = 16 << 10;

/// A client that is answered before it has sent its body may send on for so many bytes, and so long: one that is cut
/// off while it sends may never see its answer.
const DRAINED: usize = 32 << 20;
const DRAIN: Duration = Duration::from_secs(10);

/// A body that no client gets is taken from its plugin for so long, and for [`DRAINED`] bytes.
const UNSEEN: Duration = Duration::from_secs(60);

/// A client that waits for its answer. Dropped before [`Presence::end`], the core is told that it is gone.
pub(crate) struct Presence {
    id: HttpId,
    sender: CoreSender,
    over: bool,
}

impl Presence {
    pub(crate) fn new(id: HttpId, sender: CoreSender) -> Presence {
        Presence { id, sender, over: false }
    }

    /// Its request.
    pub(crate) fn id(&self) -> HttpId {
        self.id
    }

    /// It has its answer.
    pub(crate) fn end(mut self) {
        self.over = true;
    }

    async fn moved(&self, news: BodyNews) {
        let _ = self.sender.send(ToCore::Input(Input::HttpBody { id: self.id, news })).await;
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if !self.over {
            let _ = self.sender.send_now(ToCore::Input(Input::HttpGone { id: self.id }), true);
        }
    }
}

/// A streamed answer: not to be compressed, its pieces shall leave when they come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsItComes;

/// Asks the core with the head of a request; its body is read as the core wants it.
pub(crate) async fn ask(
    edge: &Edge,
    presence: Presence,
    mut request: HttpRequest,
    body: Body,
) -> Response {
    let id = presence.id;
    let (answer, mut answered) = oneshot::channel();
    let (wants, mut wanted) = mpsc::unbounded_channel();
    let head = ToCore::Http { id, request: request.clone(), answer, body: Some(wants) };
    if edge.sender.send(head).await.is_err() {
        return http::stopping();
    }
    // Who is told to go on would send a body that nobody wants.
    let waits = request.header("expect").is_some();
    let is_head = request.method == "HEAD";
    let first = tokio::select! {
        biased;
        want = wanted.recv() => Ok(want),
        answer = &mut answered => Err(answer),
    };
    match first {
        Ok(Some(Want::Whole)) => {
            let limit = edge.bodies.limit(&request.method, &request.target);
            let (body, _place) = match edge.bodies.read(body, limit).await {
                Ok(read) => read,
                Err(refusal) => return refusal.into_response(),
            };
            request.body = body;
            if edge.sender.send(ToCore::Input(Input::Http { id, request })).await.is_err() {
                return http::stopping();
            }
            http::answered(answered.await, presence, is_head)
        }
        Ok(Some(Want::Piece)) => {
            tokio::spawn(pump(body, Some(()), wanted, id, edge.sender.clone()));
            http::answered(answered.await, presence, is_head)
        }
        Err(Ok(answer @ Answer::Stream { .. })) => {
            tokio::spawn(pump(body, None, wanted, id, edge.sender.clone()));
            http::answered(Ok(answer), presence, is_head)
        }
        // Answered without a look at the body.
        first => {
            if !waits {
                drain(body.into_data_stream()).await;
            }
            let answer = match first {
                Err(answer) => answer,
                Ok(_) => answered.await,
            };
            http::answered(answer, presence, is_head)
        }
    }
}

/// Reads one piece for each that is wanted, until the core wants no more: also when that is while a piece is waited
/// for, because the client has stopped sending.
async fn pump(
    body: Body,
    wanted_now: Option<()>,
    mut wanted: mpsc::UnboundedReceiver<Want>,
    id: HttpId,
    sender: CoreSender,
) {
    let mut pieces = Pieces { body: body.into_data_stream(), rest: Bytes::new() };
    let mut due = usize::from(wanted_now.is_some());
    loop {
        let read = tokio::select! {
            biased;
            want = wanted.recv() => match want {
                Some(_) => {
                    due += 1;
                    continue;
                }
                None => return drain(pieces.body).await,
            },
            read = pieces.next(), if due > 0 => read,
        };
        due -= 1;
        let input = match read {
            Ok(Some(piece)) => Input::HttpBody { id, news: BodyNews::Piece(piece) },
            Ok(None) => Input::HttpBody { id, news: BodyNews::End },
            Err(_) => Input::HttpGone { id },
        };
        let goes_on = matches!(&input, Input::HttpBody { news: BodyNews::Piece(_), .. });
        if sender.send(ToCore::Input(input)).await.is_err() || !goes_on {
            return;
        }
    }
}

/// A body that is taken in pieces.
struct Pieces {
    body: BodyDataStream,
    rest: Bytes,
}

impl Pieces {
    /// May be dropped while it waits: nothing is lost.
    async fn next(&mut self) -> Result<Option<Bytes>, axum::Error> {
        while self.rest.is_empty() {
            match self.body.next().await {
                Some(frame) => self.rest = frame?,
                None => return Ok(None),
            }
        }
        Ok(Some(self.rest.split_to(self.rest.len().min(PIECE))))
    }
}

async fn drain(mut body: BodyDataStream) {
    let mut left = DRAINED;
    let all = async {
        while let Some(Ok(frame)) = body.next().await {
            match left.checked_sub(frame.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // Too long is as good as the end.
    let _ = timeout(DRAIN, all).await;
}

/// The answer of which only the head is here. One to HEAD, or of a status that has no body: what the plugin writes all
/// the same goes nowhere, and nobody is told that the client has left.
pub(crate) fn response(
    head: HttpResponse,
    length: Option<u64>,
    pieces: mpsc::UnboundedReceiver<Next>,
    presence: Presence,
    has_body: bool,
) -> Response {
    let (mut parts, _) = http::response(head).into_parts();
    parts.extensions.insert(AsItComes);
    set_length(&mut parts.headers, length);
    let answer = Pending { pieces, rest: Bytes::new(), given: 0, presence };
    let body = if has_body {
        frames(answer)
    } else {
        tokio::spawn(timeout(UNSEEN, swallow(answer)));
        // Not `Body::empty`, whose length would be said: it is not that of the answer to GET.
        Body::from_stream(futures::stream::empty::<io::Result<Bytes>>())
    };
    Response::from_parts(parts, body)
}

/// Takes what nobody gets, as far as it is worth the plugin's time.
async fn swallow(mut answer: Pending) {
    let mut left = DRAINED;
    while let Some(frame) = answer.next().await {
        let Ok(frame) = frame else { return };
        let Some(rest) = left.checked_sub(frame.len()) else { return };
        left = rest;
    }
    answer.presence.end();
}

fn frames(answer: Pending) -> Body {
    let frames = futures::stream::unfold(Some(answer), |answer| async move {
        let mut answer = answer?;
        Some(match answer.next().await {
            Some(Ok(frame)) => (Some(Ok(frame)), Some(answer)),
            Some(Err(broken)) => (Some(Err(broken)), None),
            None => {
                answer.presence.end();
                (None, None)
            }
        })
    });
    Body::from_stream(frames.filter_map(std::future::ready))
}

fn set_length(headers: &mut HeaderMap, length: Option<u64>) {
    headers.remove(header::CONTENT_LENGTH);
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
}

/// A streamed answer on its way.
struct Pending {
    pieces: mpsc::UnboundedReceiver<Next>,
    rest: Bytes,
    /// Bytes that the connection took with the last frame; it asks for the next when it has room.
    given: usize,
    presence: Presence,
}

impl Pending {
    async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        if self.given > 0 {
            self.presence.moved(BodyNews::Written(std::mem::take(&mut self.given))).await;
        }
        if self.rest.is_empty() {
            match self.pieces.recv().await {
                Some(Next::Piece(piece)) => self.rest = piece,
                Some(Next::End) => return None,
                None => return Some(Err(io::Error::other("the answer is broken off"))),
            }
        }
        let frame = self.rest.split_to(self.rest.len().min(FRAME));
        self.given = frame.len();
        Some(Ok(frame))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::{
        admission::StreamLimit,
        inbox::{self, Inbox},
        listener,
    };

    /// The core's patience with a client, and then some.
    const LONG: Duration = Duration::from_secs(600);

    /// A core that wants piece after piece of one request, and answers it when nothing came for a minute.
    async fn core(inbox: Inbox<ToCore>) {
        let mut asked = None;
        loop {
            let mut batch = Vec::new();
            let news = inbox.take(&mut batch, std::time::Instant::now(), None);
            if timeout(Duration::from_secs(60), news).await.is_err() {
                let Some((answer, _wants)) = asked.take() else { return };
                let answer: oneshot::Sender<Answer> = answer;
                let late = StatusCode::REQUEST_TIMEOUT.as_u16();
                let head = HttpResponse { status: late, headers: Vec::new(), body: Bytes::new() };
                answer.send(Answer::Whole(head)).unwrap();
                continue;
            }
            for message in batch {
                if let ToCore::Http { answer, body: Some(wants), .. } = message {
                    asked = Some((answer, wants));
                }
                if let Some((_, wants)) = &asked {
                    wants.send(Want::Piece).unwrap();
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_stops_in_the_middle_is_answered_and_closed() {
        let (sender, inbox) = inbox::channel(8);
        tokio::spawn(core(inbox));
        let (edge, _ended) = Edge::new(
            sender,
            StreamLimit { remote: 1, local: 1 },
            crate::bodies::Bodies::new(1 << 20),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(listener::serve(listener, http::router(edge)));
        let mut client = TcpStream::connect(address).await.unwrap();
        let head = b"POST /plugins/p/up HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n";
        client.write_all(head).await.unwrap();
        client.write_all(&[7; 1000]).await.unwrap();
        let mut answer = Vec::new();
        let closed = timeout(LONG, client.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(closed.is_ok(), "it holds its place");
    }

    /// What a plugin writes for a client that gets no body goes nowhere; the client has its answer, and has not left.
    #[tokio::test(start_paused = true)]
    async fn an_answer_without_a_body_takes_what_its_plugin_writes() {
        let (sender, inbox) = inbox::channel(64);
        let (next, pieces) = mpsc::unbounded_channel();
        let presence = Presence::new(HttpId(1), sender);
        let head = HttpResponse { status: 200, headers: Vec::new(), body: Bytes::new() };
        drop(response(head, Some(100_000), pieces, presence, false));
        for piece in [60_000, 40_000] {
            next.send(Next::Piece(Bytes::from(vec![7; piece]))).unwrap();
        }
        next.send(Next::End).unwrap();
        let mut batch = Vec::new();
        let mut written = 0;
        loop {
            let news = inbox.take(&mut batch, std::time::Instant::now(), None);
            if timeout(LONG, news).await.is_err() {
                break;
            }
            for message in batch.drain(..) {
                match message {
                    ToCore::Input(Input::HttpBody { news: BodyNews::Written(bytes), .. }) => {
                        written += bytes;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!(written, 100_000);
    }
}
