//! Requests: what they carry, when they are sent again, which answers are kept.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, run};
use crate::ErrorCode;
use crate::signalk::net::{Cache, Request, Retry};

fn answer(status: u16, headers: &Value, body: &str) -> Answer {
    Ok(
        json!({ "status": status, "headers": headers, "url": "http://a/", "redirected": false, "body": body }),
    )
}

const AT_ONCE: Retry = Retry { attempts: 3, first: Duration::ZERO, most: Duration::ZERO };

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

#[test]
fn what_may_be_sent_twice_is_and_only_that() {
    let busy = || answer(503, &json!([["retry-after", "0"]]), "");
    let tried = |answers: Vec<Answer>, request: Request| {
        let (result, asked) = run(answers, vec![], move |sk| {
            let request = request.clone();
            async move { Ok(request.send_retrying(&sk, &AT_ONCE).await?.status) }
        });
        (result, asked.len())
    };
    let get = || Request::get("http://a/");
    let down = || Err(ErrorCode::NetworkFailed);
    assert_eq!(tried(vec![busy(), down(), answer(200, &json!([]), "")], get()), (json!(200), 3));
    assert_eq!(
        tried(vec![busy(), busy(), busy()], get()),
        (json!(503), 3),
        "the last answer counts"
    );
    assert_eq!(tried(vec![answer(404, &json!([]), "")], get()), (json!(404), 1));
    assert_eq!(tried(vec![busy()], Request::post("http://a/", "x")), (json!(503), 1));
    let (denied, count) = tried(vec![Err(ErrorCode::CapabilityDenied)], get());
    assert!(denied.as_str().unwrap().contains("Capability denied") && count == 1);
}

#[test]
fn pauses_double_up_to_the_longest_and_the_server_may_ask_for_more() {
    let retry = Retry { attempts: 9, ..Retry::default() };
    let pause = |attempt, asked| retry.pause(attempt, asked).map(|pause| pause.as_secs());
    let own: Vec<_> = (1..=9).map(|attempt| pause(attempt, None)).collect();
    assert_eq!(own[..4], [Some(1), Some(2), Some(4), Some(8)]);
    assert_eq!(own[6..], [Some(60), Some(60), None]);
    assert_eq!(pause(1, Some("30")), Some(30));
    assert_eq!(pause(1, Some("3600")), Some(60));
    assert_eq!(pause(2, Some("Wed, 21 Oct 2026 07:28:00 GMT")), Some(2), "a date is not read");
}

#[test]
fn a_kept_answer_is_checked_by_its_tag_and_serves_when_nobody_is_there() {
    let tagged =
        answer(200, &json!([["etag", "\"1\""], ["cache-control", "no-cache, max-age=60"]]), "one");
    let (busy, gone) = (answer(503, &json!([]), ""), answer(404, &json!([]), "gone"));
    let down = || Err(ErrorCode::NetworkFailed);
    let answers = vec![tagged, answer(304, &json!([]), ""), down(), busy, gone, down()];
    let (result, asked) = run(answers, vec![], |sk| async move {
        let cache = Cache::new(2, 1000);
        let mut texts = Vec::new();
        for _ in 0..5 {
            texts.push(cache.send(&sk, &Request::get("http://a/")).await?.text());
        }
        let last = cache.send(&sk, &Request::get("http://a/")).await;
        Ok((texts, last.is_err()))
    });
    assert_eq!(result, json!([["one", "one", "one", "one", "gone"], true]));
    assert!(
        !asked[0].contains("if-none-match") && asked[1].contains(r#"["if-none-match","\"1\""]"#)
    );
}

#[test]
fn equal_requests_share_an_answer_and_the_oldest_goes() {
    let fresh = |body: &str| answer(200, &json!([["cache-control", "max-age=3600"]]), body);
    let answers = ["1", "2", "3", "4", "too long to be kept", "6"].map(fresh).to_vec();
    let (result, asked) = run(answers, vec![], |sk| async move {
        let cache = Cache::new(2, 10);
        let get = |path: &str| Request::get(format!("http://a/{path}"));
        let with_key = get("").header("x-key", "k");
        let order = [get(""), with_key.clone(), get(""), with_key, get("b"), get("")];
        let mut texts = Vec::new();
        for request in order.iter().chain(&[get("long"), get("long")]) {
            texts.push(cache.send(&sk, request).await?.text());
        }
        Ok(texts)
    });
    let expected = ["1", "2", "1", "2", "3", "4", "too long to be kept", "6"];
    assert_eq!((result, asked.len()), (json!(expected), 6));
}

#[test]
fn a_fresh_answer_is_not_asked_for_and_a_private_one_not_kept() {
    for (control, times) in [("max-age=3600", 1), ("no-store, max-age=3600", 2)] {
        let fresh = || answer(200, &json!([["cache-control", control]]), "x");
        let (_, asked) = run(vec![fresh(), fresh()], vec![], |sk| async move {
            let cache = Cache::new(2, 1000);
            cache.send(&sk, &Request::get("http://a/")).await?;
            cache.send(&sk, &Request::get("http://a/")).await.map(|answer| answer.status)
        });
        assert_eq!(asked.len(), times, "{control}");
    }
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
