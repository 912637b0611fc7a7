//! What a plugin may reach: its owner's rules, and the names that it may look up at once.
//!
//! The system's resolver takes a thread for each name, of a pool that also saves files, and nobody can take a question
//! back: at sea it takes many seconds. So a plugin has a few at a time, over all its lives, whatever it connects,
//! closes and asks anew.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use signalk_bridge::Egress;
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::tls;

/// Names of one plugin that are looked up at once.
const AT_ONCE: usize = 8;

/// What one life of a plugin may reach.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pub(super) egress: Arc<Egress>,
    pub(super) names: Resolver,
    /// Whom it trusts beyond the usual: read at its first secure connection.
    pub(super) trusted: Arc<tls::Trusted>,
}

impl Reach {
    pub(super) fn new(egress: Arc<Egress>, names: Resolver) -> Reach {
        Reach { egress, names, trusted: Arc::default() }
    }
}

/// The system's resolver, as far as one plugin has it.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    at_once: Arc<Semaphore>,
    ask: fn(&str, u16) -> io::Result<Vec<SocketAddr>>,
}

impl Default for Resolver {
    fn default() -> Resolver {
        Resolver::new(|host, port| (host, port).to_socket_addrs().map(Iterator::collect))
    }
}

impl Resolver {
    fn new(ask: fn(&str, u16) -> io::Result<Vec<SocketAddr>>) -> Resolver {
        Resolver { at_once: Arc::new(Semaphore::new(AT_ONCE)), ask }
    }

    /// The addresses of a name, in the system's order. Who goes away meanwhile leaves the place taken until the system
    /// has answered.
    pub(super) async fn look_up(&self, host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        let place = Arc::clone(&self.at_once).acquire_owned().await;
        let ask = self.ask;
        let asked = spawn_blocking(move || {
            let _place = place;
            ask(&host, port)
        });
        asked.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use futures::FutureExt;

    use super::*;

    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static AT_SEA: Mutex<()> = Mutex::new(());

    #[tokio::test]
    async fn names_that_nobody_waits_for_any_more_take_no_more_threads() {
        let names = Resolver::new(|_, _| {
            ASKED.fetch_add(1, Ordering::SeqCst);
            drop(AT_SEA.lock());
            Ok(Vec::new())
        });
        {
            let _nobody_answers = AT_SEA.lock().unwrap();
            for _ in 0..100 {
                let mut asked = Box::pin(names.look_up("beacon.example".to_owned(), 1));
                assert!(asked.as_mut().now_or_never().is_none(), "then it is left");
            }
            assert_eq!(names.at_once.available_permits(), 0);
        }
        assert!(names.look_up("beacon.example".to_owned(), 1).await.unwrap().is_empty());
        assert_eq!(ASKED.load(Ordering::SeqCst), AT_ONCE + 1, "and none of the others");
    }
}
