;; Imports a function that no host has, and calls it: must load, and fail by that name.
(module
  (import "env" "sk_teleport" (func $teleport (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $teleport (i32.const 0) (i32.const 0)))))
