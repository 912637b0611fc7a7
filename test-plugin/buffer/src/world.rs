//! What Rust's standard library asks of WASI, by name and arguments: files, clocks, environment,
//! random numbers, sleeping, printing and ending.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io::{Error, Result, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// Does it, and says what came out: a text, or `errno 44` as WASI numbers them.
pub(crate) fn ask(name: &str, arguments: &[Value]) -> String {
    let text = |index: usize| arguments.get(index).and_then(Value::as_str).unwrap_or_default();
    let number = |index: usize| arguments.get(index).and_then(Value::as_u64).unwrap_or_default();
    let done = match name {
        "std_write" => fs::write(text(0), text(1)).map(|()| "written".to_owned()),
        "std_append" => append(text(0), text(1)),
        "std_fill" => fill(text(0), number(1)),
        "std_read" => fs::read(text(0)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        "std_size" => fs::metadata(text(0)).map(|data| data.len().to_string()),
        "std_list" => list(text(0)),
        "std_make_dir" => fs::create_dir(text(0)).map(|()| "made".to_owned()),
        "std_remove" => fs::remove_file(text(0)).map(|()| "removed".to_owned()),
        "std_remove_dir" => fs::remove_dir(text(0)).map(|()| "removed".to_owned()),
        "std_rename" => fs::rename(text(0), text(1)).map(|()| "renamed".to_owned()),
        "std_link" => fs::hard_link(text(0), text(1)).map(|()| "linked".to_owned()),
        "std_read_link" => fs::read_link(text(0)).map(|path| path.display().to_string()),
        "std_env" => Ok(std::env::var(text(0)).unwrap_or_else(|_| "not set".to_owned())),
        "std_args" => Ok(std::env::args().count().to_string()),
        "std_wall_clock" => Ok(since_epoch().as_millis().to_string()),
        "std_random" => Ok(format!("{:016x}", RandomState::new().build_hasher().finish())),
        "std_sleep" => {
            let begun = Instant::now();
            std::thread::sleep(Duration::from_millis(number(0)));
            Ok(format!("slept {} ms", begun.elapsed().as_millis()))
        }
        "std_print" => writeln!(std::io::stdout(), "{}", text(0)).map(|()| "printed".to_owned()),
        "std_eprint" => writeln!(std::io::stderr(), "{}", text(0)).map(|()| "printed".to_owned()),
        "std_stdin" => std::io::read_to_string(std::io::stdin()).map(|all| all.len().to_string()),
        "std_exit" => std::process::exit(i32::try_from(number(0)).unwrap_or(1)),
        #[allow(clippy::panic, reason = "it is what was asked for")]
        "std_panic" => panic!("asked to panic: {}", text(0)),
        "std_spin" => loop {
            std::hint::black_box(());
        },
        _ => Ok("no such request".to_owned()),
    };
    done.unwrap_or_else(|error| reason(&error))
}

fn reason(error: &Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |code| format!("errno {code}"))
}

fn append(path: &str, text: &str) -> Result<String> {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok("appended".to_owned())
}

/// A file of this size, written in pieces of 64 KiB: how far a quota lets it come.
fn fill(path: &str, size: u64) -> Result<String> {
    let piece = vec![b'x'; 65536];
    let mut file = fs::File::create(path)?;
    let mut left = size;
    while left > 0 {
        let count = left.min(65536);
        file.write_all(&piece[..usize::try_from(count).unwrap_or_default()])?;
        left -= count;
    }
    Ok("filled".to_owned())
}

fn list(path: &str) -> Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let end = if entry.file_type()?.is_dir() { "/" } else { "" };
        names.push(format!("{}{end}", entry.file_name().to_string_lossy()));
    }
    names.sort();
    Ok(names.join(" "))
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
