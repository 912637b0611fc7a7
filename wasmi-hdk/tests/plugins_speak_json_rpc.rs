//! Well-behaved plugins: calls, nested calls, waiting, state, logs, the end.

mod common;
#[path = "common/rpc.rs"]
mod rpc;

use std::time::Duration;

use rpc::{Conversation, guest};
use wasmi_hdk::{Entry, ErrorCode, Exit, Fault, Input, Level, Limits};

#[test]
fn ping_is_answered() {
    let mut plugin = Conversation::new("rpc_ping");
    assert_eq!(plugin.call("ping", "").unwrap(), "\"pong\"");
    assert_eq!(plugin.call("ping", "").unwrap(), "\"pong\"");
    assert_eq!(plugin.call("absent", "").unwrap_err().code(), -32601);
    assert!(plugin.stopped.is_none(), "{:?}", plugin.stopped);
    assert!(plugin.faults.is_empty(), "{:?}", plugin.faults);
}

#[test]
fn the_plugin_calls_the_host_from_inside_a_call() {
    let mut plugin = Conversation::new("rpc_many_echo");
    assert_eq!(plugin.call("many_echo", "[200]").unwrap(), "200");
    assert_eq!(plugin.call("echo_at_once", "[200]").unwrap(), "200");
    let mut plugin = Conversation::new("rpc_nested_echo");
    let answer = plugin.call("nested_echo", r#"{"value":"x","depth":1}"#).unwrap();
    assert_eq!(answer, r#"{"value":"x","depth":0}"#);
}

#[test]
fn a_sleeping_plugin_holds_no_thread() {
    let mut plugin = Conversation::new("rpc_sleep");
    let slow = plugin.begin("sleep", "[3600000]");
    let fast = plugin.begin("sleep", "[5]");
    assert_eq!(plugin.finish(fast).unwrap(), "5");
    assert_eq!(plugin.finish(slow).unwrap(), "3600000");
    assert_eq!(plugin.now(), Duration::from_secs(3600));
    assert!(plugin.runs < 10, "{} runs", plugin.runs);
}

#[test]
fn clocks_and_random_bytes_come_from_the_platform() {
    let mut plugin = Conversation::new("rpc_time");
    assert_eq!(plugin.call("time", "").unwrap(), "1800000000000");
    plugin.advance(Duration::from_secs(2));
    assert_eq!(plugin.call("time", "").unwrap(), "1800000002000");
    let mut plugin = Conversation::new("rpc_random");
    assert_eq!(plugin.call("random", "[3]").unwrap(), "[7,7,7]");
}

#[test]
fn what_is_echoed_comes_back_to_the_letter() {
    let mut plugin = Conversation::new("rpc_echo");
    for text in [
        "[]",
        "{}",
        r#"[ 1.0, -0, 1e400, 12345678901234567890123456789 ]"#,
        r#"{"b":1,"a":[null,true],"b":"\u00e9\n\\ü"}"#,
        r#"["\u2028","\ud83d\ude00"]"#,
    ] {
        assert_eq!(plugin.call("echo", text).unwrap(), text);
    }
    assert!(plugin.faults.is_empty(), "{:?}", plugin.faults);
}

#[test]
fn a_stateful_plugin_remembers_and_one_per_call_does_not() {
    let mut plugin = Conversation::new("rpc_state");
    assert_eq!(plugin.call("set", r#"["k", 5]"#).unwrap(), "null");
    assert_eq!(plugin.call("get", r#"["k"]"#).unwrap(), "5");
    let mut plugin = Conversation::per_call("rpc_state", 4);
    assert_eq!(plugin.call("set", r#"["k", 5]"#).unwrap(), "null");
    assert_eq!(plugin.call("get", r#"["k"]"#).unwrap(), "null");
}

#[test]
fn many_calls_at_once_each_in_an_instance_of_its_own() {
    let mut plugin = Conversation::per_call("rpc_many_echo", 3);
    let calls: Vec<_> = (0..10).map(|_| plugin.begin("many_echo", "[5]")).collect();
    for call in calls {
        assert_eq!(plugin.finish(call).unwrap(), "5");
    }
    plugin.input(Input::Stop);
    plugin.settle();
    assert!(matches!(plugin.stopped, Some(Exit::Clean)));
}

#[test]
fn a_call_per_instance_that_crashes_harms_no_other() {
    let mut plugin = Conversation::per_call("rpc_trouble", 2);
    let bad = plugin.begin("panic", r#"["oh no"]"#);
    let good = plugin.begin("log", r#"["warn", "still here"]"#);
    assert!(plugin.finish(good).is_ok());
    assert!(plugin.finish(bad).is_err());
    assert!(plugin.call("log", r#"["info", "again"]"#).is_ok());
}

#[test]
fn a_call_that_takes_too_long_times_out_and_the_plugin_lives_on() {
    let mut plugin = Conversation::new("rpc_sleep");
    let call = plugin.begin_within("sleep", "[60000]", Some(Duration::from_secs(1)));
    let error = plugin.finish(call).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout.number());
    assert_eq!(error.message(), "rpc_sleep: no answer before the deadline of the call");
    assert_eq!(plugin.now(), Duration::from_secs(1));
    assert_eq!(plugin.call("sleep", "[1]").unwrap(), "1");
}

#[test]
fn a_call_that_waits_for_an_instance_times_out_when_its_time_is_over() {
    let mut plugin = Conversation::per_call("rpc_sleep", 1);
    let busy = plugin.begin("sleep", "[60000]");
    let call = plugin.begin_within("sleep", "[1]", Some(Duration::from_secs(1)));
    assert_eq!(plugin.settle(), Some(Duration::from_secs(1)));
    let error = plugin.finish(call).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout.number());
    assert_eq!(error.message(), "rpc_sleep: no answer before the deadline of the call");
    assert_eq!(plugin.now(), Duration::from_secs(1));
    // What a living instance has used is counted before it ends.
    let rpc::Either::PerCall(calls) = &plugin.plugin else { panic!() };
    let stats = calls.stats();
    assert!(stats.fuel_used > 0 && stats.slices > 0 && stats.memory_bytes > 0, "{stats:?}");
    assert_eq!(plugin.finish(busy).unwrap(), "60000");
}

#[test]
fn a_cancelled_call_ends_as_cancelled() {
    let mut plugin = Conversation::new("rpc_sleep");
    let call = plugin.begin("sleep", "[60000]");
    plugin.settle();
    plugin.input(Input::Cancel(wasmi_hdk::CallId(call)));
    assert_eq!(plugin.finish(call).unwrap_err().code(), ErrorCode::Cancelled.number());
}

#[test]
fn errors_logs_and_panics_reach_the_host() {
    let mut plugin = Conversation::new("rpc_trouble");
    let error = plugin.call("fail", r#"["no luck"]"#).unwrap_err();
    assert_eq!((error.code(), error.message()), (-32000, "no luck"));
    plugin.call("log", r#"["warn", "low battery"]"#).unwrap();
    let line = plugin.log.last().unwrap();
    assert_eq!(line.level, Level::Warn);
    assert!(line.text.contains("low battery"), "{line:?}");

    let error = plugin.call("panic", r#"["out of cheese"]"#).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Trap.number());
    assert!(error.message().contains("out of cheese"), "{error:?}");
    let text = plugin.crash();
    assert!(text.starts_with("rpc_trouble: call `rpc_poll` trapped: "), "{text}");
    assert!(text.contains("panic: out of cheese (test-plugin/src/lib.rs:"), "{text}");
    // Whoever calls now is told why nobody answers.
    let error = plugin.call("fail", r#"["again"]"#).unwrap_err();
    assert!(error.message().contains("out of cheese"), "{error:?}");
}

#[test]
fn stop_ends_a_reactor_and_a_command() {
    for name in ["rpc_ping", "rpc_answers_twice"] {
        let mut plugin = Conversation::new(name);
        plugin.settle();
        plugin.input(Input::Stop);
        plugin.settle();
        assert!(matches!(plugin.stopped, Some(Exit::Clean)), "{name}: {:?}", plugin.stopped);
    }
    assert_eq!(guest("rpc_ping").entry(), Entry::Reactor);
    assert_eq!(guest("rpc_answers_twice").entry(), Entry::Command);
}

#[test]
fn stop_ends_a_plugin_that_will_not_end_after_the_grace() {
    let mut plugin = Conversation::new("rpc_sleep");
    let call = plugin.begin("sleep", "[60000]");
    plugin.settle();
    plugin.input(Input::Stop);
    let error = plugin.finish(call).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotRunning.number());
    plugin.settle();
    assert!(plugin.stopped.is_some());
    assert!(plugin.now() <= Duration::from_secs(2));
}

#[test]
fn a_plugin_that_computes_too_much_is_throttled_before_it_is_stopped() {
    let limits = Limits {
        fuel_per_second: Some(1_000_000),
        fuel_burst: 1_000_000,
        call_fuel: None,
        ..rpc::strict()
    };
    let mut plugin = Conversation::with(&guest("rpc_prime_sieve"), limits);
    assert_eq!(plugin.call("prime_sieve", "[200000]").unwrap(), "17984");
    let (rpc::Either::Stateful(state), now) = (&plugin.plugin, plugin.now()) else { panic!() };
    let fuel = state.stats().fuel_used;
    // The clock only moves while the guest rests: it rested for what it used above the burst.
    let rested = Duration::from_micros(fuel - 1_000_000);
    assert!(now > rested.mul_f64(0.8) && now <= rested, "{now:?} for {fuel} fuel");
}

#[test]
fn the_fault_of_a_call_names_everything() {
    let limits = Limits { call_fuel: Some(1_000_000), ..rpc::strict() };
    let mut plugin = Conversation::with(&guest("fuel_spin_forever"), limits);
    let error = plugin.call("go", "").unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutOfFuel.number());
    let Some(Exit::Crashed(Fault::OutOfFuel { call, limit, .. })) = &plugin.stopped else {
        panic!("{:?}", plugin.stopped)
    };
    assert_eq!((call.as_str(), *limit), ("rpc_poll", 1_000_000));
}
