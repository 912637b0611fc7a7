//! Network of a plugin, natively, against a host that answers from a script: here the script and
//! sockets, in `tests/http.rs` requests.

mod http;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use wasmi_rpc::{ErrorObject, Output, Peer, RawValue};

use super::*;
use crate::signalk::SignalK;
use crate::signalk::tests::Wire;
use crate::{Router, Runtime};

type Answer = std::result::Result<Value, ErrorCode>;

/// Runs `task` until it has an answer: what it answered and what the host was asked.
fn run<F, T>(
    answers: Vec<Answer>,
    notify: Vec<Value>,
    task: impl Fn(SignalK) -> F + 'static,
) -> (Value, Vec<String>)
where
    F: Future<Output = Result<T>> + 'static,
    T: serde::Serialize + 'static,
{
    let kept: Rc<RefCell<Option<SignalK>>> = Rc::default();
    let heard = Rc::clone(&kept);
    let router = Router::new()
        .method("go", move |cx: crate::Cx, ()| {
            let sk = SignalK::new(cx.host.clone());
            *kept.borrow_mut() = Some(sk.clone());
            task(sk)
        })
        .notification("udp.received", move |_, params: Box<RawValue>| {
            if let Some(sk) = &*heard.borrow() {
                sk.inboxes().receive(params.get());
            }
            std::future::ready(())
        });
    let (mut peer, mut wire, mut plugin) = (Peer::default(), Wire::default(), Runtime::new(router));
    let mut answers: VecDeque<Answer> = answers.into();
    let mut notify: VecDeque<Value> = notify.into();
    let mut asked = Vec::new();
    let mut result = Value::Null;
    peer.call_with(Duration::ZERO, "go", &json!([]), None).unwrap();
    loop {
        while let Some(output) = peer.poll_output() {
            match output {
                Output::Send(bytes) => wire.to_plugin.extend(bytes),
                Output::Request { id, method, params } => {
                    asked.push(format!("{method} {}", params.as_deref().map_or("", RawValue::get)));
                    match answers.pop_front().expect(&method) {
                        Ok(answer) => peer.respond_with(id, &answer).unwrap(),
                        Err(code) => peer.respond(id, Err(ErrorObject::from(code))).unwrap(),
                    }
                }
                Output::Notification { method, params } => {
                    asked.push(format!("{method} {}", params.as_deref().map_or("", RawValue::get)));
                }
                Output::Answered { result: answer, .. } => {
                    result = match answer {
                        Ok(text) => serde_json::from_str(text.get()).unwrap(),
                        Err(error) => Value::String(error.to_string()),
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        plugin.poll(&mut wire);
        let bytes = std::mem::take(&mut wire.to_host);
        if !bytes.is_empty() {
            peer.handle_input(Duration::ZERO, &bytes);
        } else if let Some(params) = notify.pop_front() {
            peer.notify_with("udp.received", &params).unwrap();
        } else {
            return (result, asked);
        }
    }
}

#[test]
fn datagrams_wait_for_who_receives_them_and_are_counted_when_lost() {
    let datagrams = |count: usize, dropped: u64| {
        let one = json!({ "address": "10.0.0.1", "port": 7, "data": "aGk=" });
        json!({ "socket": 3, "dropped": dropped, "datagrams": vec![one; count] })
    };
    let answers = vec![Ok(json!(3)), Ok(Value::Null), Ok(json!(10110)), Ok(Value::Null)];
    let notify = vec![
        datagrams(1, 0),
        datagrams(1001, 2),
        json!({ "socket": 4, "dropped": 0, "datagrams": [] }),
    ];
    let (result, asked) = run(answers, notify, |sk| async move {
        let socket = UdpSocket::create(&sk).await?;
        socket.set_broadcast(true).await?;
        let port = socket.bind(0).await?;
        socket.send("10.255.255.255", 10110, b"hi").await?;
        let first = socket.receive().await;
        let second = socket.receive().await;
        Ok((port, first.address, first.data, second.port, socket.dropped()))
    });
    assert_eq!(result, json!([10110, "10.0.0.1", [104, 105], 7, 3]));
    assert_eq!(
        asked,
        [
            "udp.create [false]",
            r#"udp.set {"socket":3,"broadcast":true}"#,
            "udp.bind [3,0]",
            r#"udp.send {"socket":3,"host":"10.255.255.255","port":10110,"data":"aGk="}"#,
            "udp.close [3]"
        ]
    );
}

#[test]
fn lines_come_one_by_one_and_a_broken_connection_is_an_error() {
    let answers = vec![
        Ok(json!(5)),
        Ok(json!({ "lines": ["one", "two"] })),
        Ok(json!({ "closed": { "error": "reset" } })),
    ];
    let (result, asked) = run(answers, vec![], |sk| async move {
        let lines = TcpLines::connect(&sk, "pilot", 10110).await?;
        let both = (lines.receive().await?, lines.receive().await?);
        let end = lines.receive().await.unwrap_err().to_string();
        let after = lines.receive().await?;
        Ok((both, end, after))
    });
    assert_eq!(result, json!([["one", "two"], "reset", null]));
    assert_eq!(asked.last().unwrap(), "tcp.close [5]");
}

#[test]
fn a_listener_gives_connections_of_its_kind_and_closes_with_its_owner() {
    let answers = vec![
        Ok(json!({ "listener": 3, "address": "127.0.0.1", "port": 4711 })),
        Ok(json!({ "socket": 4, "address": "127.0.0.9", "port": 5 })),
        Ok(json!({ "lines": ["one"] })),
        Err(ErrorCode::NetworkFailed),
    ];
    let (result, asked) = run(answers, vec![], |sk| async move {
        let listener = TcpLinesListener::bind(&sk, "127.0.0.1", 0).await?;
        let (lines, from) = listener.accept().await?;
        let line = lines.receive().await?;
        assert!(listener.accept().await.is_err());
        Ok((listener.local().port, from.address, from.port, line))
    });
    assert_eq!(result, json!([4711, "127.0.0.9", 5, "one"]));
    assert_eq!(asked[0], r#"tcp.listen [0,"127.0.0.1",true]"#);
    assert_eq!((&asked[1][..], &asked[2][..]), ("tcp.accept [3]", "tcp.receive [4]"));
    let mut closed = asked[4..].to_vec();
    closed.sort();
    assert_eq!(closed, ["tcp.close [3]", "tcp.close [4]"]);
}

#[test]
fn tls_is_asked_for_by_the_fourth_param() {
    let (_, asked) = run(vec![Ok(json!(5)), Ok(json!(6))], vec![], |sk| async move {
        TcpStream::connect_tls(&sk, "a", 443).await?;
        TcpLines::connect_tls(&sk, "a", 443).await.map(drop)
    });
    let connects: Vec<_> = asked.iter().filter(|call| call.starts_with("tcp.connect")).collect();
    assert_eq!(
        connects,
        [r#"tcp.connect ["a",443,false,true]"#, r#"tcp.connect ["a",443,true,true]"#]
    );
}

#[test]
fn a_web_socket_ends_once_and_says_how() {
    let answers = vec![
        Ok(json!({ "socket": 9, "protocol": "v1" })),
        Ok(Value::Null),
        Ok(json!({ "text": "hello" })),
        Ok(json!({ "data": "AAE=" })),
        Ok(json!({ "closed": { "error": null, "code": 4001, "reason": "enough" } })),
    ];
    let (result, asked) = run(answers, vec![], |sk| async move {
        let socket = WebSocket::connect_with(&sk, "ws://a/", &[("x-a", "1")], &["v1"]).await?;
        socket.send_text("hi").await?;
        assert_eq!(socket.receive().await?, Some(Message::Text("hello".into())));
        assert_eq!(socket.receive().await?, Some(Message::Binary(vec![0, 1])));
        assert_eq!((socket.receive().await?, socket.receive().await?), (None, None));
        let closed = socket.closed().unwrap_or_default();
        Ok((socket.protocol().to_owned(), closed.code, closed.reason))
    });
    assert_eq!(result, json!(["v1", 4001, "enough"]));
    assert_eq!(asked[1], r#"ws.send {"socket":9,"text":"hi"}"#);
    assert_eq!(asked.last().unwrap(), "ws.close [9]");
}
