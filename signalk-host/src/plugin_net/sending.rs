//! Bytes that a plugin's connections have still to send. What an open connection may have is the plugin's bound
//! (`signalk-bridge/src/net`); but one that the plugin closes sends on for a while, and a plugin that opens, sends and
//! closes again and again would fill the memory with what nobody reads.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Of one plugin, over its lives: more than all that may be open have together (64 connections with 1 MiB, WebSockets
/// with 32 MiB), so that only closed ones can reach it.
const MOST: usize = 128 << 20;

/// The bytes of one plugin.
#[derive(Debug, Clone)]
pub(super) struct Sending(Arc<Semaphore>);

/// Bytes with their place: free again when they are sent, or given up.
#[derive(Debug)]
pub(super) struct Placed<T> {
    pub(super) data: T,
    pub(super) place: OwnedSemaphorePermit,
}

impl Default for Sending {
    fn default() -> Sending {
        Sending(Arc::new(Semaphore::new(MOST)))
    }
}

impl Sending {
    /// Finds a place for so many bytes.
    ///
    /// # Errors
    ///
    /// In words: too many wait.
    pub(super) fn place<T>(&self, data: T, bytes: usize) -> Result<Placed<T>, String> {
        let place = u32::try_from(bytes)
            .ok()
            .and_then(|bytes| Arc::clone(&self.0).try_acquire_many_owned(bytes).ok());
        let place = place.ok_or_else(|| {
            format!(
                "{} MiB of this plugin wait to be sent, by connections that it has closed; wait until they are sent before you open others",
                MOST >> 20
            )
        })?;
        Ok(Placed { data, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_makes_room_for_the_next() {
        let sending = Sending::default();
        let placed: Vec<_> = (0..8).map(|_| sending.place((), 16 << 20).unwrap()).collect();
        let refused = sending.place((), 1).unwrap_err();
        assert!(refused.starts_with("128 MiB of this plugin wait"), "{refused}");
        drop(placed);
        assert!(sending.place((), 1).is_ok());
    }
}
