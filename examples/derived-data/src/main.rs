//! Derived data example.

fn main() {}
