//! A library guest that prints for ever to standard output, which is its log.

use super::*;

/// `plugin_start` writes 64 KiB of `fill` so many times, and then ends the line.
fn printer(fill: u8, times: u32) -> Drive {
    Drive::wat(&format!(
        r#"(import "wasi_snapshot_preview1" "fd_write"
             (func $fd_write (param i32 i32 i32 i32) (result i32)))
           ---
           (func (export "plugin_start") (param i32 i32) (result i32) (local $left i32)
             (i32.store (i32.const 1024) (i32.const 131072))
             (i32.store (i32.const 1028) (i32.const 65536))
             (memory.fill (i32.const 131072) (i32.const {fill}) (i32.const 65536))
             (local.set $left (i32.const {times}))
             (loop $again
               (drop (call $fd_write (i32.const 1) (i32.const 1024) (i32.const 1) (i32.const 1040)))
               (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
             (i32.store8 (i32.const 131072) (i32.const 10))
             (i32.store (i32.const 1028) (i32.const 1))
             (drop (call $fd_write (i32.const 1) (i32.const 1024) (i32.const 1) (i32.const 1040)))
             (i32.const 0))"#
    ))
}

#[test]
fn a_line_without_end_is_one_line_that_was_cut() {
    let mut drive = printer(b'x', 256);
    assert_eq!(drive.said.last().unwrap(), "Started");
    let log = drive.server.take();
    let [line] = &log[..] else { panic!("{} lines", log.len()) };
    assert!(line.starts_with("p debug: xxx") && line.ends_with("… (16769024 bytes cut)"));
}

#[test]
fn a_flood_of_lines_is_cut_to_the_budget_of_the_log() {
    for fill in [b'\n', b' '] {
        let mut drive = printer(fill, 64);
        assert_eq!(drive.said.last().unwrap(), "Started");
        let log = drive.server.take();
        assert!(log.len() < 210, "{} lines", log.len());
    }
}

/// What a guest is told of its alarms is what became of them (plugin ABI 4.4): after all its deltas the reserve, then
/// -1. A registration is no delta.
#[test]
fn a_flood_of_deltas_costs_no_alarm_and_no_registration() {
    let imports = r#"(import "env" "sk_publish_notification" (func $notify (param i32 i32 i32 i32) (result i32)))
        (import "env" "sk_register_put_handler" (func $register (param i32 i32 i32 i32) (result i32)))"#;
    let alarm = r#"{"state":"emergency"}"#;
    let body = format!(
        r#"(data (i32.const 900) "notifications.firea.b")
        (data (i32.const 1000) "{}")
        (func (export "plugin_start") (param i32 i32) (result i32) (local $n i32) (local $ok i32)
            (loop $deltas
                (call $emit (i32.const 100) (i32.const 51))
                (br_if $deltas (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 2500))))
            (if (i32.ne (call $register (i32.const 900) (i32.const 0) (i32.const 918) (i32.const 3)) (i32.const 1)) (then unreachable))
            (local.set $n (i32.const 0))
            (loop $alarms
                (if (i32.eqz (call $notify (i32.const 900) (i32.const 18) (i32.const 1000) (i32.const {})))
                    (then (local.set $ok (i32.add (local.get $ok) (i32.const 1)))))
                (br_if $alarms (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 150))))
            (if (i32.ne (local.get $ok) (i32.const 100)) (then unreachable))
            (i32.const 0))"#,
        alarm.replace('"', "\\22"),
        alarm.len(),
    );
    let rights = Capabilities::default().with(crate::Capability::PutHandlers);
    let mut drive = Drive::new(guest(&format!("{imports}\n---\n{body}")), Purpose::Run, rights);
    assert_eq!(drive.said.last().unwrap(), "Started");
    let trace = drive.server.take();
    let count = |text: &str| trace.iter().filter(|line| line.contains(text)).count();
    assert_eq!((count("notifications.fire"), count("registers Put")), (100, 1));
    assert_eq!(drive.session.counters().deltas_out_dropped, 1500 + 50);
}

/// What a slice may ask for is bounded, whatever a host call costs, and what finds no room is counted.
#[test]
fn host_calls_without_room_are_counted() {
    let mut shared = shared();
    let line = || crate::abi::queue::Queued::Diagnostic(String::new());
    let kept = (0..10_100).filter(|_| shared.push(line(), 0)).count();
    assert_eq!((kept, shared.overflown), (10_000, 100));
    shared.drain();
    assert!(shared.push(line(), 16 << 20) && !shared.push(line(), 1));
}

/// The hundredth different complaint is followed by one line that there will be no more.
#[test]
fn complaints_end_with_a_word() {
    let mut shared = shared();
    for number in 0..300 {
        shared.say_once((number / 2).to_string());
    }
    let said = shared.drain();
    assert_eq!(said.len(), 101);
    let last = format!("{:?}", said.back());
    assert!(last.contains("more is not said"), "{last}");
}

fn shared() -> crate::abi::queue::Shared {
    let package =
        r#"{"name":"p","version":"1","keywords":["signalk-wasm-plugin"],"wasmManifest":"p.wasm"}"#;
    let manifest = Manifest::read(package.as_bytes()).unwrap().manifest;
    crate::abi::queue::Shared::new(&manifest, "{}".to_owned())
}
