//! The line that both our ends write, recognised at the front of the bytes and borrowed from them:
//! nothing is copied, and parameters and results are read once, by those who want them. A guest pays
//! for every step of an interpreter, so this is what most messages take. What is not exactly this
//! form is left to `framing.rs` and `message.rs`, which mean the same by it.

use crate::scan::{is_plain_ascii, line_end, word};

/// A message in its usual form, borrowed. Names are ASCII and have no escapes. Whether the texts are
/// JSON, their readers will see: if not, [`Peer::refuse`](crate::Peer::refuse) has the last word.
#[derive(Debug, Clone, Copy)]
pub enum Quick<'a> {
    /// The other end calls: answer with [`Peer::respond`](crate::Peer::respond).
    Request {
        /// Names the request in the answer.
        id: u64,
        /// The method called.
        method: &'a [u8],
        /// Text that begins as an array or an object.
        params: Option<&'a str>,
    },
    /// The other end tells something.
    Notification {
        /// The method named.
        method: &'a [u8],
        /// Text that begins as an array or an object.
        params: Option<&'a str>,
    },
    /// The result of a call of ours, which waits until [`Peer::accept`](crate::Peer::accept).
    Answered {
        /// The call.
        id: u64,
        /// What stands in the place of the result: UTF-8.
        result: &'a [u8],
    },
}

/// `{"jsonrpc":"2.0"`, what may follow, and the words that an id is between, as numbers.
const HEAD: [u64; 2] = [text(b"{\"jsonrp"), text(b"c\":\"2.0\"")];
const ID: u64 = text(b"0\",\"id\":");
const NAMED: u64 = text(b"0\",\"meth");
const METHOD: u64 = text(b"\"method\"");
const RESULT: u64 = text(b"\"result\"");

const fn text(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

/// The message and what follows its line; `None` means "look closer", never "wrong".
#[inline]
pub(crate) fn line(bytes: &[u8]) -> Option<(Quick<'_>, &[u8])> {
    if [word(bytes, 0)?, word(bytes, 8)?] != HEAD {
        return None;
    }
    match word(bytes, 14)? {
        ID => {
            let (id, at) = number(bytes, 22)?;
            let [b',', _, _, _, _, _, _, _, _, b':', ..] = bytes.get(at..)? else { return None };
            match word(bytes, at + 1)? {
                RESULT => {
                    let (result, rest) = last_member(bytes, at + 10)?;
                    Some((Quick::Answered { id, result }, rest))
                }
                METHOD => {
                    let (method, params, rest) = method(bytes, at + 10)?;
                    Some((Quick::Request { id, method, params }, rest))
                }
                _ => None,
            }
        }
        NAMED if bytes.get(22..26)? == b"od\":" => {
            let (method, params, rest) = method(bytes, 26)?;
            Some((Quick::Notification { method, params }, rest))
        }
        _ => None,
    }
}

type Named<'a> = (&'a [u8], Option<&'a str>, &'a [u8]);

/// The method's name in its quotes, parameters if there are any, and what follows the line.
fn method(bytes: &[u8], at: usize) -> Option<Named<'_>> {
    let [b'"', name @ ..] = bytes.get(at..)? else { return None };
    let (name, rest) = name.split_at(name.iter().position(|byte| *byte == b'"')?);
    if !is_plain_ascii(name) {
        return None;
    }
    if let [b'"', b'}', b'\n', rest @ ..] = rest {
        return Some((name, None, rest));
    }
    let params = rest.strip_prefix(br#"","params":"#)?;
    matches!(params.first()?, b'[' | b'{').then_some(())?;
    let (params, rest) = last_member(bytes, bytes.len() - params.len())?;
    Some((name, Some(std::str::from_utf8(params).ok()?), rest))
}

/// A number, and where it ends. 19 digits always fit; a leading zero is not JSON.
#[inline]
fn number(bytes: &[u8], start: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    let mut at = start;
    while let Some(digit @ 0..=9) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0')) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    let digits = at - start;
    let ambiguous = digits == 0 || digits > 19 || (digits > 1 && bytes[start] == b'0');
    if ambiguous { None } else { Some((value, at)) }
}

/// The text from here to the brace and the newline that end a message, which is UTF-8, and what
/// follows them.
#[inline]
fn last_member(bytes: &[u8], start: usize) -> Option<(&[u8], &[u8])> {
    let (end, ascii) = line_end(bytes, start)?;
    let text = bytes.get(start..end)?.strip_suffix(b"}")?;
    (ascii || std::str::from_utf8(text).is_ok()).then_some((text, bytes.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::{Message, RequestId};

    /// What the long way makes of the same line, in the same words.
    fn long_way(line: &str) -> Option<String> {
        match Message::parse(line.as_bytes(), 10) {
            Message::Request { id: RequestId::Number(id), method, params } => {
                Some(format!("{id} {method} {:?}", params.as_deref().map(RawValue::get)))
            }
            Message::Notification { method, params } => {
                Some(format!("{method} {:?}", params.as_deref().map(RawValue::get)))
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
        let named = |method: &[u8], params: Option<&str>| {
            let is_json = |text: &str| serde_json::from_str::<&RawValue>(text).is_ok();
            let method = std::str::from_utf8(method).unwrap();
            params.is_none_or(is_json).then(|| format!("{method} {params:?}"))
        };
        match message {
            Quick::Request { id, method, params } => {
                Some(format!("{id} {}", named(method, params)?))
            }
            Quick::Notification { method, params } => named(method, params),
            Quick::Answered { id, result } => {
                Some(format!("{id} {}", serde_json::from_slice::<&RawValue>(result).ok()?.get()))
            }
        }
    }

    #[test]
    fn the_usual_form_means_the_same_on_the_short_way() {
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":0,"method":"","params":{}}"#,
            r#"{"jsonrpc":"2.0","id":9999999999999999999,"method":"a.b","params":["ä",{"x":[1]}]}"#,
            r#"{"jsonrpc":"2.0","method":"m"}"#,
            r#"{"jsonrpc":"2.0","method":"a.b","params":{"x":"ä"}}"#,
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
            r#"{"jsonrpc":"2.0","methyl":"m"}"#,
            r#"{"jsonrpc":"2.0","method":"m","params":"x"}"#,
            r#"{"jsonrpc":"2.0","method":"m","params":[}"#,
            r#"{"jsonrpc":"2.0","method":"m","id":1}"#,
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
