;; Hostile: `poll_oneoff` with 2^31 subscriptions, then with none. Exits with the errno of the first
;; plus 100 times that of the second.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (call $exit (i32.add
      (call $poll (i32.const 0) (i32.const 4096) (i32.const 0x80000000) (i32.const 8))
      (i32.mul (i32.const 100)
        (call $poll (i32.const 0) (i32.const 4096) (i32.const 0) (i32.const 8)))))))
