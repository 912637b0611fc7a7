;; Wrong: `rpc_poll` with a parameter and without a result.
(module
  (memory (export "memory") 1)
  (func (export "rpc_poll") (param i32)))
