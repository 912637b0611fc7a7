//! For tests: a secured boat with a user of each level, and their tokens. Passwords are executed by the test, as an
//! edge does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::Secret;
use super::token::{Claims, Subject, sign};
use crate::{
    Config, ConfigTexts, Core, Effect, HttpId, HttpRequest, HttpResponse, Input, Output, Platform,
    Report, StreamId,
};

const KEY: &str = "key of the tests";
/// Seconds since 1970 when a test begins.
pub(crate) const BEGIN: u64 = 1_800_000_000;

/// `security.json` with users admin, rw and ro, whose passwords are admin-pw, rw and ro, and with a device.
pub(crate) fn file(change: impl FnOnce(&mut Value)) -> String {
    let mut file = json!({
        "users": [
            { "username": "admin", "type": "admin", "password": "$2b$04$abcdefghijklmnopqrstuunjjXVilITTjGtFH/emy.ACeBYJBzOuG" },
            { "username": "rw", "type": "readwrite", "password": "$2b$04$bbcdefghijklmnopqrstuuxF2aHyxX6kUtzQurHI5u6PYbeGiA1jG" },
            { "username": "ro", "type": "readonly", "password": "$2b$04$cbcdefghijklmnopqrstuunOe4nyZFGpIzI.RqxZtbtwJBmqGyI5y" },
        ],
        "devices": [{ "clientId": "d-1", "permissions": "readwrite", "description": "a device" }],
        "allow_readonly": false, "expiration": "NEVER", "secretKey": KEY, "acls": [],
    });
    change(&mut file);
    file.to_string()
}

/// A configuration directory with that file.
pub(crate) fn config(change: impl FnOnce(&mut Value)) -> Config {
    let security = Some(Secret::from(file(change)));
    Config::from_texts(ConfigTexts { security, ..ConfigTexts::default() })
}

/// A token of a user, which ends at this second.
pub(crate) fn token(user: &str, expires: Option<u64>) -> String {
    let subject = Subject::User(user.to_owned());
    sign(&KEY.into(), &Claims { subject, issued: BEGIN, expires, remember: false })
}

/// The same of a device.
pub(crate) fn device_token(id: &str) -> String {
    let subject = Subject::Device(id.to_owned());
    sign(&KEY.into(), &Claims { subject, issued: BEGIN, expires: None, remember: false })
}

/// A request with a token.
pub(crate) fn request(method: &str, target: &str, token: Option<&str>) -> HttpRequest {
    let header = |token: &str| ("authorization".to_owned(), format!("Bearer {token}"));
    HttpRequest {
        method: method.to_owned(),
        headers: token.map(header).into_iter().collect(),
        ..HttpRequest::get(target)
    }
}

#[derive(Default)]
struct Clock(AtomicU64);

impl Platform for Clock {
    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
    fn wall_clock(&self) -> Duration {
        Duration::from_secs(BEGIN) + self.monotonic()
    }
    fn fill_random(&self, buf: &mut [u8]) {
        buf.fill(4);
    }
}

/// The core, and what clients see of it.
pub(crate) struct World {
    pub(crate) core: Core,
    clock: Arc<Clock>,
    last: u64,
    answers: BTreeMap<HttpId, HttpResponse>,
    pub(crate) frames: BTreeMap<StreamId, Vec<Value>>,
    pub(crate) closed: BTreeMap<StreamId, String>,
    pub(crate) rejected: BTreeMap<StreamId, HttpResponse>,
    pub(crate) log: Vec<String>,
    /// Passwords are checked when the test says so.
    pub(crate) is_slow: bool,
    pub(crate) late: Vec<Effect>,
}

impl World {
    pub(crate) fn new(config: Config) -> World {
        let clock = Arc::new(Clock::default());
        let mut world = World {
            core: Core::new(config, clock.clone()),
            clock,
            last: 0,
            answers: BTreeMap::new(),
            frames: BTreeMap::new(),
            closed: BTreeMap::new(),
            rejected: BTreeMap::new(),
            log: Vec::new(),
            is_slow: false,
            late: Vec::new(),
        };
        world.drain();
        world
    }

    /// The answer, if it comes at once or after a password was checked.
    pub(crate) fn ask(&mut self, request: HttpRequest) -> Option<HttpResponse> {
        self.last += 1;
        let id = HttpId(self.last);
        self.input(Input::Http { id, request });
        self.answers.remove(&id)
    }

    /// A stream; what it hears at once is in `frames`.
    pub(crate) fn open(&mut self, request: HttpRequest) -> StreamId {
        self.last += 1;
        let id = StreamId(self.last);
        self.input(Input::StreamOpened { id, request });
        id
    }

    pub(crate) fn say(&mut self, id: StreamId, message: &Value) {
        self.input(Input::StreamMessage { id, text: message.to_string().into() });
    }

    /// The frames since the last call.
    pub(crate) fn heard(&mut self, id: StreamId) -> Vec<Value> {
        self.frames.remove(&id).unwrap_or_default()
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.core.handle_input(self.clock.monotonic(), input);
        self.drain();
    }

    /// The clocks jump, minute by minute.
    pub(crate) fn advance(&mut self, seconds: u64) {
        for _ in 0..seconds.div_ceil(60) {
            self.clock.0.fetch_add(60, Ordering::Relaxed);
            self.input(Input::Tick);
        }
    }

    fn drain(&mut self) {
        loop {
            match self.core.poll_output(self.clock.monotonic()) {
                Output::Effect(effect) => self.carry_out(effect),
                Output::Run { .. } => {}
                Output::Wait { .. } => return,
            }
        }
    }

    pub(crate) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::CheckPassword { .. } if self.is_slow => self.late.push(effect),
            Effect::CheckPassword { ticket, check } => {
                let report = Report::PasswordChecked { ticket, is_right: check.execute() };
                self.input(Input::Report(report));
            }
            Effect::HttpRespond { id, response } => {
                self.answers.insert(id, response);
            }
            Effect::StreamSend { id, frame } => {
                self.frames.entry(id).or_default().push(serde_json::from_slice(&frame).unwrap());
            }
            Effect::StreamSendMany { ids, frame } => {
                for id in ids.iter() {
                    let text = serde_json::from_slice(&frame).unwrap();
                    self.frames.entry(*id).or_default().push(text);
                }
            }
            Effect::StreamClose { id, reason, .. } => {
                self.closed.insert(id, reason);
            }
            Effect::StreamReject { id, response } => {
                self.rejected.insert(id, response);
            }
            Effect::Log { text, .. } => self.log.push(text),
            _ => {}
        }
    }
}

/// The body of an answer as JSON.
pub(crate) fn body(response: &HttpResponse) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_default()
}
