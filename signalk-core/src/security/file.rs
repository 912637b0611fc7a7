//! `security.json` (server-api.md 6.3): users, devices, and what everybody may do. Read once, at the start; written
//! nowhere.
//!
//! What cannot be read gives no rights: a damaged file locks the server for everybody, an unknown level is none, and
//! what is not said is not allowed.

use serde_json::{Map, Value};

use super::caller::Level;
use super::expiration::{DAY, Expiration};
use super::password::Hash;
use super::secret::Secret;

/// The content of `security.json`, as far as it is used here.
#[derive(Debug, Clone)]
pub struct SecurityFile {
    pub(crate) users: Vec<User>,
    pub(crate) devices: Vec<Device>,
    allow_readonly: bool,
    pub(crate) expiration: Expiration,
    /// `None`: one is drawn at the start, and tokens end with the process.
    pub(crate) key: Option<Secret>,
    /// There are rules for single paths, which are not understood here.
    pub(crate) has_acls: bool,
    /// What administrators see of it.
    pub(crate) shown: Map<String, Value>,
}

/// Somebody with a password.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) level: Level,
    /// `None`: this one logs in elsewhere (OIDC), or not at all.
    pub(crate) password: Option<Hash>,
    pub(crate) is_oidc: bool,
}

/// Something with a token of its own.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) level: Level,
    /// As it stands in the file.
    pub(crate) row: Value,
}

impl SecurityFile {
    /// Understands the text; what it cannot is a complaint.
    pub(crate) fn parse(text: &Secret, complaints: &mut Vec<String>) -> SecurityFile {
        let members = match serde_json::from_str::<Map<String, Value>>(text.expose()) {
            Ok(members) => members,
            Err(error) => {
                // Where, but not what: the words of some errors quote the text.
                let (line, column) = (error.line(), error.column());
                complaints.push(format!(
                    "security.json: no JSON object (line {line}, column {column}): nobody can log in and nothing is open; restore it from a copy, or move it away for a server without security"
                ));
                return SecurityFile::locked();
            }
        };
        let list = |name: &str| members.get(name).and_then(Value::as_array).into_iter().flatten();
        let users = list("users").filter_map(|row| user(row, complaints)).collect();
        let devices = list("devices").filter_map(|row| device(row, complaints)).collect();
        let file = SecurityFile {
            users,
            devices,
            allow_readonly: members.get("allow_readonly").and_then(Value::as_bool).unwrap_or(false),
            expiration: expiration(members.get("expiration"), complaints),
            key: members.get("secretKey").and_then(Value::as_str).and_then(key),
            // Also when it is no list: then it says something that is not understood.
            has_acls: members.get("acls").is_some_and(|acls| !is_empty(acls)),
            shown: shown(&members),
        };
        file.complain(complaints);
        file
    }

    /// Security is on, and there is no file that says for whom.
    pub(crate) fn locked() -> SecurityFile {
        SecurityFile {
            users: Vec::new(),
            devices: Vec::new(),
            allow_readonly: false,
            expiration: Expiration::After(DAY),
            key: None,
            has_acls: false,
            shown: shown(&Map::new()),
        }
    }

    /// Whether the boat's data may be read without a login.
    ///
    /// DIFFERENCE: with rules for single paths (`acls`) it may not, because they are not understood here.
    pub fn lets_everybody_read(&self) -> bool {
        self.allow_readonly && !self.has_acls
    }

    fn complain(&self, complaints: &mut Vec<String>) {
        if self.key.is_none() {
            complaints.push("security.json: no secretKey: one is drawn at each start, so logins and devices' tokens end with the server; copy the whole file of the server that made them".into());
        }
        if self.has_acls {
            complaints.push("security.json: rules for single paths (acls) are not supported: to be safe only administrators may read or change data; empty the list to let the others in".into());
        }
    }
}

fn user(row: &Value, complaints: &mut Vec<String>) -> Option<User> {
    let name = row.get("username").and_then(Value::as_str)?;
    let Some(level) = row.get("type").and_then(Value::as_str).and_then(Level::from_wire) else {
        complaints.push(format!(
            "security.json: user {name}: the type is none of admin, readwrite, readonly; this user is left out"
        ));
        return None;
    };
    let hash = row.get("password").and_then(Value::as_str);
    let password = hash.and_then(Hash::parse);
    if hash.is_some() && password.is_none() {
        complaints.push(format!(
            "security.json: user {name}: the password is no hash of bcrypt of a cost up to 14; this user cannot log in"
        ));
    }
    let is_oidc = row.get("oidc").is_some_and(Value::is_object);
    Some(User { name: name.to_owned(), level, password, is_oidc })
}

fn device(row: &Value, complaints: &mut Vec<String>) -> Option<Device> {
    let id = row.get("clientId").and_then(Value::as_str)?;
    let Some(level) = row.get("permissions").and_then(Value::as_str).and_then(Level::from_wire)
    else {
        complaints.push(format!(
            "security.json: device {id}: the permissions are none of admin, readwrite, readonly; this device is left out"
        ));
        return None;
    };
    Some(Device { id: id.to_owned(), level, row: row.clone() })
}

fn expiration(value: Option<&Value>, complaints: &mut Vec<String>) -> Expiration {
    let Some(value) = value else { return Expiration::After(DAY) };
    let read = Expiration::from_wire(value);
    if let Some(Expiration::After(seconds @ ..60)) = read {
        complaints.push(format!(
            "security.json: expiration {value} is {seconds} s, so a login ends as soon as it is made; a text without a unit is milliseconds, write 1d or 12h"
        ));
    }
    read.unwrap_or_else(|| {
        complaints.push(format!(
            "security.json: expiration {value} is neither NEVER nor a time as 1d or 12h; logins last a day"
        ));
        Expiration::After(DAY)
    })
}

fn key(text: &str) -> Option<Secret> {
    (!text.is_empty()).then(|| Secret::from(text))
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// Everything but users and the key: only what is named here is ever shown.
fn shown(members: &Map<String, Value>) -> Map<String, Value> {
    let defaults = [
        ("allow_readonly", Value::Bool(false)),
        ("expiration", "1d".into()),
        ("devices", Value::Array(Vec::new())),
        ("immutableConfig", Value::Bool(false)),
        ("acls", Value::Array(Vec::new())),
        ("allowDeviceAccessRequests", Value::Bool(true)),
        ("allowNewUserRegistration", Value::Bool(true)),
    ];
    let rows = defaults
        .into_iter()
        .map(|(name, default)| (name.to_owned(), members.get(name).cloned().unwrap_or(default)));
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (SecurityFile, String) {
        let mut complaints = Vec::new();
        let file = SecurityFile::parse(&text.into(), &mut complaints);
        (file, complaints.join("\n"))
    }

    #[test]
    fn a_file_of_the_reference_is_understood() {
        let (file, complaints) = parse(
            r#"{"users":[{"username":"admin","type":"admin","password":"$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."}],
            "devices":[{"clientId":"d","permissions":"readwrite","description":"x"}],"acls":[],
            "allow_readonly":true,"expiration":"NEVER","secretKey":"0a1b"}"#,
        );
        assert_eq!(complaints, "");
        assert!(file.lets_everybody_read() && file.users[0].password.is_some());
        assert_eq!((file.users[0].level, file.devices[0].level), (Level::Admin, Level::Readwrite));
        assert_eq!(file.expiration, Expiration::Never);
        let shown = Value::Object(file.shown.clone()).to_string();
        for secret in ["0a1b", "$2a$", "users"] {
            assert!(!shown.contains(secret) && !format!("{file:?}").contains("0a1b"), "{shown}");
        }
    }

    #[test]
    fn what_is_not_said_is_not_allowed() {
        let (file, complaints) = parse("{}");
        assert!(!file.lets_everybody_read() && file.users.is_empty());
        assert!(complaints.contains("no secretKey"), "{complaints}");
        let rows = r#"{"secretKey":"k","users":[{"username":"a","type":"boss"},{"type":"admin"}],"devices":[{"clientId":"d"}]}"#;
        let (file, complaints) = parse(rows);
        assert!(file.users.is_empty() && file.devices.is_empty());
        assert!(complaints.contains("user a") && complaints.contains("device d"), "{complaints}");
    }

    #[test]
    fn a_damaged_file_locks_and_its_text_is_not_in_the_log() {
        for text in ["", "[]", r#"{"secretKey":"s3cret""#, r#"{"secretKey":s3cret}"#, "\"s3cret\""]
        {
            let (file, complaints) = parse(text);
            assert!(!file.lets_everybody_read() && file.users.is_empty() && file.key.is_none());
            assert!(complaints.contains("nobody can log in"), "{complaints}");
            assert!(!complaints.contains("s3cret"), "{complaints}");
        }
    }

    #[test]
    fn rules_that_are_not_understood_close_more_than_they_say() {
        for acls in [r#"[{"context":"vessels.self"}]"#, r#"{"a":1}"#] {
            let text = format!(r#"{{"secretKey":"k","allow_readonly":true,"acls":{acls}}}"#);
            let (file, complaints) = parse(&text);
            assert!(file.has_acls && !file.lets_everybody_read());
            assert!(complaints.contains("only administrators"), "{complaints}");
        }
    }
}
