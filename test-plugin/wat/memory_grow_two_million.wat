;; Hostile but finite: two million times `memory.grow`, then the end. A host that survives sees it
;; finish.
(module
  (memory (export "memory") 1 2)
  (func (export "_start") (local $n i32)
    (local.set $n (i32.const 2000000))
    (loop $again
      (drop (memory.grow (i32.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
