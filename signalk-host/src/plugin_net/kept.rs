//! Answers by HTTP that are kept for one life of a plugin: `signalk_bridge::Cache` with a clock, and the owner's rules
//! before it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use signalk_bridge::{Cache, Egress, FetchHead, FetchRequest, Found, KeptAnswer};
use tokio::time::Instant;
use url::Url;

use super::{connect, fetch::Failure};

/// The answers.
#[derive(Clone)]
pub(super) struct Kept {
    began: Instant,
    cache: Arc<Mutex<Cache>>,
    egress: Arc<Egress>,
}

impl Kept {
    /// None is kept.
    pub(super) fn new(egress: Arc<Egress>) -> Kept {
        Kept { began: Instant::now(), cache: Arc::default(), egress }
    }

    /// What is there for a request.
    ///
    /// # Errors
    ///
    /// The owner's rules refuse it: what is kept does not serve either.
    pub(super) fn look(&self, request: &FetchRequest) -> Result<Found, String> {
        if !request.cache {
            return Ok(Found::Nothing);
        }
        let found = self.cache().look(request, self.began.elapsed());
        if matches!(found, Found::Nothing) {
            return Ok(found);
        }
        if let Ok(url) = Url::parse(&request.url) {
            connect::permitted(&self.egress, &url).map_err(|error| error.to_string())?;
        }
        Ok(found)
    }

    /// Takes an answer of the server; what the plugin gets.
    pub(super) fn answered(
        &self,
        request: &FetchRequest,
        known: Option<KeptAnswer>,
        head: FetchHead,
        body: Bytes,
    ) -> (FetchHead, Bytes) {
        if !request.cache {
            return (head, body);
        }
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.cache().answered(request, known, (head, body), self.began.elapsed(), wall)
    }

    /// There was no answer: what is kept serves, unless the request is refused.
    ///
    /// # Errors
    ///
    /// Nothing serves.
    pub(super) fn failed(
        &self,
        known: Option<KeptAnswer>,
        failure: Failure,
    ) -> Result<(FetchHead, Bytes), String> {
        match (known, failure) {
            (Some(known), Failure::Passing(text)) => {
                tracing::debug!("an older answer serves: {text}");
                Ok(known.stale(self.began.elapsed()))
            }
            (_, Failure::Passing(text) | Failure::Final(text)) => Err(text),
        }
    }

    /// A plugin changed what is there.
    pub(super) fn changed(&self, url: &str) {
        self.cache().changed(url);
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
