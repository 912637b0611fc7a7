//! Headers that plugins give, as HTTP has them: for what they ask of other servers and for what they answer to clients.
//!
//! Their number is bounded here, at the last place before they are kept in a `HeaderMap`: that one panics beyond 32,768
//! names, and no server or browser reads more than some hundred.

use http::{HeaderMap, HeaderName, HeaderValue};
use signalk_core::http::MOST_HEADERS;

/// Adds them to those that are there.
///
/// # Errors
///
/// In words: there are too many, or one holds what no header may hold.
pub(crate) fn add(headers: &[(String, String)], to: &mut HeaderMap) -> Result<(), String> {
    check(headers.len())?;
    for (name, value) in headers {
        let bad = || format!("header `{name}` holds what no header may hold");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad())?;
        to.append(name, value);
    }
    Ok(())
}

/// # Errors
///
/// There are too many.
pub(crate) fn check(count: usize) -> Result<(), String> {
    if count > MOST_HEADERS {
        return Err(format!("{count} headers, the limit is {MOST_HEADERS}; send fewer"));
    }
    Ok(())
}
