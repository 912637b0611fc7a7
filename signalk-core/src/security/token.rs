//! Access tokens: JSON Web Tokens of one kind, HS256 (RFC 7515, RFC 7519; server-api.md 6.3), so that those of the
//! reference keep working with the key of its `security.json`.
//!
//! Written here because the crates for it bring RSA and elliptic curves, and with them `ring` or a source of random
//! numbers that a browser would have to import. The algorithm is ours to name, never the token's: with one algorithm
//! there is none to confuse it with, and `none` is refused like any other. Who a token's subject is, is `Security`'s.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::secret::Secret;

/// More than any client's; what is longer is not even decoded.
const LONGEST: usize = 8 << 10;

/// Whose a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// By name.
    User(String),
    /// By client id.
    Device(String),
}

/// What a token says. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) subject: Subject,
    pub(crate) issued: u64,
    /// `None`: it never expires.
    pub(crate) expires: Option<u64>,
    /// The user wanted to stay logged in when the browser is closed.
    pub(crate) remember: bool,
}

/// Why a token is not taken; the words of the reference's library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadToken {
    #[error("jwt malformed")]
    Malformed,
    #[error("invalid algorithm")]
    Algorithm,
    #[error("invalid signature")]
    Signature,
    #[error("jwt expired")]
    Expired,
    #[error("jwt not active")]
    NotYet,
    #[error("the user or device of this token does not exist any more")]
    Unknown,
}

/// The token that says this.
pub(crate) fn sign(key: &Secret, claims: &Claims) -> String {
    let mut payload = match &claims.subject {
        Subject::User(name) => json!({ "id": name, "iat": claims.issued }),
        Subject::Device(id) => json!({ "device": id, "iat": claims.issued }),
    };
    if let Some(payload) = payload.as_object_mut() {
        if let Some(expires) = claims.expires {
            payload.insert("exp".into(), expires.into());
        }
        if claims.remember {
            payload.insert("rememberMe".into(), true.into());
        }
    }
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(&header), encode(&payload));
    let signature = URL_SAFE_NO_PAD.encode(mac(key, &signed).finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// What a token says, if it is one of ours and it is its time.
pub(crate) fn verify(key: &Secret, token: &str, now: u64) -> Result<Claims, BadToken> {
    if token.len() > LONGEST {
        return Err(BadToken::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(BadToken::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(BadToken::Malformed)?;
    let header = object(header)?;
    if header.get("alg").and_then(Value::as_str) != Some("HS256") || header.contains_key("crit") {
        return Err(BadToken::Algorithm);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| BadToken::Malformed)?;
    // In constant time.
    mac(key, signed).verify_slice(&signature).map_err(|_| BadToken::Signature)?;
    let claims = claims(&object(payload)?)?;
    is_in_time(&claims, now)?;
    Ok(claims)
}

/// Whether a token that was good still is, by the clock.
pub(crate) fn is_in_time(claims: &Claims, now: u64) -> Result<(), BadToken> {
    match claims.expires {
        Some(expires) if expires <= now => Err(BadToken::Expired),
        _ => Ok(()),
    }
}

fn claims(payload: &Map<String, Value>) -> Result<Claims, BadToken> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str).map(str::to_owned);
    let subject = match (text("id"), text("device")) {
        (Some(id), _) => Subject::User(id),
        (None, Some(device)) => Subject::Device(device),
        (None, None) => return Err(BadToken::Malformed),
    };
    // The reference writes none of these; one that is there says something that is not understood here.
    if payload.contains_key("nbf") {
        return Err(BadToken::NotYet);
    }
    Ok(Claims {
        subject,
        issued: seconds(payload, "iat")?.unwrap_or_default(),
        expires: seconds(payload, "exp")?,
        remember: payload.get("rememberMe").and_then(Value::as_bool).unwrap_or(false),
    })
}

/// A time; one that is no number of seconds makes the token a bad one, never one without end.
fn seconds(payload: &Map<String, Value>, name: &str) -> Result<Option<u64>, BadToken> {
    let Some(value) = payload.get(name) else { return Ok(None) };
    if let Some(seconds) = value.as_u64() {
        return Ok(Some(seconds));
    }
    // Before 1970, or a fraction: what counts is the whole second before it.
    let text = value.as_f64().ok_or(BadToken::Malformed)?.floor().max(0.0).to_string();
    text.parse().map(Some).map_err(|_| BadToken::Malformed)
}

fn object(part: &str) -> Result<Map<String, Value>, BadToken> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| BadToken::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| BadToken::Malformed)
}

/// A key of any length is one (RFC 2104), so the empty state is never used.
fn mac(key: &Secret, signed: &str) -> Hmac<Sha256> {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.expose().as_bytes());
    let mut mac = mac.unwrap_or_else(|_| <Hmac<Sha256> as KeyInit>::new(&Default::default()));
    mac.update(signed.as_bytes());
    mac
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
