//! The way without JSON: values as records, which this project's server hands to `values_handler`. Feature `values`.

use crate::read::Newest;

/// What a head stands for, by its number.
#[derive(Clone, Copy)]
enum Wanted {
    Nothing,
    Log,
    Speed,
    Course,
    Latitude,
    Longitude,
}

/// What was said of numbers so far.
#[derive(Default)]
pub struct Heads(Vec<Wanted>);

impl Heads {
    /// Keeps what is wanted of a block; how many values of the measurement's log there were, and how many others.
    pub fn take(&mut self, block: &[u8], newest: &mut Newest) -> (u64, u64) {
        let (mut counted, mut others) = (0, 0);
        let at = |place: usize| u32_at(block, place) as usize;
        if u32_at(block, 4) & 1 == 1 {
            self.0.clear();
        }
        let (heads, count, rows) = (at(16), at(20), at(24));
        let (heads, _) = block[heads..heads + 48 * count].as_chunks::<48>();
        self.0.extend(heads.iter().map(|head| wanted(block, head)));
        let (rows, _) = block[rows..].as_chunks::<32>();
        for row in rows {
            let number = f64::from_le_bytes(*row[8..].first_chunk().unwrap_or(&[0; 8]));
            match self.0.get(u32_at(row, 0) as usize) {
                Some(Wanted::Log) => {
                    newest.log = number;
                    counted += 1;
                }
                Some(Wanted::Speed) => newest.speed = number,
                Some(Wanted::Course) => newest.course = number,
                Some(Wanted::Latitude) => newest.position.0 = number,
                Some(Wanted::Longitude) => newest.position.1 = number,
                Some(Wanted::Nothing) | None => others += 1,
            }
        }
        (counted, others)
    }
}

fn wanted(block: &[u8], head: &[u8; 48]) -> Wanted {
    let text = |place| {
        let (at, len) = (u32_at(head, place) as usize, u32_at(head, place + 4) as usize);
        block.get(at..at + len).unwrap_or_default()
    };
    match (text(32), text(40)) {
        (b"navigation.log", b"") => Wanted::Log,
        (b"navigation.speedOverGround", b"") => Wanted::Speed,
        (b"navigation.courseOverGroundTrue", b"") => Wanted::Course,
        (b"navigation.position", b"latitude") => Wanted::Latitude,
        (b"navigation.position", b"longitude") => Wanted::Longitude,
        _ => Wanted::Nothing,
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().map_or(0, u32::from_le_bytes)
}
