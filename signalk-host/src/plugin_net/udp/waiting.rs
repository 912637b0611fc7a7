//! Datagrams that came and that the core has not taken: bounded, the latest stay.

use std::collections::VecDeque;

use signalk_bridge::{Datagram, Report, SocketId};

/// Datagrams and bytes that wait at most.
const MOST: usize = 1000;
const MOST_BYTES: usize = 8 << 20;
/// Datagrams and bytes of one report.
pub(super) const BATCH: usize = 256;
const BATCH_BYTES: usize = 512 << 10;

/// Datagrams that the core has not taken.
#[derive(Default)]
pub(super) struct Waiting {
    queue: VecDeque<Datagram>,
    bytes: usize,
    /// Not said yet.
    pub(super) dropped: u64,
}

impl Waiting {
    pub(super) fn is_news(&self) -> bool {
        !self.queue.is_empty() || self.dropped > 0
    }

    pub(super) fn push(&mut self, datagram: Datagram) {
        self.bytes += datagram.data.len();
        self.queue.push_back(datagram);
        while self.queue.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.queue.pop_front() else { return };
            self.bytes -= oldest.data.len();
            self.dropped += 1;
        }
    }

    pub(super) fn report(&mut self, socket: SocketId) -> Report {
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
