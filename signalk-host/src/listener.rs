//! HTTP connections: how many there may be, and how long one that does nothing may stay. What is asked and answered
//! over them is in `http`.
//!
//! Not `axum::serve`: it gives hyper no timer, so that a connection without a request stays for ever. Tablets that
//! leave the WiFi with open connections would take one descriptor after the other until files and instruments have
//! none.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tower_service::Service;

use crate::{keepalive, patience::Patient};

/// For the head of a request, from when the last answer was written: so this is also how long a connection may be idle.
/// A browser just opens another. An answer, a stream of events and a WebSocket may last as long as they like, if the
/// client takes what it is sent: see `patience`.
const HEAD: Duration = Duration::from_secs(30);

/// Connections that have not become a WebSocket. Half of the 1024 descriptors that a process usually has; the rest is
/// for streams, files, instruments and plugins.
const ALL: usize = 512;

/// Of these from one other machine: a browser has 6. This machine may have all, because behind a proxy everybody comes
/// from here.
const PER_ADDRESS: usize = 128;

/// How often it is said that connections are refused.
const SAY_REFUSED: Duration = Duration::from_secs(10);

/// Bounds of the open connections.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    all: usize,
    per_address: usize,
}

/// Accepts until the task is aborted; open connections go on by themselves.
pub(crate) async fn serve(listener: TcpListener, router: Router) {
    serve_within(Bounds { all: ALL, per_address: PER_ADDRESS }, listener, router).await;
}

async fn serve_within(bounds: Bounds, listener: TcpListener, router: Router) {
    let places = Places { bounds, taken: Arc::default() };
    let mut refused = Refused { count: 0, said: None };
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match places.take(peer.ip()) {
                Some(place) => {
                    drop(tokio::spawn(connection(stream, peer, router.clone(), place)));
                }
                None => refused.one(peer, bounds),
            },
            Err(error) if is_of_one_connection(&error) => {}
            // Out of descriptors: those of clients that leave come back.
            Err(error) => {
                tracing::warn!(%error, "HTTP");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, _place: Place) {
    // A delta is small and shall leave at once.
    let _ = stream.set_nodelay(true);
    keepalive::watch(&stream);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(Patient::new(stream)), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::trace!(%peer, %error, "an HTTP connection ended early");
    }
}

/// The peer was gone before it was accepted.
pub(crate) fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// The open connections.
struct Places {
    bounds: Bounds,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by: HashMap<IpAddr, usize>,
}

/// One connection's place: free again when this is dropped.
struct Place {
    of: IpAddr,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    fn take(&self, of: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let its = taken.by.get(&of).copied().unwrap_or_default();
        let its_bound = if of.is_loopback() { self.bounds.all } else { self.bounds.per_address };
        if taken.all >= self.bounds.all || its >= its_bound {
            return None;
        }
        taken.all += 1;
        taken.by.insert(of, its + 1);
        Some(Place { of, taken: Arc::clone(&self.taken) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(its) = taken.by.get_mut(&self.of) {
            *its -= 1;
            if *its == 0 {
                taken.by.remove(&self.of);
            }
        }
    }
}

/// Connections that found no place, until that is said.
struct Refused {
    count: u64,
    said: Option<Instant>,
}

impl Refused {
    fn one(&mut self, peer: SocketAddr, bounds: Bounds) {
        self.count += 1;
        if self.said.is_none_or(|said| said.elapsed() >= SAY_REFUSED) {
            let Bounds { all, per_address } = bounds;
            tracing::warn!(
                "refused {} HTTP connections, the last from {peer}: there may be {all}, and {per_address} from one other machine; close pages or programs that hold them",
                self.count
            );
            (self.count, self.said) = (0, Some(Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use bytes::Bytes;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::patience::PATIENCE;

    /// More than the buffers of the system take.
    const LARGE: usize = 64 << 20;

    const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    async fn start(bounds: Bounds) -> SocketAddr {
        let events = futures::stream::unfold(0, |at| async move {
            tokio::time::sleep(HEAD * 3).await;
            (at < 3).then(|| (Ok::<_, io::Error>(Bytes::from(format!("event {at}\n"))), at + 1))
        });
        let events = Arc::new(Mutex::new(Some(events)));
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/large", get(|| async { "x".repeat(LARGE) }))
            .route(
                "/events",
                get(|| async move {
                    let events = events.lock().unwrap().take().unwrap();
                    Body::from_stream(events)
                }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve_within(bounds, listener, router));
        address
    }

    const ROOMY: Bounds = Bounds { all: 8, per_address: 8 };

    /// What a client reads until its connection is closed, which has to come from us.
    async fn all_of(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let all = tokio::time::timeout(HEAD * 20, stream.read_to_string(&mut text));
        let _ = all.await.expect("closed by the server");
        text
    }

    async fn answer(stream: &mut TcpStream) -> bool {
        let mut buffer = [0; 4096];
        stream.write_all(ASK).await.is_ok()
            && stream.read(&mut buffer).await.is_ok_and(|length| length > 0)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_whole_request_is_closed() {
        let address = start(ROOMY).await;
        let silent = TcpStream::connect(address).await.unwrap();
        assert_eq!(all_of(silent).await, "");
        let mut half = TcpStream::connect(address).await.unwrap();
        half.write_all(&ASK[..20]).await.unwrap();
        assert_eq!(all_of(half).await, "");
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(ASK).await.unwrap();
        assert!(all_of(idle).await.ends_with("here"), "answered, kept for a while, closed");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_of_events_lives_as_long_as_it_likes() {
        let address = start(ROOMY).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let all = all_of(stream).await;
        assert!(["event 0", "event 1", "event 2"].iter().all(|event| all.contains(event)), "{all}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_and_does_not_read_gives_its_place_back() {
        let address = start(Bounds { all: 1, per_address: 1 }).await;
        let mut rests = TcpStream::connect(address).await.unwrap();
        rests.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut next = TcpStream::connect(address).await.unwrap();
        assert!(!answer(&mut next).await, "the one place is taken");
        tokio::time::sleep(PATIENCE + HEAD).await;
        let mut next = TcpStream::connect(address).await.unwrap();
        assert!(answer(&mut next).await);
        let cut = all_of(rests).await;
        assert!(cut.starts_with("HTTP/1.1 200") && cut.len() < LARGE, "{} bytes", cut.len());
    }

    #[tokio::test(start_paused = true)]
    async fn one_connection_too_many_is_refused_until_a_place_is_free() {
        let address = start(Bounds { all: 2, per_address: 1 }).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        assert!(answer(&mut first).await, "this machine may have all");
        let mut second = TcpStream::connect(address).await.unwrap();
        assert!(answer(&mut second).await);
        let mut third = TcpStream::connect(address).await.unwrap();
        assert!(!answer(&mut third).await);
        // Idle ones end by themselves.
        assert_eq!((all_of(first).await, all_of(second).await), (String::new(), String::new()));
        let mut fourth = TcpStream::connect(address).await.unwrap();
        assert!(answer(&mut fourth).await);
    }

    #[test]
    fn another_machine_has_its_own_bound() {
        let bounds = Bounds { all: 3, per_address: 1 };
        let places = Places { bounds, taken: Arc::default() };
        let (tablet, phone) = (IpAddr::from([10, 0, 0, 2]), IpAddr::from([10, 0, 0, 3]));
        let held = places.take(tablet);
        assert!(held.is_some() && places.take(tablet).is_none() && places.take(phone).is_some());
        drop(held);
        assert!(places.take(tablet).is_some());
        assert_eq!(places.taken.lock().unwrap().all, 0);
    }
}
