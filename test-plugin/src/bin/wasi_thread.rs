//! Starts a thread, which preview 1 does not have: an error to live with, no trap and no missing import.

fn main() {
    match std::thread::Builder::new().spawn(|| println!("in the thread")) {
        Ok(_) => println!("a thread was started"),
        Err(error) => println!("no thread: {error}"),
    }
    println!("going on");
}
