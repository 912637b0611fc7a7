//! A whole plugin, natively: a host made of `wasmi_rpc::Peer` at the other end of two buffers.
#![allow(clippy::unwrap_used, reason = "test code, helpers included")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use wasmi_pdk::{Connection, Cx, Error, ErrorCode, Next, Read, Router, Runtime, sleep};
use wasmi_rpc::{CallError, Output, Params, Peer, RawValue, RequestId};

/// The bytes between the two.
#[derive(Default)]
struct Wire {
    to_plugin: Vec<u8>,
    to_host: Vec<u8>,
    ended: bool,
    reads: u32,
}

impl Connection for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> Read {
        self.reads += 1;
        let count = buffer.len().min(self.to_plugin.len());
        if count == 0 {
            return if self.ended { Read::End } else { Read::Empty };
        }
        buffer[..count].copy_from_slice(&self.to_plugin[..count]);
        self.to_plugin.drain(..count);
        Read::Bytes(count)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.to_host.extend_from_slice(bytes);
    }
}

struct Host {
    peer: Peer,
    wire: Wire,
    plugin: Runtime,
    next: Next,
    events: Vec<Output>,
}

impl Host {
    fn of<S: 'static>(router: Router<S>) -> Self {
        Host {
            peer: Peer::default(),
            wire: Wire::default(),
            plugin: Runtime::new(router),
            next: Next::Input,
            events: Vec::new(),
        }
    }

    fn call(&mut self, method: &str, params: &str) -> RequestId {
        let params: Params = (!params.is_empty()).then(|| raw(params));
        let id = self.peer.call(Duration::ZERO, method, params, None).unwrap();
        self.turn();
        id
    }

    /// Moves bytes and polls the plugin until both rest. The host's `echo` echoes.
    fn turn(&mut self) {
        loop {
            while let Some(output) = self.peer.poll_output() {
                match output {
                    Output::Send(bytes) => self.wire.to_plugin.extend(bytes),
                    Output::Request { id, method, params } if method == "echo" => {
                        self.peer.respond(id, Ok(params.unwrap())).unwrap();
                    }
                    event => self.events.push(event),
                }
            }
            self.next = self.plugin.poll(&mut self.wire);
            if self.wire.to_host.is_empty() {
                return;
            }
            let bytes = std::mem::take(&mut self.wire.to_host);
            self.peer.handle_input(Duration::ZERO, &bytes);
        }
    }

    /// What came of the calls so far, in order.
    fn answers(&mut self) -> Vec<String> {
        let events = std::mem::take(&mut self.events).into_iter();
        events
            .map(|event| match event {
                Output::Answered { id, result: Ok(result) } => format!("{id}: {result}"),
                Output::Answered { id, result: Err(CallError::Remote(error)) } => {
                    format!("{id}: error {} {}", error.code(), error.message())
                }
                Output::Notification { method, params } => {
                    format!("{method} {}", params.as_deref().map_or("", RawValue::get))
                }
                other => format!("{other:?}"),
            })
            .collect()
    }
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

#[derive(serde::Deserialize)]
struct Point {
    x: i32,
    #[serde(default)]
    y: i32,
}

#[test]
fn parameters_come_as_the_method_wants_them() {
    let mut host = Host::of(
        Router::new()
            .method("tuple", |_, (a, b): (i32, i32)| async move { Ok(a - b) })
            .method("object", |_, Point { x, y }: Point| async move { Ok(x + y) })
            .method("single", |_, text: String| async move { Ok(text) })
            .method("none", |_, ()| async move { Ok("none") })
            .method("maybe", |_, value: Option<i32>| async move { Ok(value) })
            .method("list", |_, list: Vec<i32>| async move { Ok(list.len()) }),
    );
    for (method, params) in [
        ("tuple", "[5,3]"),
        ("object", r#"{"x":1,"y":2}"#),
        ("object", "[1,2]"),
        ("single", r#"["x"]"#),
        ("none", ""),
        ("none", "[]"),
        ("none", "{}"),
        ("maybe", ""),
        ("maybe", "[7]"),
        ("list", ""),
        ("list", "[1,2]"),
        ("tuple", "[1]"),
        ("nothing", ""),
    ] {
        host.call(method, params);
    }
    assert_eq!(
        host.answers(),
        [
            "1: 2",
            "2: 3",
            "3: 3",
            "4: \"x\"",
            "5: \"none\"",
            "6: \"none\"",
            "7: \"none\"",
            "8: null",
            "9: 7",
            "10: 0",
            "11: 2",
            "12: error -32602 Invalid params: invalid length 1, expected a tuple of size 2 at line 1 column 3",
            "13: error -32601 no method `nothing`",
        ]
    );
}

#[test]
fn errors_keep_code_and_data() {
    let mut host = Host::of(
        Router::new()
            .method("own", |_, ()| async { Err::<(), _>(Error::message("too shallow")) })
            .method("coded", |_, ()| async {
                Err::<(), _>(Error::new(ErrorCode::NotFound, "no such chart"))
            })
            .method("std", |_, ()| async { Ok("x".parse::<u8>()?) })
            .method("remote", |cx: Cx, ()| async move { cx.host.call::<u8>("refused", ()).await }),
    );
    for method in ["own", "coded", "std", "remote"] {
        host.call(method, "");
    }
    let Some(Output::Request { id, .. }) = host.events.pop() else { panic!() };
    host.peer.respond(id, Err(ErrorCode::CapabilityDenied.with("no"))).unwrap();
    host.turn();
    assert_eq!(
        host.answers(),
        [
            "1: error -32000 too shallow",
            "2: error -32043 no such chart",
            "3: error -32000 invalid digit found in string",
            "4: error -32040 no",
        ]
    );
}

#[test]
fn many_calls_are_under_way_at_once_and_state_is_shared() {
    let mut host = Host::of(Router::with_state(Cell::new(0)).method(
        "sum_of_echoes",
        |cx: Cx<Cell<u32>>, count: u32| async move {
            let calls: Vec<_> = (0..count).map(|n| cx.host.call::<(u32,)>("echo", (n,))).collect();
            for call in calls {
                cx.state.set(cx.state.get() + call.await?.0);
            }
            Ok(cx.state.get())
        },
    ));
    host.call("sum_of_echoes", "[100]");
    host.call("sum_of_echoes", "[3]");
    assert_eq!(host.answers(), ["1: 4950", "2: 4953"]);
    assert_eq!(host.next, Next::Input);
}

#[test]
fn a_sleeping_method_says_when_and_holds_nobody_up() {
    let mut host = Host::of(
        Router::new()
            .method("nap", |_, millis: u64| async move {
                sleep(Duration::from_millis(millis)).await;
                Ok("rested")
            })
            .method("ping", |_, ()| async { Ok("pong") }),
    );
    host.call("nap", "[30]");
    host.call("nap", "[3600000]");
    assert!(matches!(host.next, Next::After(wait) if wait <= Duration::from_millis(30)));
    host.call("ping", "");
    assert_eq!(host.answers(), ["3: \"pong\""]);
    // Real time, but no chance of failing: the test waits until the plugin says it is due.
    while let Next::After(wait) = host.next
        && wait < Duration::from_secs(60)
    {
        std::thread::sleep(wait);
        host.turn();
    }
    assert_eq!(host.answers(), ["1: \"rested\""]);
}

#[test]
fn a_cancelled_request_drops_its_task_and_takes_its_calls_back() {
    struct Bell(Rc<RefCell<Vec<&'static str>>>);
    impl Drop for Bell {
        fn drop(&mut self) {
            self.0.borrow_mut().push("dropped");
        }
    }
    let bells: Rc<RefCell<Vec<&'static str>>> = Rc::default();
    let inside = bells.clone();
    let mut host = Host::of(Router::new().method("hang", move |cx: Cx, ()| {
        let bell = Bell(inside.clone());
        async move {
            let never: u8 = cx.host.call("never", ()).await?;
            drop(bell);
            Ok(never)
        }
    }));
    let id = host.call("hang", "");
    assert!(matches!(host.events.pop(), Some(Output::Request { .. })));
    assert!(host.peer.cancel(&id));
    host.turn();
    assert_eq!(*bells.borrow(), ["dropped"]);
    let events = format!("{:?}", host.events);
    assert!(events.contains("Cancelled { id: Number(1) }"), "{events}");
    assert_eq!((host.peer.counters().faults, host.peer.requests_waiting()), (0, 1));
}

#[test]
fn notifications_go_both_ways_and_tasks_of_its_own_run_beside_the_methods() {
    let mut host = Host::of(Router::new().notification("tick", |cx: Cx, count: u32| async move {
        let later = cx.host.clone();
        cx.host.spawn(async move {
            let (doubled,): (u32,) = later.call("echo", (count * 2,)).await.unwrap();
            later.notify("tock", (doubled,)).unwrap();
        });
    }));
    host.peer.notify("tick", Some(raw("[21]"))).unwrap();
    host.peer.notify("tick", Some(raw("[\"no number\"]"))).unwrap();
    host.peer.notify("unknown", None).unwrap();
    host.turn();
    assert_eq!(host.answers(), ["tock [42]"]);
}

#[test]
fn the_end_of_input_ends_calls_and_then_the_plugin() {
    let mut host = Host::of(Router::new().method("ask", |cx: Cx, ()| async move {
        match cx.host.call::<u8>("never", ()).await {
            Ok(_) => Ok("answered".to_owned()),
            Err(error) => Ok(error.to_string()),
        }
    }));
    host.call("ask", "");
    host.wire.ended = true;
    host.turn();
    assert_eq!(host.next, Next::Ended);
    host.events.remove(0);
    assert_eq!(host.answers(), ["1: \"the connection closed before the answer\""]);
}

#[test]
fn one_read_serves_one_message_and_large_input_is_read_to_its_end() {
    let mut host =
        Host::of(Router::new().method("len", |_, text: String| async move { Ok(text.len()) }));
    host.call("len", "[\"x\"]");
    let reads = host.wire.reads;
    host.call("len", &format!("[\"{}\"]", "x".repeat(100_000)));
    assert_eq!(host.answers(), ["1: 1", "2: 100000"]);
    assert!(host.wire.reads - reads >= 7, "16 KiB at a time");
}

/// Input that never ends.
struct Flood;

impl Connection for Flood {
    fn read(&mut self, buffer: &mut [u8]) -> Read {
        buffer.fill(b' ');
        Read::Bytes(buffer.len())
    }

    fn write(&mut self, _: &[u8]) {}
}

#[test]
fn input_that_comes_as_fast_as_it_is_read_does_not_hold_a_poll_for_ever() {
    let mut plugin = Runtime::new(Router::new());
    assert_eq!(plugin.poll(&mut Flood), Next::After(Duration::ZERO));
}
