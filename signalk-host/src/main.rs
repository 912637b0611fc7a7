//! The native edge and the one binary.

fn main() {}
