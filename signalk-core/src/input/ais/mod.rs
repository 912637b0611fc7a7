//! AIS: VDM and VDO sentences to the values of the vessels around. Bits, fragments, messages and names have a file
//! each.

pub(crate) mod bits;
mod fragments;
mod messages;
mod names;

pub(crate) use self::names::ship_type as ship_type_name;

use signalk_model::hash::NameMap;
use signalk_model::{Context, Value};

use self::{
    bits::Bits,
    fragments::{Fragments, Key, MAX_TOTAL},
    messages::Group,
};
use super::nmea0183::{draft::Draft, fields::Fields, paths::Paths};

/// The state between AIS sentences: fragments, and the names of the vessels seen.
#[derive(Default)]
pub(super) struct Ais {
    fragments: Fragments,
    bits: Bits,
    /// Context and identity by what is read from a message, so that a known vessel costs no text.
    known: NameMap<(Group, u32), (Context, Value)>,
    lost: u64,
}

/// Above this many vessels the table starts anew.
const MAX_KNOWN: usize = 10_000;

impl Ais {
    /// Messages given up because fragments did not come.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// One VDM or VDO: number of fragments, number of this one, sequence, channel, payload, fill bits.
    /// False when its message type is not supported.
    pub(super) fn vdm(
        &mut self,
        talker: [u8; 2],
        own: bool,
        f: &Fields<'_>,
        p: &Paths,
        out: &mut Draft,
    ) -> bool {
        self.lost += self.fragments.tick(out.now_ms);
        let (Some(total), Some(number), Some(fill)) =
            (digit(f, 0), digit(f, 1), digit(f, 5).or_else(|| f.is_empty(5).then_some(0)))
        else {
            f.count_bad();
            return true;
        };
        if number == 0 || number > total || total > MAX_TOTAL || f.is_empty(4) {
            f.count_bad();
            return true;
        }
        let readable = if total == 1 {
            self.bits.clear();
            self.bits.push_armoured(f.raw(4), fill)
        } else {
            let key = Key {
                talker,
                own,
                total,
                sequence: f.raw(2).first().copied(),
                channel: f.raw(3).first().copied(),
            };
            let added = self.fragments.add(key, number, f.raw(4), fill, out.now_ms, &mut self.bits);
            self.lost += added.lost;
            if !added.complete {
                return true;
            }
            added.readable
        };
        let (Some(kind), Some(mmsi), true) =
            (self.bits.unsigned(0, 6), self.bits.unsigned(8, 30), readable)
        else {
            f.count_bad();
            return true;
        };
        let Some(group) = Group::of(kind) else { return false };
        let (context, identity) = self.who(group, mmsi % 1_000_000_000);
        out.context = Some(context);
        out.value(&p.root, identity);
        if !messages::decode(kind, mmsi, &self.bits, p, out) {
            out.values.clear();
        }
        true
    }

    fn who(&mut self, group: Group, mmsi: u32) -> (Context, Value) {
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        let entry = self.known.entry((group, mmsi)).or_insert_with(|| {
            let group = match group {
                Group::Vessels => "vessels",
                Group::Atons => "atons",
                Group::Aircraft => "aircraft",
            };
            let digits = mmsi.to_string();
            let mmsi = ["000000000", &digits].concat().split_off(digits.len());
            (
                Context::from([group, ".urn:mrn:imo:mmsi:", &mmsi].concat()),
                messages::identity(&mmsi),
            )
        });
        entry.clone()
    }
}

/// Field `i` as one digit.
fn digit(f: &Fields<'_>, i: usize) -> Option<usize> {
    match f.raw(i) {
        [d @ b'0'..=b'9'] => Some(usize::from(d - b'0')),
        _ => None,
    }
}
