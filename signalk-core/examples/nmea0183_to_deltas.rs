//! NMEA 0183 on stdin, one answer a line on stdout: the delta of the sentence on that line, or `null`.
//!
//! `cargo run -p signalk-core --example nmea0183_to_deltas -- [now in ms since 1970] < sentences.log`
//!
//! One line in, one line out, so that a script can set the answers beside another parser's.

use std::io::{BufRead, BufWriter, Write, stdin, stdout};

use signalk_core::input::nmea0183::Parser;

fn main() -> std::io::Result<()> {
    let now_ms = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or_default();
    let mut parser = Parser::new("stdin");
    let mut deltas = Vec::new();
    let mut text = Vec::new();
    let mut out = BufWriter::new(stdout().lock());
    for line in stdin().lock().split(b'\n') {
        parser.push(&line?, now_ms, &mut deltas);
        parser.push(b"\n", now_ms, &mut deltas);
        text.clear();
        match deltas.pop() {
            Some(delta) => delta.write_json(&mut text),
            None => text.extend_from_slice(b"null"),
        }
        text.push(b'\n');
        out.write_all(&text)?;
    }
    out.flush()
}
