//! Answers when it is called.

fn main() {}
