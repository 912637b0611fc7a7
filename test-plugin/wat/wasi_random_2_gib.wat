;; Hostile: asks for 2 GiB of random bytes in a memory of 64 KiB. Exits with the errno.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (call $random_get (i32.const 0) (i32.const 0x80000000)))))
