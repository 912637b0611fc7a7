//! Requests: what they carry and wish, and bodies in pieces.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, run};
use crate::signalk::net::{Cached, RateLimit, Request, Retry};

fn answer(status: u16, headers: &Value, body: &str) -> Answer {
    Ok(
        json!({ "status": status, "headers": headers, "url": "http://a/", "redirected": false, "body": body }),
    )
}

#[test]
fn a_request_carries_what_it_was_given() {
    let (result, asked) =
        run(vec![answer(200, &json!([["x-b", "2"]]), "{\"x\":1}")], vec![], |sk| async move {
            let request = Request::post("http://a/", "hi").header("x-a", "1").redirects(0);
            let response = request.timeout(Duration::from_secs(5)).max_bytes(100).send(&sk).await?;
            Ok((response.header("X-B").map(str::to_owned), response.json::<Value>()?))
        });
    assert_eq!(result, json!(["2", { "x": 1 }]));
    assert_eq!(
        asked,
        [
            r#"http.request {"url":"http://a/","method":"POST","headers":[["x-a","1"]],"bodyBase64":"aGk=","timeout":5000,"redirects":0,"maxBytes":100}"#
        ]
    );
}

/// What they mean is the host's.
#[test]
fn a_request_says_what_it_wishes_of_the_host() {
    let mut kept = answer(200, &json!([["age", "3600"]]), "old").unwrap();
    kept["cached"] = "stale".into();
    let mut otherwise = kept.clone();
    otherwise["cached"] = "by a later host".into();
    let answers = vec![Ok(kept), Ok(otherwise), answer(200, &json!([]), "new")];
    let (result, asked) = run(answers, vec![], |sk| async move {
        let limit = RateLimit::new(2, Duration::from_secs(1)).named("wind");
        let request = Request::get("http://a/").retry(Retry::default()).rate_limit(limit).cached();
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(request.send(&sk).await?.cached);
        }
        assert_eq!(all, [Some(Cached::Stale), Some(Cached::Otherwise), None]);
        Ok(())
    });
    assert_eq!(result, Value::Null);
    assert_eq!(
        asked[0],
        r#"http.request {"url":"http://a/","method":"GET","headers":[],"retry":{"attempts":4,"first":1000,"most":60000},"rateLimit":{"turns":2,"ms":1000,"name":"wind"},"cache":true}"#
    );
}

#[test]
fn a_body_is_taken_in_pieces_and_left_by_dropping_it() {
    let head = Ok(
        json!({ "status": 200, "headers": [], "url": "http://a/", "redirected": false, "request": 7 }),
    );
    let piece = |data: &str| Ok(json!({ "data": data }));
    let answers = vec![head.clone(), piece("AAE="), Ok(json!({ "end": true }))];
    let (result, asked) = run(answers, vec![], |sk| async move {
        let mut body = Request::get("http://a/").stream(&sk).await?;
        let mut all = Vec::new();
        while let Some(piece) = body.next().await? {
            all.extend(piece);
        }
        Ok((all, body.next().await?))
    });
    assert_eq!(result, json!([[0, 1], null]));
    assert_eq!(asked[1..], ["http.next [7]", "http.next [7]", "http.cancel [7]"]);
    let (_, asked) = run(vec![head], vec![], |sk| async move {
        Ok(Request::get("http://a/").stream(&sk).await?.head.status)
    });
    assert_eq!(asked[1], "http.cancel [7]");
}

#[test]
fn a_body_is_sent_in_pieces_and_ends_with_the_answer() {
    let answers = vec![
        Ok(json!({ "request": 7 })),
        Ok(Value::Null),
        Ok(Value::Null),
        answer(201, &json!([]), "kept"),
        Ok(Value::Null),
    ];
    let (result, asked) = run(answers, vec![], |sk| async move {
        let upload = Request::new("PUT", "http://a/").upload(&sk, Some(65_538)).await?;
        upload.write(&[b'x'; 65_538]).await?;
        let response = upload.finish().await?;
        Ok((response.status, response.text()))
    });
    assert_eq!(result, json!([201, "kept"]));
    assert_eq!(
        asked[0],
        r#"http.open {"url":"http://a/","method":"PUT","headers":[],"length":65538}"#
    );
    assert!(asked[1].starts_with(r#"http.send [7,"eHh4"#), "{}", asked[1].len());
    assert_eq!(asked[2..4], [r#"http.send [7,"eHg="]"#, "http.finish [7]"]);
}
