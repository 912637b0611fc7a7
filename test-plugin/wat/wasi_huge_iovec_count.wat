;; Hostile: `fd_write` with 2^32-1 buffers, then with 2^28 empty ones inside memory's bounds by
;; count but not by size. Exits with the errno of the first plus 100 times that of the second.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (call $exit (i32.add
      (call $fd_write (i32.const 1) (i32.const 16) (i32.const -1) (i32.const 8))
      (i32.mul (i32.const 100)
        (call $fd_write (i32.const 1) (i32.const 16) (i32.const 0x10000000) (i32.const 8)))))))
