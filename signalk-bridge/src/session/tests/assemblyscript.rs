//! Plugins in AssemblyScript, built by the real compiler (`cargo xtask guests`).
//!
//! What each guest does is at the top of its source, `test-plugin/assemblyscript/`.

use bytes::Bytes;
use serde_json::{Value, json};

use super::built::built;
use super::*;
use crate::{FetchHead, FetchId, FetchNews, FetchRequest, Handler, ResourceHandler};

fn rights() -> Capabilities {
    let keys = [Capability::Network, Capability::PutHandlers, Capability::ResourceProvider];
    keys.into_iter().fold(Capabilities::default(), Capabilities::with)
}

fn plugin_with(name: &str, options: &Value, change: impl FnOnce(&mut SessionConfig)) -> Drive {
    let server = Fake { options: Some(options.to_string()), ..Fake::default() };
    let limits = Limits { call_fuel: Some(500_000_000), ..Limits::default() };
    Drive::with_config(server, built(name), Purpose::Run, rights(), |config| {
        config.limits = limits;
        change(config);
    })
}

fn plugin(name: &str, options: &Value) -> Drive {
    plugin_with(name, options, |_| ())
}

impl Drive {
    /// The log since the last look, without the plugin's name.
    fn lines(&mut self) -> Vec<String> {
        let lines = self.server.take().into_iter();
        lines.map(|line| line.trim_start_matches("p ").to_owned()).collect()
    }

    fn request(&mut self) -> (FetchId, FetchRequest) {
        match self.effects.pop_front() {
            Some(Effect::Fetch { id, request }) => (id, request),
            other => panic!("{other:?}: {:?} {:?}", self.said, self.server.trace),
        }
    }

    fn news(&mut self, id: FetchId, news: FetchNews) {
        self.input(Input::Report(Report::Fetch { id, news }));
    }

    /// Answers the next request with its path.
    fn serve(&mut self) -> FetchRequest {
        let (id, request) = self.request();
        let path = request.url.replace("http://a.b/", "");
        let head = FetchHead { status: 200, ..FetchHead::default() };
        self.news(id, FetchNews::Whole(head, Bytes::from(path)));
        request
    }

    fn handle(&mut self, id: u64, handler: Handler, request: &str) -> Option<Duration> {
        let id = HandlerCallId(id);
        self.input(Input::Handle(HandlerCall { id, handler, request: request.into() }))
    }

    /// Asks a handler that answers at once.
    fn ask(&mut self, handler: Handler, request: &str) -> String {
        self.handle(99, handler, request);
        let last = self.said.pop().unwrap();
        let reply = last
            .strip_prefix("Handled { id: HandlerCallId(99), reply: Ok(\"")
            .and_then(|rest| rest.strip_suffix("\") }"));
        reply.unwrap_or_else(|| panic!("{last}")).replace("\\\"", "\"").replace("\\\\", "\\")
    }

    fn last(&self) -> &str {
        self.said.last().map_or("", String::as_str)
    }
}

fn http(handler: &str) -> Handler {
    Handler::Http {
        handler: handler.into(),
        repeatable: true,
        largest_reply: None,
        streamed: false,
    }
}

fn put(path: &str) -> Handler {
    Handler::Put { context: "vessels.self".into(), path: path.into() }
}

/// Plugin ABI 15, seeds 3 and 4: order of calls, and calls from top-level code.
#[test]
fn a_plugin_of_the_sdk_lives_from_its_top_level_code_to_its_stop() {
    let mut drive = plugin("as_hello", &json!({ "message": "ahoj å \u{1f6a2}" }));
    let schema =
        r#"{"type":"object","properties":{"message":{"type":"string","default":"hello"}}}"#;
    let described = format!("described: Some(\"Hello from AssemblyScript ⛵\") {schema}");
    assert_eq!(drive.said[0], described);
    assert_eq!(drive.last(), "Started");
    let log = drive.lines();
    assert_eq!(log[..2], ["debug: top level", "Ok(\"Loaded\")"]);
    assert!(log[2].contains("httpEndpoints"), "{log:?}");
    assert_eq!(
        log.iter().skip(3).filter(|line| !line.starts_with("registers")).collect::<Vec<_>>(),
        [
            "debug: config {\"message\":\"ahoj å \u{1f6a2}\",\"enableDebug\":false}",
            "debug: started ahoj å \u{1f6a2}",
            "Ok(\"Running\")",
            "V1 {\"context\":\"vessels.self\",\"updates\":[{\"$source\":\"p\",\"values\":[{\"path\":\"test.hello.message\",\"value\":\"ahoj å \u{1f6a2}\"}]}]}",
        ]
    );

    drive.at(1000);
    assert!(drive.lines()[0].contains(r#""path":"test.hello.polls","value":1"#));
    drive.deltas(None, &[r#"{"a":1}"#, r#"{"p":"test.hello.question","x":"å"}"#]);
    let log = drive.lines();
    assert_eq!(log[0], r#"debug: delta {"p":"test.hello.question","x":"å"}"#);
    assert!(log[1].contains(r#""path":"test.hello.answer","value":1"#));
    drive.input(Input::Stop);
    assert_eq!(drive.last(), "Stopped");
    assert!(drive.lines()[1].contains("test.hello.stopped"));
}

#[test]
fn a_start_that_answers_a_number_has_failed() {
    let drive = plugin("as_hello", &json!({ "result": 7 }));
    assert_eq!(drive.last(), r#"Failed("Plugin start() returned error code: 7")"#);
}

#[test]
fn w03_fetch_rests_and_goes_on_in_every_export() {
    for name in ["as_fetch", "as_fetch_plain"] {
        let two = json!({ "url": "http://a.b", "start": 3, "poll": 2, "delta": 2, "http": 2,
            "put": 1, "resource": 2, "watch": "ask" });
        let mut drive = plugin(name, &two);
        for _ in 0..3 {
            assert_ne!(drive.last(), "Started");
            drive.serve();
        }
        assert_eq!(drive.last(), "Started", "{name}");
        let log = drive.lines().join("\n");
        assert!(log.contains("start 0 -> 200 start/0\ndebug: start 1 -> 200 start/1"), "{log}");
        assert_eq!(log.matches("start done").count(), 1);
        assert!(log.contains(r#""value":["start/0","start/1","start/2"]"#), "{log}");

        drive.at(1000);
        drive.serve();
        drive.serve();
        assert!(drive.lines().join("\n").contains(r#""value":["poll/0","poll/1"]"#), "{name}");

        drive.deltas(None, &["{}", "ask"]);
        drive.serve();
        drive.serve();
        assert!(drive.lines().join("\n").contains(r#""value":["delta/0","delta/1"]"#), "{name}");

        drive.handle(1, http("handle_fetch"), "{}");
        drive.handle(2, put("test.fetch"), "42");
        drive.handle(3, Handler::Resources(ResourceHandler::List), "{}");
        for _ in 0..5 {
            drive.serve();
        }
        let said = drive.said.join("\n");
        for reply in ["http/0", "http/1", "42 [", "put/0", "resource/1"] {
            assert!(said.contains(reply), "{reply}: {said}");
        }
        assert_eq!(said.matches("Handled").count(), 3);
        drive.input(Input::Stop);
        assert_eq!(drive.last(), "Stopped");
        assert_eq!(drive.session.counters().guest_faults, 0);
    }
}

#[test]
fn w04_the_result_of_a_start_that_fetched_twice_is_its_own() {
    for name in ["as_fetch", "as_fetch_plain"] {
        let mut drive = plugin(name, &json!({ "url": "http://a.b", "start": 2, "result": 7 }));
        drive.serve();
        drive.serve();
        assert_eq!(drive.last(), r#"Failed("Plugin start() returned error code: 7")"#, "{name}");
    }
}

#[test]
fn w05_two_plugins_fetch_side_by_side() {
    let options = |url: &str| json!({ "url": url, "start": 2 });
    let mut a = plugin("as_fetch", &options("http://a.b/a"));
    let mut b = plugin("as_fetch", &options("http://a.b/b"));
    b.serve();
    a.serve();
    a.serve();
    assert_eq!((a.last() == "Started", b.last() == "Started"), (true, false));
    b.serve();
    assert_eq!(b.last(), "Started");
    assert!(b.lines().join("\n").contains("start 1 -> 200 b/start/1"));
    assert!(a.lines().join("\n").contains("start 1 -> 200 a/start/1"));
}

#[test]
fn w06_headers_and_bodies_arrive_and_a_failure_hangs_nothing() {
    let options =
        json!({ "url": "http://a.b", "start": 1, "poll": 1, "post": "body å", "header": "h" });
    for name in ["as_fetch", "as_fetch_plain"] {
        let mut drive = plugin(name, &options);
        let request = drive.serve();
        assert_eq!((request.method.as_str(), &request.body[..]), ("POST", "body å".as_bytes()));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(request.headers, [pair("x-guest", "h"), pair("accept", "text/plain")]);
        assert_eq!(drive.last(), "Started", "{name}");

        drive.at(1000);
        let (id, _) = drive.request();
        drive.lines();
        drive.news(id, FetchNews::Failed("http://a.b/poll/0: connection refused".into()));
        let log = drive.lines();
        assert!(log.contains(&"debug: poll 0 -> 200 ".to_owned()), "{log:?}");
        let status = r#"Error("fetch: http://a.b/poll/0: connection refused")"#;
        assert!(log.contains(&status.to_owned()), "{log:?}");

        // A status of an error is an answer, and the next poll asks again.
        drive.at(2000);
        let (id, _) = drive.request();
        let head = FetchHead { status: 404, ..FetchHead::default() };
        drive.news(id, FetchNews::Whole(head, Bytes::from_static(b"none")));
        assert!(drive.lines().contains(&"debug: poll 0 -> 200 none".to_owned()));
    }
}

#[test]
fn a_long_body_grows_memory_while_the_call_rests() {
    let mut drive = plugin("as_fetch_plain", &json!({ "url": "http://a.b", "start": 1 }));
    let (id, _) = drive.request();
    let body = vec![b'x'; 200 << 10];
    drive.news(id, FetchNews::Whole(FetchHead::default(), body.into()));
    assert_eq!(drive.last(), "Started", "{:?}", drive.server.trace);
}

#[test]
fn a_poll_that_is_due_while_a_call_rests_is_missed_and_counted() {
    let mut drive = plugin("as_fetch", &json!({ "url": "http://a.b", "poll": 1 }));
    drive.at(1000);
    assert_eq!(drive.at(4500), None, "nothing but the answer wakes it");
    assert_eq!(drive.effects.len(), 1);
    drive.handle(1, http("handle_fetch"), "{}");
    drive.serve();
    assert_eq!(drive.effects.len(), 1, "one poll, late");
    assert!(!drive.said.join("\n").contains("Handled"), "one call at a time");
    drive.serve();
    assert!(drive.said.join("\n").contains("Handled"), "what waited had its turn");
    assert_eq!(drive.session.counters().polls_missed, 2);
}

#[test]
fn a_plugin_that_is_stopped_while_it_rests_is_cancelled_and_ends_in_good_order() {
    let mut drive = plugin("as_fetch", &json!({ "url": "http://a.b", "poll": 3 }));
    drive.at(1000);
    let (id, _) = drive.request();
    drive.lines();
    drive.input(Input::Stop);
    assert_eq!(drive.last(), "Stopped");
    assert_eq!(drive.effects.pop_front(), Some(Effect::FetchCancel { id }));
    let log = drive.lines();
    assert!(log.contains(&"debug: poll done".to_owned()), "{log:?}");
    assert!(log.contains(&"debug: stopped".to_owned()), "{log:?}");
    assert!(!log.join("\n").contains("fetch:"), "{log:?}");
}

#[test]
fn without_the_capability_a_fetch_traps_with_advice() {
    let options = json!({ "url": "http://a.b", "start": 1 }).to_string();
    let server = Fake { options: Some(options), ..Fake::default() };
    let drive =
        Drive::with_server(server, built("as_fetch"), Purpose::Run, Capabilities::default());
    assert!(
        drive
            .last()
            .starts_with("crashed: p: call `plugin_start` trapped: network capability not granted"),
        "{:?}",
        drive.said
    );
}

#[test]
fn asynchronous_answers_come_to_the_response_handler() {
    let mut drive = plugin("as_fetch_async", &json!({ "url": "http://a.b", "start": 3 }));
    assert_eq!(drive.last(), "Started");
    assert_eq!(drive.lines().last().unwrap(), "debug: start done");
    let requests = [drive.request(), drive.request(), drive.request()];
    assert_eq!(requests[0].1.headers, [("x-guest".to_owned(), "async".to_owned())]);
    let head = FetchHead { status: 503, redirected: true, ..FetchHead::default() };
    drive.news(requests[1].0, FetchNews::Whole(head, Bytes::from_static(b"later")));
    assert_eq!(drive.lines(), ["debug: then 503 redirected later"]);
    drive.news(requests[0].0, FetchNews::Failed("no route".into()));
    let log = drive.lines();
    assert_eq!(log, ["warn: fetch: no route", "Error(\"fetch: no route\")", "debug: then 0 "]);
    // One that nobody waits for any more is dropped.
    drive.input(Input::Stop);
    assert_eq!(drive.last(), "Stopped");
    assert_eq!(drive.lines(), [""; 0]);
}

#[test]
fn w09_http_handlers_get_the_bytes_that_documents_promise() {
    let request = r#"{"method":"GET","path":"/two/å"}"#;
    let mut drive = plugin("as_hello", &json!({}));
    drive.lines();
    assert!(drive.ask(http("handle_one"), request).contains("statusCode"));
    assert!(drive.ask(http("handle_two"), request).contains("statusCode"));
    let log = drive.lines();
    assert_eq!(log, [format!("debug: one {request}"), format!("debug: two {request}")]);

    // The owner's choice: what the reference server gives, units of UTF-16 and their number.
    let mut drive = plugin_with("as_hello", &json!({}), |config| config.rules.http_utf16 = true);
    drive.lines();
    drive.handle(1, http("handle_two"), "{}");
    assert_eq!(drive.lines()[0], "debug: two {\0");
    drive.handle(2, http("no_such"), "{}");
    assert!(drive.last().contains("NotFound"), "{}", drive.last());
}

#[test]
fn w10_put_handlers_get_the_value_as_a_string() {
    let mut drive = plugin("as_everything", &json!({}));
    let reply = drive.ask(put("test.value"), r#"{"latitude":60.1}"#);
    assert_eq!(
        serde_json::from_str::<Value>(&reply).unwrap(),
        json!({ "state": "COMPLETED", "statusCode": 200, "message": r#"{"latitude":60.1}"# })
    );
}

#[test]
fn handlers_are_called_by_their_declared_type() {
    use crate::{RadarHandler as Radar, ResourceHandler as Resources, WeatherHandler as Weather};
    let mut drive = plugin("as_everything", &json!({}));
    let mut ask = |handler| drive.ask(handler, r#"{"id":"x"}"#);
    assert_eq!(ask(Handler::Resources(Resources::List)), r#"{"one":{"id":"x"}}"#);
    assert_eq!(ask(Handler::Resources(Resources::Get)), r#"{"id":"x"}"#);
    // Declared without a result.
    assert_eq!(ask(Handler::Resources(Resources::Set)), "");
    assert_eq!(ask(Handler::Weather(Weather::Warnings)), "[]");
    // Declared without a parameter.
    assert_eq!(ask(Handler::Radar(Radar::Radars)), r#"["radar-0"]"#);
    assert!(ask(Handler::Radar(Radar::Info)).contains("Radar 0"));
    assert_eq!(drive.session.unknown_imports(), ["env.crypto.getRandomValuesN"]);
}

#[test]
fn w14_clocks_console_and_random_are_there() {
    let all = json!({ "report": ["clock", "console", "trace", "random"] });
    let mut drive = plugin("as_everything", &all);
    assert_eq!(drive.last(), "Started", "{:?}", drive.said);
    let log = drive.lines();
    for line in [
        "debug: top level, Math.random below one: true",
        "debug: console log",
        "debug: console debug",
        "info: console info",
        "warn: console warn",
        "error: console error",
        "error: Assertion failed: console assert",
        "debug: trace with two numbers 1.5 -2",
    ] {
        assert!(log.contains(&line.to_owned()), "{line}: {log:#?}");
    }
    for start in ["debug: Date.now ", "debug: performance.now ", "debug: timer: "] {
        assert!(log.iter().any(|line| line.starts_with(start)), "{start}: {log:#?}");
    }
    assert!(!log.join("\n").contains("console assert that holds"));
    let drive = plugin("as_everything", &json!({ "report": ["exit"], "code": 3 }));
    assert!(drive.last().contains("`plugin_start` exited with code 3"), "{}", drive.last());
    let drive = plugin("as_everything", &json!({ "report": ["crypto"] }));
    assert!(drive.last().contains("missing host function env.crypto.getRandomValuesN"));
}

/// Plugin ABI 4.3: the SDK decodes the whole buffer, so the rest of it must be spaces.
#[test]
fn w07_paths_and_configuration_are_read_through_the_sdk() {
    let options = json!({ "report": ["data"] });
    let mut server = Fake { options: Some(options.to_string()), ..Fake::default() };
    let speed = "vessels.urn:x.navigation.speedOverGround".to_owned();
    server.values.insert(speed, r#"{"value":3.1}"#.into());
    let mut drive = Drive::with_server(server, built("as_everything"), Purpose::Run, rights());
    assert_eq!(drive.last(), "Started", "{:?}", drive.said);
    let log = drive.lines();
    for line in [
        r#"debug: getSelfPath {"value":3.1}"#,
        r#"debug: getPath {"value":3.1}"#,
        r#"debug: readConfig {"report":["data"]}"#,
        "debug: saveConfig 0",
        r#"debug: readConfig {"saved":true}"#,
        "debug: hasNetworkCapability true",
        r#"Error("an error text")"#,
    ] {
        assert!(log.contains(&line.to_owned()), "{line}: {log:#?}");
    }
}

/// A clock that goes on by a millisecond whenever somebody looks.
#[derive(Default)]
struct Ticking(std::sync::atomic::AtomicU64);

impl wasmi_hdk::Platform for Ticking {
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    }
    fn wall_clock(&self) -> Duration {
        Duration::from_secs(1_767_323_045)
    }
    fn fill_random(&self, buf: &mut [u8]) {
        FixedPlatform::default().fill_random(buf);
    }
}

#[test]
fn w15_wasi_works_from_the_first_instruction() {
    let mut drive = Drive::with_config(
        Fake::default(),
        built("as_wasi"),
        Purpose::Run,
        Capabilities::default().with(Capability::Storage),
        |config| {
            config.platform = Arc::new(Ticking::default());
            config.fs = Some(Box::new(wasmi_hdk::vfs::MemoryFs::new()));
        },
    );
    while drive.last() != "Started" {
        assert_eq!(drive.said.len(), 1, "{:?}", drive.said);
        let then = drive.now + Duration::from_millis(10);
        drive.at(u64::try_from(then.as_millis()).unwrap());
    }
    let log = drive.lines();
    for line in [
        "debug: top level",
        "debug: wasi file written by as-wasi",
        "debug: wasi environment p",
        "debug: wasi clock 1767323045000",
        "debug: to stdout",
        // The shim writes it to standard output.
        "debug: Error: to stderr",
    ] {
        assert!(log.contains(&line.to_owned()), "{line}: {log:#?}");
    }
}

#[test]
fn w30_arguments_stay_pinned_for_the_whole_call() {
    // This one collects in the middle of each call and overwrites what it freed.
    let mut drive = plugin("as_incremental", &json!({ "garbage": 200, "text": "x".repeat(3000) }));
    assert_eq!(drive.last(), "Started");
    assert!(drive.lines().join("\n").contains("start kept"), "{:?}", drive.said);
    for _ in 0..5 {
        drive.deltas(None, &[&"å".repeat(5000)]);
    }
    drive.at(20);
    let log = drive.lines();
    assert_eq!((log.len(), log[4].as_str()), (5, "debug: delta kept 5000"), "{log:?}");
}

#[test]
fn a_runtime_that_waits_to_be_told_is_told_to_collect() {
    let pages = |name: &str| {
        let mut drive = plugin(name, &json!({ "garbage": 10 }));
        for beat in 0..200_u64 {
            drive.now = Duration::from_millis(beat * 10);
            drive.deltas(None, &["{}"; 64]);
        }
        assert!(drive.session.counters().deltas_in > 12_000);
        drive.session.stats().memory_bytes >> 16
    };
    let (incremental, minimal, stub) =
        (pages("as_incremental"), pages("as_minimal"), pages("as_stub"));
    // 12,800 calls that throw 10 kB away each: stub keeps all of it.
    assert!(stub > 1500, "{stub}");
    assert!(minimal < stub / 5 && incremental < 50, "{incremental} {minimal} {stub}");
}

#[test]
fn without_its_runtime_a_module_says_who_it_is_and_how_to_build_it() {
    let drive = plugin("as_no_runtime", &json!({}));
    assert!(drive.said[0].starts_with("described: Some(\"AssemblyScript without its runtime\")"));
    assert!(drive.last().contains("compile with --exportRuntime"), "{}", drive.last());
    assert!(drive.last().starts_with("Failed("));
}

#[test]
fn an_abort_is_told_in_the_guests_words() {
    for (at, call) in [("poll", "poll"), ("http", "handle_abort")] {
        let mut drive = plugin("as_abort", &json!({ "in": at, "message": "no wind å" }));
        assert_eq!(drive.last(), "Started");
        drive.at(999);
        match at {
            "poll" => drive.at(1000),
            _ => drive.handle(1, http("handle_abort"), "{}"),
        };
        let text =
            format!("crashed: p: call `{call}` trapped: abort: no wind å at assembly/as_abort.ts:");
        assert!(drive.last().starts_with(&text), "{}", drive.last());
    }
}
