//! What the host functions of one buffer-ABI instance share with its session.
//!
//! A host call runs wherever the guest runs, often on another thread than the
//! core. So a call that needs no answer is put on this queue, one copy and no
//! lock, and the session hands the queue to the method table when the slice is
//! over. A call that needs an answer suspends the guest with an [`Ask`].

use std::collections::{BTreeSet, VecDeque};

use wasmi_hdk::LogLine;

use crate::{Capabilities, Status, Version};

/// Most calls that one slice may queue, and most bytes of them.
const MOST_CALLS: usize = 10_000;
const MOST_BYTES: usize = 16 << 20;

/// One call without an answer, in the order that the guest made it.
#[derive(Debug)]
pub(crate) enum Queued {
    Log(LogLine),
    Status(Status),
    Delta {
        json: Vec<u8>,
        version: Version,
    },
    Notification {
        path: String,
        value: serde_json::Map<String, serde_json::Value>,
    },
    SaveOptions(String),
    /// Something that the author should read once.
    Diagnostic(String),
}

/// A call that waits for the core; the payload of `HostReturn::Suspend`.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) what: Question,
    /// Where the answer goes.
    pub(crate) buffer: u32,
    pub(crate) capacity: u32,
    /// The type that the guest declared for the import.
    pub(crate) ty: wasmi_hdk::FuncType,
}

#[derive(Debug)]
pub(crate) enum Question {
    SelfPath(String),
    RootPath(String),
}

/// The user data of an instance.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) capabilities: Capabilities,
    /// The configuration object as compact text: `sk_read_config` answers at once.
    pub(crate) options: String,
    pub(crate) queue: VecDeque<Queued>,
    bytes: usize,
    /// Calls that found the queue full, since the last drain.
    pub(crate) overflown: u64,
    /// Pointers and lengths out of range, since the last drain.
    pub(crate) guest_faults: u64,
    said: BTreeSet<String>,
}

impl Shared {
    pub(crate) fn new(capabilities: Capabilities, options: String) -> Shared {
        Shared {
            capabilities,
            options,
            queue: VecDeque::new(),
            bytes: 0,
            overflown: 0,
            guest_faults: 0,
            said: BTreeSet::new(),
        }
    }

    /// Queues a call that copies `bytes` out of the guest.
    pub(crate) fn push(&mut self, call: Queued, bytes: usize) {
        if self.queue.len() >= MOST_CALLS || self.bytes + bytes > MOST_BYTES {
            self.overflown += 1;
            return;
        }
        self.bytes += bytes;
        self.queue.push_back(call);
    }

    /// Says something to the author, once per instance.
    pub(crate) fn say_once(&mut self, text: String) {
        if self.said.len() < 100 && self.said.insert(text.clone()) {
            self.push(Queued::Diagnostic(text), 0);
        }
    }

    /// Everything queued, oldest first.
    pub(crate) fn drain(&mut self) -> VecDeque<Queued> {
        self.bytes = 0;
        std::mem::take(&mut self.queue)
    }
}
