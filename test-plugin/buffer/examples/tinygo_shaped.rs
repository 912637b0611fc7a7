//! What TinyGo makes of a plugin, for which there is no package: a command whose `_start` ends by
//! `proc_exit(0)` and whose exports are called afterwards; `allocate(0)` panics, as it takes the
//! address of the first element; nothing is ever freed and there is no `deallocate`.
//!
//! `plugin_start` fails with 1 if `main` has not run. It logs `started`, `polled N` with each poll,
//! and `delta N bytes, memory N pages` with each delta, so that a test sees what is lost.

use std::cell::Cell;

use buffer_guests::{abi, described, export, exports};

thread_local! {
    static MAIN: Cell<bool> = const { Cell::new(false) };
    static POLLS: Cell<u32> = const { Cell::new(0) };
}

fn main() {
    MAIN.set(true);
    std::process::exit(0);
}

fn allocate(size: usize) -> *mut u8 {
    &raw mut vec![0; size].leak()[0]
}

fn describe(export: &str) -> String {
    described(export, "tinygo-shaped", "TinyGo shaped")
}

fn start(_: &str) -> i32 {
    abi::debug("started");
    i32::from(!MAIN.get())
}

fn stop() -> i32 {
    0
}

fn poll() -> i32 {
    POLLS.set(POLLS.get() + 1);
    abi::debug(&format!("polled {}", POLLS.get()));
    0
}

fn delta(json: &str) {
    let pages = abi::memory_pages();
    abi::debug(&format!("delta {} bytes, memory {pages} pages", json.len()));
}

export!(allocate, fn(usize) -> *mut u8, allocate, (size: usize) -> *mut u8 { DO(size) });

exports! {
    texts {
        plugin_id = describe;
        plugin_name = describe;
        plugin_schema = describe;
    }
    takes {
        plugin_start = start;
    }
    runs {
        plugin_stop = stop;
        poll = poll;
    }
    tells {
        delta_handler = delta;
    }
    asks {}
}
