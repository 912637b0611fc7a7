;; Hostile but finite: two million times `table.grow`, then the end.
(module
  (table $t 1 10 funcref)
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32)
    (local.set $n (i32.const 2000000))
    (loop $again
      (drop (table.grow $t (ref.null func) (i32.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
