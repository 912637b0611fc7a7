//! PUT and DELETE requests and their states (server-api.md 2.5, 3.8): who asked, what became of it. What a request *does*
//! is decided in `put`.

use std::{collections::VecDeque, time::Duration};

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::io::StreamId;

/// One request and what is known of its end.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) reply: Reply,
    /// A stream client that wants each change of state.
    pub(crate) asked_by: Option<StreamId>,
    /// The device client that shall answer it.
    pub(crate) forwarded_to: Option<StreamId>,
    created: Duration,
    /// When whoever was asked must have answered.
    answer_by: Option<Duration>,
}

/// State of a request: 202 is pending, everything else an end.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) message: Option<String>,
}

impl Reply {
    pub(crate) fn pending() -> Reply {
        Reply { status: 202, message: None }
    }

    pub(crate) fn done(status: u16) -> Reply {
        Reply { status, message: None }
    }

    pub(crate) fn failed(status: u16, message: impl Into<String>) -> Reply {
        Reply { status, message: Some(message.into()) }
    }
}

impl Request {
    /// The reply object.
    pub(crate) fn to_json(&self) -> Value {
        let mut reply = Map::new();
        let state = if self.reply.status == 202 { "PENDING" } else { "COMPLETED" };
        reply.insert("state".into(), state.into());
        reply.insert("requestId".into(), self.id.as_str().into());
        reply.insert("statusCode".into(), self.reply.status.into());
        if let Some(message) = &self.reply.message {
            reply.insert("message".into(), message.as_str().into());
        }
        reply.insert("href".into(), self.href().into());
        Value::Object(reply)
    }

    /// The reply object with the `action` that a pending answer over HTTP carries.
    pub(crate) fn to_http_json(&self) -> Value {
        let mut reply = self.to_json();
        let pending = self.reply.status == 202 && self.forwarded_to.is_none();
        if let Some(reply) = reply.as_object_mut().filter(|_| pending) {
            reply.insert("action".into(), json!({ "href": self.href() }));
        }
        reply
    }

    fn href(&self) -> String {
        format!("/signalk/v1/requests/{}", self.id)
    }
}

/// The requests of the last hour.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    by_id: IndexMap<String, Request>,
    /// In order of creation, for expiry.
    order: VecDeque<String>,
}

impl Requests {
    pub(crate) fn add(
        &mut self,
        now: Duration,
        id: String,
        reply: Reply,
        asked_by: Option<StreamId>,
    ) -> Request {
        let request = Request {
            id: id.clone(),
            reply,
            asked_by,
            forwarded_to: None,
            created: now,
            answer_by: None,
        };
        if self.by_id.insert(id.clone(), request.clone()).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > MOST {
            self.drop_oldest();
        }
        request
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Request> {
        self.by_id.get(id)
    }

    pub(crate) fn forward(&mut self, id: &str, to: StreamId) {
        if let Some(request) = self.by_id.get_mut(id) {
            request.forwarded_to = Some(to);
            request.answer_by = Some(request.created + ANSWER_WITHIN);
        }
    }

    /// A plugin said that it will take a while.
    pub(crate) fn wait(
        &mut self,
        now: Duration,
        id: &str,
        asked_by: Option<StreamId>,
    ) -> Option<&Request> {
        let request = self.by_id.get_mut(id).filter(|request| request.reply.status == 202)?;
        request.asked_by = asked_by;
        request.answer_by = Some(now + ANSWER_WITHIN);
        Some(request)
    }

    /// Sets the state; `None` when the request is unknown or already at its end.
    pub(crate) fn update(&mut self, id: &str, reply: Reply) -> Option<&Request> {
        let request = self.by_id.get_mut(id).filter(|request| request.reply.status == 202)?;
        request.reply = reply;
        Some(request)
    }

    /// Pending requests whose time to be answered is over.
    pub(crate) fn unanswered(&self, now: Duration) -> Vec<String> {
        let late = self.waiting().filter(|(_, by)| *by <= now);
        late.map(|(request, _)| request.id.clone()).collect()
    }

    /// When the next unanswered request is given up.
    pub(crate) fn next_unanswered(&self) -> Option<Duration> {
        self.waiting().map(|(_, by)| by).min()
    }

    fn waiting(&self) -> impl Iterator<Item = (&Request, Duration)> {
        let pending = self.by_id.values().filter(|request| request.reply.status == 202);
        pending.filter_map(|request| Some((request, request.answer_by?)))
    }

    /// Forgets the requests of more than an hour ago.
    pub(crate) fn prune(&mut self, now: Duration) {
        while let Some(oldest) = self.order.front().and_then(|id| self.by_id.get(id)) {
            if now.saturating_sub(oldest.created) < KEPT_FOR {
                return;
            }
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(id) = self.order.pop_front() {
            self.by_id.shift_remove(&id);
        }
    }
}

const KEPT_FOR: Duration = Duration::from_secs(3600);
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// About 3 MB at the most, whatever a client sends.
const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_ends_once_and_is_forgotten_after_an_hour() {
        let mut requests = Requests::default();
        requests.add(Duration::ZERO, "a".into(), Reply::pending(), None);
        assert_eq!(requests.update("a", Reply::done(200)).map(|r| r.reply.status), Some(200));
        assert!(requests.update("a", Reply::done(500)).is_none());
        requests.prune(Duration::from_secs(3599));
        assert!(requests.get("a").is_some());
        requests.prune(Duration::from_secs(3600));
        assert!(requests.get("a").is_none());
    }

    #[test]
    fn memory_is_bounded_by_the_oldest_going_first() {
        let mut requests = Requests::default();
        for n in 0..MOST + 5 {
            requests.add(Duration::ZERO, n.to_string(), Reply::done(200), None);
        }
        assert!(requests.get("4").is_none() && requests.get("5").is_some());
        assert_eq!(requests.by_id.len(), MOST);
    }
}
