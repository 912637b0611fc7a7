//! The line-oriented stream (TCP 8375 in the reference): one JSON value per line, otherwise as over a WebSocket.

use std::time::Duration;

use bytes::Bytes;
use signalk_core::{HttpRequest, Input};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{
    admission::{Admission, Edge},
    driver::ToCore,
    keepalive,
    outbox::Taken,
    stream::{self, wire::Framing},
};

/// The same as of a frame.
const LINE: u64 = 10 << 20;

/// Ends with the process.
pub(crate) async fn listen(listener: TcpListener, edge: Edge) {
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => match edge.admit(peer.ip(), Framing::Lines) {
                Some(admission) => drop(tokio::spawn(serve(socket, admission))),
                None => tracing::warn!(%peer, "refused a TCP stream: this address has too many"),
            },
            Err(error) => {
                tracing::warn!(%error, "TCP stream");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn serve(socket: TcpStream, admission: Admission) {
    let _ = socket.set_nodelay(true);
    // Nothing is asked of these clients: one that only sends, or only listens, would never be missed.
    keepalive::watch(&socket);
    let outbox = admission.outbox.clone();
    let peer = socket.peer_addr().ok().map(|peer| peer.ip());
    let request = HttpRequest { peer, ..HttpRequest::get(TARGET) };
    let open = ToCore::Open { request, outbox: outbox.clone() };
    if admission.sender().send(open).await.is_err() {
        return;
    }
    let first = stream::first(&outbox).await;
    let (source, sink) = socket.into_split();
    tokio::select! {
        () = receive(source, &admission) => {}
        () = send(sink, &admission, first) => {}
    }
}

const TARGET: &str = "/signalk/v1/stream?subscribe=none";

async fn receive(source: OwnedReadHalf, admission: &Admission) {
    let mut source = BufReader::new(source);
    loop {
        let mut line = Vec::new();
        match (&mut source).take(LINE).read_until(b'\n', &mut line).await {
            Ok(read) if read > 0 && line.ends_with(b"\n") => {}
            _ => return,
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let text = Bytes::copy_from_slice(text);
        let bytes = text.len();
        let input = Input::StreamMessage { id: admission.outbox.id, text };
        if admission.sender().send_flow_of(bytes, ToCore::Input(input)).await.is_err() {
            return;
        }
    }
}

async fn send(mut sink: OwnedWriteHalf, admission: &Admission, first: Taken) {
    let outbox = &admission.outbox;
    let mut next = first;
    loop {
        match next {
            Taken::Batch(batch, bytes) => {
                if stream::write(&mut sink, admission, batch, bytes).await.is_err() {
                    return;
                }
            }
            Taken::Ended(_) => return,
            Taken::Empty => outbox.woken().await,
        }
        next = outbox.take();
    }
}
