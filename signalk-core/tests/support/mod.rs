//! What several tests share: golden files, and streams cut into pieces.

#![allow(dead_code, unreachable_pub, reason = "each test uses some of it")]

use signalk_core::input::nmea0183::{Counters, Parser};
use signalk_model::Delta;

/// Asserts that `actual` is the text of `tests/golden/<name>`, given as `expected`.
///
/// `UPDATE_GOLDEN=1 cargo test` rewrites the file; the difference is reviewed. Not insta, because these tests run as
/// WebAssembly too, where insta cannot ask cargo for its workspace.
#[track_caller]
pub fn assert_golden(name: &str, expected: &str, actual: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, actual).unwrap();
        return;
    }
    if actual != expected {
        let at = actual.lines().zip(expected.lines()).position(|(a, b)| a != b);
        let line = at.unwrap_or(actual.lines().count().min(expected.lines().count()));
        panic!(
            "{name} line {}:\n  golden {:?}\n  now    {:?}",
            line + 1,
            expected.lines().nth(line),
            actual.lines().nth(line)
        );
    }
}

/// What a parser makes of pieces of a stream.
pub fn parse<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    now_ms: i64,
) -> (Vec<Delta>, Counters) {
    let mut parser = Parser::new("test");
    let mut deltas = Vec::new();
    for piece in pieces {
        parser.push(piece, now_ms, &mut deltas);
    }
    (deltas, parser.counters().clone())
}

/// FNV-1a: a fingerprint that is the same everywhere and needs no crate.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3))
}
