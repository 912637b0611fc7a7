;; Hostile: closes stdout, then reads stdin for ever and answers into the void.
(module
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\00\10\00\00\00\10\00\00")
  (data (i32.const 32) "\40\00\00\00\27\00\00\00")
  (data (i32.const 64) "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":true}\n")
  (func (export "_start")
    (drop (call $fd_close (i32.const 1)))
    (loop $again
      (if (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 8)) (then (return)))
      (if (i32.eqz (i32.load (i32.const 8))) (then (return)))
      (drop (call $fd_write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 8)))
      (br $again))))
