//! Token security (server-api.md 6): who asks, and how much they may.
//!
//! The parts: `file` reads `security.json`, `password` checks passwords off the core's step, `token` signs and
//! verifies, `credentials` and `cookies` are how both travel, `caller` is the four levels, `attempts` bounds logins and
//! `login` is what they do. Which route needs which level is one table, `api/routes.rs`, with one gate, `api/gate.rs`;
//! streams ask [`Security::socket`].
//!
//! Not here, and so refused: changing users and devices, access requests, OIDC, rules for single paths (`acls`).

mod attempts;
mod caller;
mod cookies;
mod credentials;
mod expiration;
mod file;
mod login;
mod password;
mod secret;
mod token;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::{
    attempts::Attempts,
    credentials::Found,
    login::Pending,
    token::{Claims, Subject},
};
pub(crate) use self::{
    caller::{Caller, Level, Needs},
    cookies::{cleared, is_cookie_of_logins},
    credentials::is_foreign,
    login::{Asker as LoginAsker, Attempt},
    token::BadToken,
};
pub use self::{file::SecurityFile, password::PasswordCheck, secret::Secret};
use crate::{
    guest::Platform,
    http::HttpRequest,
    io::{StreamId, Ticket},
};

/// Whether there is security, for whom, and who is behind each socket.
#[derive(Debug, Default)]
pub(crate) struct Security {
    /// `None`: the open mode.
    rules: Option<Rules>,
    attempts: Attempts,
    pending: BTreeMap<Ticket, Pending>,
    /// Of all kinds; empty in the open mode.
    sockets: BTreeMap<StreamId, Caller>,
}

/// What `security.json` says.
#[derive(Debug)]
struct Rules {
    file: SecurityFile,
    key: Secret,
}

/// Whoever comes while security is off: it is their boat.
static OWNER: Caller = Caller::unnamed(Level::Admin);
/// Who is not known.
static NOBODY: Caller = Caller::unnamed(Level::Nobody);

impl Security {
    pub(crate) fn new(file: Option<SecurityFile>, platform: &dyn Platform) -> Security {
        let rules = file.map(|file| {
            let key = file.key.clone().unwrap_or_else(|| drawn_key(platform));
            Rules { file, key }
        });
        Security { rules, ..Security::default() }
    }

    /// Who sends this request.
    pub(crate) fn caller(&self, request: &HttpRequest, now: u64) -> Result<Caller, BadToken> {
        let Some(rules) = &self.rules else { return Ok(OWNER.clone()) };
        rules.caller(Found::in_request(request), now)
    }

    /// Who asks for a socket.
    pub(crate) fn upgrader(&self, request: &HttpRequest, now: u64) -> Result<Caller, BadToken> {
        let Some(rules) = &self.rules else { return Ok(OWNER.clone()) };
        rules.caller(Found::in_upgrade(request), now)
    }

    /// Who is behind a socket.
    pub(crate) fn socket(&self, id: StreamId) -> &Caller {
        match &self.rules {
            None => &OWNER,
            Some(_) => self.sockets.get(&id).unwrap_or(&NOBODY),
        }
    }

    /// A socket is open, or somebody has logged in on it.
    pub(crate) fn socket_is(&mut self, id: StreamId, caller: Caller) {
        if self.rules.is_some() {
            self.sockets.insert(id, caller);
        }
    }

    /// A socket is gone.
    pub(crate) fn forget_socket(&mut self, id: StreamId) {
        self.sockets.remove(&id);
    }

    /// Sockets whose tokens are not good any more (server-api.md 3.9), and why.
    pub(crate) fn overdue_sockets(&self, now: u64) -> Vec<(StreamId, BadToken)> {
        let Some(rules) = &self.rules else { return Vec::new() };
        let check = |(id, caller): (&StreamId, &Caller)| {
            let claims = caller.claims.as_ref()?;
            let still = token::is_in_time(claims, now).and_then(|()| rules.subject(claims));
            still.err().map(|why| (*id, why))
        };
        self.sockets.iter().filter_map(check).collect()
    }

    /// Cookies anew for somebody who is past half of the session's time (server-api.md 6.3).
    pub(crate) fn renewed(&self, caller: &Caller, secure: bool, now: u64) -> Option<[String; 2]> {
        let rules = self.rules.as_ref()?;
        let claims = caller.claims.as_ref().filter(|_| caller.by_cookie)?;
        let lasts = claims.expires?.checked_sub(claims.issued)?;
        let is_due = now.saturating_sub(claims.issued) > lasts / 2;
        let Subject::User(name) = &claims.subject else { return None };
        is_due.then(|| rules.log_in(name, claims.remember, now).cookies(name, secure, now))
    }

    /// `GET /skServer/loginStatus` (server-api.md 6.2), and the event of the same.
    ///
    /// DIFFERENCE: registration of users and requests of devices are said to be off, because nobody takes them here.
    pub(crate) fn status_json(&self, caller: &Caller) -> Value {
        let Some(rules) = &self.rules else {
            return json!({ "status": "notLoggedIn", "readOnlyAccess": false, "authenticationRequired": false });
        };
        let mut status = json!({
            "status": if caller.id.is_some() { "loggedIn" } else { "notLoggedIn" },
            "readOnlyAccess": rules.file.lets_everybody_read(),
            "authenticationRequired": true,
            "allowNewUserRegistration": false,
            "allowDeviceAccessRequests": false,
        });
        if let (Some(status), Some(id)) = (status.as_object_mut(), &caller.id) {
            if let Some(level) = caller.level.to_wire() {
                status.insert("userLevel".into(), level.into());
            }
            status.insert("username".into(), (**id).into());
        }
        if let (Some(status), true) = (status.as_object_mut(), rules.file.users.is_empty()) {
            status.insert("noUsers".into(), true.into());
        }
        status
    }

    /// Whether somebody of this name is in the file.
    fn has_user(&self, name: &str) -> bool {
        let users = self.rules.as_ref().map_or(&[][..], |rules| &rules.file.users);
        users.iter().any(|user| user.name == name)
    }

    /// Whether tokens are asked for.
    pub(crate) fn is_on(&self) -> bool {
        self.rules.is_some()
    }

    /// What administrators see: configuration, users, devices.
    pub(crate) fn shown(&self) -> Option<[Value; 3]> {
        let file = &self.rules.as_ref()?.file;
        let users = file.users.iter().map(|user| {
            json!({ "userId": user.name, "type": user.level.to_wire(), "isOIDC": user.is_oidc })
        });
        let devices = file.devices.iter().map(|device| device.row.clone());
        Some([Value::Object(file.shown.clone()), users.collect(), devices.collect()])
    }
}

impl Rules {
    fn caller(&self, found: Option<Found<'_>>, now: u64) -> Result<Caller, BadToken> {
        let Some(Found { token, by_cookie }) = found else {
            let open = self.file.lets_everybody_read();
            return Ok(Caller::unnamed(if open { Level::Readonly } else { Level::Nobody }));
        };
        let claims = token::verify(&self.key, &token, now)?;
        let level = self.level(self.subject(&claims)?);
        let (Subject::User(id) | Subject::Device(id)) = &claims.subject;
        Ok(Caller { level, id: Some(id.as_str().into()), claims: Some(claims), by_cookie })
    }

    /// What the file gives to a token's owner, who may be gone since.
    fn subject(&self, claims: &Claims) -> Result<Level, BadToken> {
        let level = match &claims.subject {
            Subject::User(name) => {
                self.file.users.iter().find(|user| user.name == *name).map(|user| user.level)
            }
            Subject::Device(id) => {
                self.file.devices.iter().find(|device| device.id == *id).map(|device| device.level)
            }
        };
        level.ok_or(BadToken::Unknown)
    }

    /// DIFFERENCE: with rules for single paths, which are not understood here, nobody but an administrator has any
    /// right.
    fn level(&self, level: Level) -> Level {
        if self.file.has_acls && level < Level::Admin { Level::Nobody } else { level }
    }
}

/// Tokens that are signed by it end with the process.
fn drawn_key(platform: &dyn Platform) -> Secret {
    let mut bytes = [0; 32];
    platform.fill_random(&mut bytes);
    Secret::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

#[cfg(test)]
mod strangers;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
