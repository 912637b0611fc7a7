//! The two cookies of a login (server-api.md 6.3): the token, which scripts cannot read, and who is logged in, which
//! they show. `SameSite=Strict` keeps other sites from acting as the user.

use super::credentials::COOKIE;

const SHOWN: &str = "skLoginInfo";

/// What is set for a login.
pub(crate) struct Login<'a> {
    pub(crate) user: &'a str,
    pub(crate) token: &'a str,
    /// Seconds that the browser keeps them; `None`: until it is closed.
    pub(crate) kept_for: Option<u64>,
    /// Over TLS: then they are never sent without.
    pub(crate) secure: bool,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

impl Login<'_> {
    /// Values of `Set-Cookie`.
    pub(crate) fn cookies(&self) -> [String; 2] {
        let age = self.kept_for.map_or_else(String::new, |age| format!("; Max-Age={age}"));
        let until = self.kept_for.map(|age| date(self.now.saturating_add(age)));
        let until = until.map_or_else(String::new, |date| format!("; Expires={date}"));
        let secure = if self.secure { "; Secure" } else { "" };
        let info = serde_json::json!({ "status": "loggedIn", "user": self.user }).to_string();
        let (token, info) = (self.token, encoded(&info));
        [
            format!("{COOKIE}={token}{age}; Path=/{until}; HttpOnly{secure}; SameSite=Strict"),
            format!("{SHOWN}={info}{age}; Path=/{until}{secure}; SameSite=Strict"),
        ]
    }
}

/// Values of `Set-Cookie` that end a login.
pub(crate) fn cleared() -> [String; 2] {
    [COOKIE, SHOWN].map(|name| format!("{name}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"))
}

/// Whether a value of `Set-Cookie` is about one of the two. Browsers take one without a name for one of its value's
/// name, and `=` before it for the same.
pub(crate) fn is_cookie_of_logins(value: &str) -> bool {
    let pair = value.split(';').next().unwrap_or_default().trim();
    let pair = pair.trim_start_matches(['=', ' ', '\t']);
    let name = pair.split_once('=').map_or(pair, |(name, _)| name).trim();
    [COOKIE, SHOWN].iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// As `encodeURIComponent`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// RFC 9110 5.6.7.
fn date(unix: u64) -> String {
    let (days, seconds) = (unix / DAY, unix % DAY);
    let (year, month, day) =
        signalk_model::calendar::civil_from_days(i64::try_from(days).unwrap_or(0));
    let at = |names: &[&'static str], at: u64| {
        usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
    };
    let weekday = at(&WEEKDAYS, days % 7);
    let month = at(&MONTHS, u64::try_from(month - 1).unwrap_or(0));
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

const DAY: u64 = 86_400;
/// The first is the day of 1970-01-01.
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    /// secured/login/ok.json, ok-rememberme.json
    #[test]
    fn the_cookies_are_those_of_the_reference() {
        let login =
            Login { user: "admin", token: "T", kept_for: None, secure: false, now: 1_763_692_514 };
        assert_eq!(
            login.cookies(),
            [
                "JAUTHENTICATION=T; Path=/; HttpOnly; SameSite=Strict",
                "skLoginInfo=%7B%22status%22%3A%22loggedIn%22%2C%22user%22%3A%22admin%22%7D; Path=/; SameSite=Strict",
            ]
        );
        let [token, _] = Login { kept_for: Some(315_576_000), secure: true, ..login }.cookies();
        assert_eq!(
            token,
            "JAUTHENTICATION=T; Max-Age=315576000; Path=/; Expires=Wed, 21 Nov 2035 14:35:14 GMT; HttpOnly; Secure; SameSite=Strict"
        );
    }

    #[test]
    fn a_name_cannot_break_out_of_its_cookie() {
        let login =
            Login { user: "a; Path=/x\r\nä", token: "T", kept_for: None, secure: false, now: 0 };
        let [_, info] = login.cookies();
        assert!(!info.contains("x\r") && info.matches(';').count() == 2, "{info}");
    }

    #[test]
    fn dates_are_as_browsers_read_them() {
        assert_eq!(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
    }
}
