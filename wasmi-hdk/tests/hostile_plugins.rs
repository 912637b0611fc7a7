//! Plugins that mean harm, or do it: each ends, or is answered, with a name; the host lives.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/rpc.rs"]
mod rpc;

use std::time::Duration;

use rpc::{Conversation, guest, strict};
use wasmi_hdk::{
    ErrorCode, Exit, Fault, Imports, Instance, InstanceConfig, Limits, Plugin, RpcError,
};

fn crash_of_go(name: &str) -> (String, i32) {
    let mut plugin = Conversation::new(name);
    let error = plugin.call("go", "").unwrap_err();
    plugin.settle();
    (plugin.crash(), error.code())
}

#[test]
fn one_that_spins_for_ever() {
    let (text, code) = crash_of_go("fuel_spin_forever");
    assert!(text.starts_with("fuel_spin_forever: call `rpc_poll` used 20"), "{text}");
    assert!(text.contains("fuel without a rest, the limit is 20000000; split the work"), "{text}");
    assert_eq!(code, ErrorCode::OutOfFuel.number());
    let mut plugin = Conversation::new("poll_spins");
    plugin.settle();
    assert!(plugin.crash().contains("fuel without a rest"));
}

#[test]
fn one_that_spins_is_ended_by_time_too() {
    let limits =
        Limits { call_fuel: None, call_deadline: Some(Duration::from_millis(20)), ..strict() };
    // A clock that really goes on.
    struct Real(std::time::Instant);
    impl wasmi_hdk::Platform for Real {
        fn monotonic(&self) -> Duration {
            self.0.elapsed()
        }
        fn wall_clock(&self) -> Duration {
            Duration::ZERO
        }
        fn fill_random(&self, _: &mut [u8]) {}
    }
    let platform = std::sync::Arc::new(Real(std::time::Instant::now()));
    let config = InstanceConfig { limits, ..InstanceConfig::new(platform) };
    let mut instance = Instance::new(&guest("poll_spins"), config).unwrap();
    let text = common::fault(common::call(&mut instance, "rpc_poll", &[]));
    assert!(text.contains("without waiting for the host, the limit is 20ms"), "{text}");
}

#[test]
fn one_that_recurses_for_ever() {
    let (text, code) = crash_of_go("stack_recurse_forever");
    assert_eq!(code, ErrorCode::Trap.number());
    // The stack in linear memory or the one of calls, whichever ends first.
    assert!(text.contains("recursed too deep") || text.contains("out of bounds"), "{text}");
    let mut plugin = Instance::new(&guest("stack_recurse_frames"), common::config()).unwrap();
    let text = common::fault(common::call(&mut plugin, "_start", &[]));
    assert!(text.contains("call `_start` recursed too deep"), "{text}");
}

#[test]
fn one_that_allocates_for_ever() {
    let (text, _) = crash_of_go("memory_allocate_forever");
    assert!(text.contains("the limit is 16777216; keep less in memory"), "{text}");
}

#[test]
fn one_that_writes_a_gigabyte_of_log() {
    let limits = Limits { call_fuel: Some(1_000_000), ..strict() };
    let mut plugin = Conversation::with(&guest("log_one_gigabyte"), limits);
    // It pays for what it writes, so that its budget ends before the gigabyte does.
    assert!(plugin.call("go", "").is_err());
    plugin.settle();
    assert!(plugin.crash().contains("fuel without a rest"), "{}", plugin.crash());
    assert!(plugin.log.len() < 500, "{} lines", plugin.log.len());
    let rpc::Either::Stateful(state) = &plugin.plugin else { panic!() };
    assert!(state.stats().log_lines_dropped > 100_000, "{:?}", state.stats());
}

#[test]
fn one_that_traps_and_one_that_exits() {
    let (text, code) = crash_of_go("trap_in_call");
    assert_eq!(
        text,
        "trap_in_call: call `rpc_poll` trapped: wasm `unreachable` instruction executed"
    );
    assert_eq!(code, ErrorCode::Trap.number());

    let mut plugin = Conversation::new("exit_one_in_call");
    let error = plugin.call("go", "").unwrap_err();
    assert_eq!(error.message(), "exit_one_in_call: the plugin exited with code 1");
    assert_eq!(error.code(), ErrorCode::Exited.number());
    plugin.settle();
    assert!(matches!(plugin.stopped, Some(Exit::Exited(1))));

    let mut plugin = Conversation::new("exit_zero_in_call");
    assert_eq!(plugin.call("go", "").unwrap_err().code(), ErrorCode::NotRunning.number());
    plugin.settle();
    assert!(matches!(plugin.stopped, Some(Exit::Clean)));
}

#[test]
fn nothing_runs_after_an_exit() {
    let mut plugin = Conversation::new("wasi_exit_again");
    plugin.settle();
    assert!(matches!(plugin.stopped, Some(Exit::Exited(3))), "{:?}", plugin.stopped);
    assert!(plugin.log.is_empty(), "{:?}", plugin.log);
}

#[test]
fn one_that_answers_twice_and_ones_that_nobody_asked() {
    let mut plugin = Conversation::new("rpc_answers_twice");
    assert_eq!(plugin.call("x", "").unwrap(), "\"first\"");
    assert_eq!(plugin.call("x", "").unwrap(), "\"first\"");
    plugin.settle();
    assert_eq!(plugin.faults.len(), 2);
    assert!(matches!(plugin.faults[0], RpcError::UnknownResponse { .. }), "{:?}", plugin.faults);

    let mut plugin = Conversation::new("rpc_answers_unknown_ids");
    assert!(plugin.call("go", "").is_ok());
    assert_eq!(plugin.faults.len(), 3, "{:?}", plugin.faults);
    assert_eq!(plugin.call("ping", "").unwrap(), "\"pong\"");
}

#[test]
fn one_that_writes_garbage() {
    let mut plugin = Conversation::new("rpc_garbage");
    assert!(plugin.call("go", "").is_ok());
    assert!(plugin.faults.len() >= 4, "{:?}", plugin.faults);
    assert_eq!(plugin.call("ping", "").unwrap(), "\"pong\"");
}

#[test]
fn one_that_writes_garbage_for_ever_and_never_reads() {
    let limits = Limits { call_fuel: None, stdin_bytes: 1 << 20, ..strict() };
    let mut plugin = Conversation::with(&guest("rpc_garbage_for_ever"), limits);
    plugin.settle();
    let text = plugin.crash();
    assert!(text.starts_with("rpc_garbage_for_ever: 1"), "{text}");
    assert!(text.contains("unread on its standard input, the limit is 1048576"));
    // One run's output is looked through at a time, and of that little is answered.
    let most = usize::try_from(plugin.runs).unwrap() * 256;
    assert!(plugin.faults.len() <= most, "{} of {most}", plugin.faults.len());
}

#[test]
fn one_that_writes_half_a_line_and_is_silent() {
    let mut plugin = Conversation::new("rpc_half_line_then_silence");
    let call = plugin.begin_within("go", "", Some(Duration::from_secs(5)));
    assert_eq!(plugin.finish(call).unwrap_err().code(), ErrorCode::Timeout.number());
    plugin.input(wasmi_hdk::Input::Stop);
    while plugin.stopped.is_none() {
        plugin.settle();
        plugin.advance(Duration::from_secs(1));
    }
    // What it wrote later, when it was told to give up, completed the line.
    assert!(matches!(plugin.faults[..], [RpcError::NotJson { .. }]), "{:?}", plugin.faults);
}

#[test]
fn one_that_writes_a_line_of_100_mb() {
    let limits = Limits { call_fuel: None, call_deadline: None, ..strict() };
    let mut plugin = Conversation::with(&guest("rpc_line_of_100_mb"), limits);
    plugin.call("go", "").unwrap();
    assert!(matches!(plugin.faults[..], [RpcError::Oversized { .. }]), "{:?}", plugin.faults);
    assert!(plugin.faults[0].to_string().contains("exceeds the limit of 16777216"));
    assert_eq!(plugin.call("ping", "").unwrap(), "\"pong\"");
}

#[test]
fn one_that_closes_stdout() {
    let mut plugin = Conversation::new("rpc_closes_stdout");
    let call = plugin.begin_within("x", "", Some(Duration::from_secs(5)));
    assert_eq!(plugin.finish(call).unwrap_err().code(), ErrorCode::Timeout.number());
}

#[test]
fn one_that_wants_to_be_polled_at_once_for_ever() {
    let limits = Limits { fuel_per_second: Some(100_000), fuel_burst: 100_000, ..strict() };
    let mut plugin = Conversation::with(&guest("poll_at_once_for_ever"), limits);
    for _ in 0..3 {
        let until = plugin.settle();
        assert!(until.unwrap() > plugin.now(), "throttled");
        plugin.advance(Duration::from_millis(100));
    }
    // Each call of an export costs 1000 fuel, whatever the guest does in it.
    assert!(plugin.runs < 200, "{} runs in 0.3 s", plugin.runs);
}

#[test]
fn one_that_grows_for_ever_is_ended_by_its_budget() {
    for name in ["memory_grow_loop", "table_grow_loop"] {
        let module = guest(name);
        let export =
            module.exports().find(|(_, kind)| matches!(kind, wasmi_hdk::ExternKind::Func(_)));
        let export = export.unwrap().0.to_owned();
        let config = InstanceConfig { limits: strict(), ..common::config() };
        let mut instance = Instance::new(&module, config).unwrap();
        instance.begin(&export, &[]).unwrap();
        let text = common::fault(common::drive(&mut instance, 1_000_000));
        assert!(text.contains("fuel without a rest"), "{name}: {text}");
    }
}

/// Each exits with the errno of its first lie, and 100 times that of its second.
#[test]
fn wasi_calls_with_lies_in_them() {
    const FAULT: i32 = 21;
    const INVAL: i32 = 28;
    for (name, errno) in [
        ("wasi_huge_iovec_count", INVAL + 100 * INVAL),
        ("wasi_lying_lengths", FAULT + 100 * FAULT),
        ("wasi_lying_result_pointer", FAULT),
        ("wasi_poll_huge_count", INVAL + 100 * INVAL),
        ("wasi_random_2_gib", FAULT),
    ] {
        let mut plugin = Conversation::new(name);
        plugin.settle();
        match plugin.stopped {
            Some(Exit::Exited(code)) => assert_eq!(code, errno, "{name}"),
            ended => panic!("{name}: {ended:?}"),
        }
    }
}

#[test]
fn wasi_calls_that_make_the_host_work_are_paid_by_the_guest() {
    for name in ["wasi_many_empty_iovecs", "wasi_random_32_mib_for_ever"] {
        let limits = Limits { memory_bytes: 64 << 20, ..strict() };
        let mut plugin = Conversation::with(&guest(name), limits);
        plugin.settle();
        match plugin.stopped {
            Some(Exit::Crashed(Fault::OutOfFuel { .. })) => {}
            ended => panic!("{name}: {ended:?}"),
        }
    }
}

#[test]
fn one_that_imports_what_nobody_has_and_does_not_call_it_runs() {
    let module = guest("import_unknown_unused");
    let mut plugin = Conversation::with(&module, strict());
    plugin.settle();
    assert!(matches!(plugin.stopped, Some(Exit::Clean)), "{:?}", plugin.stopped);
    assert_eq!(module.unknown_imports(&Imports::new()), ["env.sk_teleport"]);

    let mut plugin = Conversation::new("import_unknown_called");
    plugin.settle();
    let text = plugin.crash();
    assert!(
        text.ends_with("call `_start` used the missing host function env.sk_teleport"),
        "{text}"
    );
}

#[test]
fn one_that_declares_a_call_of_wasi_otherwise_is_refused() {
    assert_eq!(
        rpc::load("import_wasi_wrong_type").unwrap_err().to_string(),
        "import_wasi_wrong_type: import wasi_snapshot_preview1.fd_write is declared as \
         (i32, i32) -> (i32), the host has (i32, i32, i32, i32) -> (i32)"
    );
}

#[test]
fn one_whose_single_instruction_costs_more_than_a_slice_goes_on() {
    let limits = Limits { memory_bytes: 64 << 20, ..strict() };
    let mut plugin = Conversation::with(&guest("memory_fill_beyond_a_slice"), limits);
    plugin.settle();
    assert!(matches!(plugin.stopped, Some(Exit::Clean)), "{:?}", plugin.stopped);
    let rpc::Either::Stateful(state) = &plugin.plugin else { panic!() };
    assert!(state.stats().fuel_used >= 3 * 62_914_560 / 64, "{:?}", state.stats());
}

#[test]
fn ones_that_are_no_json_rpc_plugins() {
    for name in ["no_exports", "poll_wrong_type"] {
        let error = Plugin::new(name, &guest(name), common::config()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{name}: neither exports `_start` (a command) nor `rpc_poll` (a reactor): \
                 it cannot be called by JSON-RPC"
            )
        );
    }
}

#[test]
fn one_whose_start_section_spins_and_one_whose_initialize_does() {
    for (name, call) in [("start_section_spins", "(start)"), ("initialize_spins", "_initialize")] {
        let mut plugin = Conversation::new(name);
        plugin.settle();
        assert!(plugin.crash().starts_with(&format!("{name}: call `{call}` used")));
    }
}

/// A reactor that waits for input by `poll_oneoff` inside `rpc_poll` and reads what comes.
const WAITS_IN_A_POLL: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff"
        (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read"
        (func $read (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    ;; A subscription at 0: kind 1 (fd_read) at 8, descriptor 0 at 16; an iovec at 200.
    (data (i32.const 8) "\01")
    (data (i32.const 200) "\00\02\00\00\00\10\00\00")
    (func (export "rpc_poll") (result i64)
        (loop $again
            (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
            (drop (call $read (i32.const 0) (i32.const 200) (i32.const 1) (i32.const 128)))
            (br $again))
        (unreachable)))"#;

#[test]
fn a_reactor_that_waits_for_input_inside_a_poll_rests_until_there_is_some() {
    let module = common::module(WAITS_IN_A_POLL);
    let config = common::config();
    let mut plugin = Plugin::new("waits", &module, config).unwrap();
    let now = Duration::ZERO;
    let mut runs = 0;
    for message in 1..=3 {
        plugin.handle_input(now, wasmi_hdk::Input::Notify { method: "m".into(), params: None });
        loop {
            match plugin.poll_output(now) {
                wasmi_hdk::Output::Run(run) => {
                    runs += 1;
                    assert!(runs < 20, "it spins with message {message}");
                    plugin.handle_input(now, wasmi_hdk::Input::Ran(run.execute()));
                }
                wasmi_hdk::Output::Wait { until } => {
                    assert_eq!(until, None);
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    plugin.handle_input(now, wasmi_hdk::Input::Stop);
    assert!(matches!(plugin.poll_output(now), wasmi_hdk::Output::Run(_)), "it sees the end");
}
