//! One TCP connection of a plugin: a task that reads while there is credit, and one that writes.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use signalk_bridge::{Report, Scheme, SocketId, WINDOW};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    net::TcpStream,
    sync::{Semaphore, mpsc},
    task::AbortHandle,
    time::timeout,
};

use super::{Way, connect::Stream, reach::Reach, sending::Placed, watched::watched};

/// Plugin ABI 6.2.
const CONNECT: Duration = Duration::from_secs(30);
/// What is still to be sent when a connection is closed has so long.
const GOODBYE: Duration = Duration::from_secs(5);
/// Bytes of one piece.
const PIECE: usize = 64 << 10;

/// How the tasks are talked to.
pub(super) struct Talk {
    data: mpsc::UnboundedSender<Placed<Bytes>>,
    credit: Arc<Semaphore>,
}

impl Talk {
    /// How much may wait is the plugin's bound (`signalk-bridge/src/net/tcp.rs`).
    pub(super) fn send(&self, data: Placed<Bytes>) {
        let _ = self.data.send(data);
    }

    pub(super) fn taken(&self, bytes: usize) {
        self.credit.add_permits(bytes);
    }

    /// The reading task ends at once, the writing one when it has written.
    pub(super) fn close(self, reading: &AbortHandle) {
        reading.abort();
        drop(self.data);
    }
}

pub(super) fn open(
    way: Way,
    socket: SocketId,
    scheme: Scheme,
    host: String,
    port: u16,
    reach: Reach,
) -> (Talk, impl Future<Output = ()> + Send + 'static) {
    let (talk, to_send, credit) = talk();
    let work = async move {
        let connected = timeout(CONNECT, Stream::open(&reach, scheme, &host, port)).await;
        match connected {
            Ok(Ok(stream)) => {
                way.report(Report::Connected { socket, result: Ok(String::new()) }).await;
                serve(stream, to_send, credit, way, socket).await;
            }
            Ok(Err(error)) => {
                let result = Err(format!("{host}:{port}: {error}"));
                way.report(Report::Connected { socket, result }).await;
            }
            Err(_) => {
                let result = Err(format!("{host}:{port}: no connection within {CONNECT:?}"));
                way.report(Report::Connected { socket, result }).await;
            }
        }
    };
    (talk, work)
}

/// A connection that came to a listener; `None`: it is gone already.
pub(super) fn adopt(
    way: Way,
    socket: SocketId,
    stream: Option<TcpStream>,
) -> (Talk, impl Future<Output = ()> + Send + 'static) {
    let (talk, to_send, credit) = talk();
    let work = async move {
        match stream {
            Some(stream) => serve(Stream::Plain(stream), to_send, credit, way, socket).await,
            None => way.report(Report::Closed { socket, error: None, close: None }).await,
        }
    };
    (talk, work)
}

fn talk() -> (Talk, mpsc::UnboundedReceiver<Placed<Bytes>>, Arc<Semaphore>) {
    let (data, to_send) = mpsc::unbounded_channel();
    let credit = Arc::new(Semaphore::new(WINDOW));
    (Talk { data, credit: Arc::clone(&credit) }, to_send, credit)
}

/// Until the other end closes; what is to be sent then is still sent.
async fn serve(
    stream: Stream,
    to_send: mpsc::UnboundedReceiver<Placed<Bytes>>,
    credit: Arc<Semaphore>,
    way: Way,
    socket: SocketId,
) {
    let (_alive, over) = mpsc::channel(1);
    let lost = move |text| Report::Lost { socket, text };
    let error = match stream {
        Stream::Plain(stream) => {
            let (reading, writing) = stream.into_split();
            let work = write(writing, to_send, over, way.clone(), socket);
            tokio::spawn(watched(work, way.clone(), lost));
            read(reading, &credit, &way, socket).await
        }
        secure @ Stream::Secure(_) => {
            let (reading, writing) = split(secure);
            let work = write(writing, to_send, over, way.clone(), socket);
            tokio::spawn(watched(work, way.clone(), lost));
            read(reading, &credit, &way, socket).await
        }
    };
    way.report(Report::Closed { socket, error, close: None }).await;
}

/// Until the other end closes; `Some`: it broke.
async fn read(
    mut reading: impl AsyncRead + Unpin,
    credit: &Arc<Semaphore>,
    way: &Way,
    socket: SocketId,
) -> Option<String> {
    let mut buffer = BytesMut::new();
    loop {
        credit.acquire().await.ok()?.forget();
        let room = credit.available_permits().min(PIECE - 1);
        let more = u32::try_from(room).ok().and_then(|room| credit.try_acquire_many(room).ok());
        let room = 1 + more.map_or(0, |permits| {
            let taken = permits.num_permits();
            permits.forget();
            taken
        });
        buffer.reserve(room.min(PIECE));
        match (&mut reading).take(u64::try_from(room).unwrap_or(1)).read_buf(&mut buffer).await {
            Ok(0) => return None,
            Ok(len) => {
                credit.add_permits(room.saturating_sub(len));
                // A small piece does not hold on to a large buffer.
                let data = if len < PIECE / 8 {
                    let data = Bytes::copy_from_slice(&buffer);
                    buffer.clear();
                    data
                } else {
                    buffer.split().freeze()
                };
                way.flow(Report::TcpData { socket, data }, None).await;
            }
            Err(error) => return Some(error.to_string()),
        }
    }
}

/// Says that the reading task has ended: then there is nothing to receive. That may be asked more than once, which a
/// oneshot channel does not allow.
type Over = mpsc::Receiver<Infallible>;

/// Until the plugin closes, or the other end did.
async fn write(
    mut writing: impl AsyncWrite + Unpin,
    mut to_send: mpsc::UnboundedReceiver<Placed<Bytes>>,
    mut over: Over,
    way: Way,
    socket: SocketId,
) {
    loop {
        let data = tokio::select! {
            biased;
            data = to_send.recv() => data,
            _ = over.recv() => break,
        };
        let Some(data) = data else { break };
        let written = tokio::select! {
            written = write_all(&mut writing, &data.data) => written,
            () = too_late(&mut over, &to_send) => return,
        };
        if written.is_err() {
            return; // the reading task says what broke
        }
        way.flow(Report::Sent { socket, bytes: data.data.len() }, None).await;
    }
    let rest = async {
        while let Ok(data) = to_send.try_recv() {
            write_all(&mut writing, &data.data).await?;
        }
        writing.shutdown().await
    };
    let _ = timeout(GOODBYE, rest).await;
}

/// TLS keeps what is written until it is told to send it.
async fn write_all(writing: &mut (impl AsyncWrite + Unpin), data: &[u8]) -> io::Result<()> {
    writing.write_all(data).await?;
    writing.flush().await
}

/// The connection is over, or the plugin has closed it, and nobody takes what is being written.
async fn too_late(over: &mut Over, to_send: &mpsc::UnboundedReceiver<Placed<Bytes>>) {
    loop {
        let ended = timeout(Duration::from_millis(200), over.recv()).await.is_ok();
        if ended || to_send.is_closed() {
            return tokio::time::sleep(GOODBYE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_peer_that_stops_sending_first_and_reads_on_gets_everything() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        let (sender, _inbox) = crate::inbox::channel(8);
        let plugin = signalk_bridge::PluginId::from_package("p");
        let way = Way { sender, plugin, life: 1 };
        let (data, to_send) = mpsc::unbounded_channel();
        let (alive, over) = mpsc::channel(1);
        let (_reading, writing) = ours.into_split();
        let written = tokio::spawn(write(writing, to_send, over, way, SocketId(1)));
        // More than the system keeps for a peer that does not read: the write is blocked.
        let much = Bytes::from(vec![7; 32 << 20]);
        let sending = crate::plugin_net::Sending::default();
        data.send(sending.place(much.clone(), much.len()).unwrap()).unwrap();
        tokio::task::yield_now().await;
        drop(alive);
        tokio::task::yield_now().await;
        let mut got = Vec::new();
        peer.read_to_end(&mut got).await.unwrap();
        written.await.expect("the task ended in good order");
        assert_eq!(got.len(), much.len());
    }
}
