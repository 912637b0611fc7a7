//! What does one more plugin cost per delta (goal B7), for each kind of plugin, whether the delta is for it or not?
//!
//! `deltas-bench run KIND PLUGINS DELTAS AT_ONCE` does the work and says how much processor time it took;
//! `deltas-bench table [KIND ..]` counts instructions by running itself under callgrind.

mod boat;
mod kinds;

use std::process::Command;

use boat::Boat;
use rustix::time::{ClockId, clock_gettime};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual: u64| args.get(at).and_then(|n| n.parse().ok()).unwrap_or(usual);
    match args.first().map(String::as_str) {
        Some("run") => run(&args[1], number(2, 1) as usize, number(3, 1000), number(4, 1)),
        Some("time") => time(&args[1], number(2, 1)),
        Some("table") if args.len() > 1 => args[1..].iter().for_each(|kind| row(kind)),
        Some("table") => kinds::names().for_each(row),
        _ => eprintln!("run KIND PLUGINS DELTAS AT_ONCE | time KIND AT_ONCE | table [KIND ..]"),
    }
}

/// One piece of work, for a profiler.
fn run(kind: &str, plugins: usize, deltas: u64, at_once: u64) {
    let mut boat = Boat::new(&kinds::kind(kind), plugins);
    boat.sail(deltas, at_once);
    let (taken, dropped) = boat.taken();
    println!("{kind}: {plugins} plugins, {deltas} deltas: {taken} taken, {dropped} dropped");
}

/// Instructions per delta: of the first plugin (beside none), and of each of nine more.
fn row(kind: &str) {
    let per_delta = |plugins: usize, at_once: u64| {
        let few = instructions(kind, plugins, 640, at_once);
        (instructions(kind, plugins, 1920, at_once) - few) / 1280.0
    };
    for at_once in [1, 32] {
        let [none, one, ten] = [0, 1, 10].map(|plugins| per_delta(plugins, at_once));
        println!(
            "{kind:12} {at_once:2} at once: server {none:7.0} Ir, first plugin {:7.0} Ir, each of nine more {:7.0} Ir",
            one - none,
            (ten - one) / 9.0
        );
    }
}

fn instructions(kind: &str, plugins: usize, deltas: u64, at_once: u64) -> f64 {
    let me = std::env::current_exe().expect("a program has a file");
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(me)
        .args(["run", kind])
        .args([plugins as u64, deltas, at_once].map(|number| number.to_string()))
        .output()
        .expect("valgrind is installed");
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    let total = text.lines().find_map(|line| line.split("Collected :").nth(1));
    total.and_then(|count| count.trim().parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

/// Processor time of this thread so far: what other programs take does not count, but they own the caches meanwhile.
fn processor_us() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// Processor time per delta, of none, one and ten plugins in turns.
fn time(kind: &str, at_once: u64) {
    let kind = kinds::kind(kind);
    let mut boats = [0, 1, 10].map(|plugins| Boat::new(&kind, plugins));
    let mut costs = [const { Vec::new() }; 3];
    for _ in 0..41 {
        for (boat, costs) in boats.iter_mut().zip(&mut costs) {
            let before = processor_us();
            boat.sail(640, at_once);
            costs.push((processor_us() - before) / 640.0);
        }
    }
    let [none, one, ten] = costs.map(|mut costs| {
        costs.sort_by(f64::total_cmp);
        (costs[4], costs[20])
    });
    let more = |of: fn((f64, f64)) -> f64| (of(ten) - of(one)) / 9.0;
    println!(
        "server {:.2} us, first plugin {:.2} us, each of nine more {:.2} us (median), {:.2} us (10th percentile)",
        none.1,
        one.1 - none.1,
        more(|pair| pair.1),
        more(|pair| pair.0)
    );
}
