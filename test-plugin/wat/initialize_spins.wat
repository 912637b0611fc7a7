;; Hostile: a reactor whose `_initialize` computes for ever.
(module
  (memory (export "memory") 1)
  (func (export "_initialize") (loop $again (br $again)))
  (func (export "rpc_poll") (result i64) (i64.const -1)))
