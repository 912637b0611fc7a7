//! The network of one plugin: its sockets and requests as a state machine without I/O.
//!
//! Calls change it and leave [`Effect`]s to be taken; [`Report`]s come back in.
//! A call that has to wait for the world gets a [`Wait`]; the report that ends
//! it gives a [`Completed`]. One `Net` lives as long as one life of a plugin and
//! is the same for all conventions: in a library guest it is part of what the
//! host functions share, so that receiving costs no trip to the core. What UDP,
//! TCP and HTTP do is a file each; what waits while the guest is away is `mail`.

mod exchange;
pub(crate) mod fetch;
mod mail;
mod outflow;
mod put;
mod save;
mod tcp;
mod udp;
mod unsent;
mod upload;
mod websocket;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use self::tcp::{Connections, Listener, Tcp};
use self::udp::Udp;
use self::websocket::WebSocket;
use crate::PutId;
use crate::effect::{Effect, FetchHead, FetchId, Report, SaveId, SocketId};
use crate::exchange::ExchangeWish;
use crate::handler::HandlerCallId;

pub(crate) use self::mail::Mail;
pub(crate) use self::tcp::Received;
pub(crate) use self::websocket::Heard;

/// Sockets of one plugin at once (plugin ABI 6.3).
const MOST_SOCKETS: usize = 64;
/// Bytes that wait in the queues of all its sockets: datagrams and lines of TCP. Each open socket
/// has the same share of them, so that a busy one takes nothing from the others.
const MOST_QUEUED: usize = 64 << 20;
/// The largest share of one socket.
const MOST_QUEUED_ONE: usize = 8 << 20;
/// Bytes of the longest host name (RFC 1035, 2.3.4); what is longer is neither name nor address.
const LONGEST_HOST: usize = 253;
/// Effects, and bytes to send in them, that one slice of the guest may leave.
const MOST_EFFECTS: usize = 10_000;
const MOST_EFFECT_BYTES: usize = 8 << 20;
/// What one more socket, connection or request costs the guest in fuel, half a millisecond of it, and one more thing to
/// send: the edge makes tasks and asks the system, on the thread of the navigation data. A loop that opens and closes
/// would fill it.
const OPENING: u64 = 250_000;
/// The same with keys to be agreed on.
const OPENING_SECURELY: u64 = 4 * OPENING;
const SENDING: u64 = 20_000;
/// Troubles that are kept until somebody reads them.
const MOST_TROUBLES: usize = 100;

/// What a suspended call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wait {
    /// A bind, an option or a connection: counted from 1, never used again.
    Socket(u64),
    /// An answer by HTTP.
    Fetch(FetchId),
    /// Room for a piece of the body of a request by HTTP.
    Upload(FetchId),
    /// A piece of the body of a client's request.
    Body(HandlerCallId),
    /// Room for a piece of the answer to a client.
    Room(HandlerCallId),
    /// The end of a PUT.
    Put(PutId),
    /// The disk.
    Save(SaveId),
}

/// The end of a wait.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Completed {
    pub(crate) wait: Wait,
    pub(crate) outcome: Outcome,
}

/// What the world said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Done; a number where there is one, else 0.
    Number(i32),
    /// A whole answer.
    Answer(FetchHead, Bytes),
    /// The head of a streamed answer.
    Head(FetchHead),
    /// The next piece of a streamed body; `None`: there are no more.
    Piece(Option<Bytes>),
    /// A text of JSON.
    Json(String),
    /// It failed, in words.
    Failed(String),
}

/// The network of one life of a plugin.
#[derive(Debug)]
pub(crate) struct Net {
    effects: VecDeque<Effect>,
    /// Bytes to send in them.
    effect_bytes: usize,
    /// Fuel for them that the guest has not paid.
    work: u64,
    /// Things that the author should read.
    troubles: Vec<String>,
    /// Those above the most that are kept.
    troubles_unsaid: u64,
    completed: Vec<Completed>,
    fetches: BTreeMap<FetchId, fetch::Fetching>,
    /// Those of them whose body has not ended.
    uploads: BTreeMap<FetchId, upload::Uploading>,
    exchanges: BTreeMap<HandlerCallId, exchange::Exchange>,
    /// The last ones whose client left: a plugin that has not heard of it yet may still ask.
    left: VecDeque<HandlerCallId>,
    wishes: VecDeque<(HandlerCallId, ExchangeWish)>,
    last_fetch: u64,
    /// The first of this life.
    first_fetch: u64,
    /// Requests by HTTP, and those of them that failed, since last asked.
    requests: (u64, u64),
    puts: put::Puts,
    saves: save::Saves,
    sockets: BTreeMap<SocketId, Socket>,
    last_socket: u32,
    last_wait: u64,
    /// Sockets with news that the guest was not woken for.
    fresh: BTreeSet<SocketId>,
    /// Why connections ended, of the last ones.
    errors: VecDeque<(SocketId, String)>,
    /// Connections that ended and were read to the end, until somebody is told; the last ones.
    ends: BTreeSet<SocketId>,
    /// Datagrams that nobody read in time, since last asked.
    datagrams_dropped: u64,
    datagrams_not_sent: u64,
    /// Lines of TCP that nobody read in time, since last asked.
    lines_dropped: u64,
    connections: Connections,
}

#[derive(Debug)]
enum Socket {
    Udp(Udp),
    Tcp(Tcp),
    WebSocket(WebSocket),
    Listener(Listener),
}

/// Which export a guest is woken by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fresh {
    Udp(SocketId),
    Tcp(SocketId),
    WebSocket(SocketId),
    Listener(SocketId),
}

impl Net {
    pub(crate) fn new() -> Net {
        Net {
            effects: VecDeque::new(),
            effect_bytes: 0,
            work: 0,
            troubles: Vec::new(),
            troubles_unsaid: 0,
            completed: Vec::new(),
            fetches: BTreeMap::new(),
            uploads: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            left: VecDeque::new(),
            wishes: VecDeque::new(),
            last_fetch: 0,
            first_fetch: 1,
            requests: (0, 0),
            puts: put::Puts::default(),
            saves: save::Saves::default(),
            sockets: BTreeMap::new(),
            last_socket: 0,
            last_wait: 0,
            fresh: BTreeSet::new(),
            errors: VecDeque::new(),
            ends: BTreeSet::new(),
            datagrams_dropped: 0,
            datagrams_not_sent: 0,
            lines_dropped: 0,
            connections: Connections::default(),
        }
    }

    /// For another life of the same guest, which may still know numbers of the one before: none is used again.
    pub(crate) fn after(old: &Net) -> Net {
        let (last_fetch, last_socket, last_wait) = (old.last_fetch, old.last_socket, old.last_wait);
        let first_fetch = last_fetch + 1;
        Net { last_fetch, first_fetch, last_socket, last_wait, ..Net::new() }
    }

    /// Whether there is nothing to take.
    pub(crate) fn is_quiet(&self) -> bool {
        self.effects.is_empty() && self.troubles.is_empty()
    }

    /// What the edge is to do, in order.
    pub(crate) fn take_effects(&mut self) -> VecDeque<Effect> {
        self.effect_bytes = 0;
        std::mem::take(&mut self.effects)
    }

    /// Something is to be opened.
    fn begin(&mut self, effect: Effect) {
        let is_secure = match &effect {
            Effect::Fetch { request, .. } => is_secure(&request.url),
            Effect::WebSocketConnect { url, .. } => is_secure(url),
            Effect::TcpConnect { tls, .. } => *tls,
            _ => false,
        };
        let price = if is_secure { OPENING_SECURELY } else { OPENING };
        let times = match &effect {
            Effect::Fetch { request, .. } => u64::from(request.retry.attempts.max(1)),
            _ => 1,
        };
        self.work += price * times;
        self.effects.push_back(effect);
    }

    /// Fuel that the guest owes for what it asked for since last asked.
    pub(crate) fn take_work(&mut self) -> u64 {
        std::mem::take(&mut self.work)
    }

    /// What went wrong where nobody waited.
    pub(crate) fn take_troubles(&mut self) -> Vec<String> {
        let mut troubles = std::mem::take(&mut self.troubles);
        let unsaid = std::mem::take(&mut self.troubles_unsaid);
        if unsaid > 0 {
            troubles
                .push(format!("{unsaid} more troubles of its network at once: they are not said"));
        }
        troubles
    }

    /// Datagrams, and lines of TCP, that were dropped since last asked.
    pub(crate) fn take_dropped(&mut self) -> (u64, u64) {
        (std::mem::take(&mut self.datagrams_dropped), std::mem::take(&mut self.lines_dropped))
    }

    /// Datagrams that were not sent since last asked.
    pub(crate) fn take_not_sent(&mut self) -> u64 {
        std::mem::take(&mut self.datagrams_not_sent)
    }

    /// Requests by HTTP that were asked for, and that were not sent or brought no answer, since last asked.
    pub(crate) fn take_requests(&mut self) -> (u64, u64) {
        std::mem::take(&mut self.requests)
    }

    /// Sockets with news since last asked: data, or another state.
    pub(crate) fn take_fresh(&mut self) -> Vec<Fresh> {
        self.tcp_look_for_room();
        let fresh = std::mem::take(&mut self.fresh);
        let kinds = fresh.into_iter().filter_map(|id| match self.sockets.get(&id) {
            Some(Socket::Udp(_)) => Some(Fresh::Udp(id)),
            Some(Socket::Tcp(_)) => Some(Fresh::Tcp(id)),
            // Who waited for a message may have taken it.
            Some(Socket::WebSocket(socket)) => socket.has_news().then_some(Fresh::WebSocket(id)),
            Some(Socket::Listener(_)) => Some(Fresh::Listener(id)),
            None => None,
        });
        kinds.collect()
    }

    /// News of the world; perhaps somebody waited for it.
    pub(crate) fn handle_report(&mut self, report: Report) -> Vec<Completed> {
        match report {
            Report::Saved { save, result } => self.save_ended(save, result),
            Report::Fetch { id, news } => {
                let done = self.fetch_news(id, news);
                self.completed.extend(done);
            }
            Report::UdpBound { socket, result } => self.udp_bound(socket, result),
            Report::UdpSet { socket, result } => self.udp_was_set(socket, result),
            Report::Datagrams { socket, datagrams, dropped } => {
                self.udp_received(socket, datagrams, dropped);
            }
            Report::Connected { socket, result } => match self.sockets.get(&socket) {
                Some(Socket::WebSocket(_)) => self.ws_was_connected(socket, result),
                _ => self.tcp_was_connected(socket, result),
            },
            Report::Listening { socket, result } => self.tcp_was_opened(socket, result),
            Report::Accepted { listener, connection, from } => {
                self.tcp_knocked(listener, connection, from);
            }
            Report::TcpData { socket, data } => self.tcp_received(socket, &data),
            Report::Sent { socket, bytes } => self.was_sent(socket, bytes),
            Report::WebSocketMessage { socket, message } => self.ws_received(socket, message),
            Report::Closed { socket, error, close } => match self.sockets.get(&socket) {
                Some(Socket::WebSocket(_)) => self.ws_was_closed(socket, error, close),
                _ => self.tcp_was_closed(socket, error),
            },
            Report::Lost { socket, text } => self.was_lost(socket, text),
            Report::SocketTrouble { text, unsent, .. } => {
                self.datagrams_not_sent += unsent;
                self.trouble(text);
            }
        }
        self.take_completed()
    }

    /// Waits that a call ended, for example by closing a socket.
    pub(crate) fn take_completed(&mut self) -> Vec<Completed> {
        std::mem::take(&mut self.completed)
    }

    /// Waits until the system has taken what was sent on this socket so far; `None`: it has.
    pub(crate) fn when_sent(&mut self, id: SocketId) -> Option<Wait> {
        let wait = self.next_wait();
        self.unsent(id)?.wait(wait).then_some(wait)
    }

    fn was_sent(&mut self, id: SocketId, bytes: usize) {
        let done = self.unsent(id).map(|unsent| unsent.sent(bytes)).unwrap_or_default();
        for wait in done {
            self.complete(Some(wait), Ok(()));
        }
    }

    fn unsent(&mut self, id: SocketId) -> Option<&mut unsent::Unsent> {
        match self.sockets.get_mut(&id)? {
            Socket::Udp(_) | Socket::Listener(_) => None,
            Socket::Tcp(tcp) => Some(&mut tcp.unsent),
            Socket::WebSocket(socket) => Some(&mut socket.unsent),
        }
    }

    /// Whether there is such a socket.
    pub(crate) fn is_open(&self, id: SocketId) -> bool {
        self.sockets.contains_key(&id)
    }

    /// Closes a connection that nobody waits for any more.
    pub(crate) fn abandon(&mut self, id: Option<SocketId>) {
        match id.map(|id| (id, self.sockets.get(&id))) {
            Some((id, Some(Socket::Tcp(_) | Socket::Listener(_)))) => self.tcp_close(id),
            Some((id, Some(Socket::WebSocket(_)))) => {
                // Without a reason there is nothing to refuse.
                let _ = self.ws_close(id, None);
            }
            _ => {}
        }
    }

    /// The edge has a socket no more: who waits is told, and what is asked of it fails.
    fn was_lost(&mut self, id: SocketId, text: String) {
        self.trouble(format!("socket {}: {text}", id.0));
        match self.sockets.get(&id) {
            Some(Socket::Udp(_)) => self.udp_close(id),
            Some(Socket::Tcp(_)) => self.tcp_was_connected(id, Err(text)),
            Some(Socket::WebSocket(socket)) if socket.is_open() => {
                self.ws_was_closed(id, Some(text), None);
            }
            Some(Socket::WebSocket(_)) => self.ws_was_connected(id, Err(text)),
            Some(Socket::Listener(_)) => self.tcp_close(id),
            None => {}
        }
    }

    /// Something that the author should read.
    pub(crate) fn trouble(&mut self, text: String) {
        if self.troubles.len() < MOST_TROUBLES {
            self.troubles.push(text);
        } else {
            self.troubles_unsaid += 1;
        }
    }

    /// A new socket, if the plugin may have one more.
    fn add(&mut self, socket: Socket) -> Result<SocketId, String> {
        if self.sockets.len() >= MOST_SOCKETS {
            return Err(format!("{MOST_SOCKETS} sockets are open; close one first"));
        }
        self.last_socket += 1;
        let id = SocketId(self.last_socket);
        self.sockets.insert(id, socket);
        self.share_anew();
        Ok(id)
    }

    /// Bytes that may wait in one socket, as many as are open now.
    fn share(&self) -> usize {
        (MOST_QUEUED / self.sockets.len().max(1)).min(MOST_QUEUED_ONE)
    }

    /// One more socket is open: the others have less room.
    fn share_anew(&mut self) {
        let share = self.share();
        for socket in self.sockets.values_mut() {
            match socket {
                Socket::Udp(udp) => self.datagrams_dropped += udp.cut_to(share),
                Socket::Tcp(tcp) => self.lines_dropped += tcp.cut_to(share),
                Socket::WebSocket(_) | Socket::Listener(_) => {}
            }
        }
    }

    /// Something to send, if it is not too much for one slice.
    fn send(&mut self, effect: Effect, bytes: usize) -> Result<(), String> {
        if self.effects.len() >= MOST_EFFECTS || self.effect_bytes + bytes > MOST_EFFECT_BYTES {
            return Err("too much is sent at once; send less, or later".to_owned());
        }
        self.effect_bytes += bytes;
        self.work += SENDING;
        self.effects.push_back(effect);
        Ok(())
    }

    fn next_wait(&mut self) -> Wait {
        self.last_wait += 1;
        Wait::Socket(self.last_wait)
    }

    fn complete(&mut self, wait: Option<Wait>, result: Result<(), String>) {
        let outcome = match result {
            Ok(()) => Outcome::Number(0),
            Err(text) => Outcome::Failed(text),
        };
        self.completed.extend(wait.map(|wait| Completed { wait, outcome }));
    }
}

fn is_secure(url: &str) -> bool {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss")
}

/// Refuses what can be no host.
fn check_host(host: &str, call: &str) -> Result<(), String> {
    if host.is_empty() {
        return Err(format!("{call} needs an address"));
    }
    if host.len() > LONGEST_HOST {
        let len = host.len();
        return Err(format!("{call}: a host of {len} bytes, the limit is {LONGEST_HOST}"));
    }
    Ok(())
}

/// There is none of this kind, or it is another plugin's: ids are each plugin's own (W18).
fn unknown(id: SocketId) -> String {
    format!("socket {} not found", id.0)
}
