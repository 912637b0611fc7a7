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
