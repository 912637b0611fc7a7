//! The line that both our ends write, recognised at the front of the bytes and borrowed from them:
//! nothing is copied, only `params` needs a scan, and a result is read once, by who waits for it.
//! A guest pays for every step of an interpreter, so this is what most messages take. What is not
//! exactly this form is left to `framing.rs` and `message.rs`, which mean the same by it.

use serde_json::value::RawValue;

use crate::scan::{line_end, word};

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
    /// The result of a call of ours, which waits on until somebody has read it: end it with
    /// [`Peer::accept`](crate::Peer::accept) or [`Peer::refuse`](crate::Peer::refuse).
    Answered {
        /// The call.
        id: u64,
        /// What stands in the place of the result: UTF-8; whether it is JSON, its reader will see.
        result: &'a [u8],
    },
}

/// `{"jsonrpc":"2.0","id":` in words that overlap.
const HEAD: [(usize, u64); 3] = [
    (0, u64::from_le_bytes(*b"{\"jsonrp")),
    (8, u64::from_le_bytes(*b"c\":\"2.0\"")),
    (14, u64::from_le_bytes(*b"0\",\"id\":")),
];
const HEAD_LEN: usize = 22;
const METHOD: u64 = u64::from_le_bytes(*b"\"method\"");
const RESULT: u64 = u64::from_le_bytes(*b"\"result\"");

/// The message and what follows its line; `None` means "look closer", never "wrong".
pub(crate) fn line(bytes: &[u8]) -> Option<(Quick<'_>, &[u8])> {
    if !HEAD.iter().all(|(at, expected)| word(bytes, *at) == Some(*expected)) {
        return None;
    }
    let (id, at) = number(bytes, HEAD_LEN)?;
    let name = word(bytes, at + 1)?;
    let [b',', _, _, _, _, _, _, _, _, b':', ..] = bytes.get(at..)? else { return None };
    match name {
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

/// The method's name with its quotes, and what follows: parameters, or the end.
fn method(bytes: &[u8], at: usize) -> Option<(&str, Option<&RawValue>, &[u8])> {
    let [b'"', name @ ..] = bytes.get(at..)? else { return None };
    // An escape or a letter beyond ASCII ends the name, too, and is refused below.
    let ends = |b: &u8| matches!(b, b'"' | b'\\') || !matches!(b, b' '..=b'~');
    let (name, rest) = name.split_at(name.iter().position(ends)?);
    let name = std::str::from_utf8(name).ok()?;
    if let [b'"', b'}', b'\n', rest @ ..] = rest {
        return Some((name, None, rest));
    }
    let params = rest.strip_prefix(br#"","params":"#)?;
    matches!(params.first()?, b'[' | b'{').then_some(())?;
    let (params, rest) = last_member(bytes, bytes.len() - params.len())?;
    Some((name, Some(serde_json::from_slice(params).ok()?), rest))
}

/// A number, and where it ends. 19 digits always fit; a leading zero is not JSON.
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

/// The text from here to the brace and the newline that end a message, and what follows them.
fn last_member(bytes: &[u8], start: usize) -> Option<(&[u8], &[u8])> {
    let (end, ascii) = line_end(bytes, start)?;
    let text = bytes.get(start..end)?.strip_suffix(b"}")?;
    (ascii || std::str::from_utf8(text).is_ok()).then_some((text, bytes.get(end + 1..)?))
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
            Quick::Answered { id, result } => {
                format!("{id} {}", serde_json::from_slice::<&RawValue>(result).ok()?.get())
            }
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
