//! Reading one message: the clauses of the specification, and properties.

use proptest::prelude::*;

use super::*;

/// The message as words, so that a case is one line.
fn read(text: &str) -> String {
    words(&Message::parse(text.as_bytes(), 10))
}

fn words(message: &Message) -> String {
    let params = |params: &Params| params.as_deref().map_or("-", RawValue::get).to_owned();
    match message {
        Message::Request { id, method, params: p } => {
            format!("request {id} {method} {}", params(p))
        }
        Message::Notification { method, params: p } => {
            format!("notification {method} {}", params(p))
        }
        Message::Response { id, result: Ok(result) } => format!("result {id} {result}"),
        Message::Response { id, result: Err(error) } => {
            let data = error.data().map_or("-", RawValue::get);
            format!("error {id} {} {} {data}", error.code(), error.message())
        }
        Message::Batch(entries) => entries.iter().map(words).collect::<Vec<_>>().join(" | "),
        Message::Invalid { id, error } => format!("invalid {id} {}", error.code()),
        Message::InvalidResponse { id, reason } => format!(
            "invalid response {} {reason}",
            id.as_ref().map_or("-".to_owned(), ToString::to_string)
        ),
    }
}

#[test]
fn section_4_request_object() {
    for (text, expected) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#, "request 1 m -"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1,2]}"#, "request 1 m [1,2]"),
        (
            r#" { "params" : {"a":1} , "method":"m", "id":"x", "jsonrpc":"2.0" } "#,
            r#"request "x" m {"a":1}"#,
        ),
        (r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#, "request null m -"),
        (
            r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"m"}"#,
            "request 18446744073709551615 m -",
        ),
        (r#"{"jsonrpc":"2.0","id":"\u0031","method":"\u006d\"\\"}"#, r#"request "1" m"\ -"#),
        (r#"{"jsonrpc":"\u0032.0","id":1,"method":"m"}"#, "request 1 m -"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","extra":[{}]}"#, "request 1 m -"),
        // Not in the specification, but common: null for "no parameters".
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":null}"#, "request 1 m -"),
        // jsonrpc: exactly "2.0".
        (r#"{"id":1,"method":"m"}"#, "invalid 1 -32600"),
        (r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#, "invalid 1 -32600"),
        (r#"{"jsonrpc":2.0,"id":1,"method":"m"}"#, "invalid 1 -32600"),
        // method: a string.
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, "invalid 1 -32600"),
        (r#"{"jsonrpc":"2.0","id":1}"#, "invalid 1 -32600"),
        (r#"{"jsonrpc":"2.0","id":1,"method":null}"#, "invalid 1 -32600"),
        // params: a structured value (4.2).
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":3}"#, "invalid 1 -32600"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":"x"}"#, "invalid 1 -32600"),
        // id: string, number or null; "should not contain fractional parts".
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"m"}"#, "invalid null -32600"),
        (r#"{"jsonrpc":"2.0","id":1.0,"method":"m"}"#, "invalid null -32600"),
        (r#"{"jsonrpc":"2.0","id":-1,"method":"m"}"#, "invalid null -32600"),
        (r#"{"jsonrpc":"2.0","id":1e3,"method":"m"}"#, "invalid null -32600"),
        (r#"{"jsonrpc":"2.0","id":18446744073709551616,"method":"m"}"#, "invalid null -32600"),
        (r#"{"jsonrpc":"2.0","id":true,"method":"m"}"#, "invalid null -32600"),
        (r#"{"jsonrpc":"2.0","id":[1],"method":"m"}"#, "invalid null -32600"),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}"#, "invalid 2 -32600"),
        ("1", "invalid null -32600"),
        ("\"text\"", "invalid null -32600"),
        ("", "invalid null -32700"),
        ("{", "invalid null -32700"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m"}}"#, "invalid null -32700"),
        (r#"{"jsonrpc":"2.0","id":01,"method":"m"}"#, "invalid null -32700"),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\nb\"}", "invalid null -32700"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1}"#, "invalid null -32700"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn section_4_1_notification() {
    assert_eq!(read(r#"{"jsonrpc":"2.0","method":"m"}"#), "notification m -");
    assert_eq!(read(r#"{"jsonrpc":"2.0","method":"m","params":[]}"#), "notification m []");
    assert_eq!(read(r#"{"jsonrpc":"2.0","method":"m","params":1}"#), "invalid null -32600");
}

#[test]
fn section_5_response_object() {
    for (text, expected) in [
        (r#"{"jsonrpc":"2.0","id":1,"result":19}"#, "result 1 19"),
        (r#"{"jsonrpc":"2.0","id":1,"result":null}"#, "result 1 null"),
        (r#"{"jsonrpc": "2.0", "result": {"a":[]}, "id": "x"}"#, r#"result "x" {"a":[]}"#),
        (
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"P"}}"#,
            "error null -32700 P -",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":5,"message":"m","data":{"x":1}}}"#,
            r#"error 1 5 m {"x":1}"#,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":5,"message":"m","data":null}}"#,
            "error 1 5 m null",
        ),
        (r#"{"jsonrpc":"2.0","id":1,"error":{"code":5,"message":"m","hint":1}}"#, "error 1 5 m -"),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":5,"message":"m"}}"#,
            "invalid response 1 `result` and `error` exclude each other",
        ),
        (r#"{"jsonrpc":"2.0","result":1}"#, "invalid response - `id` is missing"),
        (
            r#"{"jsonrpc":"2.0","id":-1,"result":1}"#,
            "invalid response - the id must be a string, null or a whole number from 0",
        ),
        (r#"{"id":1,"result":1}"#, r#"invalid response 1 `jsonrpc` must be "2.0""#),
        (
            r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#,
            "invalid response 1 `error` must have an integer `code` and a string `message`",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":1,"result":2}"#,
            "invalid response 1 a member occurs twice",
        ),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn section_6_batch() {
    for (text, expected) in [
        ("[]", "invalid null -32600"),
        ("[1]", "invalid null -32600"),
        ("[[]]", "invalid null -32600"),
        (r#"[{"jsonrpc":"2.0","method":"a"} , 1]"#, "notification a - | invalid null -32600"),
        ("[1,2", "invalid null -32700"),
        ("[1] x", "invalid null -32700"),
        ("[0,1,2,3,4,5,6,7,8,9,10]", "invalid null -32010"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn depth_costs_no_stack() {
    let deep =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{}"#, "[".repeat(1_000_000));
    assert_eq!(read(&deep), "invalid null -32700");
    let closed = format!("{deep}{}}}", "]".repeat(1_000_000));
    assert!(read(&closed).starts_with("request 1 m [[["));
}

#[test]
fn ids_travel_through_jsonrpsee_and_serde() {
    for (id, text) in [
        (RequestId::Number(7), "7"),
        (RequestId::String("a\"b".into()), r#""a\"b""#),
        (RequestId::Null, "null"),
    ] {
        assert_eq!(serde_json::to_string(&id).unwrap(), text);
        assert_eq!(serde_json::from_str::<RequestId>(text).unwrap(), id);
        assert_eq!(RequestId::from(Id::from(&id)), id);
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "\\PC{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn raw(value: &serde_json::Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn request_id() -> impl Strategy<Value = RequestId> {
    prop_oneof![
        any::<u64>().prop_map(RequestId::Number),
        "\\PC{0,8}".prop_map(|text| RequestId::String(text.into())),
        Just(RequestId::Null),
    ]
}

fn params() -> impl Strategy<Value = Params> {
    prop_oneof![
        Just(None),
        prop::collection::vec(json(), 0..3).prop_map(|list| Some(raw(&list.into()))),
        prop::collection::btree_map("[a-z]{0,4}", json(), 0..3)
            .prop_map(|map| { Some(raw(&serde_json::Value::Object(map.into_iter().collect()))) }),
    ]
}

/// Any message that can be sent.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    let single =
        prop_oneof![
            (request_id(), "\\PC{0,10}", params())
                .prop_map(|(id, method, params)| Message::Request { id, method, params }),
            ("\\PC{0,10}", params())
                .prop_map(|(method, params)| Message::Notification { method, params }),
            (request_id(), json())
                .prop_map(|(id, result)| Message::Response { id, result: Ok(raw(&result)) }),
            (request_id(), any::<i32>(), "\\PC{0,10}", prop::option::of(json())).prop_map(
                |(id, code, message, data)| Message::Response {
                    id,
                    result: Err(ErrorObject::owned(code, message, data)),
                }
            ),
        ];
    let single = single.boxed();
    prop_oneof![4 => single.clone(), 1 => prop::collection::vec(single, 1..4).prop_map(Message::Batch)]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(message in message()) {
        let mut text = Vec::new();
        message.write_json(&mut text);
        let read = Message::parse(&text, 10);
        prop_assert_eq!(words(&read), words(&message));
        let mut again = Vec::new();
        read.write_json(&mut again);
        prop_assert_eq!(text, again);
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Message::parse(&bytes, 10);
    }

    #[test]
    fn near_misses_never_panic(text in r#"[\[{]?\{?"(jsonrpc|id|method|params|result|error)":[ \[{"0-9a-z.,:}\]-]{0,40}"#) {
        let _ = Message::parse(text.as_bytes(), 10);
        let _ = crate::envelope::peek(text.as_bytes());
    }
}
