//! Who asks, and how much they may: the four levels of server-api.md 6.5. Which route needs which level is the table's
//! in `api/routes.rs`; where tokens come from is `credentials.rs`.

use std::sync::Arc;

use super::token::Claims;

/// What somebody may do; each includes those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// What is open to everybody.
    #[default]
    Nobody,
    /// Read the boat's data.
    Readonly,
    /// Also change it.
    Readwrite,
    /// Also the settings and the plugins.
    Admin,
}

impl Level {
    /// As `security.json` writes it. `None`: no level that is known, and so no rights.
    pub(crate) fn from_wire(text: &str) -> Option<Level> {
        match text {
            "admin" => Some(Level::Admin),
            "readwrite" => Some(Level::Readwrite),
            "readonly" => Some(Level::Readonly),
            _ => None,
        }
    }

    pub(crate) fn to_wire(self) -> Option<&'static str> {
        match self {
            Level::Admin => Some("admin"),
            Level::Readwrite => Some("readwrite"),
            Level::Readonly => Some("readonly"),
            Level::Nobody => None,
        }
    }
}

/// What a route asks of whoever calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing; a token is not even looked at.
    Nothing,
    /// Nothing, but a token that is bad is refused (server-api.md 6.4).
    NoBadToken,
    /// Anybody who has logged in, whatever the level.
    Login,
    /// So much.
    AtLeast(Level),
}

impl Needs {
    pub(crate) const READ: Needs = Needs::AtLeast(Level::Readonly);
    pub(crate) const WRITE: Needs = Needs::AtLeast(Level::Readwrite);
    pub(crate) const ADMIN: Needs = Needs::AtLeast(Level::Admin);
}

/// Whoever sends a request or has opened a socket.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) level: Level,
    /// A user's name or a device's client id; `None`: nobody has logged in, or security is off.
    pub(crate) id: Option<Arc<str>>,
    /// What its token says.
    pub(crate) claims: Option<Claims>,
    /// The token came in a cookie, which can be renewed.
    pub(crate) by_cookie: bool,
}

impl Caller {
    /// Without a token.
    pub(crate) const fn unnamed(level: Level) -> Caller {
        Caller { level, id: None, claims: None, by_cookie: false }
    }

    pub(crate) fn may(&self, needs: Needs) -> bool {
        match needs {
            Needs::Nothing | Needs::NoBadToken => true,
            Needs::Login => self.id.is_some() || self.level == Level::Admin,
            Needs::AtLeast(level) => self.level >= level,
        }
    }

    /// Without a token, and without any right.
    pub(crate) fn is_unknown(&self) -> bool {
        self.id.is_none() && self.level == Level::Nobody
    }

    pub(crate) fn may_read(&self) -> bool {
        self.may(Needs::READ)
    }

    pub(crate) fn may_write(&self) -> bool {
        self.may(Needs::WRITE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_includes_those_below_it_and_an_unknown_one_is_none() {
        let admin = Caller::unnamed(Level::Admin);
        assert!(admin.may(Needs::ADMIN) && admin.may_write() && admin.may(Needs::Login));
        let reader = Caller::unnamed(Level::Readonly);
        assert!(reader.may_read() && !reader.may_write() && !reader.may(Needs::Login));
        let named = Caller { id: Some("ro".into()), ..reader };
        assert!(named.may(Needs::Login) && !named.may(Needs::WRITE));
        assert!(!Caller::default().may_read() && Caller::default().may(Needs::NoBadToken));
        assert_eq!(Level::from_wire("Admin"), None);
        assert_eq!(Level::from_wire("readwrite").and_then(Level::to_wire), Some("readwrite"));
    }
}
