//! The examples of the specification's section 7, in both framings.

use super::*;

/// The same JSON whatever the white space, order of members and text of the message.
fn same(a: &str, b: &str) -> bool {
    fn plain(text: &str) -> serde_json::Value {
        fn blur(value: &mut serde_json::Value) {
            match value {
                serde_json::Value::Array(list) => list.iter_mut().for_each(blur),
                serde_json::Value::Object(map) => {
                    if let Some(error) = map.get_mut("error") {
                        error["message"] = "blurred".into();
                    }
                    map.sort_keys();
                }
                _ => {}
            }
        }
        let mut value = serde_json::from_str(text).unwrap_or(serde_json::Value::Null);
        blur(&mut value);
        value
    }
    plain(a) == plain(b)
}

/// Section 7 of the specification: `-->` sent to the server, `<--` its answer. The texts are the
/// specification's; only the words of error messages are ours.
const EXAMPLES: &[(&str, &str, &str)] = &[
    (
        "positional parameters",
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
        r#"{"jsonrpc": "2.0", "result": 19, "id": 1}"#,
    ),
    (
        "positional parameters, other order",
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}"#,
        r#"{"jsonrpc": "2.0", "result": -19, "id": 2}"#,
    ),
    (
        "named parameters",
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}"#,
        r#"{"jsonrpc": "2.0", "result": 19, "id": 3}"#,
    ),
    (
        "named parameters, other order",
        r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}"#,
        r#"{"jsonrpc": "2.0", "result": 19, "id": 4}"#,
    ),
    ("a notification", r#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#, ""),
    ("a notification without parameters", r#"{"jsonrpc": "2.0", "method": "foobar"}"#, ""),
    (
        "non-existent method",
        r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}"#,
    ),
    (
        "invalid JSON",
        r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#,
    ),
    (
        "invalid Request object",
        r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#,
    ),
    (
        "batch, invalid JSON",
        r#"[ {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method" ]"#,
        r#"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#,
    ),
    (
        "an empty array",
        "[]",
        r#"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#,
    ),
    (
        "an invalid batch, not empty",
        "[1]",
        r#"[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]"#,
    ),
    (
        "invalid batch",
        "[1,2,3]",
        r#"[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
         {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
         {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]"#,
    ),
    (
        "batch",
        r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
         {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
         {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
         {"foo": "boo"},
         {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
         {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]"#,
        // "The Response objects being returned from a batch call MAY be returned in any order."
        r#"[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
         {"jsonrpc": "2.0", "result": 7, "id": "1"},
         {"jsonrpc": "2.0", "result": 19, "id": "2"},
         {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
         {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}]"#,
    ),
    (
        "batch, all notifications",
        r#"[{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
         {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]"#,
        "",
    ),
];

#[test]
fn section_7_examples_in_lines() {
    for (name, sent, expected) in EXAMPLES {
        let mut peer = Peer::default();
        let line = sent.replace('\n', " ") + "\n";
        let answer = serve(&mut peer, line.as_bytes());
        assert_eq!(answer.matches('\n').count(), usize::from(!expected.is_empty()), "{name}");
        assert!(same(&answer, expected), "{name}: {answer}");
        assert_eq!(peer.requests_waiting(), 0, "{name}");
    }
}

#[test]
fn section_7_examples_with_headers() {
    for (name, sent, expected) in EXAMPLES {
        let mut peer = Peer::default();
        let message = format!("Content-Length: {}\r\n\r\n{sent}", sent.len());
        let answer = serve(&mut peer, message.as_bytes());
        if expected.is_empty() {
            assert_eq!(answer, "", "{name}");
            continue;
        }
        let (header, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(header, format!("Content-Length: {}", body.len()), "{name}");
        assert!(same(body, expected), "{name}: {body}");
    }
}
