//! How often somebody may try a password (server-api.md 6.3): so many times in ten minutes from one address. The table
//! of addresses is bounded, and so is the work: `login.rs` has a few checks at a time.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::time::Duration;

/// Of one address in [`WINDOW`].
const MOST: u32 = 100;
const WINDOW: Duration = Duration::from_secs(600);
/// Addresses that are remembered; the oldest makes room. Who has more than these is stopped by the number of checks at
/// a time.
const ADDRESSES: usize = 1000;

/// Attempts of the last ten minutes.
#[derive(Debug, Default)]
pub(crate) struct Attempts(BTreeMap<Option<Peer>, Window>);

/// Of IPv6 the network: one client has 2^64 addresses in it. Of link-local ones all: there every neighbour is in the
/// same network.
pub(super) type Peer = [u8; 16];

#[derive(Debug)]
struct Window {
    began: Duration,
    count: u32,
}

impl Attempts {
    /// Counts one more.
    ///
    /// # Errors
    /// It is one too many; how long to wait.
    pub(crate) fn count(&mut self, now: Duration, peer: Option<IpAddr>) -> Result<(), Duration> {
        let peer = peer.map(network);
        let is_over = |window: &Window| now.saturating_sub(window.began) >= WINDOW;
        if !self.0.contains_key(&peer) && self.0.len() >= ADDRESSES {
            self.0.retain(|_, window| !is_over(window));
            let oldest = self.0.iter().min_by_key(|(_, window)| window.began);
            if let (Some(oldest), true) = (oldest.map(|(peer, _)| *peer), self.0.len() >= ADDRESSES)
            {
                self.0.remove(&oldest);
            }
        }
        let window = self.0.entry(peer).or_insert(Window { began: now, count: 0 });
        if is_over(window) {
            *window = Window { began: now, count: 0 };
        }
        if window.count >= MOST {
            return Err((window.began + WINDOW).saturating_sub(now));
        }
        window.count += 1;
        Ok(())
    }
}

/// What counts as one client.
pub(super) fn network(address: IpAddr) -> Peer {
    let mut peer = [0; 16];
    match address.to_canonical() {
        IpAddr::V4(address) => {
            // No network of IPv6 begins with zeros and ends so.
            let [.., a, b, c, d] = &mut peer;
            [*a, *b, *c, *d] = address.octets();
        }
        IpAddr::V6(address) => {
            let own = if address.is_unicast_link_local() { 16 } else { 8 };
            for (to, from) in peer.iter_mut().zip(address.octets()).take(own) {
                *to = from;
            }
        }
    }
    peer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Option<IpAddr> {
        Some(address.parse().unwrap())
    }

    #[test]
    fn an_address_has_a_hundred_attempts_in_ten_minutes() {
        let mut attempts = Attempts::default();
        let now = Duration::from_secs(7);
        for _ in 0..MOST {
            attempts.count(now, from("10.0.0.1")).unwrap();
        }
        let later = now + Duration::from_secs(200);
        assert_eq!(attempts.count(later, from("10.0.0.1")), Err(Duration::from_secs(400)));
        assert_eq!(attempts.count(later, from("::ffff:10.0.0.1")), Err(Duration::from_secs(400)));
        assert_eq!(attempts.count(later, from("10.0.0.2")), Ok(()));
        assert_eq!(attempts.count(now + WINDOW, from("10.0.0.1")), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let mut attempts = Attempts::default();
        for n in 0..MOST {
            attempts.count(Duration::ZERO, from(&format!("fd00::{n:x}"))).unwrap();
        }
        assert!(attempts.count(Duration::ZERO, from("fd00::ffff")).is_err());
        assert!(attempts.count(Duration::ZERO, from("fd00:0:0:1::1")).is_ok());
        for _ in 0..=MOST {
            let _ = attempts.count(Duration::ZERO, from("fe80::1"));
        }
        assert!(attempts.count(Duration::ZERO, from("fe80::1")).is_err());
        assert!(attempts.count(Duration::ZERO, from("fe80::2")).is_ok(), "another neighbour");
    }

    #[test]
    fn the_table_is_bounded_by_the_oldest_going_first() {
        let mut attempts = Attempts::default();
        for n in 0..3000_u32 {
            let address = Some(IpAddr::from(n.to_be_bytes()));
            attempts.count(Duration::from_millis(n.into()), address).unwrap();
        }
        assert_eq!(attempts.0.len(), ADDRESSES);
        assert!(!attempts.0.contains_key(&from("0.0.0.1").map(network)));
    }
}
