//! Shows arguments, environment, clocks and random numbers as `std` sees them; sleeps in between.

use std::hash::{BuildHasher, RandomState};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

fn main() {
    let args: Vec<_> = std::env::args().collect();
    println!("args: {args:?}");
    let mut env: Vec<_> = std::env::vars().collect();
    env.sort();
    println!("env: {env:?}");
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    println!("wall: {} s", since.as_secs());
    let start = Instant::now();
    sleep(Duration::from_millis(250));
    println!("slept: {} ms", start.elapsed().as_millis());
    println!("random: {}", RandomState::new().hash_one(0) != RandomState::new().hash_one(1));
    eprintln!("[warn] going");
    std::process::exit(7);
}
