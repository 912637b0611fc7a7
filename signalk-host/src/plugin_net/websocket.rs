//! One WebSocket connection of a plugin to a server elsewhere: one task for both directions.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{SinkExt, StreamExt};
use http::HeaderValue;
use signalk_bridge::{Report, Scheme, SocketId, WINDOW, WebSocketMessage, shown_url};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::{sleep, timeout},
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

use super::{Way, causes, connect::Stream, reach::Reach, sending::Placed};
use crate::headers;

/// As for TCP.
const CONNECT: Duration = Duration::from_secs(30);
/// Longest message.
const LONGEST: usize = 16 << 20;
/// What was to be sent before the plugin closed is sent as long as a message goes out in each of these: 1 MiB at 140
/// kbit/s.
const BACKLOG: Duration = Duration::from_secs(60);
/// A closing handshake has so long.
const GOODBYE: Duration = Duration::from_secs(5);

enum Command {
    Send(Placed<WebSocketMessage>),
    Close(Option<(u16, String)>),
}

/// How the task is talked to.
pub(super) struct Talk {
    commands: mpsc::UnboundedSender<Command>,
    credit: Arc<Semaphore>,
    /// Dropped when the plugin has closed it.
    _open: oneshot::Sender<Infallible>,
}

impl Talk {
    /// How much may wait is the plugin's bound.
    pub(super) fn send(&self, message: Placed<WebSocketMessage>) {
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
    reach: Reach,
) -> (Talk, impl Future<Output = ()> + Send + 'static) {
    let (commands, to_do) = mpsc::unbounded_channel();
    let credit = Arc::new(Semaphore::new(WINDOW));
    let (_open, closed) = oneshot::channel();
    let talk = Talk { commands, credit: Arc::clone(&credit), _open };
    let work = async move {
        let asked = timeout(CONNECT, connect(&reach, &url, &headers, &protocols)).await;
        let late = || Err(format!("no connection within {CONNECT:?}"));
        match asked.unwrap_or_else(|_| late()) {
            Err(text) => {
                let result = Err(format!("{}: {text}", shown_url(&url)));
                way.report(Report::Connected { socket, result }).await;
            }
            Ok((stream, protocol)) => {
                way.report(Report::Connected { socket, result: Ok(protocol) }).await;
                if let Some((error, close)) =
                    serve(stream, to_do, closed, &credit, &way, socket).await
                {
                    way.report(Report::Closed { socket, error, close }).await;
                }
            }
        }
    };
    (talk, work)
}

async fn connect(
    reach: &Reach,
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
        Stream::open(reach, scheme, host, port).await.map_err(|error| error.to_string())?;
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
    closed: oneshot::Receiver<Infallible>,
    credit: &Arc<Semaphore>,
    way: &Way,
    socket: SocketId,
) -> Option<Ending> {
    let (mut sink, mut source) = stream.split();
    // Whether a message went out since last asked.
    let moved = AtomicBool::new(true);
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
            let (message, bytes, _place) = match command {
                Command::Send(Placed { data: message, place }) => {
                    let bytes = message.weight();
                    let message = match message {
                        WebSocketMessage::Text(text) => Message::text(text),
                        WebSocketMessage::Binary(data) => Message::Binary(data),
                    };
                    (message, bytes, place)
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
            moved.store(true, Ordering::Relaxed);
            way.flow(Report::Sent { socket, bytes }, None).await;
        }
        Ok(None)
    };
    // What was to be sent before the plugin closed is waited for only so long: the other end may take nothing any more.
    let too_late = async {
        let _ = closed.await;
        moved.store(true, Ordering::Relaxed);
        while moved.swap(false, Ordering::Relaxed) {
            sleep(BACKLOG).await;
        }
    };
    let closed: Result<Option<CloseFrame>, Error> = {
        tokio::pin!(reading, writing);
        tokio::select! {
            ending = &mut reading => return Some(ending),
            closed = &mut writing => closed,
            () = too_late => return None,
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

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio_tungstenite::accept_async;

    use super::*;
    use crate::plugin_net::{reach::Resolver, sending::Sending};

    /// The plugin's task for a socket to `port`, and how it is talked to.
    fn open_to(port: u16, way: Way) -> (Talk, impl Future<Output = ()> + Send + 'static) {
        let egress = Arc::new(signalk_bridge::Egress::open());
        let reach = Reach::new(egress, Resolver::default());
        open(way, SocketId(1), format!("ws://127.0.0.1:{port}/"), vec![], vec![], reach)
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_is_closed_while_nobody_reads_does_not_stay_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (sender, inbox) = crate::inbox::channel(8);
        let way = Way { sender, plugin: signalk_bridge::PluginId::from_package("p"), life: 1 };
        let (talk, work) = open_to(listener.local_addr().unwrap().port(), way);
        let work = tokio::spawn(work);
        let (stream, _) = listener.accept().await.unwrap();
        let _reads_nothing = accept_async(stream).await.unwrap();
        inbox.take(&mut Vec::new(), std::time::Instant::now(), None).await;
        let message = WebSocketMessage::Binary(vec![7; LONGEST].into());
        let sending = Sending::default();
        talk.send(sending.place(message, LONGEST).unwrap());
        tokio::task::yield_now().await;
        talk.close(None);
        timeout(Duration::from_secs(3600), work).await.expect("an end").unwrap();
    }
}
