//! Input connections: bytes from TCP, UDP, files and serial lines to the core. One task per connection; what the bytes
//! mean, and when a broken connection is opened again, is the core's.
//!
//! Each connection may have a few pieces on their way: a fast one waits for the core, and the others keep their turn.

mod file;
mod pace;
mod serial;
pub(crate) mod spec;
mod tcp;
mod udp;

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use bytes::Bytes;
use signalk_core::{ConnectionEvent, ConnectionId, Endpoint, Input};
use tokio::{runtime::Handle, sync::Semaphore, task::AbortHandle};

use crate::driver::{CoreSender, ToCore};

/// The open ones.
pub(crate) struct Connections {
    runtime: Handle,
    sender: CoreSender,
    open: BTreeMap<ConnectionId, AbortHandle>,
}

impl Connections {
    /// None is open.
    pub(crate) fn new(runtime: Handle, sender: CoreSender) -> Connections {
        Connections { runtime, sender, open: BTreeMap::new() }
    }

    /// Opens one, anew when it is open. What becomes of it is reported to the core.
    pub(crate) fn open(&mut self, id: ConnectionId, endpoint: Endpoint) {
        self.close(id);
        let way = Way { id, sender: self.sender.clone(), credit: Arc::new(Semaphore::new(PIECES)) };
        let task = self.runtime.spawn(async move {
            let ended = match endpoint {
                Endpoint::TcpClient { host, port } => tcp::connect(&way, &host, port).await,
                Endpoint::TcpServer { address, port } => tcp::listen(&way, address, port).await,
                Endpoint::Udp { address, port } => udp::listen(&way, address, port).await,
                Endpoint::Serial { device, baud } => serial::read(&way, &device, baud).await,
                Endpoint::File { path, pace, stamped } => {
                    file::play(&way, &path, pace, stamped).await
                }
                // The core sails its own boat.
                Endpoint::Demo { .. } => ConnectionEvent::Finished,
            };
            way.event(ended).await;
        });
        self.open.insert(id, task.abort_handle());
    }

    /// Closes one; nothing more is reported about it.
    pub(crate) fn close(&mut self, id: ConnectionId) {
        if let Some(task) = self.open.remove(&id) {
            task.abort();
        }
    }
}

/// Pieces of one connection on their way to the core at most.
const PIECES: usize = 32;

/// Bytes in one piece.
const PIECE: usize = 8 << 10;

/// One connection's way to the core.
#[derive(Clone)]
struct Way {
    id: ConnectionId,
    sender: CoreSender,
    credit: Arc<Semaphore>,
}

impl Way {
    async fn event(&self, event: ConnectionEvent) {
        let input = Input::Connection { id: self.id, event };
        // Fails only when the server stops.
        let _ = self.sender.send(ToCore::Input(input)).await;
    }

    /// Waits while the core is behind with this connection.
    async fn bytes(&self, bytes: Bytes) {
        if let Ok(credit) = Arc::clone(&self.credit).acquire_owned().await {
            let _ =
                self.sender.send_flow(ToCore::Bytes { id: self.id, bytes, _credit: credit }).await;
        }
    }
}

/// Of a place that listens: as typed, and where that is. Without an address it is every one of the machine, by IPv4.
fn listening(scheme: &str, address: Option<IpAddr>, port: u16) -> (String, SocketAddr) {
    match address {
        Some(address) => {
            let place = SocketAddr::new(address, port);
            (format!("{scheme}://{place}"), place)
        }
        None => {
            (format!("{scheme}://:{port}"), SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))
        }
    }
}

fn failed(what: &str, error: &io::Error) -> ConnectionEvent {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another program uses this port: stop it or choose another port"
        }
        io::ErrorKind::AddrNotAvailable => {
            "; this machine has no such address: leave it out to listen on all"
        }
        io::ErrorKind::NotFound => "; check the name, and that it is plugged in",
        io::ErrorKind::PermissionDenied => "; allow it to the user that runs the server",
        _ => "",
    };
    ConnectionEvent::Failed { error: format!("{what}: {error}{remedy}") }
}
