//! One HTTP request: whole, or the body of its answer in pieces. Bodies that are sent so: `upload.rs`; what the host
//! does besides: `wishes.rs`.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::wishes::Wishes;
use super::{Cached, Owned, decode, encode};
use crate::signalk::SignalK;
use crate::{Error, ErrorCode, Result};

/// A request to be sent, any number of times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    url: String,
    method: String,
    headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirects: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(flatten)]
    pub(super) wishes: Wishes,
}

/// An answer. Statuses from 400 on are answers, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 200, 404, ...
    pub status: u16,
    /// Names in lower case, in their order.
    pub headers: Vec<(String, String)>,
    /// The last URL of all redirects.
    pub url: String,
    /// The body, unpacked. Empty when it is streamed.
    pub body: Vec<u8>,
    /// From where, when the host has kept it ([`Request::cached`]); `None`: as the server answered.
    pub cached: Option<Cached>,
}

/// An answer whose body comes in pieces. Dropping it ends the transfer.
pub struct Streamed {
    /// Status and headers.
    pub head: Response,
    owned: Owned,
    ended: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    status: u16,
    headers: Vec<(String, String)>,
    url: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    body_base64: Option<String>,
    #[serde(default)]
    request: Option<u64>,
    #[serde(default)]
    cached: Option<Cached>,
}

#[derive(Deserialize)]
struct Piece {
    #[serde(default)]
    data: Option<String>,
}

impl Request {
    /// Any method: `GET`, `POST`, `PUT`, `PATCH`, `DELETE`, ...
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Request {
            url: url.into(),
            method: method.to_ascii_uppercase(),
            headers: Vec::new(),
            body_base64: None,
            timeout: None,
            redirects: None,
            max_bytes: None,
            stream: false,
            wishes: Wishes::default(),
        }
    }

    /// `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Request::new("GET", url)
    }

    /// `POST` with a body.
    pub fn post(url: impl Into<String>, body: impl AsRef<[u8]>) -> Self {
        Request::new("POST", url).body(body)
    }

    /// Adds a header. `host`, `content-length` and `connection` are the host's.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body_base64 = Some(encode(body.as_ref()));
        self
    }

    /// Time until the answer is complete; the host gives 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Redirects that are followed at most; the host follows 20.
    pub fn redirects(mut self, most: u32) -> Self {
        self.redirects = Some(most);
        self
    }

    /// Longest body; the host takes 8 MiB at once, 1 GiB in pieces.
    pub fn max_bytes(mut self, most: u64) -> Self {
        self.max_bytes = Some(most);
        self
    }

    /// Begins it without a body, which follows piece by piece: any number of bytes, none of which
    /// the host or this plugin has to keep. With a `length` the server is told how many; otherwise
    /// they come chunked.
    ///
    /// # Errors
    /// It cannot be sent: a URL that is none, or too many requests at once. A body that it has
    /// already is refused.
    pub async fn upload(&self, sk: &SignalK, length: Option<u64>) -> Result<super::Upload> {
        super::Upload::begin(sk.host(), self, length).await
    }

    /// The same, whose answer comes in pieces.
    pub(in crate::signalk) fn streamed(&self) -> Request {
        Request { stream: true, ..self.clone() }
    }

    /// Sends it; the whole answer.
    ///
    /// # Errors
    /// No answer: name, connection, TLS, time, size, or the owner's rules. The text says which.
    pub async fn send(&self, sk: &SignalK) -> Result<Response> {
        sk.host().call::<Wire>("http.request", self).await?.whole()
    }

    /// Sends it; the body is taken by [`Streamed::next`].
    ///
    /// # Errors
    /// As [`Request::send`].
    pub async fn stream(&self, sk: &SignalK) -> Result<Streamed> {
        let wire = sk.host().call::<Wire>("http.request", &self.streamed()).await?;
        let (head, number) = wire.streamed()?;
        let owned = Owned { host: sk.host().clone(), number, close: "http.cancel" };
        Ok(Streamed { head, owned, ended: false })
    }
}

impl Wire {
    /// The answer with its body.
    pub(super) fn whole(self) -> Result<Response> {
        let body = match (self.body, &self.body_base64) {
            (Some(text), _) => text.into_bytes(),
            (None, Some(data)) => decode(data)?,
            (None, None) => Vec::new(),
        };
        let Wire { status, headers, url, cached, .. } = self;
        Ok(Response { status, headers, url, body, cached })
    }

    /// The head of one whose body comes in pieces, and its number.
    pub(super) fn streamed(self) -> Result<(Response, u64)> {
        let number = self.request.ok_or_else(|| {
            Error::new(ErrorCode::NetworkFailed, "the host does not stream; update it")
        })?;
        Ok((self.whole()?, number))
    }
}

impl Response {
    /// An answer as the host writes it.
    pub(in crate::signalk) fn read(json: &[u8]) -> Result<Self> {
        serde_json::from_slice::<Wire>(json)?.whole()
    }

    /// The head of one whose body comes in pieces, and its number.
    pub(in crate::signalk) fn read_streamed(json: &[u8]) -> Result<(Self, u64)> {
        serde_json::from_slice::<Wire>(json)?.streamed()
    }

    /// A header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Status 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// Another status than 200 to 299, or another form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        if !self.is_success() {
            let text = format!("{}: status {}", self.url, self.status);
            return Err(Error::new(ErrorCode::NetworkFailed, text));
        }
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// The body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Streamed {
    /// The next piece, at most 64 KiB; `None`: there are no more.
    ///
    /// # Errors
    /// The transfer broke, or took too long.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        let piece = self.owned.host.call::<Piece>("http.next", (self.owned.number,)).await;
        let data = piece.inspect_err(|_| self.ended = true)?.data;
        self.ended = data.is_none();
        data.map(|data| decode(&data)).transpose()
    }
}
