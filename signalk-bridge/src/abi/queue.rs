//! What the host functions of one buffer-ABI instance share with its session.
//!
//! A host call runs wherever the guest runs, often on another thread than the
//! core. So a call that needs no answer is put on this queue, one copy and no
//! lock, and the session hands the queue to the method table when the slice is
//! over. A call that needs an answer suspends the guest with a [`Rest`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use wasmi_hdk::{FuncType, LogLine};

use super::env::by_name::LastCall;
use super::env::web::{Room, Web};
use super::work::Response;
use crate::account::Budget;
use crate::methods::network::Later;
use crate::methods::register::Registered;
use crate::methods::streams;
use crate::net::{Net, Wait};
use crate::{
    Capabilities, Capability, Manifest, PluginId, Registration, SaveId, SocketId, Status, Version,
};

/// Most calls that one slice may queue, and most bytes of them.
pub(crate) const MOST_CALLS: usize = 10_000;
pub(crate) const MOST_BYTES: usize = 16 << 20;

/// Most texts that [`Shared::say_once`] says.
const MOST_SAID: usize = 100;

/// One call without an answer, in the order that the guest made it.
#[derive(Debug)]
pub(crate) enum Queued {
    Log(LogLine),
    Status(Status),
    /// Why a request failed; `None`: they work again.
    FetchError(Option<String>),
    Delta {
        json: Vec<u8>,
        version: Version,
    },
    Notification {
        path: String,
        value: serde_json::Map<String, serde_json::Value>,
    },
    SaveOptions {
        text: String,
        /// Who rests for the disk.
        save: Option<SaveId>,
    },
    Register(Registration),
    /// A frame of a binary stream.
    Binary {
        stream: String,
        data: Bytes,
    },
    /// Something that the author should read once.
    Diagnostic(String),
}

/// A call that waits; the payload of `HostReturn::Suspend`.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) until: Until,
    pub(crate) give: Give,
    /// The type that the guest declared for the import.
    pub(crate) ty: FuncType,
}

/// What a resting call waits for.
#[derive(Debug)]
pub(crate) enum Until {
    /// The core answers at once.
    SelfPath(String),
    RootPath(String),
    /// The world answers (`net/`).
    World(Wait),
    /// A WebSocket has a message or its end, or so much time has passed.
    Message {
        socket: SocketId,
        within: Duration,
    },
    /// A method that it called by name is answered.
    Call(Pending),
}

/// How far a call by name is.
#[derive(Debug)]
pub(crate) enum Pending {
    /// The core is to make it.
    Asked { method: String, params: String },
    /// The world answers.
    Later(Wait, Later),
    /// This socket has something.
    Data { call: &'static str, socket: SocketId },
}

/// How the answer goes into the guest.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Give {
    /// As a number: what the world said, see `net::Outcome`.
    Number,
    /// As text into the guest's buffer; the number of bytes, 0 when it does not fit.
    Text { buffer: u32, capacity: u32 },
    /// As an object of the guest that holds the body; 0 when there is none.
    Body,
    /// As the text of a whole response; its length, -1 when there is none.
    Response { buffer: u32, capacity: u32 },
    /// As the bytes that were sent; -1 when the body is broken off.
    Sent(i32),
    /// As the next bytes of a streamed answer; their number, 0 at its end, -1 when it broke.
    Piece { buffer: u32, capacity: u32 },
    /// As the answer of a method; its length, -1 when it failed.
    Answer { buffer: u32, capacity: u32 },
    /// As the number of the socket that is connected; -1 when it is not.
    Socket(SocketId),
    /// As a message; its length, 0 when none came, -1 when none will.
    Message(Room),
}

/// The user data of an instance.
#[derive(Debug)]
pub(crate) struct Shared {
    plugin: PluginId,
    package: String,
    pub(crate) capabilities: Capabilities,
    /// The configuration object as compact text: `sk_read_config` answers at once.
    pub(crate) options: String,
    pub(crate) queue: VecDeque<Queued>,
    /// Sockets and requests.
    pub(crate) net: Net,
    /// What HTTP and WebSockets left to be read.
    pub(crate) web: Web,
    /// What calls by name left to be read.
    pub(crate) last_call: LastCall,
    /// What it may still send, reckoned by [`Shared::push`].
    pub(crate) budget: Budget,
    bytes: usize,
    /// Calls that found the queue full, since the last drain.
    pub(crate) overflown: u64,
    /// Calls without the capability that they need, and registrations that cannot be, since the last
    /// drain.
    pub(crate) denied: u64,
    /// Pointers and lengths out of range, since the last drain.
    pub(crate) guest_faults: u64,
    said: BTreeSet<String>,
    /// What its host functions have to know about the module.
    pub(crate) traits: Traits,
    /// Requests that nobody rests for, and the guest's numbers for them.
    pub(crate) awaited: BTreeMap<Wait, i32>,
    /// Such requests that ended.
    pub(crate) responses: Vec<Response>,
    /// Such requests whose answer `responseHandler` has not got, and those of them that went out.
    unheard: (usize, usize),
    /// What it has registered.
    pub(crate) registered: Registered,
    /// `plugin_start` has succeeded.
    pub(crate) started: bool,
    /// The last request has failed.
    pub(crate) fetch_fails: bool,
    /// `console.time`: label and beginning.
    pub(crate) timers: BTreeMap<String, Duration>,
}

/// What host functions have to know about a module.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traits {
    /// Texts that go into a buffer are filled up with spaces: the guests' library reads the whole
    /// buffer (plugin ABI 4.3).
    pub(crate) padded: bool,
    /// `__new` is exported.
    pub(crate) has_new: bool,
    /// `responseHandler` is exported.
    pub(crate) has_response_handler: bool,
    /// `delta_input_handler` is exported.
    pub(crate) has_input_handler: bool,
}

impl Shared {
    pub(crate) fn new(manifest: &Manifest, options: String) -> Shared {
        let capabilities = manifest.capabilities;
        Shared {
            plugin: manifest.id.clone(),
            package: manifest.package_name.clone(),
            capabilities,
            options,
            queue: VecDeque::new(),
            net: Net::new(),
            web: Web::default(),
            last_call: LastCall::default(),
            budget: Budget::default(),
            bytes: 0,
            overflown: 0,
            denied: 0,
            guest_faults: 0,
            said: BTreeSet::new(),
            traits: Traits::default(),
            awaited: BTreeMap::new(),
            responses: Vec::new(),
            unheard: (0, 0),
            registered: Registered::default(),
            started: false,
            fetch_fails: false,
            timers: BTreeMap::new(),
        }
    }

    /// Queues a call that copies `bytes` out of the guest; false: there was no room for it, which
    /// is counted.
    pub(crate) fn push(&mut self, call: Queued, bytes: usize) -> bool {
        if self.queue.len() >= MOST_CALLS || self.bytes + bytes > MOST_BYTES {
            self.overflown += 1;
            return false;
        }
        if matches!(call, Queued::Delta { .. }) {
            self.budget.take_delta();
        }
        self.bytes += bytes;
        self.queue.push_back(call);
        true
    }

    /// Requests that nobody rests for and whose answer was not handed over, and those of them that
    /// went out.
    pub(crate) fn unheard(&self) -> (usize, usize) {
        self.unheard
    }

    /// One more of them.
    pub(crate) fn asked(&mut self, sent: bool) {
        self.unheard.0 += 1;
        self.unheard.1 += usize::from(sent);
    }

    /// One fewer.
    pub(crate) fn handed_over(&mut self, sent: bool) {
        self.unheard.0 = self.unheard.0.saturating_sub(1);
        self.unheard.1 = self.unheard.1.saturating_sub(usize::from(sent));
    }

    /// Says something to the author, once per instance.
    pub(crate) fn say_once(&mut self, text: String) {
        if self.said.len() > MOST_SAID || !self.said.insert(text.clone()) {
            return;
        }
        let text = if self.said.len() > MOST_SAID {
            format!(
                "{MOST_SAID} different complaints were said: more is not said in this life of the plugin; the counters go on"
            )
        } else {
            text
        };
        self.push(Queued::Diagnostic(text), 0);
    }

    /// The one check of a host call's capability; a denial is counted and said once.
    pub(crate) fn may(&mut self, needs: Option<Capability>, call: &'static str) -> bool {
        let Some(needed) = needs else { return true };
        match self.capabilities.require(needed, &self.plugin, call) {
            Ok(()) => true,
            Err(error) => {
                self.denied += 1;
                self.say_once(error.to_string());
                false
            }
        }
    }

    /// Whether the plugin may send frames to this binary stream (plugin ABI 12).
    pub(crate) fn owns_stream(&self, stream: &str) -> bool {
        let names = [&*self.plugin, &*self.package];
        streams::is_own(stream, &names, self.capabilities)
    }

    /// Whether the guest has asked for nothing since the last drain.
    pub(crate) fn is_quiet(&self) -> bool {
        self.queue.is_empty() && self.responses.is_empty() && self.net.is_quiet()
    }

    /// Everything queued, oldest first.
    pub(crate) fn drain(&mut self) -> VecDeque<Queued> {
        self.bytes = 0;
        std::mem::take(&mut self.queue)
    }
}
