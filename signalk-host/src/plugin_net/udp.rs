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
use signalk_bridge::{Datagram, Egress, Report, Scheme, SocketId, UdpOption};
use socket2::SockRef;
use tokio::{
    net::{UdpSocket, lookup_host},
    sync::{Semaphore, mpsc},
    time::{sleep_until, timeout},
};

use super::{
    Way, connect,
    udp_backlog::{self, Room},
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
    egress: Arc<Egress>,
    bytes: udp_backlog::PluginRoom,
) -> (Talk, impl Future<Output = ()> + Send + 'static) {
    let (sender, commands) = mpsc::unbounded_channel();
    let refused = Arc::new(AtomicU64::new(0));
    let talk = Talk { commands: sender, room: Room::new(bytes), refused: Arc::clone(&refused) };
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
                let set = udp_options::set(&SockRef::from(&self.socket), self.ipv6, &option);
                let result = set.map_err(|error| format!("{option:?}: {error}"));
                self.way.report(Report::UdpSet { socket: self.id, result }).await;
            }
            Command::Send(unsent) => {
                let (host, port) = (&unsent.host, unsent.port);
                let listed = connect::listed(&self.egress, Scheme::Udp, host, port);
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
        self.way.trouble(self.id, udp_backlog::refusal(refused)).await;
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
    use std::collections::BTreeMap;

    use signalk_core::Input;
    use tokio::task::JoinSet;

    use super::*;
    use crate::{
        driver::{CoreSender, ToCore},
        inbox::{self, Inbox},
    };

    /// The resolver of a boat at sea.
    fn at_sea(_host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        std::future::pending().boxed()
    }

    /// A socket whose names nobody answers for: the way to its task, which is aborted by dropping the set, and its port.
    async fn at_sea_socket(
        sender: &CoreSender,
        id: SocketId,
        bytes: &udp_backlog::PluginRoom,
        tasks: &mut JoinSet<()>,
    ) -> (Talk, u16) {
        let plugin = signalk_bridge::PluginId::from_package("p");
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (port, refused) = (socket.local_addr().unwrap().port(), Arc::default());
        let open = Open {
            way: Way { sender: sender.clone(), plugin, life: 1 },
            id,
            ipv6: false,
            socket,
            egress: Arc::new(Egress::open()),
            refused: Arc::clone(&refused),
            names: Names::new(at_sea),
        };
        let (commands, to_do) = mpsc::unbounded_channel();
        tasks.spawn(open.run(to_do));
        (Talk { commands, room: Room::new(bytes.clone()), refused }, port)
    }

    /// The next reports.
    async fn reports(inbox: &Inbox<ToCore>) -> Vec<Report> {
        let mut batch = Vec::new();
        let news = inbox.take(&mut batch, std::time::Instant::now(), None);
        timeout(GOODBYE, news).await.expect("a report");
        let report = |message| match message {
            ToCore::Input(Input::PluginReport { report, .. })
            | ToCore::Plugin { input: Input::PluginReport { report, .. }, .. } => Some(report),
            _ => None,
        };
        batch.into_iter().filter_map(report).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_nobody_answers_for_does_not_keep_the_socket_from_receiving() {
        let (sender, inbox) = inbox::channel(8);
        let mut tasks = JoinSet::new();
        let bytes = udp_backlog::PluginRoom::default();
        let (talk, port) = at_sea_socket(&sender, SocketId(1), &bytes, &mut tasks).await;
        talk.send("beacon.example".to_owned(), port, Bytes::from_static(b"lost"));
        talk.send("127.0.0.1".to_owned(), port, Bytes::from_static(b"to myself"));
        let reports = reports(&inbox).await;
        let [Report::Datagrams { datagrams, .. }] = &reports[..] else { panic!("{reports:?}") };
        assert_eq!(&datagrams[0].data[..], b"to myself");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_a_name_is_bounded_for_all_sockets_and_what_is_not_sent_is_said() {
        let (sender, inbox) = inbox::channel(8);
        let mut tasks = JoinSet::new();
        let bytes = udp_backlog::PluginRoom::default();
        let large = Bytes::from(vec![7; 60_000]);
        let mut talks = Vec::new();
        for id in 1..=2 {
            let (talk, port) = at_sea_socket(&sender, SocketId(id), &bytes, &mut tasks).await;
            for _ in 0..1000 {
                talk.send("beacon.example".to_owned(), port, large.clone());
            }
            talks.push(talk);
        }
        let mut said = BTreeMap::new();
        while said.len() < 2 {
            for report in reports(&inbox).await {
                let Report::SocketTrouble { socket, text } = report else { panic!("{report:?}") };
                let (count, rest) = text.split_once(' ').unwrap();
                assert!(rest.contains("16 MiB of the plugin"), "{text}");
                said.insert(socket, count.parse::<usize>().unwrap());
            }
        }
        let waiting = 2000 - said.values().sum::<usize>();
        assert!(waiting > 200 && waiting * large.len() <= 16 << 20, "{waiting} wait");
        assert_eq!(said[&SocketId(2)], 1000, "the other socket has filled the plugin's room");
        // What was given up makes room.
        tasks.shutdown().await;
        drop(talks);
        assert!(Room::new(bytes).take("", &large).is_some());
    }
}
