;; Hostile: grows memory by one page for ever; most of the grows fail.
;; wasmi 2 leaves native stack behind with each `memory.grow` until the guest yields
;; (dependencies.md 5, trap 2): 47,000 of them once killed the process.
(module
  (memory (export "memory") 1)
  (func (export "_start")
    (loop $again (drop (memory.grow (i32.const 1))) (br $again))))
