;; Hostile: grows a table by one element for ever (dependencies.md 5, trap 2).
(module
  (table $t 1 funcref)
  (memory (export "memory") 1)
  (func (export "_start")
    (loop $again (drop (table.grow $t (ref.null func) (i32.const 1))) (br $again))))
