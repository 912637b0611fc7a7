//! Which stream client published which path, so that a PUT can be handed to the device behind it (server-api.md 3.8).

use signalk_model::hash::NameMap;
use signalk_model::{Context, Path, SourceRef};

use crate::io::StreamId;

/// Paths by their publishers.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    by_path: NameMap<Context, NameMap<Path, Vec<(SourceRef, StreamId)>>>,
    /// Entries in all.
    count: usize,
}

impl Devices {
    /// A client sent a value. Called for every value over a stream: the common case is two lookups and one comparison.
    pub(crate) fn published(
        &mut self,
        context: &Context,
        path: &Path,
        source: &SourceRef,
        client: StreamId,
    ) {
        let known = self.by_path.get_mut(context).and_then(|paths| paths.get_mut(path));
        let known = known.and_then(|all| all.iter_mut().find(|(known, _)| known == source));
        if let Some(known) = known {
            known.1 = client;
        } else if self.count < MOST {
            self.count += 1;
            let paths = self.by_path.entry(context.clone()).or_default();
            paths.entry(path.clone()).or_default().push((source.clone(), client));
        }
    }

    /// The client is gone.
    pub(crate) fn forget(&mut self, client: StreamId) {
        self.by_path.retain(|_, paths| {
            paths.retain(|_, publishers| {
                publishers.retain(|(_, publisher)| *publisher != client);
                !publishers.is_empty()
            });
            !paths.is_empty()
        });
        self.count = self.by_path.values().flat_map(|paths| paths.values()).map(Vec::len).sum();
    }

    /// Who published the path of a context; with `source` only that one's.
    pub(crate) fn publishers<'a>(
        &'a self,
        context: &str,
        path: &str,
        source: Option<&'a str>,
    ) -> impl Iterator<Item = StreamId> + 'a {
        let paths = self.by_path.get(context);
        let publishers = paths.and_then(|paths| paths.get(path)).into_iter().flatten();
        publishers
            .filter(move |(known, _)| source.is_none_or(|source| **known == *source))
            .map(|(_, client)| *client)
    }
}

/// Paths a client may make the server remember: beyond it a PUT is "not supported" for the newest ones.
const MOST: usize = 100_000;
