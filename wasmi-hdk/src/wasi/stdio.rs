//! Standard input and output: two buffers between host and guest.
//!
//! Standard error is different: it becomes lines at once, in `log_lines.rs`.

use bytes::{Buf, BytesMut};

/// What the host gave and the guest has not read.
#[derive(Debug)]
pub(super) struct Stdin {
    bytes: BytesMut,
    open: bool,
    nonblocking: bool,
}

impl Stdin {
    pub(super) fn new(open: bool) -> Self {
        Self { bytes: BytesMut::new(), open, nonblocking: false }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.open {
            self.bytes.extend_from_slice(bytes);
        }
    }

    pub(super) fn close(&mut self) {
        self.open = false;
    }

    pub(super) fn ready(&self) -> bool {
        !self.open || !self.bytes.is_empty()
    }

    pub(super) fn at_end(&self) -> bool {
        !self.open && self.bytes.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn set_nonblocking(&mut self, nonblocking: bool) {
        self.nonblocking = nonblocking;
    }

    pub(super) fn nonblocking(&self) -> bool {
        self.nonblocking
    }

    /// Moves as much as fits; what is left waits for the next read.
    pub(super) fn read(&mut self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.bytes.len());
        let (into, _) = into.split_at_mut(count);
        self.bytes.copy_to_slice(into);
        if self.bytes.is_empty() {
            // A message of 16 MiB must not keep its room for ever.
            self.bytes = BytesMut::new();
        }
        count
    }
}

/// What the guest wrote and the host has not taken.
#[derive(Debug)]
pub(super) struct Stdout {
    bytes: Vec<u8>,
    limit: usize,
}

impl Stdout {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit: limit.max(1) }
    }

    /// Bytes that may be written now.
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.bytes.len())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}
