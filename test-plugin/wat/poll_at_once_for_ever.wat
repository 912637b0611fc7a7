;; Hostile: a reactor that wants to be called again after 0 nanoseconds, always, and never reads.
(module
  (memory (export "memory") 1)
  (func (export "rpc_poll") (result i64) (i64.const 0)))
