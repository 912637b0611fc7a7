//! One UDP socket of a plugin: a task that sets options and sends in the order given, and hands on what comes in batches.
//!
//! While the core is behind, datagrams wait here up to the bound of the plugin ABI (6.1); then the oldest are dropped and
//! counted, with those that the system had to drop before (`udp_drops.rs`). So a flood costs bounded memory, and what is
//! handed on is the latest. Each option is answered, whatever becomes of the socket: a guest rests until it is.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use signalk_bridge::{Datagram, Egress, Report, SocketId, UdpOption};
use socket2::SockRef;
use tokio::{
    net::UdpSocket,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::sleep_until,
};

use super::{Way, connect, udp_drops::Drops, udp_options};

/// Datagrams and bytes that wait at most.
const MOST: usize = 1000;
const MOST_BYTES: usize = 8 << 20;
/// Datagrams and bytes of one report.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 512 << 10;
/// Reports on their way to the core.
const REPORTS: usize = 2;
/// Datagrams to be sent that wait; more are dropped, and said.
const TO_SEND: usize = 4096;
/// A name is looked up again after this.
const NAME_HOLDS: Duration = Duration::from_secs(60);
/// Longest datagram.
const LONGEST: usize = 65_536;

enum Command {
    Set(UdpOption),
    Send { host: String, port: u16, data: Bytes, _room: OwnedSemaphorePermit },
}

/// How the task is talked to.
pub(super) struct Talk {
    /// How many options may wait is the plugin's bound.
    commands: mpsc::UnboundedSender<Command>,
    room: Arc<Semaphore>,
    /// Datagrams that found no room, until that is said.
    refused: Arc<AtomicU64>,
}

impl Talk {
    pub(super) fn set(&self, option: UdpOption) {
        let _ = self.commands.send(Command::Set(option));
    }

    pub(super) fn send(&self, host: String, port: u16, data: Bytes) {
        match Arc::clone(&self.room).try_acquire_owned() {
            Ok(_room) => {
                let _ = self.commands.send(Command::Send { host, port, data, _room });
            }
            Err(_) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// What was to be sent is sent first.
    pub(super) fn close(self) {
        drop(self.commands);
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
    let (sender, commands) = mpsc::unbounded_channel();
    let refused = Arc::new(AtomicU64::new(0));
    let room = Arc::new(Semaphore::new(TO_SEND));
    let talk = Talk { commands: sender, room, refused: Arc::clone(&refused) };
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
                let open = Open { way, id, ipv6, socket, egress, refused, names: Vec::new() };
                open.run(commands).await;
            }
        }
    };
    (talk, work)
}

struct Open {
    way: Way,
    id: SocketId,
    ipv6: bool,
    socket: UdpSocket,
    egress: Arc<Egress>,
    refused: Arc<AtomicU64>,
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
    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut drops = Drops::new(&self.socket, self.ipv6);
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
                    Ok(()) => {
                        self.receive(&mut waiting, &mut buffer).await;
                        drops.look_soon();
                    }
                    Err(error) => {
                        self.way.trouble(self.id, error.to_string()).await;
                        return self.refuse(commands, &error).await;
                    }
                },
                () = sleep_until(drops.due().into()), if drops.is_due() => {
                    waiting.dropped += drops.look();
                }
                permit = Arc::clone(&credit).acquire_owned(), if waiting.is_news() => {
                    let report = waiting.report(self.id);
                    self.way.flow(report, permit.ok()).await;
                }
            }
        }
    }

    /// The socket has failed: what is asked of it is answered all the same.
    async fn refuse(&self, mut commands: mpsc::UnboundedReceiver<Command>, error: &io::Error) {
        while let Some(command) = commands.recv().await {
            let result = Err(format!("the socket has failed: {error}; close it and open another"));
            match command {
                Command::Set(_) => {
                    self.way.report(Report::UdpSet { socket: self.id, result }).await;
                }
                Command::Send { .. } => {
                    self.way.trouble(self.id, result.err().unwrap_or_default()).await;
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
            Command::Send { host, port, data, _room } => {
                let sent = match self.address(&host, port).await {
                    Ok(to) => self.socket.send_to(&data, to).await.map(|_| ()),
                    Err(error) => Err(error),
                };
                if let Err(error) = sent {
                    self.way.trouble(self.id, format!("datagram to {host}:{port}: {error}")).await;
                }
                let refused = self.refused.swap(0, Ordering::Relaxed);
                if refused > 0 {
                    let text = format!(
                        "{refused} datagrams were not sent: {TO_SEND} waited already; send less at once"
                    );
                    self.way.trouble(self.id, text).await;
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
    fn is_news(&self) -> bool {
        !self.queue.is_empty() || self.dropped > 0
    }

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
