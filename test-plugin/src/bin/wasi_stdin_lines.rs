//! Reads lines from standard input until its end; sleeps before it answers each.

use std::io::{Write, stdin, stdout};
use std::thread::sleep;
use std::time::Duration;

fn main() {
    let mut count = 0;
    for line in stdin().lines() {
        let Ok(line) = line else { break };
        sleep(Duration::from_millis(10));
        count += 1;
        println!("{count}: {line}");
    }
    println!("end after {count}");
    let _ = stdout().flush();
}
