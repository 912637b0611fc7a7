//! The line that both our ends write, recognised at the front of the bytes and borrowed from them:
//! nothing is copied, and only `params` or `result` need a scan. A guest pays for every step of an
//! interpreter, so this is what most messages take. What is not exactly this form is left to
//! `framing.rs` and `message.rs`, which mean the same by it.

use serde_json::value::RawValue;

/// A message in its usual form, borrowed.
#[derive(Debug)]
pub enum Quick<'a> {
    /// The other end calls: answer with [`Peer::respond`](crate::Peer::respond).
    Request {
        /// Names the request in the answer.
        id: u64,
        /// The method called.
        method: &'a str,
        /// Its parameters.
        params: Option<&'a RawValue>,
    },
    /// The result of a call of ours.
    Answered {
        /// The call.
        id: u64,
        /// What it came to.
        result: &'a RawValue,
    },
}

/// The message and what follows its line; `None` means "look closer", never "wrong".
pub(crate) fn line(bytes: &[u8]) -> Option<(Quick<'_>, &[u8])> {
    let begins = word(bytes, 0)? == u64::from_le_bytes(*b"{\"jsonrp")
        && word(bytes, 8)? == u64::from_le_bytes(*b"c\":\"2.0\"")
        && word(bytes, 14)? == u64::from_le_bytes(*b"0\",\"id\":");
    if !begins {
        return None;
    }
    let (id, bytes) = number(bytes.get(22..)?)?;
    match word(bytes, 0)?.to_le_bytes() {
        [b',', b'"', b'm', b'e', b't', b'h', b'o', b'd'] => {
            let [b'"', b':', b'"', bytes @ ..] = bytes.get(8..)? else { return None };
            // An escape or a letter beyond ASCII ends the name, too, and is refused below.
            let ends = |b: &u8| matches!(b, b'"' | b'\\') || !matches!(b, b' '..=b'~');
            let (method, bytes) = bytes.split_at(bytes.iter().position(ends)?);
            let method = std::str::from_utf8(method).ok()?;
            let (params, rest) = match bytes {
                [b'"', b'}', b'\n', rest @ ..] => (None, rest),
                [b'"', bytes @ ..] => {
                    let bytes = bytes.strip_prefix(br#","params":"#)?;
                    matches!(bytes.first()?, b'[' | b'{').then_some(())?;
                    let (params, rest) = last_member(bytes)?;
                    (Some(params), rest)
                }
                _ => return None,
            };
            Some((Quick::Request { id, method, params }, rest))
        }
        [b',', b'"', b'r', b'e', b's', b'u', b'l', b't'] => {
            let [b'"', b':', bytes @ ..] = bytes.get(8..)? else { return None };
            let (result, rest) = last_member(bytes)?;
            Some((Quick::Answered { id, result }, rest))
        }
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// 19 digits always fit; a leading zero is not JSON.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(20) {
        match byte {
            b'0'..=b'9' if at < 19 => value = value * 10 + u64::from(byte - b'0'),
            b'0'..=b'9' => return None,
            _ if at == 0 || (at > 1 && bytes[0] == b'0') => return None,
            _ => return Some((value, &bytes[at..])),
        }
    }
    None
}

/// The value before the brace and the newline that end a message, and what follows them.
fn last_member(bytes: &[u8]) -> Option<(&RawValue, &[u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    let value = bytes[..end].strip_suffix(b"}")?;
    Some((serde_json::from_slice(value).ok()?, &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, RequestId};

    /// What the long way makes of the same line, in the same words.
    fn long_way(line: &str) -> Option<String> {
        match Message::parse(line.as_bytes(), 10) {
            Message::Request { id: RequestId::Number(id), method, params } => {
                Some(format!("{id} {method} {:?}", params.as_deref().map(RawValue::get)))
            }
            Message::Response { id: RequestId::Number(id), result: Ok(result) } => {
                Some(format!("{id} {}", result.get()))
            }
            _ => None,
        }
    }

    fn short_way(line: &str) -> Option<String> {
        let text = format!("{line}\nrest");
        let (message, rest) = super::line(text.as_bytes())?;
        assert_eq!(rest, b"rest");
        Some(match message {
            Quick::Request { id, method, params } => {
                format!("{id} {method} {:?}", params.map(RawValue::get))
            }
            Quick::Answered { id, result } => format!("{id} {}", result.get()),
        })
    }

    #[test]
    fn the_usual_form_means_the_same_on_the_short_way() {
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":0,"method":"","params":{}}"#,
            r#"{"jsonrpc":"2.0","id":9999999999999999999,"method":"a.b","params":["ä",{"x":[1]}]}"#,
            r#"{"jsonrpc":"2.0","id":17,"result":null}"#,
            r#"{"jsonrpc":"2.0","id":17,"result":"a}b"}"#,
        ] {
            assert!(short_way(line).is_some(), "{line}");
            assert_eq!(short_way(line), long_way(line), "{line}");
        }
    }

    #[test]
    fn what_is_unusual_or_wrong_takes_the_long_way() {
        for line in [
            "",
            r#"{"jsonrpc":"2.0","id":1"#,
            r#"{"jsonrpc":"2.0","id":01,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":-1,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":12345678901234567890,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":"1","method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m\n"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ä"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[],"x":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","x":[]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m"} "#,
            r#"{"jsonrpc":"2.0","id":1,"result":1,"result":2}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#,
            r#"{"jsonrpc":"2.0","method":"m"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#,
        ] {
            assert_eq!(short_way(line), None, "{line}");
        }
    }

    #[test]
    fn half_a_line_waits_for_the_other_half() {
        let text = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[1]}\n";
        for end in 0..text.len() {
            assert!(line(&text.as_bytes()[..end]).is_none(), "{end}");
        }
    }
}
