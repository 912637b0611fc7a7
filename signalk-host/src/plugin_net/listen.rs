//! A listener of a plugin: connections that came are kept here until the plugin says what becomes of them.
//!
//! How many may wait, and who is refused, is the plugin's bound (`signalk-bridge/src/net/tcp/listen.rs`); that the
//! owner permits the address is asked here, where its rules are. What an accepted connection does is `tcp`.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use signalk_bridge::{BACKLOG, ConnectionId, Egress, Report, SocketId};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

use super::Way;
use crate::{keepalive, listener::is_of_one_connection};

/// When the process is out of descriptors: those of others come back.
const PAUSE: Duration = Duration::from_secs(1);

/// A port in use is tried so often, so far apart.
const ATTEMPTS: u32 = 10;
const MOMENT: Duration = Duration::from_millis(50);

/// How the task is talked to.
pub(super) struct Talk {
    waiting: Waiting,
}

/// Connections that came, until the plugin has decided.
type Waiting = Arc<Mutex<BTreeMap<ConnectionId, Knocked>>>;

struct Knocked {
    stream: TcpStream,
    _room: OwnedSemaphorePermit,
}

impl Talk {
    /// The connection itself; `None`: it is gone. To drop it is to refuse it.
    pub(super) fn take(&self, connection: ConnectionId) -> Option<TcpStream> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&connection).map(|knocked| knocked.stream)
    }
}

pub(super) fn open(
    way: Way,
    socket: SocketId,
    at: SocketAddr,
    egress: Arc<Egress>,
) -> (Talk, impl Future<Output = ()> + Send + 'static) {
    let waiting = Waiting::default();
    let talk = Talk { waiting: Arc::clone(&waiting) };
    let work = async move {
        match listen(&egress, at).await {
            Err(error) => {
                let result = Err(format!("{at}: {error}"));
                way.report(Report::Listening { socket, result }).await;
            }
            Ok((at, listener)) => {
                way.report(Report::Listening { socket, result: Ok(at) }).await;
                accept(&listener, &waiting, &way, socket).await;
            }
        }
    };
    (talk, work)
}

/// The life of a plugin before this one may hold the port for a moment: its tasks are ending.
async fn listen(egress: &Egress, at: SocketAddr) -> io::Result<(SocketAddr, TcpListener)> {
    egress.check_listen(at).map_err(io::Error::other)?;
    let mut attempts = 1..ATTEMPTS;
    loop {
        match bind(at) {
            Ok(listener) => return Ok((listener.local_addr()?, listener)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts.next().is_some() => {
                sleep(MOMENT).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// IPv6 is not IPv4 as well: the owner permits each by itself.
fn bind(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // After a restart old connections may still linger. Elsewhere it would let two share a port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&at.into())?;
    socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

/// Until the task is aborted.
async fn accept(listener: &TcpListener, waiting: &Waiting, way: &Way, socket: SocketId) {
    let room = Arc::new(Semaphore::new(2 * BACKLOG));
    let mut last = 0;
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, from)) => {
                keepalive::watch(&stream);
                let _ = stream.set_nodelay(true);
                last += 1;
                let (connection, knocked) = (ConnectionId(last), Knocked { stream, _room: permit });
                keep(waiting, connection, knocked);
                let report = Report::Accepted { listener: socket, connection, from };
                way.flow(report, None).await;
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                way.trouble(socket, format!("listener {}: {error}", socket.0)).await;
                sleep(PAUSE).await;
            }
        }
    }
}

fn keep(waiting: &Waiting, connection: ConnectionId, knocked: Knocked) {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.insert(connection, knocked);
}
