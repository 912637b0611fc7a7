//! Hostile: `go` writes a gigabyte of lines to stderr, then answers.

wasmi_pdk::plugin!(test_plugin::hostile(|| async {
    use std::io::Write as _;
    let lines = "[warn] flood: all work and no play makes the log a dull read\n".repeat(1000);
    let mut err = std::io::stderr().lock();
    for _ in 0..(1 << 30) / lines.len() + 1 {
        err.write_all(lines.as_bytes())?;
    }
    Ok(())
}));
