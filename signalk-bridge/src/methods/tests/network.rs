//! The rows of the network: what each asks of the world, and what it says without its capability.

use super::*;
use crate::methods::network::answer;
use crate::{Effect, FetchHead, FetchNews, Report};

/// One row's proof.
pub(super) struct Case {
    pub(super) method: &'static str,
    /// Calls before it.
    before: &'static [(&'static str, &'static str)],
    params: &'static str,
    /// Answer, or how it is waited for.
    answer: &'static str,
    /// What the edge is asked for, without the calls before.
    effects: &'static [&'static str],
}

const SOCKET: (&str, &str) = ("udp.create", "{}");
const BOUND: [(&str, &str); 2] = [SOCKET, ("udp.bind", r#"{"socket":1}"#)];

pub(super) const CASES: &[Case] = &[
    Case {
        method: "http.request",
        before: &[],
        params: r#"{"url":"https://a.b/","method":"put","headers":{"X-A":"1"},"body":"hi","timeout":500,"maxBytes":10,"retry":{"attempts":3,"first":100},"rateLimit":{"turns":2,"ms":9,"name":"n"}}"#,
        answer: "later",
        effects: &[
            r#"Fetch { id: FetchId(1), request: FetchRequest { method: "PUT", url: "https://a.b/", headers: [("X-A", "1")], body: b"hi", timeout: 500ms, redirects: 20, most: 10, streamed: false, upload: None, retry: Retry { attempts: 3, first: 100ms, most: 60s }, rate: Some(RateLimit { turns: 2, time: 9ms, name: Some("n") }), cache: false } }"#,
        ],
    },
    Case {
        method: "http.next",
        before: &[("http.request", r#"{"url":"http://a.b/","stream":true}"#)],
        params: "[1]",
        answer: "later",
        effects: &["FetchMore { id: FetchId(1) }"],
    },
    Case {
        method: "http.open",
        before: &[],
        params: r#"{"url":"http://a.b/","length":2,"timeout":500}"#,
        answer: r#"{"request":1}"#,
        effects: &[
            r#"Fetch { id: FetchId(1), request: FetchRequest { method: "POST", url: "http://a.b/", headers: [], body: b"", timeout: 500ms, redirects: 20, most: 8388608, streamed: false, upload: Some(Upload { length: Some(2) }), retry: Retry { attempts: 1, first: 1s, most: 60s }, rate: None, cache: false } }"#,
        ],
    },
    Case {
        method: "http.send",
        before: &[("http.open", r#"["http://a.b/"]"#)],
        params: r#"[1,"AAE="]"#,
        answer: "null",
        effects: &[r#"FetchWrite { id: FetchId(1), data: b"\0\x01" }"#],
    },
    Case {
        method: "http.finish",
        before: &[("http.open", r#"["http://a.b/","PUT"]"#)],
        params: "[1]",
        answer: "later",
        effects: &["FetchFinish { id: FetchId(1) }"],
    },
    Case {
        method: "http.cancel",
        before: &[("http.request", r#"["http://a.b/"]"#)],
        params: "[1]",
        answer: "null",
        effects: &["FetchCancel { id: FetchId(1) }"],
    },
    Case {
        method: "http.read",
        before: &[],
        params: r#"{"exchange":7}"#,
        answer: "later",
        effects: &["Read"],
    },
    Case {
        method: "http.respond",
        before: &[],
        params: r#"[7,201,[["Content-Length","2"],["set-cookie","a"],["set-cookie","b"]]]"#,
        answer: "null",
        effects: &[
            r#"Respond(StreamHead { status: 201, headers: [("set-cookie", "a"), ("set-cookie", "b")], length: Some(2) })"#,
        ],
    },
    Case {
        method: "http.write",
        before: &[("http.respond", r#"{"exchange":7}"#)],
        params: r#"[7,"AAE="]"#,
        answer: "null",
        effects: &[r#"Write(b"\0\x01")"#],
    },
    Case {
        method: "udp.create",
        before: &[],
        params: r#"{"ipv6":true}"#,
        answer: "1",
        effects: &[],
    },
    Case {
        method: "udp.bind",
        before: &[
            SOCKET,
            ("udp.set", r#"{"socket":1,"broadcast":true,"multicastTtl":4}"#),
            ("udp.join", r#"[1,"236.6.7.8"]"#),
        ],
        params: "[1,10010]",
        answer: "later",
        effects: &[
            r#"UdpBind { socket: SocketId(1), ipv6: false, port: 10010, options: [Broadcast(true), MulticastTtl(4), Join { group: "236.6.7.8", interface: "" }] }"#,
        ],
    },
    Case {
        method: "udp.set",
        before: &BOUND,
        params: r#"{"socket":1,"multicastLoopback":false}"#,
        answer: "later",
        effects: &["UdpSet { socket: SocketId(1), option: MulticastLoopback(false) }"],
    },
    Case {
        method: "udp.join",
        before: &[SOCKET],
        params: r#"[1,"ff02::1"]"#,
        answer: "null",
        effects: &[],
    },
    Case {
        method: "udp.leave",
        before: &BOUND,
        params: r#"[1,"236.6.7.8","10.0.0.1"]"#,
        answer: "later",
        effects: &[
            r#"UdpSet { socket: SocketId(1), option: Leave { group: "236.6.7.8", interface: "10.0.0.1" } }"#,
        ],
    },
    Case {
        method: "udp.send",
        before: &BOUND,
        params: r#"{"socket":1,"host":"10.0.0.1","port":7,"data":"AAE="}"#,
        answer: "null",
        effects: &[
            r#"UdpSend { socket: SocketId(1), host: "10.0.0.1", port: 7, data: b"\0\x01" }"#,
        ],
    },
    Case {
        method: "udp.close",
        before: &BOUND,
        params: "[1]",
        answer: "null",
        effects: &["Close { socket: SocketId(1), reason: None }"],
    },
    Case {
        method: "tcp.connect",
        before: &[],
        params: r#"{"host":"pilot.local","port":10110,"lines":true}"#,
        answer: "later",
        effects: &[
            r#"TcpConnect { socket: SocketId(1), host: "pilot.local", port: 10110, tls: false }"#,
        ],
    },
    Case {
        method: "tcp.listen",
        before: &[],
        params: r#"{"port":10111}"#,
        answer: "later",
        effects: &["TcpListen { socket: SocketId(1), at: 127.0.0.1:10111 }"],
    },
    Case {
        method: "tcp.accept",
        before: &[("tcp.listen", r#"[10111,"0.0.0.0"]"#)],
        params: "[1]",
        answer: "data",
        effects: &[],
    },
    Case {
        method: "tcp.send",
        before: &[("tcp.connect", r#"["pilot.local",10110]"#)],
        params: r#"{"socket":1,"text":"x"}"#,
        answer: "later",
        effects: &[r#"TcpSend { socket: SocketId(1), data: b"x" }"#],
    },
    Case { method: "tcp.receive", before: &[], params: "[1]", answer: "data", effects: &[] },
    Case {
        method: "tcp.close",
        before: &[("tcp.connect", r#"["pilot.local",10110]"#)],
        params: "[1]",
        answer: "null",
        effects: &["Close { socket: SocketId(1), reason: None }"],
    },
    Case {
        method: "ws.connect",
        before: &[],
        params: r#"{"url":"wss://a.b/","headers":[["x-a","1"]],"protocols":["v1"]}"#,
        answer: "later",
        effects: &[
            r#"WebSocketConnect { socket: SocketId(1), url: "wss://a.b/", headers: [("x-a", "1")], protocols: ["v1"] }"#,
        ],
    },
    Case {
        method: "ws.send",
        before: &[("ws.connect", r#"["ws://a.b/"]"#)],
        params: r#"[1,"hello"]"#,
        answer: "later",
        effects: &[r#"WebSocketSend { socket: SocketId(1), message: Text("hello") }"#],
    },
    Case { method: "ws.receive", before: &[], params: "[1]", answer: "data", effects: &[] },
    Case {
        method: "ws.close",
        before: &[("ws.connect", r#"["ws://a.b/"]"#)],
        params: r#"[1,4001,"enough"]"#,
        answer: "null",
        effects: &[r#"Close { socket: SocketId(1), reason: Some((4001, "enough")) }"#],
    },
];

/// The answer, and what the edge was asked for.
fn run(rights: Capabilities, before: &[(&str, &str)], call: (&str, &str)) -> (String, Vec<String>) {
    let (mut fake, mut account) = (server(), account(rights));
    let mut net = Net::new();
    net.exchange_opened(crate::HandlerCallId(7));
    let mut one = |net: &mut Net, (method, params): (&str, &str)| match super::call(
        method,
        params,
        &mut account,
        net,
        &mut fake,
        Duration::ZERO,
    ) {
        Ok(Reply::Now(answer)) => answer.get().to_owned(),
        Ok(Reply::Later(..)) => "later".to_owned(),
        Ok(Reply::Data { .. }) => "data".to_owned(),
        Err(error) => error.to_string(),
    };
    for call in before {
        one(&mut net, *call);
        for report in net.take_effects().into_iter().filter_map(yes) {
            net.handle_report(report);
        }
    }
    net.take_effects();
    net.take_wishes();
    let answer = one(&mut net, call);
    let effects = net.take_effects().into_iter().map(|effect| format!("{effect:?}"));
    let wishes = net.take_wishes().into_iter().map(|(_, wish)| format!("{wish:?}"));
    (answer, effects.chain(wishes).collect())
}

/// A world in which every connection is made and every streamed answer begins.
fn yes(effect: Effect) -> Option<Report> {
    match effect {
        Effect::TcpConnect { socket, .. } | Effect::WebSocketConnect { socket, .. } => {
            Some(Report::Connected { socket, result: Ok(String::new()) })
        }
        Effect::Fetch { id, request } if request.streamed => {
            Some(Report::Fetch { id, news: FetchNews::Head(FetchHead::default()) })
        }
        _ => None,
    }
}

#[test]
fn granted_each_row_asks_the_edge_for_its_work() {
    for case in CASES {
        let (answer, effects) = run(all(), case.before, (case.method, case.params));
        assert_eq!(answer, case.answer, "{}", case.method);
        assert_eq!(effects, case.effects, "{}", case.method);
    }
}

#[test]
fn denied_each_row_says_what_to_add_and_asks_for_nothing() {
    for case in CASES {
        let needed = needs(case.method).expect("the network is nobody's by default");
        let (answer, effects) = run(all().without(needed), &[], (case.method, case.params));
        let expected = format!(
            "plugin `p`: `{}` needs the capability `{needed}`; add {} to wasmCapabilities in its package.json",
            case.method,
            needed.remedy()
        );
        assert_eq!((answer, effects), (expected, vec![]), "{}", case.method);
        let (default, _) = run(Capabilities::default(), &[], (case.method, case.params));
        assert!(default.contains("needs the capability"), "{default}");
    }
}

#[test]
fn what_cannot_be_is_said_with_its_limit() {
    for (method, params, text) in [
        ("http.request", r#"["ftp://a"]"#, "`ftp://a`: only http: and https: are fetched"),
        (
            "http.request",
            r#"{"url":"http://a","maxBytes":9000000}"#,
            "`maxBytes` is 9000000, at most 8388608; take the body in pieces with `stream`",
        ),
        (
            "http.read",
            "[8]",
            "there is no exchange 8: it has ended, or its endpoint is registered without `stream`",
        ),
        ("http.respond", "[7,199]", "`statusCode` is 199, not 200 to 599"),
        (
            "http.respond",
            r#"[7,200,{"content-length":"many"}]"#,
            "content-length is `many`, no number of bytes",
        ),
        (
            "http.write",
            r#"[7,"AAE="]"#,
            "exchange 7 has no answer yet; begin it with `http.respond`",
        ),
        ("tcp.send", r#"{"socket":1,"text":"x"}"#, "socket 1 not found"),
        (
            "tcp.listen",
            r#"[1,"pilot.local"]"#,
            "`pilot.local` is no address; listen on 127.0.0.1, or on 0.0.0.0 if the owner permits it",
        ),
        ("tcp.listen", "[65536]", "a listener needs a port from 0 to 65535"),
        ("ws.send", r#"[1,"x"]"#, "socket 1 not found"),
        ("http.next", "[7]", "request 7 has no more: it ended, or was none of this plugin"),
        (
            "http.send",
            r#"[7,"AAE="]"#,
            "request 7 takes no body: it has ended or failed, or was not begun by `http.open`",
        ),
        (
            "http.open",
            r#"{"url":"http://a","body":"x"}"#,
            "the body follows in pieces; leave it out",
        ),
        ("udp.bind", "[3,1]", "socket 3 not found"),
        ("udp.send", r#"[1,"10.0.0.1",7]"#, "give the bytes once: as text, or in base64"),
        ("ws.connect", r#"["http://a"]"#, "`http://a`: a WebSocket has a URL with ws: or wss:"),
        ("ws.close", "[1,1006]", "close code 1006: use 1000, or 3000 to 4999"),
    ] {
        let (answer, effects) = run(all(), &[], (method, params));
        assert_eq!(answer, format!("plugin `p`: `{method}`: {text}"));
        assert!(effects.is_empty(), "{effects:?}");
    }
}

#[test]
fn an_answer_is_text_where_it_can_be_and_else_base64() {
    use crate::FetchId;
    use crate::methods::network::Give;
    use crate::net::Outcome;

    let mut net = Net::new();
    let mut told = |outcome| answer(Give::Answer(FetchId(1)), outcome, &mut net).unwrap();
    let head = || FetchHead { status: 200, url: "http://a/".into(), ..FetchHead::default() };
    let plain = told(Outcome::Answer(head(), "\u{e4}\n".into()));
    assert_eq!(plain["body"], "\u{e4}\n");
    let binary = told(Outcome::Answer(head(), vec![0xff].into()));
    assert_eq!((&binary["bodyBase64"], binary.get("body")), (&"/w==".into(), None));
    let zeros = told(Outcome::Answer(head(), vec![0; 100].into()));
    assert!(zeros["bodyBase64"].is_string(), "six times as long as text");
    assert_eq!(told(Outcome::Head(head()))["request"], 1);
    assert_eq!(told(Outcome::Piece(None)), serde_json::json!({ "end": true }));
}
