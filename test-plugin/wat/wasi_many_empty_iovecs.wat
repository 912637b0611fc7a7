;; Hostile: eight thousand empty buffers in one `fd_write`, two hundred thousand times: work for the host
;; that must be charged to the guest. Exits with 0 if nobody stops it.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func (export "_start") (local $n i32)
    (local.set $n (i32.const 200000))
    (loop $again
      (drop (call $fd_write (i32.const 1) (i32.const 65536) (i32.const 8000) (i32.const 8)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $exit (i32.const 0))))
