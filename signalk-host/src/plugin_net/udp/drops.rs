//! Datagrams that the system dropped because the socket's buffer was full.
//!
//! Linux counts them per socket and shows the count in `/proc/net/udp`, last column (proc(5)); a socket is found there
//! by its inode. `SO_RXQ_OVFL` tells the same with each datagram, but only to who reads control messages, which std,
//! tokio and socket2 do not. Other systems do not say: there only the drops of our own queues are counted.

use std::time::{Duration, Instant};

use tokio::net::UdpSocket;

/// Time between two looks while datagrams come.
const EVERY: Duration = Duration::from_millis(500);

/// The count of one socket.
pub(super) struct Drops {
    /// `None`: this system does not say.
    inode: Option<u64>,
    table: &'static str,
    seen: u64,
    /// Something came since the last look.
    fresh: bool,
    due: Instant,
}

impl Drops {
    pub(super) fn new(socket: &UdpSocket, ipv6: bool) -> Drops {
        let table = if ipv6 { "/proc/net/udp6" } else { "/proc/net/udp" };
        Drops { inode: inode(socket), table, seen: 0, fresh: false, due: Instant::now() + EVERY }
    }

    /// Datagrams came: perhaps more than there was room for.
    pub(super) fn look_soon(&mut self) {
        self.fresh = true;
    }

    /// Whether it is worth a look at [`Drops::due`].
    pub(super) fn is_due(&self) -> bool {
        self.fresh && self.inode.is_some()
    }

    /// When.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Datagrams that were dropped since the last look.
    pub(super) fn look(&mut self) -> u64 {
        self.fresh = false;
        self.due = Instant::now() + EVERY;
        let table = std::fs::read_to_string(self.table).unwrap_or_default();
        let Some(count) = self.inode.and_then(|inode| count(&table, inode)) else { return 0 };
        let new = count.saturating_sub(self.seen);
        self.seen = count;
        new
    }
}

#[cfg(target_os = "linux")]
fn inode(socket: &UdpSocket) -> Option<u64> {
    use std::os::{fd::AsRawFd, unix::fs::MetadataExt};
    let link = format!("/proc/self/fd/{}", socket.as_raw_fd());
    std::fs::metadata(link).ok().map(|metadata| metadata.ino())
}

#[cfg(not(target_os = "linux"))]
fn inode(_: &UdpSocket) -> Option<u64> {
    None
}

/// Columns: `sl local_address rem_address st queues tr:tm retrnsmt uid timeout inode ref pointer drops`.
fn count(table: &str, inode: u64) -> Option<u64> {
    let inode = inode.to_string();
    let line = table.lines().find(|line| line.split_whitespace().nth(9) == Some(&inode))?;
    line.split_whitespace().nth(12)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_found_by_its_inode() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            \x20 349: 00000000:271A 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 4711 2 0000000000000000 17\n\
            \x20 350: 00000000:271B 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 4712 2 0000000000000000 0\n";
        assert_eq!(
            (count(table, 4711), count(table, 4712), count(table, 1)),
            (Some(17), Some(0), None)
        );
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_the_system_drops_is_counted() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket2::SockRef::from(&socket).set_recv_buffer_size(4096).unwrap();
        let mut drops = Drops::new(&socket, false);
        assert_eq!(drops.look(), 0);
        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..100 {
            peer.send_to(&[0; 1000], socket.local_addr().unwrap()).unwrap();
        }
        socket.readable().await.unwrap();
        let mut kept = 0;
        while socket.try_recv(&mut [0; 1000]).is_ok() {
            kept += 1;
        }
        assert_eq!(drops.look(), 100 - kept);
        assert!(kept < 100 && drops.look() == 0);
    }
}
