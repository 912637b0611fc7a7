//! What a plugin's answer to a PUT means to its client (plugin ABI 10.3).

use serde_json::Value;
use signalk_bridge::{HandlerFailure, HandlerReply};

use crate::{api::values, requests::Reply};

/// What a plugin's answer means (plugin ABI 10.3).
pub(super) fn put_reply(reply: HandlerReply) -> Reply {
    let error = |text: &dyn std::fmt::Display| Reply::failed(500, format!("Handler error: {text}"));
    let text = match reply {
        Ok(text) => text,
        Err(HandlerFailure::NotFound { .. }) => {
            return Reply::failed(501, "Handler not implemented");
        }
        Err(failure @ HandlerFailure::Timeout { .. }) => {
            return Reply::failed(504, failure.to_string());
        }
        Err(failure) => return error(&failure),
    };
    let answer = match values(&text) {
        Ok(Value::Object(answer)) => answer,
        Ok(_) => return error(&"the answer is no JSON object"),
        Err(problem) => return error(&format_args!("the answer is no JSON: {problem}")),
    };
    let given = answer.get("statusCode").and_then(Value::as_u64);
    let given = given.and_then(status);
    let message = answer.get("message").and_then(Value::as_str).map(str::to_owned);
    let code = match answer.get("state").and_then(Value::as_str) {
        Some("PENDING") => 202,
        // A pending status is no end.
        Some("COMPLETED") => given.filter(|code| *code != 202).unwrap_or(200),
        Some("SUCCESS") => 200,
        Some("FAILURE") => 502,
        Some("FAILED") => given.filter(|code| *code != 202).unwrap_or(502),
        _ => return error(&"the answer has no `state` COMPLETED or PENDING"),
    };
    Reply { status: code, message }
}

/// A status that may be the answer to a request: those below 200 are not (RFC 9110 15.2).
pub(super) fn status(code: u64) -> Option<u16> {
    u16::try_from(code).ok().filter(|code| (200..600).contains(code))
}

/// Of an answer that is none.
pub(super) fn is_garbage(message: &str) -> bool {
    message.starts_with(GARBAGE)
}

const GARBAGE: &str = "Handler error: the answer ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugins_answer_is_one_reply() {
        for (answer, status, message) in [
            (r#"{"state":"COMPLETED","statusCode":200}"#, 200, None),
            (
                r#"{"state":"COMPLETED","statusCode":400,"message":"too long"}"#,
                400,
                Some("too long"),
            ),
            (r#"{"state":"PENDING","statusCode":202}"#, 202, None),
            (r#"{"state":"SUCCESS"}"#, 200, None),
            (r#"{"state":"FAILURE"}"#, 502, None),
            (r#"{"state":"FAILED","statusCode":409}"#, 409, None),
            (r#"{"state":"FAILED"}"#, 502, None),
            ("{}", 500, Some("Handler error: the answer has no `state` COMPLETED or PENDING")),
            ("[]", 500, Some("Handler error: the answer is no JSON object")),
        ] {
            let reply = put_reply(Ok(answer.to_owned()));
            assert_eq!((reply.status, reply.message.as_deref()), (status, message), "{answer}");
        }
        let missing = put_reply(Err(HandlerFailure::NotFound { handler: "x".into() }));
        assert_eq!(
            (missing.status, missing.message.as_deref()),
            (501, Some("Handler not implemented"))
        );
        assert_eq!(put_reply(Ok(String::new())).status, 500);
    }
}
