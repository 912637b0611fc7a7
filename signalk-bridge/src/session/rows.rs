//! Values as rows, for a JSON-RPC plugin that asked for them: what a name is was said once, a number stands for it.
//!
//! The form is that of `wit/signalk-plugin.wit`, delta-handler, `rows`: `[[heads],[batches]]`, compact, where a head is
//! `[number,"context","$source","path",isMeta]` and a batch is `[subscription,..]` with, in any order that says when,
//! a text: the timestamp of all that follows in this batch; null: none; a number and a JSON value: one row.
//! What the guest makes of it is `wasmi-pdk/src/signalk/rows.rs`.

use std::fmt::Write;

use rustc_hash::FxHashMap;
use serde_json::Value as Json;
use signalk_model::Timestamp;

use super::{Common, Delivery};
use crate::{Handed, SubscriptionId};

/// Rows and bytes of one message: the guest's kit reads 16 KiB at a time, and a message in one piece is the quicker
/// one.
const MOST_ROWS: usize = 256;
const MOST_BYTES: usize = 12 << 10;

/// Numbers that one guest keeps.
const MOST_TOLD: usize = 4096;

/// What one guest was told.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Its numbers, by ours.
    told: FxHashMap<u64, usize>,
}

impl Rows {
    /// The params of the next `rows` and how many rows they hold; `None`: the oldest that waits is none.
    pub(super) fn next(&mut self, common: &mut Common) -> Option<(String, usize)> {
        if self.told.len() + MOST_ROWS > MOST_TOLD {
            self.told.clear();
        }
        let (mut heads, mut batches) = (String::from("[["), String::with_capacity(1024));
        let (mut batch, mut time): (Option<SubscriptionId>, Option<Timestamp>) = (None, None);
        let mut count = 0;
        while count < MOST_ROWS && heads.len() + batches.len() < MOST_BYTES {
            let Some(Delivery { subscription: Some(id), delta: Handed::Piece(piece) }) =
                common.waiting.front()
            else {
                break;
            };
            if batch != Some(*id) {
                batches.push_str(if batch.is_some() { "],[" } else { "[" });
                let _ = write!(batches, "{}", id.0);
                (batch, time) = (Some(*id), None);
            }
            if time.as_ref() != piece.timestamp() {
                time = piece.timestamp().cloned();
                let text = time.as_ref().map_or(Json::Null, |time| Json::from(time.as_str()));
                let _ = write!(batches, ",{text}");
            }
            let next = self.told.len();
            let number = *self.told.entry(piece.head().number()).or_insert_with(|| {
                let _ = write!(heads, "{}[{next}", if heads.len() > 2 { "," } else { "" });
                piece.head().write(&mut heads);
                heads.push(']');
                next
            });
            let _ = write!(batches, ",{number},{}", piece.row());
            common.waiting.pop_front();
            count += 1;
        }
        (count > 0).then(|| (format!("{heads}],[{batches}]]]"), count))
    }
}

#[cfg(test)]
pub(super) mod tests;
