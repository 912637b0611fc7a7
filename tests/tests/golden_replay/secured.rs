//! The recordings with security on: logins, tokens, who may do what, streams. The boat of these has only what its owner
//! wrote down.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use signalk_core::{ConfigTexts, HttpRequest, HttpResponse, Secret};
use workspace_tests::{Client, Sim};

use crate::boat::{golden_base, read, said};
use crate::judge::{Outcome, canonical, judge};
use crate::requests::ask_with;

/// Folders that are replayed. `setup`, `admin` and `access` change users and devices, which nobody does here yet.
pub(crate) const FOLDERS: [&str; 7] =
    ["anon", "auth", "login", "logout", "readonly", "roles", "ws"];

/// Each recording of a folder.
pub(crate) fn replay(root: &Path) -> Vec<(String, Outcome)> {
    let mut outcomes = Vec::new();
    for folder in FOLDERS {
        let files = std::fs::read_dir(root.join(folder)).unwrap();
        let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let name = format!("{folder}/{}", file.file_stem().unwrap().to_string_lossy());
            let recording = read(&file);
            let outcome = if folder == "ws" {
                replay_stream(&name, &recording)
            } else {
                replay_request(&name, &recording)
            };
            outcomes.push((format!("secured/{name}"), outcome));
        }
    }
    outcomes
}

/// Users admin, rw and ro; their passwords are admin-pw, rw and ro.
fn secured_boat(allow_readonly: bool) -> Sim {
    let security = json!({
        "users": [
            { "username": "admin", "type": "admin", "password": "$2b$04$abcdefghijklmnopqrstuunjjXVilITTjGtFH/emy.ACeBYJBzOuG" },
            { "username": "rw", "type": "readwrite", "password": "$2b$04$bbcdefghijklmnopqrstuuxF2aHyxX6kUtzQurHI5u6PYbeGiA1jG" },
            { "username": "ro", "type": "readonly", "password": "$2b$04$cbcdefghijklmnopqrstuunOe4nyZFGpIzI.RqxZtbtwJBmqGyI5y" },
        ],
        "devices": [], "acls": [], "expiration": "NEVER", "secretKey": "a key",
        "allow_readonly": allow_readonly,
    });
    Sim::new(ConfigTexts {
        base_deltas: Some(golden_base().to_string()),
        security: Some(Secret::from(security.to_string())),
        ..ConfigTexts::default()
    })
}

/// As anybody gets one.
fn token(sim: &mut Sim, user: &str) -> String {
    let password = if user == "admin" { "admin-pw" } else { user };
    let body = json!({ "username": user, "password": password }).to_string();
    let answer = sim.request("POST", "/signalk/v1/auth/login", &[], &body);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    body["token"].as_str().unwrap().to_owned()
}

/// Whose token stands in a recording as `<JWT>`.
fn user(name: &str) -> &'static str {
    let file = name.split_once('/').map_or(name, |(_, file)| file);
    match file {
        "readonly-write" | "serverevents-nonadmin" => "ro",
        _ if file.starts_with("rw-") => "rw",
        _ if file.starts_with("ro-") => "ro",
        _ => "admin",
    }
}

fn is_open(name: &str) -> bool {
    name.starts_with("readonly/") || name == "ws/anon-readonly"
}

fn replay_request(name: &str, recording: &Value) -> Outcome {
    let mut sim = secured_boat(is_open(name));
    let token = token(&mut sim, user(name));
    let response = without_tokens(ask_with(&mut sim, recording, None, &token));
    match judge(&recording["response"], &response) {
        Outcome::Same => judge_cookies(&recording["response"]["headers"]["set-cookie"], &response),
        different => different,
    }
}

/// A body and cookies with `<JWT>` for each token, as they were recorded.
fn without_tokens(mut response: HttpResponse) -> HttpResponse {
    let text = String::from_utf8_lossy(&response.body).into_owned();
    response.body = hidden(&text).into();
    for (_, value) in &mut response.headers {
        *value = hidden(value);
    }
    response
}

fn hidden(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut rest = text;
    let mut out = String::new();
    while let Some(at) = rest.find("eyJ") {
        let (before, token) = rest.split_at(at);
        let end = token.find(|c| !is_part(c)).unwrap_or(token.len());
        out += before;
        out += "<JWT>";
        rest = &token[end..];
    }
    out + rest
}

/// The reference sets some of them twice.
fn judge_cookies(expected: &Value, response: &HttpResponse) -> Outcome {
    let shape = |cookie: &str| match cookie.split_once("Expires=") {
        Some((before, after)) if !after.contains("1970") => {
            let rest = after.split_once(';').map_or("", |(_, rest)| rest);
            format!("{before}Expires=LATER;{rest}")
        }
        _ => cookie.to_owned(),
    };
    let want: BTreeSet<String> =
        expected.as_array().into_iter().flatten().map(|one| shape(one.as_str().unwrap())).collect();
    let cookies = response.headers.iter().filter(|(name, _)| name == "set-cookie");
    let got: BTreeSet<String> = cookies.map(|(_, value)| shape(value)).collect();
    if want == got {
        Outcome::Same
    } else {
        Outcome::Different(format!("cookies {want:?} expected, got {got:?}"))
    }
}

fn replay_stream(name: &str, recording: &Value) -> Outcome {
    let mut sim = secured_boat(is_open(name));
    let url = recording["url"].as_str().unwrap();
    let token = token(&mut sim, user(name));
    let transcript = recording["transcript"].as_array().unwrap();
    let mut request = HttpRequest::get(&url.replace("<JWT>", &token));
    if matches!(user(name), "ro") || name.contains("admin-excerpt") {
        request.headers.push(("authorization".into(), format!("Bearer {token}")));
    }
    let client = sim.open_with(request);
    let rejected = transcript.iter().find(|entry| entry["dir"] == "http-reject");
    if let Some(rejected) = rejected {
        let got = sim.rejected(client);
        return if got.map(Value::from) == rejected.get("status").cloned() {
            Outcome::Same
        } else {
            Outcome::Different(format!("rejected with {got:?}"))
        };
    }
    for entry in transcript.iter().filter(|entry| entry["dir"] == "client") {
        sim.say(client, &said(&entry["msg"]));
    }
    compare(&mut sim, client, transcript)
}

fn compare(sim: &mut Sim, client: Client, transcript: &[Value]) -> Outcome {
    let got: BTreeSet<String> = sim
        .heard(client)
        .iter()
        .map(|text| canonical(&serde_json::from_str(&hidden(text)).unwrap()))
        .collect();
    let sent = transcript.iter().filter(|entry| entry["dir"] == "server");
    let want: BTreeSet<String> = sent.map(|entry| canonical(&entry["msg"])).collect();
    let missing = want.difference(&got).next().map(|text| format!("missing {text}"));
    let extra = got.difference(&want).next().map(|text| format!("extra {text}"));
    match (missing, extra) {
        (None, None) => Outcome::Same,
        (missing, extra) => {
            let all: Vec<String> = [missing, extra].into_iter().flatten().collect();
            Outcome::Different(all.join("; "))
        }
    }
}

/// Recordings that do not come out the same, with the reason.
pub(crate) fn known() -> BTreeMap<&'static str, &'static str> {
    KNOWN.iter().copied().collect()
}

const KNOWN: &[(&str, &str)] = &[
    ("secured/anon/admin", "the admin page is the edge's"),
    ("secured/anon/appdata", APPLICATION_DATA),
    ("secured/anon/apps-list", OTHER_PACKAGES),
    ("secured/anon/features", "the v2 APIs are not there yet, and only what works is listed"),
    ("secured/anon/freeboard", OTHER_PACKAGES),
    ("secured/anon/loginStatus", REGISTRATION),
    ("secured/anon/openapi", "no descriptions in OpenAPI are served"),
    ("secured/anon/restart", "404: the server is not restarted from afar"),
    ("secured/anon/unitprefs-active", "unit preferences are not there yet"),
    ("secured/auth/appdata-404", APPLICATION_DATA),
    ("secured/auth/appdata-bad-version", APPLICATION_DATA),
    ("secured/auth/appdata-empty", APPLICATION_DATA),
    ("secured/auth/appdata-get", APPLICATION_DATA),
    ("secured/auth/appdata-get-path", APPLICATION_DATA),
    ("secured/auth/appdata-global-post", APPLICATION_DATA),
    ("secured/auth/appdata-keys", APPLICATION_DATA),
    ("secured/auth/appdata-patch", APPLICATION_DATA),
    ("secured/auth/appdata-post", APPLICATION_DATA),
    ("secured/auth/appdata-post-nofile-path", APPLICATION_DATA),
    ("secured/auth/appdata-versions", APPLICATION_DATA),
    ("secured/auth/bad-cookie-loginStatus", REGISTRATION),
    ("secured/auth/loginStatus-admin", REGISTRATION),
    ("secured/readonly/appdata", APPLICATION_DATA),
    ("secured/readonly/loginStatus", REGISTRATION),
    ("secured/readonly/put-config", "users and settings of security are not changed here yet"),
    ("secured/readonly/webapps", OTHER_PACKAGES),
    ("secured/roles/rw-loginStatus", REGISTRATION),
    (
        "secured/roles/rw-plugin-route",
        "DIFFERENCE: Freeboard-SK takes everybody who reads 401 here for logged out",
    ),
    ("secured/roles/rw-plugin-status", OTHER_PACKAGES),
    ("secured/ws/access-request", "devices cannot ask for access here yet"),
    (
        "secured/ws/anon-readonly",
        "the recording lacks the boat's name, which those without security have",
    ),
    ("secured/ws/serverevents-admin-excerpt", REGISTRATION),
    ("secured/ws/serverevents-nonadmin", "statuses of plugins that are not installed here"),
];

const APPLICATION_DATA: &str = "data of web apps is not kept here yet";

const OTHER_PACKAGES: &str = "the web apps of the recorded server are not installed here";

const REGISTRATION: &str = "DIFFERENCE: registration and requests of devices are said to be off, because nobody takes them";
