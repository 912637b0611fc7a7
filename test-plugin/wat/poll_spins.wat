;; Hostile: a reactor whose `rpc_poll` never returns.
(module
  (memory (export "memory") 1)
  (func (export "rpc_poll") (result i64) (loop $again (br $again)) (i64.const -1)))
