//! Logging in, by HTTP and on a socket (server-api.md 6.3, 3.9): the attempt is counted, the password goes out to be
//! checked, and when the answer is there whoever waits is answered. Forms of requests are read by `api/security.rs` and
//! `stream`.

use core::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::attempts::{Peer, network};
use super::cookies::Login;
use super::password::PasswordCheck;
use super::secret::Secret;
use super::token::{self, Claims, Subject};
use super::{Caller, Rules};
use crate::http::{HttpRequest, HttpResponse};
use crate::io::{Effect, HttpId, Output, StreamId, Ticket};
use crate::server::Server;

/// Checks that wait or run; each is some tenths of a second of computing.
const MOST_PENDING: usize = 16;
/// Seconds that a browser keeps the cookies of somebody who wants to stay logged in for ever.
const TEN_YEARS: u64 = 315_576_000;
/// Of these from one address, so that one cannot keep everybody else out.
const MOST_OF_ONE: usize = 4;
/// Bytes of a name.
const LONGEST_NAME: usize = 200;
/// Bytes of a password.
const LONGEST_PASSWORD: usize = 1000;
const WRONG: &str = "Invalid username/password";

/// A name and a password, as given.
pub(crate) struct Attempt {
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) remember: bool,
}

/// Who waits.
#[derive(Debug)]
pub(crate) enum Asker {
    /// A program; `secure`: it came over TLS.
    Json { http: HttpId, secure: bool },
    /// A page's form, and where it wants to go.
    Form { http: HttpId, secure: bool, destination: String },
    /// A client on its socket, and what it calls its request.
    Stream { id: StreamId, request: Value },
}

/// A password that is being checked.
#[derive(Debug)]
pub(crate) struct Pending {
    asker: Asker,
    user: String,
    remember: bool,
    from: Option<Peer>,
}

/// How an attempt ended.
enum End {
    In(Granted),
    Wrong,
    /// Seconds to wait, and why.
    Later(u16, u64, String),
}

/// A new token.
pub(super) struct Granted {
    token: String,
    lasts: Option<u64>,
    remember: bool,
}

impl Granted {
    pub(super) fn cookies(&self, user: &str, secure: bool, now: u64) -> [String; 2] {
        let kept_for = self.remember.then(|| self.lasts.unwrap_or(TEN_YEARS));
        Login { user, token: &self.token, kept_for, secure, now }.cookies()
    }
}

impl Rules {
    pub(super) fn log_in(&self, user: &str, remember: bool, now: u64) -> Granted {
        let lasts = self.file.expiration.seconds();
        let expires = lasts.map(|lasts| now.saturating_add(lasts));
        let claims =
            Claims { subject: Subject::User(user.to_owned()), issued: now, expires, remember };
        Granted { token: token::sign(&self.key, &claims), lasts, remember }
    }
}

impl Server {
    /// Somebody wants to log in. Whoever waits is answered now or later.
    pub(crate) fn log_in(
        &mut self,
        now: Duration,
        peer: Option<IpAddr>,
        attempt: Attempt,
        asker: Asker,
    ) {
        let Some(rules) = &self.security.rules else {
            return self.login_ended(now, asker, "", End::Wrong);
        };
        if let Err(wait) = self.security.attempts.count(now, peer) {
            let text = "too many attempts to log in from this address: try again later";
            let end = End::Later(429, wait.as_secs().max(1), text.to_owned());
            return self.login_ended(now, asker, "", end);
        }
        if self.security.pending.len() >= MOST_PENDING {
            let text = format!("{MOST_PENDING} passwords are being checked: try again");
            return self.login_ended(now, asker, "", End::Later(503, 1, text));
        }
        let from = peer.map(network);
        let of_one = self.security.pending.values().filter(|pending| pending.from == from).count();
        if of_one >= MOST_OF_ONE {
            let text = format!("{MOST_OF_ONE} passwords from this address are being checked");
            return self.login_ended(
                now,
                asker,
                "",
                End::Later(503, 1, format!("{text}: try again")),
            );
        }
        // Nobody's, and it would be kept until its turn comes.
        if attempt.user.len() > LONGEST_NAME || attempt.password.expose().len() > LONGEST_PASSWORD {
            return self.login_ended(now, asker, "", End::Wrong);
        }
        let user = attempt.user.trim().to_owned();
        let users = &rules.file.users;
        let known = users.iter().find(|known| known.name == user);
        let hash = known.and_then(|user| user.password.clone());
        let check = match hash {
            Some(hash) => PasswordCheck::new(attempt.password, hash),
            None => {
                let others = users.iter().filter_map(|user| user.password.as_ref());
                PasswordCheck::of_nobody(attempt.password, others)
            }
        };
        let ticket = self.ticket();
        let pending = Pending { asker, user, remember: attempt.remember, from };
        self.security.pending.insert(ticket, pending);
        self.outputs.push_back(Output::Effect(Effect::CheckPassword { ticket, check }));
    }

    /// A password was checked.
    pub(crate) fn password_checked(&mut self, now: Duration, ticket: Ticket, is_right: bool) {
        let Some(pending) = self.security.pending.remove(&ticket) else { return };
        let Pending { asker, user, remember, .. } = pending;
        let date = self.unix_seconds();
        let granted = self.security.rules.as_ref().filter(|_| is_right);
        let end = match granted.map(|rules| rules.log_in(&user, remember, date)) {
            Some(granted) => End::In(granted),
            None => {
                // An unknown name may be a password that was typed into the wrong field.
                let text = if self.security.has_user(&user) {
                    format!("a login as {:?} failed: wrong password", shown(&user))
                } else {
                    "a login as somebody who is no user failed".to_owned()
                };
                self.log_line(crate::io::LogLevel::Warn, "core".into(), text);
                End::Wrong
            }
        };
        self.login_ended(now, asker, &user, end);
    }

    fn login_ended(&mut self, now: Duration, asker: Asker, user: &str, end: End) {
        match asker {
            Asker::Json { http, secure } => {
                let response = self.json_answer(user, secure, end);
                self.respond(http, &HttpRequest::default(), response);
            }
            Asker::Form { http, secure, destination } => {
                let response = self.form_answer(user, secure, &destination, end);
                self.respond(http, &HttpRequest::default(), response);
            }
            Asker::Stream { id, request } => self.answer_on_stream(now, id, &request, end),
        }
    }

    fn json_answer(&self, user: &str, secure: bool, end: End) -> HttpResponse {
        match end {
            End::In(granted) => {
                let body = json!({ "timeToLive": granted.lasts, "token": granted.token });
                self.with_cookies(HttpResponse::json(200, &body), user, secure, &granted)
            }
            End::Wrong => HttpResponse::json(401, &json!({ "statusCode": 401, "message": WRONG })),
            End::Later(status, wait, text) => {
                HttpResponse::json(status, &json!({ "message": text }))
                    .with("retry-after", wait.to_string())
            }
        }
    }

    fn form_answer(&self, user: &str, secure: bool, to: &str, end: End) -> HttpResponse {
        match end {
            End::In(granted) => {
                self.with_cookies(HttpResponse::redirect(302, to), user, secure, &granted)
            }
            End::Wrong => HttpResponse::html(401, WRONG),
            End::Later(status, wait, text) => {
                HttpResponse::text(status, text).with("retry-after", wait.to_string())
            }
        }
    }

    fn with_cookies(
        &self,
        mut response: HttpResponse,
        user: &str,
        secure: bool,
        granted: &Granted,
    ) -> HttpResponse {
        for cookie in granted.cookies(user, secure, self.unix_seconds()) {
            response = response.with("set-cookie", cookie);
        }
        response.with("cache-control", "no-store")
    }

    /// From now on the client is who it says.
    fn answer_on_stream(&mut self, now: Duration, id: StreamId, request: &Value, end: End) {
        let answer = |status: u16| json!({ "requestId": request, "state": "COMPLETED", "statusCode": status });
        let mut reply = match &end {
            End::In(_) => answer(200),
            End::Wrong => answer(401),
            End::Later(status, ..) => answer(*status),
        };
        let (member, value) = match end {
            End::In(granted) => {
                self.known_on_stream(id, &granted.token);
                ("login", json!({ "timeToLive": granted.lasts, "token": granted.token }))
            }
            End::Wrong => ("login", json!({})),
            End::Later(_, _, text) => ("message", text.into()),
        };
        if let Some(reply) = reply.as_object_mut() {
            reply.insert(member.into(), value);
        }
        self.send(id, reply.to_string());
        self.take_up_events(now, id);
    }

    fn known_on_stream(&mut self, id: StreamId, token: &str) {
        let now = self.unix_seconds();
        let Some(rules) = self.security.rules.as_ref() else { return };
        let found = super::Found { token: token.into(), by_cookie: false };
        let caller: Option<Caller> = rules.caller(Some(found), now).ok();
        // The client may have gone while its password was checked.
        if let Some(caller) = caller.filter(|_| self.streams.has(id)) {
            if !caller.may_read() {
                // What flows was asked for by whoever it was before.
                self.stop_stream(id);
            }
            self.security.socket_is(id, caller);
        }
    }
}

/// A name in the log.
fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}
