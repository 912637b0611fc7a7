//! A block as EXTENSIONS.md says it, written by hand; what the server writes is read by guests in its own tests.

use super::*;

/// A block of heads and rows, with the texts `position`, `latitude`, `a b` at 32, 41 and 50.
fn block(flags: u32, heads: &[[u32; 12]], rows: &[(u32, u32, f64, [u32; 2])]) -> Vec<u8> {
    let mut block = vec![0; 32];
    block.extend_from_slice(b"position\0latitude\0a b\0\0\0\0");
    let heads_at = block.len();
    for word in heads.iter().flatten() {
        block.extend_from_slice(&word.to_le_bytes());
    }
    let rows_at = block.len();
    for (head, kind, number, text) in rows {
        block.extend_from_slice(&head.to_le_bytes());
        block.extend_from_slice(&kind.to_le_bytes());
        block.extend_from_slice(&number.to_le_bytes());
        block.extend_from_slice(&1000.0_f64.to_le_bytes());
        text.iter().for_each(|word| block.extend_from_slice(&word.to_le_bytes()));
    }
    let size = |len: usize| u32::try_from(len).unwrap();
    let header = [1, flags, size(block.len()), 3, size(heads_at), size(heads.len())];
    let header = header.into_iter().chain([size(rows_at), size(rows.len())]);
    for (place, word) in block.chunks_exact_mut(4).zip(header) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    block
}

const POSITION: [u32; 12] = [0, 2, 0, 0, 50, 3, 0, 0, 32, 8, 0, 0];
const LATITUDE: [u32; 12] = [1, 6, 0, 0, 50, 3, 0, 0, 32, 8, 41, 8];

#[test]
fn values_are_read_in_place() {
    let mut heads = Heads::new();
    let rows =
        [(0, 6, 1.0, [0, 0]), (1, 3, 60.5, [0, 0]), (0, 4, f64::NAN, [50, 3]), (0, 2, 1.0, [0, 0])];
    let told = block(1, &[POSITION, LATITUDE], &rows);
    let values: Vec<_> = heads.read(&told).unwrap().collect();
    assert_eq!(values.len(), 3, "members belong to their object");
    let head = values[0].head();
    assert_eq!((head.path(), head.context(), head.source_ref()), ("position", "a b", None));
    assert!(head.is_own() && !head.is_meta() && head.member().is_none());
    assert_eq!(values[0].member("latitude").unwrap().number(), Some(60.5));
    assert_eq!(values[0].members().next().unwrap().head().member(), Some("latitude"));
    assert!(values[0].position().is_none() && values[0].member("longitude").is_none());
    assert_eq!((values[1].text(), values[1].number()), (Some("a b"), None));
    assert_eq!((values[2].flag(), values[2].unix_ms()), (Some(true), Some(1000.0)));
    // Names stay said; a server that makes room says so.
    let again = block(0, &[], &rows[2..]);
    let mut values = heads.read(&again).unwrap();
    assert_eq!((values.lost(), values.next().unwrap().head().path()), (3, "position"));
    assert_eq!(heads.read(&block(1, &[], &rows[2..])).unwrap().count(), 0);
}

#[test]
fn what_is_no_block_is_passed_over() {
    let good = block(1, &[POSITION], &[(0, 4, f64::NAN, [50, 3])]);
    for cut in 0..good.len() {
        if let Some(values) = Heads::new().read(&good[..cut]) {
            values.for_each(|value| assert!(value.text().is_none()));
        }
    }
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] = 0xff;
        if let Some(values) = Heads::new().read(&bad) {
            values.for_each(|value| {
                let _ = (value.text(), value.position(), value.members().count());
            });
        }
    }
}
