//! Logging in and out, and what administrators see of `security.json` (server-api.md 6). What a login does is
//! `crate::security`; nothing here changes users or devices.

use serde_json::{Value, json};

use super::gate::without_cookies;
use super::{Answer, Call, NO_ACCESS_REQUESTS, is_secure, no_access_requests};
use crate::http::HttpResponse;
use crate::query;
use crate::security::{Attempt, LoginAsker};

/// `POST /signalk/v1/auth/login`, by a program's JSON or a page's form.
pub(super) fn login(call: &mut Call<'_>) -> Answer {
    if !call.server.security.is_on() {
        return HttpResponse::not_found(&call.request.method, call.request.path()).into();
    }
    let request = call.request;
    if request.body.len() > MOST_OF_A_LOGIN {
        // Before it is read: whoever sends it is nobody yet, and each value of it costs far more than its text.
        let text = format!("a login has at most {MOST_OF_A_LOGIN} bytes");
        return HttpResponse::error(413, &text).into();
    }
    let kind = request.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let is_form = kind.starts_with("application/x-www-form-urlencoded");
    let members = if is_form {
        Some(query::parse(&String::from_utf8_lossy(&request.body)))
    } else {
        serde_json::from_slice::<Value>(&request.body).ok().and_then(|body| match body {
            Value::Object(members) => Some(members),
            _ => None,
        })
    };
    let Some(members) = members else {
        return HttpResponse::error(400, "the body must be a JSON object or a form").into();
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let remember = match members.get("rememberMe") {
        Some(Value::Bool(remember)) => *remember,
        Some(Value::String(text)) => text == "true" || text == "on",
        _ => false,
    };
    let (http, secure) = (call.id, is_secure(request));
    let asker = if is_form {
        LoginAsker::Form { http, secure, destination: destination(text("destination")) }
    } else {
        LoginAsker::Json { http, secure }
    };
    let (user, password) = (text("username").to_owned(), text("password").into());
    let attempt = Attempt { user, password, remember };
    call.server.log_in(call.now, request.peer, attempt, asker);
    Answer::Later
}

/// Bytes of the body of a login: a name, a password and where to go.
const MOST_OF_A_LOGIN: usize = 16 << 10;

/// Only within this server: another's page could otherwise send people where it likes.
fn destination(asked: &str) -> String {
    let inside = asked.starts_with('/') && !asked.starts_with("//") && !asked.starts_with("/\\");
    let is_line = asked.bytes().all(|byte| byte.is_ascii_graphic());
    if inside && is_line { asked.to_owned() } else { "/".to_owned() }
}

/// `PUT /signalk/v1/auth/logout`: the browser forgets its token, which stays good.
pub(super) fn logout(_: &mut Call<'_>) -> Answer {
    without_cookies(HttpResponse::json(200, &json!("Logout OK"))).into()
}

/// `GET /skServer/loginStatus`: answered whoever asks, also with a token that is none.
pub(super) fn login_status(call: &mut Call<'_>) -> Answer {
    let caller = call.server.security.caller(call.request, call.server.unix_seconds());
    let is_bad = caller.is_err();
    let mut status = call.server.security.status_json(&caller.unwrap_or_default());
    if let Some(status) = status.as_object_mut() {
        status.insert("securityWasEnabled".into(), false.into());
    }
    let response = HttpResponse::json(200, &status).with("cache-control", "no-store");
    if is_bad { without_cookies(response).into() } else { response.into() }
}

/// `GET /skServer/security/config`
pub(super) fn config(call: &mut Call<'_>) -> Answer {
    shown(call, |[config, _, _]| config)
}

/// `GET /skServer/security/users`
pub(super) fn users(call: &mut Call<'_>) -> Answer {
    shown(call, |[_, users, _]| users)
}

/// `GET /skServer/security/devices`
pub(super) fn devices(call: &mut Call<'_>) -> Answer {
    shown(call, |[_, _, devices]| devices)
}

fn shown(call: &Call<'_>, pick: impl FnOnce([Value; 3]) -> Value) -> Answer {
    match call.server.security.shown() {
        Some(all) => HttpResponse::json(200, &pick(all)).into(),
        None => HttpResponse::json(401, &json!("Security config not allowed")).into(),
    }
}

/// `GET /skServer/security/access/requests`: nobody takes any.
pub(super) fn access_requests(call: &mut Call<'_>) -> Answer {
    if call.server.security.is_on() {
        return HttpResponse::json(200, &json!([])).into();
    }
    HttpResponse::json(404, &json!({ "message": NO_ACCESS_REQUESTS })).into()
}

/// `POST /signalk/v1/access/requests`: a device asks for access.
pub(super) fn request_access(call: &mut Call<'_>) -> Answer {
    let (status, message) = no_access_requests(call.server.security.is_on());
    let body = json!({ "state": "COMPLETED", "statusCode": status, "message": message });
    HttpResponse::json(status, &body).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_to_no_other_server() {
        for (asked, to) in [
            ("/admin/", "/admin/"),
            ("/a?b=c#d", "/a?b=c#d"),
            ("", "/"),
            ("https://other/", "/"),
            ("//other/", "/"),
            ("/\\other/", "/"),
            ("/a\r\nset-cookie: x", "/"),
        ] {
            assert_eq!(destination(asked), to, "{asked}");
        }
    }
}
