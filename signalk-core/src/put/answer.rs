//! What a plugin's answer to a PUT means to its client (plugin ABI 10.3).

use serde_json::Value;
use signalk_bridge::{HandlerFailure, HandlerReply};

use crate::{api::values, requests::Reply};

/// What a plugin's answer means.
pub(super) struct Answered {
    /// For the client.
    pub(super) reply: Reply,
    /// For the plugin's log: why it is no answer. Other failures are there already.
    pub(super) complaint: Option<String>,
}

impl From<HandlerReply> for Answered {
    fn from(reply: HandlerReply) -> Answered {
        let fails = |text: &str| Reply::failed(500, format!("Handler error: {text}"));
        let (reply, complaint) = match reply {
            Ok(text) => match understood(&text) {
                Ok(reply) => (reply, None),
                Err(why) => (fails(&why), Some(why)),
            },
            Err(HandlerFailure::NotFound { .. }) => {
                let text = "Handler not implemented";
                (Reply::failed(501, text), Some(text.to_owned()))
            }
            Err(failure @ HandlerFailure::Timeout { .. }) => {
                (Reply::failed(504, failure.to_string()), None)
            }
            Err(failure @ HandlerFailure::Busy(_)) => {
                (Reply::failed(503, failure.to_string()), None)
            }
            Err(failure) => (fails(&failure.to_string()), None),
        };
        Answered { reply, complaint }
    }
}

/// The reply that a text stands for, or why it is none.
fn understood(text: &str) -> Result<Reply, String> {
    let answer = match values(text) {
        Ok(Value::Object(answer)) => answer,
        Ok(_) => return Err("the answer is no JSON object".to_owned()),
        Err(problem) => return Err(format!("the answer is no JSON: {problem}")),
    };
    let given = answer.get("statusCode").and_then(Value::as_u64).and_then(status);
    // A pending status is no end.
    let end = given.filter(|code| *code != 202);
    let status = match answer.get("state").and_then(Value::as_str) {
        Some("PENDING") => 202,
        Some("COMPLETED") => end.unwrap_or(200),
        Some("SUCCESS") => 200,
        Some("FAILURE") => 502,
        Some("FAILED") => end.unwrap_or(502),
        _ => return Err("the answer has no `state` COMPLETED or PENDING".to_owned()),
    };
    let message = answer.get("message").and_then(Value::as_str).map(str::to_owned);
    Ok(Reply { status, message })
}

/// A status that may be the answer to a request: those below 200 are not (RFC 9110 15.2).
pub(super) fn status(code: u64) -> Option<u16> {
    u16::try_from(code).ok().filter(|code| (200..600).contains(code))
}

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
            let reply = Answered::from(Ok(answer.to_owned())).reply;
            assert_eq!((reply.status, reply.message.as_deref()), (status, message), "{answer}");
        }
        let busy = Answered::from(Err(HandlerFailure::Busy("100 calls wait".into()))).reply;
        assert_eq!((busy.status, busy.message.as_deref()), (503, Some("100 calls wait")));
        let missing = HandlerFailure::NotFound { handler: "x".into() };
        let missing = Answered::from(Err(missing)).reply;
        assert_eq!(
            (missing.status, missing.message.as_deref()),
            (501, Some("Handler not implemented"))
        );
        assert_eq!(Answered::from(Ok(String::new())).reply.status, 500);
    }

    #[test]
    fn what_is_no_answer_is_complained_of_and_what_a_plugin_says_of_itself_is_not() {
        let complaint = |reply| Answered::from(reply).complaint;
        assert!(complaint(Ok("oops".to_owned())).unwrap().contains("no JSON"));
        assert!(complaint(Err(HandlerFailure::NotFound { handler: "x".into() })).is_some());
        let own = "the answer is 42".to_owned();
        assert_eq!(complaint(Err(HandlerFailure::Failed(own))), None);
    }
}
