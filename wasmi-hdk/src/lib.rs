//! Host development kit: run untrusted WebAssembly plugins under the wasmi interpreter.
