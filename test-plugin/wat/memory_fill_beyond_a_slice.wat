;; One instruction that costs more fuel than a slice holds: fills 60 MiB again and again
;; (dependencies.md 5, trap 9: a host that only tops up by its slice never gets past it).
(module
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32)
    (if (i32.lt_s (memory.grow (i32.const 960)) (i32.const 0)) (then (return)))
    (local.set $n (i32.const 3))
    (loop $again
      (memory.fill (i32.const 0) (local.get $n) (i32.const 62914560))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
