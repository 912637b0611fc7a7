;; Wrong: nothing to call, nothing to see.
(module (func))
