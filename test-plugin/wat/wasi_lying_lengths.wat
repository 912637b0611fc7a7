;; Hostile: one buffer whose length reaches beyond memory, and one whose address plus length wraps
;; around 2^32. Exits with the errno of the first plus 100 times that of the second.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\00\ff\00\00\ff\ff\ff\7f")
  (data (i32.const 32) "\f0\ff\ff\ff\20\00\00\00")
  (func (export "_start")
    (call $exit (i32.add
      (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8))
      (i32.mul (i32.const 100)
        (call $fd_write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 8)))))))
