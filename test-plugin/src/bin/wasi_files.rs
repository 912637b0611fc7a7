//! Does with `std::fs` what plugins do with files, and prints a line for each thing that held.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::time::{Duration, SystemTime};

/// What it is called, and whether it held.
type Step = (&'static str, fn() -> io::Result<bool>);

fn main() {
    let steps: &[Step] = &[
        ("folders", folders),
        ("write and read", write_and_read),
        ("append", append),
        ("seek", seek),
        ("rename", rename),
        ("times", times),
        ("remove all", remove_all),
        ("missing", missing),
        ("escape", escape),
        ("full", full),
    ];
    for (name, step) in steps {
        match step() {
            Ok(true) => println!("{name}: ok"),
            Ok(false) => println!("{name}: wrong"),
            Err(error) => println!("{name}: {error}"),
        }
    }
}

fn names(folder: &str) -> io::Result<Vec<String>> {
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into());
    let mut names = fs::read_dir(folder)?.map(name).collect::<io::Result<Vec<String>>>()?;
    names.sort();
    Ok(names)
}

fn folders() -> io::Result<bool> {
    fs::create_dir_all("/data/a/b/c")?;
    Ok(names("/")? == ["config", "data", "tmp"]
        && fs::metadata("/data/a/b/c")?.is_dir()
        && fs::create_dir("/data/a").is_err_and(|error| error.kind() == ErrorKind::AlreadyExists))
}

fn write_and_read() -> io::Result<bool> {
    fs::write("/data/state.json", "{\"radius\":40}")?;
    let big = vec![7; 300_000];
    fs::write("/data/big", &big)?;
    Ok(fs::read_to_string("/data/state.json")? == "{\"radius\":40}"
        && fs::read("/data/big")? == big
        && fs::metadata("/data/big")?.len() == 300_000)
}

fn append() -> io::Result<bool> {
    for line in ["one\n", "two\n"] {
        let mut log = OpenOptions::new().append(true).create(true).open("/data/log")?;
        log.write_all(line.as_bytes())?;
        log.sync_all()?;
    }
    Ok(fs::read_to_string("/data/log")? == "one\ntwo\n")
}

fn seek() -> io::Result<bool> {
    let mut file =
        File::options().read(true).write(true).create(true).truncate(true).open("/tmp/s")?;
    file.write_all(b"0123456789")?;
    file.seek(SeekFrom::Start(3))?;
    let mut two = [0; 2];
    file.read_exact(&mut two)?;
    file.set_len(7)?;
    let at_end = file.seek(SeekFrom::End(-1))?;
    let mut rest = String::new();
    file.read_to_string(&mut rest)?;
    Ok(&two == b"34" && at_end == 6 && rest == "6")
}

fn rename() -> io::Result<bool> {
    fs::write("/data/new", "2")?;
    fs::rename("/data/new", "/data/state.json")?;
    Ok(fs::read_to_string("/data/state.json")? == "2" && !fs::exists("/data/new")?)
}

fn times() -> io::Result<bool> {
    let file = File::options().write(true).open("/data/state.json")?;
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    file.set_modified(then)?;
    Ok(fs::metadata("/data/state.json")?.modified()? == then)
}

/// More entries than one listing holds, so that entries vanish while they are listed.
fn remove_all() -> io::Result<bool> {
    fs::create_dir("/tmp/many")?;
    for number in 0..300 {
        fs::write(format!("/tmp/many/a-file-with-a-long-name-{number:04}"), "")?;
    }
    let count = fs::read_dir("/tmp/many")?.count();
    fs::remove_dir_all("/tmp/many")?;
    Ok(count == 300 && !fs::exists("/tmp/many")?)
}

/// By number, because `std` has no kind for some of them on this target.
fn missing() -> io::Result<bool> {
    let number = |result: io::Result<()>| result.err().and_then(|error| error.raw_os_error());
    Ok(File::open("/data/nothing").is_err_and(|error| error.kind() == ErrorKind::NotFound)
        && number(fs::read_dir("/data/log").map(drop)) == Some(54) // ENOTDIR
        && number(fs::remove_file("/data")) == Some(31) // EISDIR
        && number(fs::remove_dir("/data")) == Some(55)) // ENOTEMPTY
}

fn escape() -> io::Result<bool> {
    Ok(File::open("/../etc/passwd").is_err()
        && File::open("/data/../../etc/passwd").is_err()
        && File::open("../../etc/passwd").is_err())
}

fn full() -> io::Result<bool> {
    let file = File::options().write(true).create(true).truncate(true).open("/tmp/full")?;
    let refused = file.set_len(1 << 40);
    fs::remove_file("/tmp/full")?;
    Ok(refused.is_err_and(|error| error.kind() == ErrorKind::StorageFull))
}
