//! Names that a plugin sends datagrams to. A resolver that does not answer (a boat at sea has no name server) takes
//! many seconds: meanwhile the socket receives and sends to others, and what is for this name waits. That a name was
//! not found is remembered for a while, too.

use std::{collections::BTreeMap, io, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};

use super::backlog::Place;

/// A name is looked up again after this.
const FOUND_HOLDS: Duration = Duration::from_secs(60);
/// And after this when there was no answer, or a bad one.
const MISSING_HOLDS: Duration = Duration::from_secs(10);
/// Names of one socket that are known or asked for.
const NAMES: usize = 100;
/// Questions of one socket at once: each takes a thread of the pool that also saves files.
const AT_ONCE: usize = 2;

/// The resolver: the addresses of a name, of which there may be none.
type Ask = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync;

/// A datagram that is not sent yet.
#[derive(Debug)]
pub(super) struct Unsent {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) data: Bytes,
    /// Its place among those that may wait.
    pub(super) _place: Place,
}

/// The addresses of a name, or what is wrong with it.
pub(super) type Found = Result<Vec<IpAddr>, String>;

/// The names of one socket.
pub(super) struct Names {
    ask: Box<Ask>,
    known: BTreeMap<String, Name>,
    asking: JoinSet<(String, io::Result<Vec<IpAddr>>)>,
    at_once: Arc<Semaphore>,
}

enum Name {
    /// These wait for the answer.
    Asked(Vec<Unsent>),
    Answered(Found, Instant),
}

impl Names {
    pub(super) fn new(
        ask: impl Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync + 'static,
    ) -> Names {
        let ask = Box::new(ask);
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        Names { ask, known: BTreeMap::new(), asking: JoinSet::new(), at_once }
    }

    /// Where a datagram goes; `None`: it waits here for the answer.
    pub(super) fn find(&mut self, unsent: Unsent) -> Option<(Unsent, Found)> {
        let now = Instant::now();
        self.known.retain(|_, name| !matches!(name, Name::Answered(_, until) if *until <= now));
        match self.known.get_mut(&unsent.host) {
            Some(Name::Answered(found, _)) => return Some((unsent, found.clone())),
            Some(Name::Asked(waiting)) => {
                waiting.push(unsent);
                return None;
            }
            None => {}
        }
        if self.known.len() >= NAMES {
            let text = format!(
                "this socket has sent to {NAMES} names within a minute; send to addresses instead"
            );
            return Some((unsent, Err(text)));
        }
        let (host, at_once) = (unsent.host.clone(), Arc::clone(&self.at_once));
        let question = (self.ask)(host.clone());
        self.known.insert(host.clone(), Name::Asked(vec![unsent]));
        self.asking.spawn(async move {
            let _permit = at_once.acquire_owned().await;
            (host, question.await)
        });
        None
    }

    /// A name is being looked up.
    pub(super) fn is_asking(&self) -> bool {
        !self.asking.is_empty()
    }

    /// The next answer, and what has waited for it, in the order given. Only while [`Names::is_asking`].
    pub(super) async fn answered(&mut self) -> (Vec<Unsent>, Found) {
        let Some(Ok((host, answer))) = self.asking.join_next().await else {
            return (Vec::new(), Ok(Vec::new()));
        };
        let (found, holds) = match answer {
            Ok(addresses) if addresses.is_empty() => {
                (Err(format!("`{host}` has no address")), MISSING_HOLDS)
            }
            Ok(addresses) => (Ok(addresses), FOUND_HOLDS),
            Err(error) => (Err(format!("cannot find `{host}`: {error}")), MISSING_HOLDS),
        };
        let answer = Name::Answered(found.clone(), Instant::now() + holds);
        match self.known.insert(host, answer) {
            Some(Name::Asked(waiting)) => (waiting, found),
            _ => (Vec::new(), found),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt;

    use super::*;
    use crate::plugin_net::udp::backlog::{self, Room};

    static ASKED: AtomicUsize = AtomicUsize::new(0);

    fn at_sea(_name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        ASKED.fetch_add(1, Ordering::Relaxed);
        async {
            tokio::time::sleep(Duration::from_secs(8)).await;
            Err(io::Error::other("no name server"))
        }
        .boxed()
    }

    fn to(host: &str, room: &Room) -> Unsent {
        let place = room.take(host, b"").unwrap();
        Unsent { host: host.to_owned(), port: 1, data: Bytes::new(), _place: place }
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_is_not_found_is_asked_for_once_in_a_while() {
        let room = Room::new(backlog::PluginRoom::default());
        let mut names = Names::new(at_sea);
        for _ in 0..50 {
            assert!(names.find(to("beacon.example", &room)).is_none(), "it waits");
        }
        let (waited, found) = names.answered().await;
        assert_eq!((waited.len(), ASKED.load(Ordering::Relaxed)), (50, 1));
        assert!(found.unwrap_err().contains("no name server"));
        let (_, found) = names.find(to("beacon.example", &room)).expect("remembered");
        assert!(found.is_err() && !names.is_asking());
        tokio::time::advance(MISSING_HOLDS).await;
        assert!(names.find(to("beacon.example", &room)).is_none(), "asked for again");
        for number in 0..2 * NAMES {
            names.find(to(&number.to_string(), &room));
        }
        assert_eq!(names.known.len(), NAMES);
    }
}
