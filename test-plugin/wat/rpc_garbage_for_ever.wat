;; Hostile: writes lines that are no JSON for ever, and never reads what it is told about them.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\00\00\01\00\00\80\00\00")
  (func (export "_start") (local $at i32)
    (local.set $at (i32.const 65536))
    (loop $fill
      (i32.store8 (local.get $at)
        (select (i32.const 10) (i32.const 120) (i32.eqz (i32.and (local.get $at) (i32.const 63)))))
      (br_if $fill (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1)))
        (i32.const 98304))))
    (loop $again
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
      (br $again))))
