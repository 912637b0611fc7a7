//! Which stream client published which path, so that a PUT can be handed to the device behind it (server-api.md 3.8).

use rustc_hash::FxHashMap;
use signalk_model::{Path, SourceRef};

use crate::io::StreamId;

/// Paths by their publishers.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    by_path: FxHashMap<Path, Vec<(SourceRef, StreamId)>>,
    /// Entries in all.
    count: usize,
}

impl Devices {
    /// A client sent a value. Called for every value over a stream: the common case is one lookup and one comparison.
    pub(crate) fn published(&mut self, path: &Path, source: &SourceRef, client: StreamId) {
        if let Some(publishers) = self.by_path.get_mut(path) {
            if let Some(known) = publishers.iter_mut().find(|(known, _)| known == source) {
                known.1 = client;
                return;
            }
            if self.count < MOST {
                self.count += 1;
                publishers.push((source.clone(), client));
            }
        } else if self.count < MOST {
            self.count += 1;
            self.by_path.insert(path.clone(), vec![(source.clone(), client)]);
        }
    }

    /// The client is gone.
    pub(crate) fn forget(&mut self, client: StreamId) {
        self.by_path.retain(|_, publishers| {
            publishers.retain(|(_, publisher)| *publisher != client);
            !publishers.is_empty()
        });
        self.count = self.by_path.values().map(Vec::len).sum();
    }

    /// Who published the path; with `source` only that one's.
    pub(crate) fn publishers<'a>(
        &'a self,
        path: &str,
        source: Option<&'a str>,
    ) -> impl Iterator<Item = StreamId> + 'a {
        let publishers = self.by_path.get(path).into_iter().flatten();
        publishers
            .filter(move |(known, _)| source.is_none_or(|source| **known == *source))
            .map(|(_, client)| *client)
    }
}

/// Paths a client may make the server remember: beyond it a PUT is "not supported" for the newest ones.
const MOST: usize = 100_000;
