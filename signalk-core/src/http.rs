//! HTTP requests and responses as plain values. Which request gets which response is decided in `api`; no bytes of the
//! protocol are read or written here, that is the edge's.

use core::net::IpAddr;
use std::borrow::Cow;
use std::fmt;
use std::hash::Hasher;

use bytes::Bytes;
use rustc_hash::FxHasher;

/// One complete request, or the one that asks for a WebSocket.
#[derive(Clone, Default)]
pub struct HttpRequest {
    /// `GET`, `PUT`, ... in capitals.
    pub method: String,
    /// Path and query as sent, still percent-encoded.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
    /// Where it comes from, when the edge knows.
    pub peer: Option<IpAddr>,
}

/// Without what may hold passwords and tokens: query, values of headers, body.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("path", &self.path())
            .field("headers", &names)
            .field("body", &self.body.len())
            .field("peer", &self.peer)
            .finish()
    }
}

/// The limit of the reference, unless its owner sets another (`FILEUPLOADSIZELIMIT`).
pub const BODY_LIMIT: usize = 10 << 20;
/// Of bodies for plugins' endpoints (R123), in both directions.
pub const PLUGIN_BODY_LIMIT: usize = 16 << 20;

pub use signalk_bridge::MOST_HEADERS;

/// The most bytes that the body of a request may have: for endpoints of plugins [`PLUGIN_BODY_LIMIT`], for the rest
/// `own`. An edge refuses more with 413.
pub fn body_limit(method: &str, target: &str, own: usize) -> usize {
    if may_stream(method, target) { PLUGIN_BODY_LIMIT.max(own) } else { own }
}

/// Whether a request may be one for a plugin that takes bodies in pieces: then an edge that can hands in its head
/// first, if it has a body.
pub fn may_stream(method: &str, target: &str) -> bool {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let below = path.strip_prefix("/skServer").unwrap_or(path).strip_prefix("/plugins/");
    let inner = below.and_then(|below| below.split_once('/')).map_or("", |(_, inner)| inner);
    let is_own = inner.trim_end_matches('/').is_empty() || (method == "POST" && inner == "config");
    !is_own
}

/// One complete response. `content-length` and `date` are the edge's.
#[derive(Clone)]
pub struct HttpResponse {
    /// 200, 404, ...
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The whole body.
    pub body: Bytes,
}

/// Without what may hold tokens: values of headers, body.
impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("headers", &names)
            .field("body", &self.body.len())
            .finish()
    }
}

impl HttpRequest {
    /// A GET without headers, for tests and examples.
    pub fn get(target: &str) -> HttpRequest {
        HttpRequest { method: "GET".into(), target: target.into(), ..HttpRequest::default() }
    }

    /// The first header of this (lower case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// The decoded value of a query parameter.
    pub fn query(&self, name: &str) -> Option<String> {
        query_value(&self.target, name)
    }
}

impl HttpResponse {
    /// A response without a body.
    pub fn empty(status: u16) -> HttpResponse {
        HttpResponse { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// JSON that was already written.
    pub fn json_text(status: u16, body: impl Into<Bytes>) -> HttpResponse {
        HttpResponse::typed(status, JSON, body.into())
    }

    /// A JSON value.
    pub fn json(status: u16, value: &serde_json::Value) -> HttpResponse {
        HttpResponse::json_text(status, value.to_string())
    }

    /// Text as the reference's `res.send(text)` types it.
    pub fn html(status: u16, text: impl Into<Bytes>) -> HttpResponse {
        HttpResponse::typed(status, HTML, text.into())
    }

    /// Plain text.
    pub fn text(status: u16, text: impl Into<Bytes>) -> HttpResponse {
        HttpResponse::typed(status, "text/plain; charset=utf-8", text.into())
    }

    /// The page that every unknown address gets: clients look at the status only, people read the text.
    pub fn not_found(method: &str, path: &str) -> HttpResponse {
        HttpResponse::html(404, error_page(&format!("Cannot {} {}", escape(method), escape(path))))
    }

    /// An error page in the reference's form.
    pub fn error(status: u16, text: &str) -> HttpResponse {
        HttpResponse::html(status, error_page(&escape(text)))
    }

    /// A redirect, with the reference's body.
    pub fn redirect(status: u16, to: &str) -> HttpResponse {
        let word = if status == 301 { "Moved Permanently" } else { "Found" };
        let response = HttpResponse::text(status, format!("{word}. Redirecting to {to}"));
        response.with("location", to)
    }

    /// The page of a 301 of the reference's static files; the location is the caller's.
    pub(crate) fn redirecting_page(to: &str) -> HttpResponse {
        let page = page("Redirecting", &format!("Redirecting to {}", escape(to)));
        HttpResponse::typed(301, HTML, page.into())
    }

    /// The same response with one more header; the name is in lower case.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    pub(crate) fn typed(status: u16, content_type: &str, body: Bytes) -> HttpResponse {
        HttpResponse { status, headers: Vec::new(), body }.with("content-type", content_type)
    }

    /// Adds the weak entity tag, and turns the response into 304 when the client already has this body.
    pub(crate) fn with_etag(mut self, request: &HttpRequest) -> HttpResponse {
        if self.body.is_empty() || self.headers.iter().any(|(n, _)| *n == "etag") {
            return self;
        }
        let tag = etag(&self.body);
        let known = request.header("if-none-match").is_some_and(|tags| matches_tag(tags, &tag));
        self.headers.push(("etag".into(), tag));
        if known && self.status == 200 && matches!(request.method.as_str(), "GET" | "HEAD") {
            self.status = 304;
            self.headers.retain(|(name, _)| *name != "content-type");
            self.body = Bytes::new();
        }
        self
    }
}

/// Length and a 64 bit hash. The reference's SHA-1 costs twenty times as much and promises nothing more: a weak tag
/// only says "probably the same text", and it need not survive a restart.
fn etag(body: &[u8]) -> String {
    let mut hasher = FxHasher::default();
    hasher.write(body);
    format!("W/\"{:x}-{:016x}\"", body.len(), hasher.finish())
}

fn matches_tag(header: &str, tag: &str) -> bool {
    let strong = tag.trim_start_matches("W/");
    header.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == strong)
}

fn error_page(text: &str) -> String {
    page("Error", text)
}

fn page(title: &str, text: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n</head>\n<body>\n<pre>{text}</pre>\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// The decoded value of `name` in the query of `target`.
pub(crate) fn query_value(target: &str, name: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode(key, true) == name).then(|| percent_decode(value, true))
    })
}

/// A path and query for people to read: the token is not theirs (server-api.md 3.9).
pub(crate) fn without_token(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let is_token = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        percent_decode(name, true) == "token"
    };
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_token(pair)).collect();
    if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) }
}

/// Decodes `%41`; in a query also `+`. A broken escape stays as it is.
pub(crate) fn percent_decode(text: &str, plus_is_space: bool) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match (byte, hex_pair(bytes, at)) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 2;
            }
            (b'+', _) if plus_is_space => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8(out)
        .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned())
}

fn hex_pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    u8::try_from(digit(at)? * 16 + digit(at + 1)?).ok()
}

const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_escapes_are_decoded_and_broken_ones_kept() {
        assert_eq!(percent_decode("a%20b+c%zz%", true), "a b c%zz%");
        assert_eq!(percent_decode("urn%3Amrn+x", false), "urn:mrn+x");
        assert_eq!(query_value("/x?a=1&time=2018%3A", "time").as_deref(), Some("2018:"));
        assert_eq!(query_value("/x", "time"), None);
    }

    #[test]
    fn no_token_is_shown_to_anybody() {
        for (target, shown) in [
            ("/s?subscribe=all&token=t&x=1", "/s?subscribe=all&x=1"),
            ("/s?token=t", "/s"),
            ("/s?%74oken=t&token", "/s"),
            ("/s?tokens=1", "/s?tokens=1"),
            ("/s", "/s"),
        ] {
            assert_eq!(without_token(target), shown);
        }
        let mut request = HttpRequest::get("/s?token=t0ken");
        request.headers.push(("cookie".into(), "t0ken".into()));
        request.body = Bytes::from_static(b"t0ken");
        assert!(!format!("{request:?}").contains("t0ken"));
    }

    #[test]
    fn a_client_that_has_the_body_gets_304() {
        let first = HttpResponse::json_text(200, "\"x\"").with_etag(&HttpRequest::get("/"));
        let tag = first.header("etag").unwrap().to_owned();
        let mut request = HttpRequest::get("/");
        request.headers.push(("if-none-match".into(), format!("\"other\", {tag}")));
        let second = HttpResponse::json_text(200, "\"x\"").with_etag(&request);
        assert_eq!((second.status, second.body.len()), (304, 0));
        let changed = HttpResponse::json_text(200, "\"y\"").with_etag(&request);
        assert_eq!(changed.status, 200);
    }

    #[test]
    fn endpoints_of_plugins_take_larger_bodies_than_other_addresses() {
        for target in ["/plugins/p/upload", "/skServer/plugins/p/a/b?q=1", "/plugins/@signalk/p/x"]
        {
            assert_eq!(body_limit("POST", target, 10 << 20), 16 << 20, "{target}");
        }
        for target in [
            "/",
            "/plugins",
            "/plugins/p",
            "/plugins/p/",
            "/plugins/p/config",
            "/x/plugins/p/upload",
            "/signalk/v1/api/plugins/p",
        ] {
            assert_eq!(body_limit("POST", target, 10 << 20), 10 << 20, "{target}");
        }
    }

    #[test]
    fn a_path_in_an_error_page_cannot_carry_markup() {
        let page = HttpResponse::not_found("GET", "/<script>");
        assert!(
            String::from_utf8_lossy(&page.body).contains("<pre>Cannot GET /&lt;script&gt;</pre>")
        );
    }
}
