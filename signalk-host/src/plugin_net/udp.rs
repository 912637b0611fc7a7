//! One UDP socket of a plugin: a task that sets options and sends in the order given, and hands on what comes in
//! batches.
//!
//! While the core is behind, datagrams wait here up to the bound of the plugin ABI (6.1); then the oldest are dropped
//! and counted, with those that the system had to drop before (`udp/drops.rs`). So a flood costs bounded memory, and
//! what is handed on is the latest. Each option is answered, whatever becomes of the socket: a guest rests until it is.

mod backlog;
mod drops;
mod names;
mod options;
#[cfg(test)]
mod tests;
mod waiting;

use std::{
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
use signalk_bridge::{Datagram, Report, Scheme, SocketId, UdpOption};
use socket2::SockRef;
use tokio::{
    net::UdpSocket,
    sync::{Semaphore, mpsc},
    time::{sleep_until, timeout},
};

pub(super) use self::backlog::PluginRoom;
use self::{
    backlog::Room,
    drops::Drops,
    names::{Found, Names, Unsent},
    waiting::{BATCH, Waiting},
};
use super::{
    Way, connect,
    reach::{Reach, Resolver},
};

/// Reports on their way to the core.
const REPORTS: usize = 2;
/// What waits for the address of a name when the socket is closed has so long.
const GOODBYE: Duration = Duration::from_secs(5);
/// Longest datagram.
const LONGEST: usize = 65_536;

enum Command {
    Set(UdpOption),
    Send(Unsent),
    /// Some were not taken.
    SayRefused,
}

/// How the task is talked to.
pub(super) struct Talk {
    /// How many options may wait is the plugin's bound.
    commands: mpsc::UnboundedSender<Command>,
    room: Room,
    /// Datagrams that found no room, until that is said.
    refused: Arc<AtomicU64>,
}

impl Talk {
    pub(super) fn set(&self, option: UdpOption) {
        let _ = self.commands.send(Command::Set(option));
    }

    pub(super) fn send(&self, host: String, port: u16, data: Bytes) {
        let command = match self.room.take(&host, &data) {
            Some(place) => Command::Send(Unsent { host, port, data, _place: place }),
            None if self.refused.fetch_add(1, Ordering::Relaxed) == 0 => Command::SayRefused,
            None => return,
        };
        let _ = self.commands.send(command);
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
    reach: Reach,
    bytes: PluginRoom,
) -> (Talk, impl Future<Output = ()> + Send + 'static) {
    let (sender, commands) = mpsc::unbounded_channel();
    let refused = Arc::new(AtomicU64::new(0));
    let talk = Talk { commands: sender, room: Room::new(bytes), refused: Arc::clone(&refused) };
    let work = async move {
        let mut troubles = Vec::new();
        let bound = options::bind(ipv6, port, |_| {}).inspect(|socket| {
            for option in &options {
                if let Err(error) = options::set(&SockRef::from(socket), ipv6, option) {
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
                let resolver = reach.names.clone();
                let names = Names::new(move |host| look_up(resolver.clone(), host));
                let open = Open { way, id, ipv6, socket, reach, refused, names };
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
    reach: Reach,
    refused: Arc<AtomicU64>,
    names: Names,
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
                    self.way.not_sent(self.id, 1, result.err().unwrap_or_default()).await;
                }
                Command::SayRefused => self.say_refused().await,
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
                let set = options::set(&SockRef::from(&self.socket), self.ipv6, &option);
                let result = set.map_err(|error| format!("{option:?}: {error}"));
                self.way.report(Report::UdpSet { socket: self.id, result }).await;
            }
            Command::Send(unsent) => {
                let (host, port) = (&unsent.host, unsent.port);
                let listed = connect::listed(&self.reach.egress, Scheme::Udp, host, port);
                // Addresses do not wait behind names.
                let known = match (listed, connect::literal(host, port)) {
                    (Err(refused), _) => {
                        self.say_trouble(&unsent, Err(refused)).await;
                        None
                    }
                    (Ok(()), Some(address)) => {
                        let sent = self.send_to(&unsent, &[address]).await;
                        self.say_trouble(&unsent, sent).await;
                        None
                    }
                    (Ok(()), None) => self.names.find(unsent),
                };
                if let Some((unsent, found)) = known {
                    self.send_all(vec![unsent], &found).await;
                }
            }
            Command::SayRefused => self.say_refused().await,
        }
    }

    async fn say_refused(&self) {
        let refused = self.refused.swap(0, Ordering::Relaxed);
        self.way.not_sent(self.id, refused, backlog::refusal(refused)).await;
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
        let allowed = connect::allowed(&self.reach.egress, &unsent.host, all)?;
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
            let text = format!("datagram to {host}:{port}: {error}");
            self.way.not_sent(self.id, 1, text).await;
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
fn look_up(names: Resolver, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
    async move { Ok(names.look_up(host, 0).await?.iter().map(SocketAddr::ip).collect()) }.boxed()
}
