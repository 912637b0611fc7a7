//! How many datagrams of a plugin may wait to be sent. They wait for the task of their socket, and much longer for the
//! address of a name when nobody answers. Each socket has its number, and all of a plugin together have their bytes:
//! over its lives, because what an ended life has left waits on for a while.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Of one socket.
const MOST: usize = 4096;
/// Of one plugin: twice what one slice of it may send (`signalk-bridge/src/net`).
const MOST_BYTES: usize = 16 << 20;
/// What keeping a datagram costs beside its bytes and its host.
const OVERHEAD: usize = 256;

/// The bytes of one plugin.
#[derive(Debug, Clone)]
pub(in crate::plugin_net) struct PluginRoom(Arc<Semaphore>);

/// The room of one socket.
#[derive(Debug)]
pub(super) struct Room {
    number: Arc<Semaphore>,
    bytes: PluginRoom,
}

/// The place of one datagram: free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _number: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

impl Default for PluginRoom {
    fn default() -> PluginRoom {
        PluginRoom(Arc::new(Semaphore::new(MOST_BYTES)))
    }
}

impl Room {
    pub(super) fn new(bytes: PluginRoom) -> Room {
        Room { number: Arc::new(Semaphore::new(MOST)), bytes }
    }

    /// A place for one more.
    pub(super) fn take(&self, host: &str, data: &[u8]) -> Option<Place> {
        let cost = u32::try_from(data.len() + host.len() + OVERHEAD).ok()?;
        let number = Arc::clone(&self.number).try_acquire_owned().ok()?;
        let bytes = Arc::clone(&self.bytes.0).try_acquire_many_owned(cost).ok()?;
        Some(Place { _number: number, _bytes: bytes })
    }
}

/// What is said of datagrams that found no place.
pub(super) fn refusal(count: u64) -> String {
    format!(
        "{count} datagrams were not sent: {MOST} of the socket or {} MiB of the plugin waited already, perhaps for the address of a name; send less at once, or to addresses",
        MOST_BYTES >> 20
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_has_its_number_and_a_plugin_its_bytes() {
        let bytes = PluginRoom::default();
        let (one, other) = (Room::new(bytes.clone()), Room::new(bytes.clone()));
        let small: Vec<_> = std::iter::from_fn(|| one.take("a.b", b"")).collect();
        assert_eq!(small.len(), MOST);
        assert!(other.take("a.b", b"").is_some());
        drop(small);
        let large: Vec<_> = std::iter::from_fn(|| one.take("a.b", &[0; 65_507])).collect();
        assert_eq!(large.len(), MOST_BYTES / (65_507 + 3 + OVERHEAD));
        assert!(other.take("a.b", &[0; 65_507]).is_none());
        drop(large);
        assert_eq!(bytes.0.available_permits(), MOST_BYTES);
    }
}
