//! `buffer_everything` as a program: `_start` runs `main`, which logs `main`, and the exports are called
//! afterwards.

#[path = "buffer_everything.rs"]
mod everything;

fn main() {
    buffer_guests::abi::debug("main");
}
