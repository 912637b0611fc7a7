//! One WebSocket connection of a plugin to a server elsewhere: one task for both directions.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::HeaderValue;
use signalk_bridge::{Egress, Report, Scheme, SocketId, WINDOW, WebSocketMessage};
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};
use url::Url;

use super::{Way, causes, connect::Stream};
use crate::headers;

/// As for TCP.
const CONNECT: Duration = Duration::from_secs(30);
/// Longest message.
const LONGEST: usize = 16 << 20;
/// A closing handshake has so long.
const GOODBYE: Duration = Duration::from_secs(5);

enum Command {
    Send(WebSocketMessage),
    Close(Option<(u16, String)>),
}

/// How the task is talked to.
pub(super) struct Talk {
    commands: mpsc::UnboundedSender<Command>,
    credit: Arc<Semaphore>,
}

impl Talk {
    /// How much may wait is the plugin's bound.
    pub(super) fn send(&self, message: WebSocketMessage) {
        let _ = self.commands.send(Command::Send(message));
    }

    pub(super) fn taken(&self, bytes: usize) {
        self.credit.add_permits(bytes);
    }

    pub(super) fn close(self, reason: Option<(u16, String)>) {
        let _ = self.commands.send(Command::Close(reason));
    }
}

pub(super) fn open(
    way: Way,
    socket: SocketId,
    url: String,
    headers: Vec<(String, String)>,
    protocols: Vec<String>,
    egress: Arc<Egress>,
) -> (Talk, impl Future<Output = ()> + Send + 'static) {
    let (commands, to_do) = mpsc::unbounded_channel();
    let credit = Arc::new(Semaphore::new(WINDOW));
    let talk = Talk { commands, credit: Arc::clone(&credit) };
    let work = async move {
        let asked = timeout(CONNECT, connect(&egress, &url, &headers, &protocols)).await;
        let late = || Err(format!("no connection within {CONNECT:?}"));
        match asked.unwrap_or_else(|_| late()) {
            Err(text) => {
                let result = Err(format!("{url}: {text}"));
                way.report(Report::Connected { socket, result }).await;
            }
            Ok((stream, protocol)) => {
                way.report(Report::Connected { socket, result: Ok(protocol) }).await;
                if let Some((error, close)) = serve(stream, to_do, &credit, &way, socket).await {
                    way.report(Report::Closed { socket, error, close }).await;
                }
            }
        }
    };
    (talk, work)
}

async fn connect(
    egress: &Egress,
    url: &str,
    given: &[(String, String)],
    protocols: &[String],
) -> Result<(WebSocketStream<Stream>, String), String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let scheme = if url.scheme() == "wss" { Scheme::Wss } else { Scheme::Ws };
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let mut request = url.as_str().into_client_request().map_err(|error| error.to_string())?;
    headers::add(given, request.headers_mut())?;
    if !protocols.is_empty() {
        let value =
            HeaderValue::try_from(protocols.join(", ")).map_err(|error| error.to_string())?;
        request.headers_mut().insert(http::header::SEC_WEBSOCKET_PROTOCOL, value);
    }
    let stream =
        Stream::open(egress, scheme, host, port).await.map_err(|error| error.to_string())?;
    let config =
        WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
    let (stream, answer) = client_async_with_config(request, stream, Some(config))
        .await
        .map_err(|error| causes(&error))?;
    let protocol = answer.headers().get(http::header::SEC_WEBSOCKET_PROTOCOL);
    let protocol = protocol.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Ok((stream, protocol.unwrap_or_default()))
}

type Ending = (Option<String>, Option<(u16, String)>);

/// Until one end closes; `None`: it was the plugin.
async fn serve(
    stream: WebSocketStream<Stream>,
    mut to_do: mpsc::UnboundedReceiver<Command>,
    credit: &Arc<Semaphore>,
    way: &Way,
    socket: SocketId,
) -> Option<Ending> {
    let (mut sink, mut source) = stream.split();
    let reading = async {
        loop {
            let message = match source.next().await {
                None => return (None, None),
                Some(Err(Error::ConnectionClosed)) => return (None, None),
                Some(Err(error)) => return (Some(causes(&error)), None),
                Some(Ok(Message::Text(text))) => WebSocketMessage::Text(text.as_str().to_owned()),
                Some(Ok(Message::Binary(data))) => WebSocketMessage::Binary(data),
                Some(Ok(Message::Close(frame))) => {
                    let told =
                        |frame: CloseFrame| (frame.code.into(), frame.reason.as_str().to_owned());
                    return (None, frame.map(told));
                }
                Some(Ok(_)) => continue,
            };
            let cost = u32::try_from(message.cost()).unwrap_or(u32::MAX);
            let Ok(permits) = credit.acquire_many(cost).await else { return (None, None) };
            permits.forget();
            way.flow(Report::WebSocketMessage { socket, message }, None).await;
        }
    };
    let writing = async {
        while let Some(command) = to_do.recv().await {
            let (message, bytes) = match command {
                Command::Send(message) => {
                    let bytes = message.weight();
                    let message = match message {
                        WebSocketMessage::Text(text) => Message::text(text),
                        WebSocketMessage::Binary(data) => Message::Binary(Bytes::clone(&data)),
                    };
                    (message, bytes)
                }
                Command::Close(reason) => {
                    let frame = reason.map(|(code, reason)| CloseFrame {
                        code: CloseCode::from(code),
                        reason: reason.into(),
                    });
                    return Ok(frame);
                }
            };
            sink.send(message).await?;
            way.flow(Report::Sent { socket, bytes }, None).await;
        }
        Ok(None)
    };
    let closed: Result<Option<CloseFrame>, Error> = {
        tokio::pin!(reading, writing);
        tokio::select! {
            ending = &mut reading => return Some(ending),
            closed = &mut writing => closed,
        }
    };
    match closed {
        Err(error) => Some((Some(causes(&error)), None)),
        Ok(frame) => {
            let goodbye = async {
                let _ = sink.send(Message::Close(frame)).await;
                while let Some(Ok(_)) = source.next().await {}
            };
            let _ = timeout(GOODBYE, goodbye).await;
            None
        }
    }
}
