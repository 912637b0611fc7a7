//! Endpoints, calls and replies as they go over the wire.

use serde_json::json;

use super::*;

#[test]
fn endpoints_and_replies_are_what_the_host_reads() {
    let endpoints = [Endpoint::get("/a/:b", "a").readonly(), Endpoint::put("/c", "c").streamed()];
    assert_eq!(
        serde_json::to_value(endpoints).unwrap(),
        json!([
            { "method": "GET", "path": "/a/:b", "handler": "a", "access": "readonly" },
            { "method": "PUT", "path": "/c", "handler": "c", "stream": true },
        ])
    );
    let reply = Reply::bytes("image/png", vec![0, 1]).status(201);
    assert_eq!(
        serde_json::to_value(reply).unwrap(),
        json!({ "statusCode": 201, "headers": { "content-type": "image/png" }, "bodyBase64": "AAE=" })
    );
    assert_eq!(serde_json::to_value(Reply::streamed()).unwrap(), json!({}));
}

#[test]
fn a_call_is_read_as_the_host_writes_it() {
    let text = r#"{"handler":"h","request":{"method":"POST","path":"/x","query":{"a":["1","2"]},"params":{"z":"1"},"body":{},"headers":{"accept":"b"},"bodyBase64":"AAE=","user":null},"exchange":7}"#;
    let call: HttpCall = serde_json::from_str(text).unwrap();
    assert_eq!((call.request.bytes(), call.exchange), (&[0_u8, 1][..], Some(7)));
    assert_eq!(call.request.params["z"], "1");
}
