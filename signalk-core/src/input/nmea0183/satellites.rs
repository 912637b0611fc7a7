//! GSV: the satellites in view, told over several sentences.
//!
//! DIFFERENCE: each talker (constellation) is collected on its own; the reference loses both when two interleave.
//! A sequence with a sentence missing is dropped.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use signalk_model::{Value, json::number as whole};

use super::{draft::Draft, fields::Fields, paths::Paths, units};

/// Sequences under way; at most one per talker.
#[derive(Default)]
pub(super) struct Satellites {
    sequences: Vec<Sequence>,
}

struct Sequence {
    talker: Vec<u8>,
    total: f64,
    last: f64,
    satellites: Vec<Json>,
}

/// More talkers than there are constellations: noise; the oldest sequence makes room.
const MAX_TALKERS: usize = 8;
/// Most sentences of one sequence.
const MAX_SENTENCES: f64 = 16.0;

impl Satellites {
    /// Number of sentences, number of this one, satellites in view, then id, elevation, azimuth, SNR of up to four.
    pub(super) fn gsv(&mut self, talker: &[u8], f: &Fields<'_>, p: &Paths, out: &mut Draft) {
        let (Some(total), Some(number)) = (f.number(0), f.number(1)) else { return };
        let known = self.sequences.iter().position(|s| s.talker == talker);
        let mut sequence = match known {
            Some(i) => self.sequences.remove(i),
            None => Sequence { talker: talker.to_vec(), total, last: 0.0, satellites: Vec::new() },
        };
        if number == 1.0 {
            sequence =
                Sequence { talker: sequence.talker, total, last: 0.0, satellites: Vec::new() };
        }
        if number != sequence.last + 1.0
            || total != sequence.total
            || number > total
            || total > MAX_SENTENCES
        {
            return;
        }
        let count = f.number_or_zero(2);
        for first in [3, 7, 11, 15] {
            #[allow(clippy::cast_precision_loss)]
            let full = sequence.satellites.len() as f64 >= count;
            if full || first >= f.len() {
                break;
            }
            if let Some(satellite) = satellite(f, first) {
                sequence.satellites.push(satellite);
            }
        }
        sequence.last = number;
        if number < total {
            if self.sequences.len() >= MAX_TALKERS {
                self.sequences.remove(0);
            }
            self.sequences.push(sequence);
            return;
        }
        let mut view = Map::new();
        view.insert("count".to_owned(), whole(count));
        view.insert("satellites".to_owned(), Json::Array(sequence.satellites));
        if let Some(name) = constellation(talker) {
            view.insert("gnss".to_owned(), Json::from(name));
        }
        out.value(&p.gnss_in_view, Value::Json(Arc::new(Json::Object(view))));
    }
}

fn satellite(f: &Fields<'_>, first: usize) -> Option<Json> {
    let id = if f.is_empty(first) { 0.0 } else { f.number(first)? };
    // NMEA numbers the constellations one after another from 65 on; the reference folds all of them down.
    let id = if id >= 64.0 { id - 64.0 } else { id };
    let angle = |i| whole(units::radians(f.number_or_zero(i)));
    Some(json!({
        "id": whole(id),
        "elevation": angle(first + 1),
        "azimuth": angle(first + 2),
        "SNR": whole(f.number_or_zero(first + 3)),
    }))
}

fn constellation(talker: &[u8]) -> Option<&'static str> {
    match talker {
        b"GP" => Some("GPS"),
        b"GL" => Some("GLONASS"),
        b"GA" => Some("GALILEO"),
        b"GB" => Some("BEIDOU"),
        b"GQ" => Some("QZSS"),
        _ => None,
    }
}
