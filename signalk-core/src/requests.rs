//! PUT and DELETE requests and their states (server-api.md 2.5, 3.8): who asked, what became of it. What a request
//! *does* is decided in `put`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    time::Duration,
};

use serde_json::{Map, Value, json};

use crate::{io::StreamId, plugins::PluginPut};

/// Who hears of a request's later states. (HTTP clients ask again by its id.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listener {
    /// Of each change.
    Stream(StreamId),
    /// Of the end.
    Plugin(PluginPut),
}

/// Names a request in here. Clients know it by its id, which is their own choice: two may choose the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestNumber(u64);

/// One request and what is known of its end.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) number: RequestNumber,
    pub(crate) id: String,
    pub(crate) reply: Reply,
    pub(crate) asked_by: Option<Listener>,
    /// With security on: the name of who asked, or null.
    pub(crate) user: Option<Value>,
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

    /// With no more of the message than is kept.
    fn cut(mut self) -> Reply {
        if let Some(message) = &mut self.message
            && message.len() > LONGEST_MESSAGE
        {
            message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
            message.push('…');
        }
        self
    }
}

impl Request {
    /// A request that is not kept: only its reply is wanted.
    pub(crate) fn unkept(id: String, reply: Reply) -> Request {
        let number = RequestNumber(0);
        let created = Duration::ZERO;
        Request {
            number,
            id,
            reply: reply.cut(),
            asked_by: None,
            user: None,
            forwarded_to: None,
            created,
            answer_by: None,
        }
    }

    /// The reply object.
    pub(crate) fn to_json(&self) -> Value {
        let mut reply = Map::new();
        let state = if self.is_pending() { "PENDING" } else { "COMPLETED" };
        reply.insert("state".into(), state.into());
        reply.insert("requestId".into(), self.id.as_str().into());
        reply.insert("statusCode".into(), self.reply.status.into());
        if let Some(message) = &self.reply.message {
            reply.insert("message".into(), message.as_str().into());
        }
        reply.insert("href".into(), self.href().into());
        if let Some(user) = &self.user {
            reply.insert("user".into(), user.clone());
        }
        Value::Object(reply)
    }

    /// What anybody may know of it: ids are the clients' own, and easily guessed.
    pub(crate) fn to_bare_json(&self) -> Value {
        let mut reply = self.to_json();
        if let Some(reply) = reply.as_object_mut() {
            reply.shift_remove("message");
            reply.shift_remove("user");
        }
        reply
    }

    /// The reply object with the `action` that a pending answer over HTTP carries.
    pub(crate) fn to_http_json(&self) -> Value {
        let mut reply = self.to_json();
        let pending = self.is_pending() && self.forwarded_to.is_none();
        if let Some(reply) = reply.as_object_mut().filter(|_| pending) {
            reply.insert("action".into(), json!({ "href": self.href() }));
        }
        reply
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.reply.status == 202
    }

    fn href(&self) -> String {
        format!("/signalk/v1/requests/{}", self.id)
    }
}

/// The requests of the last hour. Nothing in here looks at all of them: a client may make thousands.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// In order of creation.
    kept: BTreeMap<RequestNumber, Request>,
    by_id: BTreeSet<(String, RequestNumber)>,
    /// Pending ones whose answer has a time limit.
    due: BTreeSet<(Duration, RequestNumber)>,
    /// Those that have ended: they make room for newer ones. Of a pending one somebody waits to hear.
    ended: BTreeSet<RequestNumber>,
    last: u64,
}

impl Requests {
    /// Whether one more can be kept: not if all that are here wait for their answers.
    pub(crate) fn have_room(&self) -> bool {
        self.kept.len() < MOST || !self.ended.is_empty()
    }

    /// Keeps a request. Another one of the same client with the same id is forgotten for it, and the oldest that has
    /// ended where there is no other room.
    pub(crate) fn add(
        &mut self,
        now: Duration,
        id: String,
        reply: Reply,
        asked_by: Option<Listener>,
    ) -> Request {
        let same = self.of_id(&id).find(|request| request.asked_by == asked_by);
        if let Some(number) = same.map(|request| request.number) {
            self.forget(number);
        }
        self.last += 1;
        let number = RequestNumber(self.last);
        let request = Request {
            number,
            id: id.clone(),
            reply: reply.cut(),
            asked_by,
            user: None,
            forwarded_to: None,
            created: now,
            answer_by: None,
        };
        if self.kept.len() >= MOST
            && let Some(oldest) = self.ended.first().copied()
        {
            self.forget(oldest);
        }
        self.by_id.insert((id, number));
        if !request.is_pending() {
            self.ended.insert(number);
        }
        self.kept.insert(number, request.clone());
        request
    }

    /// With security on: who asked.
    pub(crate) fn said_by(&mut self, number: RequestNumber, user: Option<Value>) {
        if let Some(request) = self.kept.get_mut(&number) {
            request.user = user;
        }
    }

    /// The newest request of this id.
    pub(crate) fn get(&self, id: &str) -> Option<&Request> {
        self.of_id(id).next()
    }

    /// The client's own request of this id, or else the newest of anybody.
    pub(crate) fn of_client(&self, client: StreamId, id: &str) -> Option<&Request> {
        let client = Some(Listener::Stream(client));
        let own = self.of_id(id).find(|request| request.asked_by == client);
        own.or_else(|| self.get(id))
    }

    /// The oldest pending request of this id that this client was asked.
    pub(crate) fn forwarded(&self, to: StreamId, id: &str) -> Option<RequestNumber> {
        let asked = |request: &&Request| request.forwarded_to == Some(to) && request.is_pending();
        self.of_id(id).filter(asked).last().map(|request| request.number)
    }

    /// Requests of one id, the newest first; of more than a hundred the older ones are not found.
    fn of_id(&self, id: &str) -> impl Iterator<Item = &Request> {
        let number = |number| Bound::Included((id.to_owned(), RequestNumber(number)));
        let rows = self.by_id.range((number(0), number(u64::MAX))).rev();
        rows.take(OF_ONE_ID).filter_map(|(_, number)| self.kept.get(number))
    }

    /// A device client was asked.
    pub(crate) fn forward(&mut self, number: RequestNumber, to: StreamId) {
        if let Some(request) = self.kept.get_mut(&number) {
            request.forwarded_to = Some(to);
            let by = request.created + ANSWER_WITHIN;
            request.answer_by = Some(by);
            self.due.insert((by, number));
        }
    }

    /// A plugin said that it will take a while.
    pub(crate) fn wait(
        &mut self,
        now: Duration,
        number: RequestNumber,
        asked_by: Option<Listener>,
    ) -> Option<&Request> {
        let request = self.kept.get_mut(&number).filter(|request| request.is_pending())?;
        request.asked_by = asked_by;
        let by = now + ANSWER_WITHIN;
        if let Some(before) = request.answer_by.replace(by) {
            self.due.remove(&(before, number));
        }
        self.due.insert((by, number));
        Some(request)
    }

    /// Sets the state; `None` when the request is unknown or already at its end.
    pub(crate) fn update(&mut self, number: RequestNumber, reply: Reply) -> Option<&Request> {
        let request = self.kept.get_mut(&number).filter(|request| request.is_pending())?;
        request.reply = reply.cut();
        if !request.is_pending() {
            self.ended.insert(number);
            if let Some(by) = request.answer_by {
                self.due.remove(&(by, number));
            }
        }
        Some(request)
    }

    /// A pending request whose time to be answered is over.
    pub(crate) fn unanswered(&self, now: Duration) -> Option<RequestNumber> {
        self.due.first().filter(|(by, _)| *by <= now).map(|(_, number)| *number)
    }

    /// Whether a device client was asked.
    pub(crate) fn is_forwarded(&self, number: RequestNumber) -> bool {
        self.kept.get(&number).is_some_and(|request| request.forwarded_to.is_some())
    }

    /// When the next unanswered request is given up.
    pub(crate) fn next_unanswered(&self) -> Option<Duration> {
        self.due.first().map(|(by, _)| *by)
    }

    /// Forgets the requests of more than an hour ago.
    pub(crate) fn prune(&mut self, now: Duration) {
        while let Some((number, oldest)) = self.kept.first_key_value() {
            if now.saturating_sub(oldest.created) < KEPT_FOR {
                return;
            }
            self.forget(*number);
        }
    }

    /// Nobody asks for it any more.
    pub(crate) fn forget(&mut self, number: RequestNumber) {
        let Some(request) = self.kept.remove(&number) else { return };
        self.ended.remove(&number);
        self.by_id.remove(&(request.id, number));
        if let Some(by) = request.answer_by {
            self.due.remove(&(by, number));
        }
    }
}

const KEPT_FOR: Duration = Duration::from_secs(3600);
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Requests that are kept. With the longest id (200 bytes) and message (1000) that is 15 MB, whatever clients send;
/// about 3 MB of usual ones.
const MOST: usize = 10_000;
/// Bytes of a message that are kept: a few sentences.
const LONGEST_MESSAGE: usize = 1000;
/// Requests of the same id that are told apart. Ids are usually UUIDs, or count from 1 in each client.
const OF_ONE_ID: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_ends_once_and_is_forgotten_after_an_hour() {
        let mut requests = Requests::default();
        let number = requests.add(Duration::ZERO, "a".into(), Reply::pending(), None).number;
        assert_eq!(requests.update(number, Reply::done(200)).map(|r| r.reply.status), Some(200));
        assert!(requests.update(number, Reply::done(500)).is_none());
        requests.prune(Duration::from_secs(3599));
        assert!(requests.get("a").is_some());
        requests.prune(Duration::from_secs(3600));
        assert!(requests.get("a").is_none());
        assert!(requests.by_id.is_empty());
    }

    #[test]
    fn memory_is_bounded_by_the_oldest_going_first() {
        let mut requests = Requests::default();
        for n in 0..MOST + 5 {
            requests.add(Duration::ZERO, n.to_string(), Reply::done(200), None);
        }
        assert!(requests.get("4").is_none() && requests.get("5").is_some());
        assert_eq!((requests.kept.len(), requests.by_id.len()), (MOST, MOST));
    }

    #[test]
    fn a_request_that_waits_is_not_forgotten_for_newer_ones() {
        let mut requests = Requests::default();
        let waits = requests.add(Duration::ZERO, "waits".into(), Reply::pending(), None).number;
        for n in 0..MOST + 5 {
            requests.add(Duration::ZERO, n.to_string(), Reply::done(200), None);
        }
        assert!(requests.update(waits, Reply::done(200)).is_some());
        let mut requests = Requests::default();
        for n in 0..MOST {
            assert!(requests.have_room());
            requests.add(Duration::ZERO, n.to_string(), Reply::pending(), None);
        }
        assert!(!requests.have_room());
        let first = requests.get("0").unwrap().number;
        requests.update(first, Reply::done(200));
        assert!(requests.have_room());
    }

    /// Who looks for the next deadline meets only requests that have one.
    #[test]
    fn requests_that_have_ended_are_not_walked() {
        let mut requests = Requests::default();
        let device = StreamId(1);
        for n in 0..1000 {
            let number = requests.add(Duration::ZERO, n.to_string(), Reply::pending(), None).number;
            requests.forward(number, device);
            if n >= 2 {
                requests.update(number, Reply::done(200));
            }
        }
        assert_eq!(requests.due.len(), 2);
        assert_eq!(requests.next_unanswered(), Some(ANSWER_WITHIN));
        let first = requests.unanswered(ANSWER_WITHIN).unwrap();
        requests.update(first, Reply::done(504));
        let second = requests.unanswered(ANSWER_WITHIN).unwrap();
        requests.forget(second);
        assert_eq!((requests.unanswered(ANSWER_WITHIN), requests.due.len()), (None, 0));
    }

    #[test]
    fn an_id_is_a_clients_own() {
        let mut requests = Requests::default();
        for client in 1..=3 {
            let asked_by = Some(Listener::Stream(StreamId(client)));
            requests.add(Duration::ZERO, "1".into(), Reply::pending(), asked_by);
        }
        let first = requests.of_client(StreamId(1), "1").unwrap().number;
        requests.update(first, Reply::done(200));
        assert_eq!(requests.of_client(StreamId(1), "1").unwrap().reply.status, 200);
        assert_eq!(requests.of_client(StreamId(2), "1").unwrap().reply.status, 202);
        assert_eq!(
            requests.of_client(StreamId(9), "1").unwrap().asked_by,
            Some(Listener::Stream(StreamId(3)))
        );
        let first = Some(Listener::Stream(StreamId(1)));
        requests.add(Duration::ZERO, "1".into(), Reply::pending(), first);
        assert_eq!(requests.kept.len(), 3, "the same client's older one is forgotten");
    }

    #[test]
    fn a_long_message_is_cut_between_letters() {
        let mut requests = Requests::default();
        let long = "ä".repeat(LONGEST_MESSAGE);
        let request = requests.add(Duration::ZERO, "a".into(), Reply::failed(500, long), None);
        let message = request.reply.message.unwrap();
        assert!(message.len() <= LONGEST_MESSAGE + 3 && message.ends_with("ä…"));
    }
}
