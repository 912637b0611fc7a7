//! The network of plugins: what they asked for is done here, on tokio; nothing of it blocks the core.
//!
//! Who may ask for what, and what a plugin sees of it, is `signalk-bridge/src/net`. Only one rule is kept here, because
//! only here the address is known that a name stands for: each address is held against the owner's rules before it is
//! connected to (`connect`). One table per life of a plugin; when the life ends, everything in it ends.

mod attempts;
mod connect;
mod fetch;
mod kept;
mod line;
mod listen;
mod reach;
mod redirect;
mod sending;
mod tcp;
mod tls;
mod udp;
mod upload;
mod watched;
mod websocket;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use signalk_bridge::{
    ConnectionId, Effect, Egress, FetchId, FetchNews, PluginId, Report, Scheme, SocketId,
};
use signalk_core::Input;
use tokio::{
    net::TcpStream,
    runtime::Handle,
    sync::{OwnedSemaphorePermit, mpsc},
    task::AbortHandle,
};

use self::{
    reach::{Reach, Resolver},
    sending::Sending,
    watched::watched,
};
use crate::driver::{CoreSender, ToCore};

/// The networks of all plugins.
pub(crate) struct PluginNet {
    runtime: Handle,
    sender: CoreSender,
    lives: BTreeMap<(PluginId, u64), Life>,
    /// Over its lives, because what an ended life has left goes on for a while.
    plugins: BTreeMap<PluginId, Rooms>,
}

/// What one plugin has of what the lives of it share.
#[derive(Clone, Default)]
struct Rooms {
    /// Of what it sends as datagrams.
    datagrams: udp::PluginRoom,
    sending: Sending,
    names: Resolver,
}

/// What one life of a plugin has open.
struct Life {
    reach: Reach,
    web: fetch::Web,
    rooms: Rooms,
    sockets: BTreeMap<SocketId, Socket>,
    fetches: BTreeMap<FetchId, Fetch>,
}

/// A socket, as its task is talked to.
struct Socket {
    task: AbortHandle,
    way: Talk,
}

enum Talk {
    Udp(udp::Talk),
    Tcp(tcp::Talk),
    Listener(listen::Talk),
    WebSocket(websocket::Talk),
}

struct Fetch {
    task: AbortHandle,
    /// One message for each piece that is wanted; the bridge wants the next when it has got one, so at most one waits.
    more: mpsc::UnboundedSender<()>,
    /// The body, when it comes in pieces; what may wait is the bridge's bound.
    body: mpsc::UnboundedSender<upload::Part>,
}

impl PluginNet {
    /// Nothing is open.
    pub(crate) fn new(runtime: Handle, sender: CoreSender) -> PluginNet {
        PluginNet { runtime, sender, lives: BTreeMap::new(), plugins: BTreeMap::new() }
    }

    /// Begins what a plugin asked for. The rules of a life are those of its first wish: others begin with another life.
    pub(crate) fn carry_out(
        &mut self,
        plugin: PluginId,
        life: u64,
        egress: Arc<Egress>,
        effect: Effect,
    ) {
        let way = Way { sender: self.sender.clone(), plugin: plugin.clone(), life };
        let plugins = &mut self.plugins;
        let here = self.lives.entry((plugin.clone(), life)).or_insert_with(|| {
            let rooms = plugins.entry(plugin).or_default().clone();
            let reach = Reach::new(egress, rooms.names.clone());
            let (sockets, fetches) = (BTreeMap::new(), BTreeMap::new());
            Life { web: fetch::Web::new(reach.clone()), reach, rooms, sockets, fetches }
        });
        here.carry_out(&self.runtime, way, effect);
    }

    /// Closes everything of one life.
    pub(crate) fn ended(&mut self, plugin: &PluginId, life: u64) {
        if let Some(life) = self.lives.remove(&(plugin.clone(), life)) {
            life.end();
        }
    }
}

impl Life {
    fn carry_out(&mut self, runtime: &Handle, way: Way, effect: Effect) {
        let reach = self.reach.clone();
        match effect {
            Effect::Fetch { id, request } => {
                self.fetches.retain(|_, fetch| !fetch.task.is_finished());
                let (more, wanted) = mpsc::unbounded_channel();
                let (body, parts) = mpsc::unbounded_channel();
                let line = self.web.line(&request);
                let web = self.web.clone();
                let work = fetch::run(web, id, request, wanted, parts, line, way.clone());
                let lost = move |text| Report::Fetch { id, news: FetchNews::Failed(text) };
                let task = runtime.spawn(watched(work, way, lost)).abort_handle();
                self.fetches.insert(id, Fetch { task, more, body });
            }
            Effect::FetchWrite { id, data } => {
                if let Some(fetch) = self.fetches.get(&id) {
                    let _ = fetch.body.send(upload::Part::Piece(data));
                }
            }
            Effect::FetchFinish { id } => {
                if let Some(fetch) = self.fetches.get(&id) {
                    let _ = fetch.body.send(upload::Part::End);
                }
            }
            Effect::FetchMore { id } => {
                if let Some(fetch) = self.fetches.get(&id) {
                    let _ = fetch.more.send(());
                }
            }
            Effect::FetchCancel { id } => {
                if let Some(fetch) = self.fetches.remove(&id) {
                    fetch.task.abort();
                }
            }
            Effect::UdpBind { socket, ipv6, port, options } => {
                let room = self.rooms.datagrams.clone();
                let (talk, work) = udp::open(way.clone(), socket, ipv6, port, options, reach, room);
                self.open(runtime, way, socket, Talk::Udp(talk), work);
            }
            Effect::UdpSet { socket, option } => self.udp(socket, |talk| talk.set(option)),
            Effect::UdpSend { socket, host, port, data } => {
                self.udp(socket, |talk| talk.send(host, port, data));
            }
            Effect::TcpConnect { socket, host, port, tls } => {
                let scheme = if tls { Scheme::Tls } else { Scheme::Tcp };
                let (talk, work) = tcp::open(way.clone(), socket, scheme, host, port, reach);
                self.open(runtime, way, socket, Talk::Tcp(talk), work);
            }
            Effect::TcpListen { socket, at } => {
                let (talk, work) = listen::open(way.clone(), socket, at, reach.egress);
                self.open(runtime, way, socket, Talk::Listener(talk), work);
            }
            Effect::TcpAccept { listener, connection, socket } => {
                let stream = self.knocked(listener, connection);
                let (talk, work) = tcp::adopt(way.clone(), socket, stream);
                self.open(runtime, way, socket, Talk::Tcp(talk), work);
            }
            Effect::TcpRefuse { listener, connection } => {
                drop(self.knocked(listener, connection));
            }
            Effect::TcpSend { socket, data } => {
                let bytes = data.len();
                let placed = self.rooms.sending.place(data, bytes);
                match (placed, self.sockets.get(&socket)) {
                    (Ok(data), Some(Socket { way: Talk::Tcp(talk), .. })) => talk.send(data),
                    (Err(text), _) => self.lose(runtime, way, socket, text),
                    _ => {}
                }
            }
            Effect::Taken { socket, bytes } => match self.sockets.get(&socket) {
                Some(Socket { way: Talk::Tcp(talk), .. }) => talk.taken(bytes),
                Some(Socket { way: Talk::WebSocket(talk), .. }) => talk.taken(bytes),
                _ => {}
            },
            Effect::WebSocketConnect { socket, url, headers, protocols } => {
                let (talk, work) =
                    websocket::open(way.clone(), socket, url, headers, protocols, reach);
                self.open(runtime, way, socket, Talk::WebSocket(talk), work);
            }
            Effect::WebSocketSend { socket, message } => {
                let bytes = message.weight();
                let placed = self.rooms.sending.place(message, bytes);
                match (placed, self.sockets.get(&socket)) {
                    (Ok(message), Some(Socket { way: Talk::WebSocket(talk), .. })) => {
                        talk.send(message);
                    }
                    (Err(text), _) => self.lose(runtime, way, socket, text),
                    _ => {}
                }
            }
            Effect::Close { socket, reason } => {
                if let Some(socket) = self.sockets.remove(&socket) {
                    socket.close(reason);
                }
            }
        }
    }

    fn open(
        &mut self,
        runtime: &Handle,
        way: Way,
        socket: SocketId,
        talk: Talk,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        // Those that the other end closed.
        self.sockets.retain(|_, socket| !socket.task.is_finished());
        let lost = move |text| Report::Lost { socket, text };
        let task = runtime.spawn(watched(work, way, lost)).abort_handle();
        self.sockets.insert(socket, Socket { task, way: talk });
    }

    /// Ends a connection that cannot go on.
    fn lose(&mut self, runtime: &Handle, way: Way, socket: SocketId, text: String) {
        if let Some(lost) = self.sockets.remove(&socket) {
            lost.close(None);
            runtime.spawn(async move { way.report(Report::Lost { socket, text }).await });
        }
    }

    /// A connection that came to a listener.
    fn knocked(&self, listener: SocketId, connection: ConnectionId) -> Option<TcpStream> {
        match self.sockets.get(&listener) {
            Some(Socket { way: Talk::Listener(talk), .. }) => talk.take(connection),
            _ => None,
        }
    }

    fn udp(&self, socket: SocketId, say: impl FnOnce(&udp::Talk)) {
        if let Some(Socket { way: Talk::Udp(talk), .. }) = self.sockets.get(&socket) {
            say(talk);
        }
    }

    fn end(self) {
        for fetch in self.fetches.into_values() {
            fetch.task.abort();
        }
        for socket in self.sockets.into_values() {
            socket.close(None);
        }
    }
}

impl Socket {
    /// What was to be sent is still sent, by the task itself; see there for how long it may take.
    fn close(self, reason: Option<(u16, String)>) {
        match self.way {
            Talk::Udp(talk) => talk.close(),
            Talk::Tcp(talk) => talk.close(&self.task),
            // Who waits is closed with it.
            Talk::Listener(_) => self.task.abort(),
            Talk::WebSocket(talk) => talk.close(reason),
        }
    }
}

/// The way of one life's reports to the core.
#[derive(Clone)]
struct Way {
    sender: CoreSender,
    plugin: PluginId,
    life: u64,
}

impl Way {
    fn input(&self, report: Report) -> Input {
        Input::PluginReport { plugin: self.plugin.clone(), life: self.life, report }
    }

    /// News that somebody waits for. Fails only when the server stops.
    async fn report(&self, report: Report) {
        let _ = self.sender.send(ToCore::Input(self.input(report))).await;
    }

    /// Data that keeps coming; the credit comes back when the core has taken it.
    async fn flow(&self, report: Report, credit: Option<OwnedSemaphorePermit>) {
        let message = ToCore::Plugin { input: self.input(report), _credit: credit };
        let _ = self.sender.send_flow(message).await;
    }

    async fn trouble(&self, socket: SocketId, text: String) {
        self.report(Report::SocketTrouble { socket, unsent: 0, text }).await;
    }

    /// So many datagrams were not sent.
    async fn not_sent(&self, socket: SocketId, unsent: u64, text: String) {
        self.report(Report::SocketTrouble { socket, unsent, text }).await;
    }
}

/// An error with its causes: the last one says what really happened.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
