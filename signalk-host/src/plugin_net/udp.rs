//! One UDP socket of a plugin: a task that sets options and sends in the order given, and hands on what comes in batches.
//!
//! While the core is behind, datagrams wait here up to the bound of the plugin ABI (6.1); then the oldest are dropped and
//! counted. So a flood costs bounded memory, and what is handed on is the latest.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use signalk_bridge::{Datagram, Egress, Report, SocketId, UdpOption};
use socket2::SockRef;
use tokio::{
    net::UdpSocket,
    sync::{Semaphore, mpsc},
};

use super::{Way, connect, udp_options};

/// Datagrams and bytes that wait at most.
const MOST: usize = 1000;
const MOST_BYTES: usize = 8 << 20;
/// Datagrams and bytes of one report.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 512 << 10;
/// Reports on their way to the core.
const REPORTS: usize = 2;
/// Things to do that wait; more are refused.
const TO_DO: usize = 4096;
/// A name is looked up again after this.
const NAME_HOLDS: Duration = Duration::from_secs(60);
/// Longest datagram.
const LONGEST: usize = 65_536;

enum Command {
    Set(UdpOption),
    Send { host: String, port: u16, data: Bytes },
}

/// How the task is talked to.
pub(super) struct Talk(mpsc::Sender<Command>);

impl Talk {
    pub(super) fn set(&self, option: UdpOption) {
        // A full queue is thousands of unsent datagrams: the option is lost with them.
        let _ = self.0.try_send(Command::Set(option));
    }

    pub(super) fn send(&self, host: String, port: u16, data: Bytes) {
        let _ = self.0.try_send(Command::Send { host, port, data });
    }

    /// What was to be sent is sent first.
    pub(super) fn close(self) {
        drop(self.0);
    }
}

pub(super) fn open(
    way: Way,
    id: SocketId,
    ipv6: bool,
    port: u16,
    options: Vec<UdpOption>,
    egress: Arc<Egress>,
) -> (Talk, impl Future<Output = ()> + Send + 'static) {
    let (talk, commands) = mpsc::channel(TO_DO);
    let work = async move {
        let mut troubles = Vec::new();
        let bound = udp_options::bind(ipv6, port, |_| {}).inspect(|socket| {
            for option in &options {
                if let Err(error) = udp_options::set(&SockRef::from(socket), ipv6, option) {
                    troubles.push(format!("{option:?}: {error}"));
                }
            }
        });
        let result = bound.and_then(|socket| Ok((socket.local_addr()?.port(), socket)));
        match result {
            Err(error) => {
                let result = Err(format!("UDP port {port}: {error}"));
                way.report(Report::UdpBound { socket: id, result }).await;
            }
            Ok((port, socket)) => {
                for text in troubles {
                    way.trouble(id, text).await;
                }
                way.report(Report::UdpBound { socket: id, result: Ok(port) }).await;
                let open = Open { way, id, ipv6, socket, egress, names: Vec::new() };
                open.run(commands).await;
            }
        }
    };
    (Talk(talk), work)
}

struct Open {
    way: Way,
    id: SocketId,
    ipv6: bool,
    socket: UdpSocket,
    egress: Arc<Egress>,
    /// Names that were looked up.
    names: Vec<(String, IpAddr, Instant)>,
}

/// Datagrams that the core has not taken.
#[derive(Default)]
struct Waiting {
    queue: VecDeque<Datagram>,
    bytes: usize,
    dropped: u64,
}

impl Open {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let credit = Arc::new(Semaphore::new(REPORTS));
        let mut waiting = Waiting::default();
        let mut buffer = vec![0; LONGEST];
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => return,
                },
                ready = self.socket.readable() => match ready {
                    Ok(()) => self.receive(&mut waiting, &mut buffer).await,
                    Err(error) => return self.way.trouble(self.id, error.to_string()).await,
                },
                permit = Arc::clone(&credit).acquire_owned(), if !waiting.queue.is_empty() => {
                    let report = waiting.report(self.id);
                    self.way.flow(report, permit.ok()).await;
                }
            }
        }
    }

    /// Takes everything that is there, up to one batch.
    async fn receive(&self, waiting: &mut Waiting, buffer: &mut [u8]) {
        for _ in 0..BATCH {
            match self.socket.try_recv_from(buffer) {
                Ok((len, from)) => {
                    let data = buffer.get(..len).unwrap_or_default();
                    waiting.push(Datagram { from, data: Bytes::copy_from_slice(data) });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Somebody did not take a datagram of ours (ICMP): no reason to stop.
                Err(error) => return self.way.trouble(self.id, error.to_string()).await,
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Set(option) => {
                let set = udp_options::set(&SockRef::from(&self.socket), self.ipv6, &option);
                let result = set.map_err(|error| format!("{option:?}: {error}"));
                self.way.report(Report::UdpSet { socket: self.id, result }).await;
            }
            Command::Send { host, port, data } => {
                let sent = match self.address(&host, port).await {
                    Ok(to) => self.socket.send_to(&data, to).await.map(|_| ()),
                    Err(error) => Err(error),
                };
                if let Err(error) = sent {
                    self.way.trouble(self.id, format!("datagram to {host}:{port}: {error}")).await;
                }
            }
        }
    }

    /// The address that a name stands for, of the socket's own kind.
    async fn address(&mut self, host: &str, port: u16) -> io::Result<SocketAddr> {
        self.names.retain(|(_, _, until)| *until > Instant::now());
        let known = self.names.iter().find(|(name, ..)| name == host);
        let host = known.map_or_else(|| host.to_owned(), |(_, address, _)| address.to_string());
        let found = connect::resolve(&self.egress, &host, port).await?;
        let fitting = found.into_iter().find(|to| to.is_ipv6() == self.ipv6);
        let to = fitting.ok_or_else(|| {
            io::Error::other(
                "no address of the socket's IP version; create the socket for the other",
            )
        })?;
        if host.parse::<IpAddr>().is_err() && self.names.len() < 100 {
            self.names.push((host, to.ip(), Instant::now() + NAME_HOLDS));
        }
        Ok(to)
    }
}

impl Waiting {
    fn push(&mut self, datagram: Datagram) {
        self.bytes += datagram.data.len();
        self.queue.push_back(datagram);
        while self.queue.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.queue.pop_front() else { return };
            self.bytes -= oldest.data.len();
            self.dropped += 1;
        }
    }

    fn report(&mut self, socket: SocketId) -> Report {
        let mut datagrams = Vec::with_capacity(self.queue.len().min(BATCH));
        let mut bytes = 0;
        while datagrams.len() < BATCH && bytes < BATCH_BYTES {
            let Some(datagram) = self.queue.pop_front() else { break };
            bytes += datagram.data.len();
            datagrams.push(datagram);
        }
        self.bytes -= bytes;
        Report::Datagrams { socket, datagrams, dropped: std::mem::take(&mut self.dropped) }
    }
}
