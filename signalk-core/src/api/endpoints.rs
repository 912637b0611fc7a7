//! HTTP endpoints of plugins: `/plugins/{id}/...`. The request and response JSON of plugin ABI 8.5, in both directions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use signalk_bridge::{HandlerFailure, HandlerReply, PluginId};

use super::body::{self, Body};
use super::own_headers::own_headers;
use super::{Answer, Call, exchange, media_type};
use crate::{
    http::{HttpRequest, HttpResponse},
    plugins::{Asked, FoundEndpoint, Later, Plugins, RequestBody},
    query,
};

/// Asks the plugin whose endpoint takes the request.
pub(super) fn handle(call: &mut Call<'_>, found: FoundEndpoint, inner: &str) -> Answer {
    let request = call.request;
    if found.streams {
        return stream(call, found, inner, RequestBody::Here(request.body.clone()));
    }
    let body = match Body::read(request) {
        Ok(body) => body,
        Err(response) => return response.into(),
    };
    let json = json_for(call, inner, &found, &body);
    let (http, plugin) = (call.id, found.plugin.clone());
    let then = Box::new(move |later: &mut Later<'_>, reply: HandlerReply| {
        later.plugins.exchange_over(http);
        let response = response(later, &plugin, reply);
        later.server.respond_plainly(http, response);
    });
    let asked = Asked { http, body: None };
    call.plugins.call_endpoint(call.now, found, json, asked, call.server, then);
    Answer::Later
}

/// The same for a request whose body is still at the edge, and an endpoint that takes it in pieces.
pub(super) fn handle_head(call: &mut Call<'_>, found: FoundEndpoint, inner: &str) -> Answer {
    stream(call, found, inner, RequestBody::Edge)
}

/// The endpoint that takes a request, and the path below its mount.
pub(super) fn find<'a>(
    request: &'a HttpRequest,
    plugins: &Plugins,
) -> Option<(FoundEndpoint, &'a str)> {
    let (id, inner) = address_of_plugin(plugins, request.path())?;
    let method = request.method.as_str();
    let method = if method == "HEAD" { "GET" } else { method };
    Some((plugins.endpoint(&id, method, inner)?, inner))
}

fn stream(call: &mut Call<'_>, found: FoundEndpoint, inner: &str, body: RequestBody) -> Answer {
    let json = json_for(call, inner, &found, &Body::Json("{}".to_owned()));
    exchange::begin(call, found, json, body)
}

/// The plugin that an address belongs to, and what follows its mount.
pub(crate) fn address_of_plugin<'a>(plugins: &Plugins, path: &'a str) -> Option<(String, &'a str)> {
    let below =
        path.strip_prefix("/plugins/").or_else(|| path.strip_prefix("/skServer/plugins/"))?;
    mounted(below, plugins)
}

/// The plugin's id and the path below its mount; a scoped package name is an alias of its id.
fn mounted<'a>(below: &'a str, plugins: &Plugins) -> Option<(String, &'a str)> {
    let cut = |at: usize| below.split_at_checked(at);
    let first = below.find('/').unwrap_or(below.len());
    let (id, inner) = cut(first)?;
    if plugins.info(id).is_some() {
        return Some((id.to_owned(), inner));
    }
    let second = below.get(first + 1..)?.find('/').map_or(below.len(), |at| first + 1 + at);
    let (id, inner) = cut(second)?;
    let id = crate::http::percent_decode(id, false);
    plugins.info(&id).is_some().then_some((id, inner))
}

fn json_for(call: &Call<'_>, path: &str, found: &FoundEndpoint, body: &Body<'_>) -> String {
    let user = call.caller.id.as_deref();
    request_json(call.request, user, (path, &found.params), body, found.passes_credentials)
}

/// Key order as the ABI says: guests search in the text.
fn request_json(
    request: &HttpRequest,
    user: Option<&str>,
    (path, params): (&str, &Map<String, Value>),
    body: &Body<'_>,
    passes_credentials: bool,
) -> String {
    let (_, query) = request.target.split_once('?').unwrap_or_default();
    let path = if path.is_empty() { "/" } else { path };
    let mut out = Vec::with_capacity(1024);
    let mut member = |before: &str, value: &Value| {
        out.extend_from_slice(before.as_bytes());
        signalk_model::json::write_value(&mut out, value);
    };
    member("{\"method\":", &request.method.as_str().into());
    member(",\"path\":", &path.into());
    let mut query = query::parse(query);
    if !passes_credentials {
        query.shift_remove("token");
    }
    member(",\"query\":", &Value::Object(query));
    member(",\"params\":", &Value::Object(params.clone()));
    let mut json = String::from_utf8(out).unwrap_or_default();
    let headers = Value::Object(client_headers(request, passes_credentials));
    let headers = signalk_model::json::value_text(&headers);
    // At once what it will be: grown step by step, a body of 16 MiB would be there twice.
    json.reserve_exact(
        AROUND_BODY
            + headers.len()
            + match body {
                Body::Json(text) => text.len(),
                Body::Bytes(bytes) => bytes.len().div_ceil(3) * 4,
            },
    );
    json.push_str(",\"body\":");
    match body {
        Body::Json(text) => json.push_str(text),
        Body::Bytes(_) => json.push_str("{}"),
    }
    json.push_str(",\"headers\":");
    json.push_str(&headers);
    if let Body::Bytes(bytes) = body {
        json.push_str(",\"bodyBase64\":\"");
        STANDARD.encode_string(bytes, &mut json);
        json.push('"');
    }
    let user = user.map_or(Value::Null, Value::from);
    json.push_str(",\"user\":");
    json.push_str(&signalk_model::json::value_text(&user));
    json.push('}');
    json
}

/// Bytes of the members' names and of what stands between them.
const AROUND_BODY: usize = 64;

/// Where clients carry their tokens; `token` in the query is one more (server-api.md 3.9).
const CREDENTIALS: [&str; 3] = ["authorization", "x-authorization", "cookie"];

/// As Node joins them; without what would let a plugin act as the user (plugin ABI W23).
pub(crate) fn client_headers(
    request: &HttpRequest,
    passes_credentials: bool,
) -> Map<String, Value> {
    let mut headers = Map::new();
    for (name, value) in &request.headers {
        if !passes_credentials && CREDENTIALS.contains(&name.as_str()) {
            continue;
        }
        let mut value = value.as_str();
        if !passes_credentials && name == "referer" {
            // A page may have been opened with a token in its address.
            value = value.split(['?', '#']).next().unwrap_or_default();
        }
        join(&mut headers, name, value);
    }
    headers
}

/// A header that comes again, as Node takes it (`http.IncomingMessage.headers`): of some the first holds, `set-cookie`
/// is always a list, cookies are joined as cookies are, the rest by commas.
fn join(headers: &mut Map<String, Value>, name: &str, value: &str) {
    match (name, headers.get_mut(name)) {
        ("set-cookie", Some(Value::Array(all))) => all.push(value.into()),
        ("set-cookie", _) => {
            headers.insert(name.to_owned(), json!([value]));
        }
        (_, None) => {
            headers.insert(name.to_owned(), value.into());
        }
        (_, Some(_)) if FIRST_HOLDS.contains(&name) => {}
        (name, Some(Value::String(all))) => {
            all.push_str(if name == "cookie" { "; " } else { ", " });
            all.push_str(value);
        }
        (_, Some(_)) => {}
    }
}

/// Headers of which Node drops all but the first.
const FIRST_HOLDS: [&str; 18] = [
    "age",
    "authorization",
    "content-length",
    "content-type",
    "etag",
    "expires",
    "from",
    "host",
    "if-modified-since",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "proxy-authorization",
    "referer",
    "retry-after",
    "server",
    "user-agent",
];

/// What the client gets for a plugin's reply. What is wrong with it is in the plugin's log, too.
pub(super) fn response(
    later: &mut Later<'_>,
    plugin: &PluginId,
    reply: HandlerReply,
) -> HttpResponse {
    let garbage = &mut later.server.garbage;
    match reply {
        Ok(text) => understood(&text).unwrap_or_else(|text| {
            garbage.push((plugin.clone(), text.clone()));
            error(500, &text)
        }),
        Err(failure) => {
            // Any other failure is in the log already.
            if let HandlerFailure::NotFound { .. } = &failure {
                garbage.push((plugin.clone(), failure.to_string()));
            }
            failed(&failure)
        }
    }
}

/// The answer that a reply stands for, or why it is none.
fn understood(text: &str) -> Result<HttpResponse, String> {
    match serde_json::from_str::<Members<'_>>(text) {
        Ok(reply) => shaped(&reply),
        Err(_) if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            Err("the plugin's answer is no JSON object".to_owned())
        }
        Err(problem) if text.is_empty() => Err(format!("the plugin answered nothing ({problem})")),
        Err(problem) => Err(format!("the plugin's answer is not JSON: {problem}")),
    }
}

/// The members of a reply as they stand there: a body is read once, at its place.
type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

fn failed(failure: &HandlerFailure) -> HttpResponse {
    let text = failure.to_string();
    match failure {
        HandlerFailure::NotRunning => error(503, &text),
        HandlerFailure::Busy(_) => error(503, &text).with("retry-after", "1"),
        HandlerFailure::RequestTooLarge { .. } => error(413, &text),
        HandlerFailure::Timeout { .. } => {
            HttpResponse::json(504, &json!({ "error": "Plugin handler timeout", "message": text }))
        }
        _ => error(500, &text),
    }
}

fn error(status: u16, text: &str) -> HttpResponse {
    HttpResponse::json(status, &json!({ "error": text }))
}

fn shaped(reply: &Members<'_>) -> Result<HttpResponse, String> {
    let member = |name: &str| reply.get(name).map(|raw| raw.get());
    let value = |name: &str| member(name).and_then(|raw| serde_json::from_str::<Value>(raw).ok());
    let status = match value("statusCode") {
        None | Some(Value::Null) => Some(200),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    let status = status.and_then(|status| u16::try_from(status).ok());
    // DIFFERENCE: 100 to 199, which plugin ABI 8.5 accepts, are no answer (RFC 9110 15.2): a client would wait for
    // another.
    let Some(status) = status.filter(|status| (200..600).contains(status)) else {
        return Err("the plugin's statusCode is no number from 200 to 599".to_owned());
    };
    let headers = match value("headers") {
        Some(Value::Object(headers)) => own_headers(&headers),
        _ => Vec::new(),
    };
    let (count, most) = (headers.len(), crate::http::MOST_HEADERS);
    if count > most {
        return Err(format!(
            "the plugin's answer has {count} headers, the limit is {most}; send fewer"
        ));
    }
    let given = headers.iter().find(|(name, _)| name == "content-type").map(|(_, v)| v.clone());
    let encoded = value("bodyEncoding").as_ref().and_then(Value::as_str) == Some("base64");
    let text = member("body").and_then(body::string);
    let binary = match (member("bodyBase64").and_then(body::string), text) {
        (Some(text), _) => text,
        (None, Some(text)) if encoded => text,
        (None, text) => {
            let (kind, bytes) = readable(text, member("body"), given.as_deref());
            // Without a body there is no text whose charset could be said.
            let given = given.map(|given| match member("body") {
                Some(_) => media_type::as_utf8(&given),
                None => given,
            });
            return Ok(finish(status, headers, given.or(kind), bytes));
        }
    };
    match STANDARD.decode(&*binary) {
        Ok(bytes) => {
            let kind = given.unwrap_or_else(|| "application/octet-stream".to_owned());
            Ok(finish(status, headers, Some(kind), bytes.into()))
        }
        Err(problem) => Err(format!("the plugin's body is no base64: {problem}")),
    }
}

/// A body that is not binary, as text if it is one and as it stands there: its default type and its bytes.
fn readable(
    text: Option<Cow<'_, str>>,
    raw: Option<&str>,
    given: Option<&str>,
) -> (Option<String>, Bytes) {
    match (text, raw) {
        (_, None | Some("null")) => (None, Bytes::new()),
        (Some(text), _) => match given {
            Some(kind) if kind.to_ascii_lowercase().contains("application/json") => {
                // Sent anew as JSON; what cannot be read goes out as it is.
                let again = body::compact(text.as_bytes());
                (None, again.unwrap_or_else(|_| text.into_owned()).into())
            }
            _ => (Some("text/html; charset=utf-8".to_owned()), text.into_owned().into()),
        },
        (None, Some(raw)) => {
            let kind = "application/json; charset=utf-8".to_owned();
            (Some(kind), body::compact(raw.as_bytes()).unwrap_or_default().into())
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Node's documentation, `message.headers`.
    #[test]
    fn headers_that_come_again_are_taken_as_node_takes_them() {
        let mut request = HttpRequest::get("/plugins/p/x");
        for (name, value) in [
            ("cookie", "a=1"),
            ("x-list", "1"),
            ("content-type", "text/plain"),
            ("cookie", "b=2"),
            ("x-list", "2"),
            ("content-type", "text/html"),
            ("set-cookie", "c"),
            ("set-cookie", "d"),
            ("user-agent", "one"),
            ("user-agent", "two"),
        ] {
            request.headers.push((name.to_owned(), value.to_owned()));
        }
        let expected = json!({
            "cookie": "a=1; b=2", "x-list": "1, 2", "content-type": "text/plain",
            "set-cookie": ["c", "d"], "user-agent": "one",
        });
        assert_eq!(Value::Object(client_headers(&request, true)), expected);
    }

    fn answered(reply: &str) -> (u16, Option<String>, String) {
        let response = understood(reply).unwrap_or_else(|text| error(500, &text));
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
                json,
                r#"{"a":1}"#,
            ),
            (r#"{"headers":{"content-type":"application/json"},"body":"oops"}"#, 200, json, "oops"),
            (
                r#"{"headers":{"Content-Type":"text/csv"},"body":"a,b"}"#,
                200,
                Some("text/csv; charset=utf-8"),
                "a,b",
            ),
            (r#"{"headers":{"Content-Type":"text/csv"}}"#, 200, Some("text/csv"), ""),
            (r#"{"bodyBase64":"AAEC"}"#, 200, Some("application/octet-stream"), "\0\u{1}\u{2}"),
            (
                r#"{"body":"aGk=","bodyEncoding":"base64","headers":{"Content-Type":"image/png"}}"#,
                200,
                Some("image/png"),
                "hi",
            ),
            (
                r#"{"statusCode":199}"#,
                500,
                json,
                r#"{"error":"the plugin's statusCode is no number from 200 to 599"}"#,
            ),
            ("[]", 500, json, r#"{"error":"the plugin's answer is no JSON object"}"#),
        ] {
            let expected = (status, kind.map(str::to_owned), body.to_owned());
            assert_eq!(answered(reply), expected, "{reply}");
        }
        assert_eq!(answered("").0, 500);
        let headers: Map<String, Value> =
            (0..201).map(|at| (format!("x{at}"), Value::Null)).collect();
        let (status, _, text) = answered(&json!({ "headers": headers }).to_string());
        assert_eq!((status, text.contains("201 headers, the limit is 200")), (500, true), "{text}");
    }

    #[test]
    fn headers_of_the_connection_and_broken_lines_stay_here() {
        let reply = r#"{"headers":{"Transfer-Encoding":"chunked","X-A":"1\r\nX-B: 2","Set-Cookie":["a","b"],"X-C":3}}"#;
        let response = understood(reply).unwrap();
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
            peer: None,
        };
        let body = Body::read(&request).unwrap();
        let text = request_json(&request, Some("rw"), ("/api/x", &Map::new()), &body, false);
        assert_eq!(
            text,
            r#"{"method":"POST","path":"/api/x","query":{"a":["1","2"]},"params":{},"body":{},"headers":{"accept":"a, b","content-type":"application/octet-stream"},"bodyBase64":"AAE=","user":"rw"}"#
        );
    }
}
