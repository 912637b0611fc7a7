//! HTTP endpoints of plugins: `/plugins/{id}/...`. The request and response JSON of plugin ABI 8.5, in both directions.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use signalk_bridge::{Handler, HandlerFailure, HandlerReply};

use super::{Answer, Call};
use crate::{
    http::{HttpRequest, HttpResponse},
    query,
};

/// Asks the plugin whose endpoint takes the request; `None`: there is none.
pub(super) fn handle(call: &mut Call<'_>) -> Option<Answer> {
    let request = call.request;
    let path = request.path();
    let below =
        path.strip_prefix("/plugins/").or_else(|| path.strip_prefix("/skServer/plugins/"))?;
    let (id, inner) = mounted(below, call)?;
    let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
    let found = call.plugins.endpoint(&id, method, inner)?;
    let passes_credentials = call.plugins.passes_credentials(&id);
    let body = match Body::read(request) {
        Ok(body) => body,
        Err(response) => return Some(response.into()),
    };
    let json = request_json(request, inner, &found.params, body, passes_credentials);
    let handler = Handler::Http { handler: found.handler, repeatable: method == "GET" };
    let http = call.id;
    let then = Box::new(move |later: &mut crate::plugins::Later<'_>, reply: HandlerReply| {
        later.server.respond_plainly(http, response(reply));
    });
    call.plugins.call_handler(call.now, &found.plugin, handler, json, call.server, then);
    Some(Answer::Later)
}

/// The plugin's id and the path below its mount; a scoped package name is an alias of its id.
fn mounted<'a>(below: &'a str, call: &Call<'_>) -> Option<(String, &'a str)> {
    let cut = |at: usize| below.split_at_checked(at);
    let first = below.find('/').unwrap_or(below.len());
    let (id, inner) = cut(first)?;
    if call.plugins.info(id).is_some() {
        return Some((id.to_owned(), inner));
    }
    let second = below.get(first + 1..)?.find('/').map_or(below.len(), |at| first + 1 + at);
    let (id, inner) = cut(second)?;
    let id = crate::http::percent_decode(id, false);
    call.plugins.info(&id).is_some().then_some((id, inner))
}

/// What of the body the plugin sees.
enum Body {
    Parsed(Value),
    /// [EXT]: other types than JSON and forms.
    Bytes(Bytes),
}

impl Body {
    fn read(request: &HttpRequest) -> Result<Body, HttpResponse> {
        let kind = request.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let nothing = Body::Parsed(Value::Object(Map::new()));
        if request.body.is_empty() {
            return Ok(nothing);
        }
        match kind.as_str() {
            // Strict, as the reference: objects and arrays only.
            "application/json" => match serde_json::from_slice::<Value>(&request.body) {
                Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(Body::Parsed(value)),
                Ok(_) => Err(HttpResponse::error(
                    400,
                    "SyntaxError: the body must be a JSON object or array",
                )),
                Err(error) => Err(HttpResponse::error(400, &format!("SyntaxError: {error}"))),
            },
            "application/x-www-form-urlencoded" => {
                let text = String::from_utf8_lossy(&request.body);
                Ok(Body::Parsed(Value::Object(query::parse(&text))))
            }
            _ => Ok(Body::Bytes(request.body.clone())),
        }
    }
}

/// Key order as the ABI says: guests search in the text.
fn request_json(
    request: &HttpRequest,
    path: &str,
    params: &Map<String, Value>,
    body: Body,
    passes_credentials: bool,
) -> String {
    let (_, query) = request.target.split_once('?').unwrap_or_default();
    let (body, raw) = match body {
        Body::Parsed(value) => (value, None),
        Body::Bytes(bytes) => (Value::Object(Map::new()), Some(STANDARD.encode(bytes))),
    };
    let mut json = Map::new();
    json.insert("method".to_owned(), request.method.as_str().into());
    json.insert("path".to_owned(), if path.is_empty() { "/" } else { path }.into());
    json.insert("query".to_owned(), Value::Object(query::parse(query)));
    json.insert("params".to_owned(), Value::Object(params.clone()));
    json.insert("body".to_owned(), body);
    json.insert("headers".to_owned(), Value::Object(headers(request, passes_credentials)));
    if let Some(raw) = raw {
        json.insert("bodyBase64".to_owned(), raw.into());
    }
    // There are no users yet.
    json.insert("user".to_owned(), Value::Null);
    signalk_model::json::value_text(&Value::Object(json))
}

/// As Node joins them; without what would let a plugin act as the user (plugin ABI W23).
fn headers(request: &HttpRequest, passes_credentials: bool) -> Map<String, Value> {
    let mut headers = Map::new();
    for (name, value) in &request.headers {
        if !passes_credentials && matches!(name.as_str(), "authorization" | "cookie") {
            continue;
        }
        let joined = match headers.get(name).and_then(Value::as_str) {
            Some(first) => format!("{first}, {value}"),
            None => value.clone(),
        };
        headers.insert(name.clone(), joined.into());
    }
    headers
}

/// What the client gets for a plugin's reply.
fn response(reply: HandlerReply) -> HttpResponse {
    let text = match reply {
        Ok(text) => text,
        Err(failure) => return failed(&failure),
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(reply)) => shaped(reply),
        Ok(_) => error(500, "the plugin's answer is no JSON object"),
        Err(problem) if text.is_empty() => {
            error(500, &format!("the plugin answered nothing ({problem})"))
        }
        Err(problem) => error(500, &format!("the plugin's answer is not JSON: {problem}")),
    }
}

fn failed(failure: &HandlerFailure) -> HttpResponse {
    let text = failure.to_string();
    match failure {
        HandlerFailure::NotRunning => error(503, &text),
        HandlerFailure::Timeout { .. } => {
            HttpResponse::json(504, &json!({ "error": "Plugin handler timeout", "message": text }))
        }
        _ => error(500, &text),
    }
}

fn error(status: u16, text: &str) -> HttpResponse {
    HttpResponse::json(status, &json!({ "error": text }))
}

fn shaped(mut reply: Map<String, Value>) -> HttpResponse {
    let status = match reply.get("statusCode") {
        None | Some(Value::Null) => Some(200),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    let status = status.and_then(|status| u16::try_from(status).ok());
    let Some(status) = status.filter(|status| (100..600).contains(status)) else {
        return error(500, "the plugin's statusCode is no number from 100 to 599");
    };
    let headers = match reply.get("headers") {
        Some(Value::Object(headers)) => own_headers(headers),
        _ => Vec::new(),
    };
    let given = headers.iter().find(|(name, _)| name == "content-type").map(|(_, v)| v.clone());
    let encoded = reply.get("bodyEncoding").and_then(Value::as_str) == Some("base64");
    let binary = match (reply.remove("bodyBase64"), reply.remove("body")) {
        (Some(Value::String(text)), _) => Some(text),
        (_, Some(Value::String(text))) if encoded => Some(text),
        (_, body) => {
            let (kind, bytes) = readable(body, given.as_deref());
            return finish(status, headers, given.or(kind), bytes);
        }
    };
    match STANDARD.decode(binary.unwrap_or_default()) {
        Ok(bytes) => {
            let kind = given.unwrap_or_else(|| "application/octet-stream".to_owned());
            finish(status, headers, Some(kind), bytes.into())
        }
        Err(problem) => error(500, &format!("the plugin's body is no base64: {problem}")),
    }
}

/// A body that is not binary: its default type and its bytes.
fn readable(body: Option<Value>, given: Option<&str>) -> (Option<String>, Bytes) {
    let json = || Some("application/json; charset=utf-8".to_owned());
    match body {
        None | Some(Value::Null) => (None, Bytes::new()),
        Some(Value::String(text)) => match given {
            Some(kind) if kind.to_ascii_lowercase().contains("application/json") => {
                // Sent anew as JSON; what cannot be read goes out as it is.
                let again = signalk_model::json::parse(text.as_bytes());
                let text = again.map_or(text, |value| signalk_model::json::value_text(&value));
                (None, text.into())
            }
            _ => (Some("text/html; charset=utf-8".to_owned()), text.into()),
        },
        Some(value) => (json(), signalk_model::json::value_text(&value).into()),
    }
}

fn finish(
    status: u16,
    headers: Vec<(String, String)>,
    kind: Option<String>,
    body: Bytes,
) -> HttpResponse {
    let rest = headers.into_iter().filter(|(name, _)| name != "content-type");
    let kind = kind.map(|kind| ("content-type".to_owned(), kind));
    let headers = rest.chain(kind).map(|(name, value)| (Cow::Owned(name), value)).collect();
    HttpResponse { status, headers, body }
}

/// Without those of the connection, and without any that could break out of its line.
fn own_headers(headers: &Map<String, Value>) -> Vec<(String, String)> {
    let mut own = Vec::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let values = match value {
            Value::Array(values) => values.iter().collect(),
            value => vec![value],
        };
        for value in values {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let is_clean = |text: &str| !text.contains(['\r', '\n', '\0']);
            if is_clean(&name) && is_clean(&value) && !HOP_BY_HOP.contains(&name.as_str()) {
                own.push((name.clone(), value));
            }
        }
    }
    own
}

/// RFC 9110 7.6.1, and the length, which the host computes.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(reply: &str) -> (u16, Option<String>, String) {
        let response = response(Ok(reply.to_owned()));
        let body = String::from_utf8_lossy(&response.body).into_owned();
        (response.status, response.header("content-type").map(str::to_owned), body)
    }

    #[test]
    fn replies_are_shaped_as_the_abi_says() {
        let json = Some("application/json; charset=utf-8");
        let html = Some("text/html; charset=utf-8");
        for (reply, status, kind, body) in [
            (r#"{}"#, 200, None, ""),
            (r#"{"statusCode":"404","body":{"a":1.0}}"#, 404, json, r#"{"a":1}"#),
            (r#"{"body":"<p>"}"#, 200, html, "<p>"),
            (r#"{"body":7}"#, 200, json, "7"),
            (
                r#"{"headers":{"Content-Type":"application/json"},"body":"{ \"a\": 1 }"}"#,
                200,
                Some("application/json"),
                r#"{"a":1}"#,
            ),
            (
                r#"{"headers":{"content-type":"application/json"},"body":"oops"}"#,
                200,
                Some("application/json"),
                "oops",
            ),
            (r#"{"bodyBase64":"AAEC"}"#, 200, Some("application/octet-stream"), "\0\u{1}\u{2}"),
            (
                r#"{"body":"aGk=","bodyEncoding":"base64","headers":{"Content-Type":"image/png"}}"#,
                200,
                Some("image/png"),
                "hi",
            ),
            (
                r#"{"statusCode":99}"#,
                500,
                json,
                r#"{"error":"the plugin's statusCode is no number from 100 to 599"}"#,
            ),
            ("[]", 500, json, r#"{"error":"the plugin's answer is no JSON object"}"#),
        ] {
            let expected = (status, kind.map(str::to_owned), body.to_owned());
            assert_eq!(answered(reply), expected, "{reply}");
        }
        assert_eq!(answered("").0, 500);
    }

    #[test]
    fn headers_of_the_connection_and_broken_lines_stay_here() {
        let reply = r#"{"headers":{"Transfer-Encoding":"chunked","X-A":"1\r\nX-B: 2","Set-Cookie":["a","b"],"X-C":3}}"#;
        let response = response(Ok(reply.to_owned()));
        let names: Vec<_> = response.headers.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(names, ["set-cookie=a", "set-cookie=b", "x-c=3"]);
    }

    #[test]
    fn the_request_json_has_its_keys_in_order_and_no_credentials() {
        let request = HttpRequest {
            method: "POST".into(),
            target: "/plugins/p/api/x?a=1&a=2".into(),
            headers: vec![
                ("authorization".into(), "Bearer x".into()),
                ("accept".into(), "a".into()),
                ("accept".into(), "b".into()),
                ("content-type".into(), "application/octet-stream".into()),
            ],
            body: Bytes::from_static(&[0, 1]),
        };
        let body = Body::read(&request).unwrap();
        let text = request_json(&request, "/api/x", &Map::new(), body, false);
        assert_eq!(
            text,
            r#"{"method":"POST","path":"/api/x","query":{"a":["1","2"]},"params":{},"body":{},"headers":{"accept":"a, b","content-type":"application/octet-stream"},"bodyBase64":"AAE=","user":null}"#
        );
    }
}
