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
    time::Duration,
};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use signalk_bridge::{Datagram, Egress, Report, SocketId, UdpOption};
use socket2::SockRef;
use tokio::{
    net::{UdpSocket, lookup_host},
    sync::{Semaphore, mpsc},
    time::{sleep_until, timeout},
};

use super::{
    Way, connect,
    udp_drops::Drops,
    udp_names::{Found, Names, Unsent},
    udp_options,
};

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
/// What waits for the address of a name when the socket is closed has so long.
const GOODBYE: Duration = Duration::from_secs(5);
/// Longest datagram.
const LONGEST: usize = 65_536;

enum Command {
    Set(UdpOption),
    Send(Unsent),
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
                let _ = self.commands.send(Command::Send(Unsent { host, port, data, _room }));
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
                let open =
                    Open { way, id, ipv6, socket, egress, refused, names: Names::new(look_up) };
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
    names: Names,
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
                    None => return self.say_goodbye().await,
                },
                (waited, found) = self.names.answered(), if self.names.is_asking() => {
                    self.send_all(waited, &found).await;
                }
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
                Command::Send(_) => {
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
            Command::Send(unsent) => {
                // Addresses do not wait behind names.
                let known = match connect::literal(&unsent.host, unsent.port) {
                    Some(address) => {
                        let sent = self.send_to(&unsent, &[address]).await;
                        self.say_trouble(&unsent, sent).await;
                        None
                    }
                    None => self.names.find(unsent),
                };
                if let Some((unsent, found)) = known {
                    self.send_all(vec![unsent], &found).await;
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

    /// Sends what has waited for the addresses of its name.
    async fn send_all(&self, waited: Vec<Unsent>, found: &Found) {
        for unsent in waited {
            let sent = match found {
                Ok(addresses) => {
                    let port = unsent.port;
                    let all: Vec<_> =
                        addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
                    self.send_to(&unsent, &all).await
                }
                Err(text) => Err(io::Error::other(text.clone())),
            };
            self.say_trouble(&unsent, sent).await;
        }
    }

    /// To the first address that is allowed and of the socket's own kind.
    async fn send_to(&self, unsent: &Unsent, all: &[SocketAddr]) -> io::Result<()> {
        let allowed = connect::allowed(&self.egress, &unsent.host, all)?;
        let fitting = allowed.into_iter().find(|to| to.is_ipv6() == self.ipv6);
        let to = fitting.ok_or_else(|| {
            io::Error::other(
                "no address of the socket's IP version; create the socket for the other",
            )
        })?;
        self.socket.send_to(&unsent.data, to).await.map(drop)
    }

    async fn say_trouble(&self, unsent: &Unsent, sent: io::Result<()>) {
        if let Err(error) = sent {
            let Unsent { host, port, .. } = unsent;
            self.way.trouble(self.id, format!("datagram to {host}:{port}: {error}")).await;
        }
    }

    /// The plugin has closed it: what still waits for a name has a while.
    async fn say_goodbye(&mut self) {
        let rest = async {
            while self.names.is_asking() {
                let (waited, found) = self.names.answered().await;
                self.send_all(waited, &found).await;
            }
        };
        // What a resolver does not find in this time is lost, as datagrams may be.
        let _ = timeout(GOODBYE, rest).await;
    }
}

/// By the system's resolver.
fn look_up(host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
    async move { Ok(lookup_host((host, 0)).await?.map(|address| address.ip()).collect()) }.boxed()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{driver::ToCore, inbox};

    /// The resolver of a boat at sea.
    fn at_sea(_host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        std::future::pending().boxed()
    }

    #[tokio::test]
    async fn a_name_that_nobody_answers_for_does_not_keep_the_socket_from_receiving() {
        let (sender, inbox) = inbox::channel(8);
        let plugin = signalk_bridge::PluginId::from_package("p");
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (here, id) = (socket.local_addr().unwrap(), SocketId(1));
        let open = Open {
            way: Way { sender, plugin, life: 1 },
            id,
            ipv6: false,
            socket,
            egress: Arc::new(Egress::open()),
            refused: Arc::default(),
            names: Names::new(at_sea),
        };
        let (commands, to_do) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(TO_SEND));
        let send = |host: &str, data: &'static [u8]| {
            let _room = Arc::clone(&room).try_acquire_owned().unwrap();
            let (host, port, data) = (host.to_owned(), here.port(), Bytes::from_static(data));
            commands.send(Command::Send(Unsent { host, port, data, _room })).unwrap();
        };
        let task = tokio::spawn(open.run(to_do));
        send("beacon.example", b"lost");
        send("127.0.0.1", b"to myself");
        let mut batch = Vec::new();
        let soon = std::time::Instant::now();
        inbox.take(&mut batch, soon, None).await;
        let got = batch.into_iter().find_map(|message| match message {
            ToCore::Plugin {
                input:
                    signalk_core::Input::PluginReport {
                        report: Report::Datagrams { datagrams, .. },
                        ..
                    },
                ..
            } => Some(datagrams[0].data.clone()),
            _ => None,
        });
        assert_eq!(got.as_deref(), Some(&b"to myself"[..]));
        task.abort();
    }
}
