;; Imports a function that no host has, and never calls it: must load and run.
(module
  (import "env" "sk_teleport" (func $teleport (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")))
