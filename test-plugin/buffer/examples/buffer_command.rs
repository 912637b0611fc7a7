//! A program: `_start` runs `main`, which returns, and the exports are called afterwards, as TinyGo's
//! `wasip1` target has it. `main` logs `main` and prints `main` to stdout; `plugin_start` fails with 1
//! if `main` has not run exactly once, and logs `started after main`. There is no `poll`.

use std::cell::Cell;

use buffer_guests::{abi, allocator, described, exports};

thread_local! {
    static MAIN: Cell<u32> = const { Cell::new(0) };
}

fn main() {
    MAIN.set(MAIN.get() + 1);
    abi::debug("main");
    println!("main");
}

fn describe(export: &str) -> String {
    described(export, "buffer-command", "Buffer command")
}

fn start(_: &str) -> i32 {
    abi::debug(if MAIN.get() == 1 { "started after main" } else { "main has not run once" });
    i32::from(MAIN.get() != 1)
}

fn stop() -> i32 {
    abi::debug("stopped");
    0
}

allocator!();

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
    }
    tells {}
    asks {}
}
