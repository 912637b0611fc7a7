;; Hostile: demands 4 GiB of memory before its first instruction (dependencies.md 5, trap 8).
(module
  (memory (export "memory") 65536)
  (func (export "_start")))
