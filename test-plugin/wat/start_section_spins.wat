;; Hostile: computes for ever in the start section, before any export can be called
;; (dependencies.md 5, trap 7).
(module
  (memory (export "memory") 1)
  (func $spin (loop $again (br $again)))
  (start $spin)
  (func (export "_start")))
