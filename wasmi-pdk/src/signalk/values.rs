//! [`Values`]: what a plugin of the buffer ABI gets by [`BufferPlugin::values`](super::BufferPlugin::values), read in
//! place. Nothing is allocated but what a name is, once for
//! each name. The form is said in EXTENSIONS.md, "Values without JSON"; what is written there by offsets is read here.

use super::Position;

/// Sizes of the records, and flags.
const HEAD: usize = 48;
const ROW: usize = 32;
const FORGET: u32 = 1;
const META: u32 = 1;
const OWN: u32 = 2;
const MEMBER: u32 = 4;

/// Numbers above this are not the server's.
const MOST_HEADS: usize = 8192;

/// What a value is of: said once, and then named by a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    flags: u32,
    subscription: u32,
    context: Box<str>,
    source_ref: Box<str>,
    path: Box<str>,
    member: Box<str>,
}

impl Head {
    /// Whose value it is: `vessels.urn:mrn:imo:mmsi:230099999`.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.context
    }

    /// Whether that is the own vessel.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.flags & OWN != 0
    }

    /// `$source`; `None`: it has none.
    #[must_use]
    pub fn source_ref(&self) -> Option<&str> {
        Some(&*self.source_ref).filter(|source| !source.is_empty())
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is the metadata of the path, not its value.
    #[must_use]
    pub fn is_meta(&self) -> bool {
        self.flags & META != 0
    }

    /// The name of this member, if it is one of an object.
    #[must_use]
    pub fn member(&self) -> Option<&str> {
        (self.flags & MEMBER != 0).then_some(&*self.member)
    }

    /// The subscription that it came by; 0: the plugin gets everything.
    #[must_use]
    pub fn subscription(&self) -> u32 {
        self.subscription
    }
}

/// What the server has said about numbers.
#[derive(Debug, Default)]
pub(super) struct Heads(Vec<Head>);

impl Heads {
    pub(super) const fn new() -> Heads {
        Heads(Vec::new())
    }

    /// Reads a block; `None`: it is not of this form.
    pub(super) fn read<'a>(&'a mut self, block: &'a [u8]) -> Option<Values<'a>> {
        let word = |place| u32_at(block, place);
        let [version, flags, lost] = [word(0)?, word(4)?, word(12)?];
        if version != 1 {
            return None;
        }
        if flags & FORGET != 0 {
            self.0.clear();
        }
        let (heads, rows) = (records::<HEAD>(block, 16)?, records::<ROW>(block, 24)?);
        for head in heads {
            let head = read_head(block, head, self.0.len())?;
            self.0.push(head);
        }
        Some(Values { block, heads: &self.0, rows, lost })
    }
}

/// The values that came on a beat, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    block: &'a [u8],
    heads: &'a [Head],
    rows: &'a [[u8; ROW]],
    lost: u32,
}

impl<'a> Values<'a> {
    /// Deltas that the plugin was too slow for, since the call before.
    #[must_use]
    pub fn lost(&self) -> u32 {
        self.lost
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    #[inline]
    fn next(&mut self) -> Option<Value<'a>> {
        let (row, rest) = self.rows.split_first()?;
        let number = usize::try_from(u32_at(row, 0)?).ok()?;
        let head = self.heads.get(number)?;
        let count = if kind(row) == MEMBERS { members_of(row, rest.len()) } else { 0 };
        let (members, rest) = rest.split_at(count);
        self.rows = rest;
        let members = Values { rows: members, ..*self };
        Some(Value { number, head, row, members })
    }
}

/// One value of one path, or one member of an object.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    number: usize,
    head: &'a Head,
    row: &'a [u8; ROW],
    members: Values<'a>,
}

const FALSE: u32 = 1;
const TRUE: u32 = 2;
const NUMBER: u32 = 3;
const TEXT: u32 = 4;
const JSON: u32 = 5;
const MEMBERS: u32 = 6;

impl<'a> Value<'a> {
    /// What it is of.
    #[inline]
    #[must_use]
    pub fn head(&self) -> &'a Head {
        self.head
    }

    /// The number that stands for its head, below 8192: a place in a table of the plugin. It stands for another one
    /// after the server had to make room, which is seldom: tables hold what is compared again, such as a path.
    #[inline]
    #[must_use]
    pub fn head_number(&self) -> usize {
        self.number
    }

    /// The path.
    #[inline]
    #[must_use]
    pub fn path(&self) -> &'a str {
        &self.head.path
    }

    /// When it was measured, in milliseconds since 1970; `None`: nobody said.
    #[inline]
    #[must_use]
    pub fn unix_ms(&self) -> Option<f64> {
        f64_at(self.row, 16).filter(|time| !time.is_nan())
    }

    /// The number, if it is one.
    #[inline]
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        if kind(self.row) == NUMBER { f64_at(self.row, 8) } else { None }
    }

    /// True or false, if it is one of them.
    #[inline]
    #[must_use]
    pub fn flag(&self) -> Option<bool> {
        match kind(self.row) {
            FALSE => Some(false),
            TRUE => Some(true),
            _ => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        if kind(self.row) == TEXT { text(self.members.block, self.row, 24) } else { None }
    }

    /// A list, or an object that does not come by its members, as JSON.
    #[must_use]
    pub fn json(&self) -> Option<&'a str> {
        if kind(self.row) == JSON { text(self.members.block, self.row, 24) } else { None }
    }

    /// Whether it is known to be unavailable.
    #[must_use]
    pub fn is_null(&self) -> bool {
        kind(self.row) == 0
    }

    /// The members of an object; none if it is no object, or too large a one.
    #[inline]
    #[must_use]
    pub fn members(&self) -> Values<'a> {
        self.members
    }

    /// The member of this name.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Value<'a>> {
        self.members.into_iter().find(|value| *value.head.member == *name)
    }

    /// Latitude and longitude, if it is a position.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        let member = |name| self.member(name)?.number();
        Some(Position { latitude: member("latitude")?, longitude: member("longitude")? })
    }
}

fn read_head(block: &[u8], head: &[u8; HEAD], next: usize) -> Option<Head> {
    // They come without a gap.
    if next >= MOST_HEADS || usize::try_from(u32_at(head, 0)?).ok()? != next {
        return None;
    }
    let text = |place| text(block, head, place).map(Box::from);
    Some(Head {
        flags: u32_at(head, 4)?,
        subscription: u32_at(head, 8)?,
        context: text(16)?,
        source_ref: text(24)?,
        path: text(32)?,
        member: text(40)?,
    })
}

/// The records whose place and number are said at `place`.
fn records<const SIZE: usize>(block: &[u8], place: usize) -> Option<&[[u8; SIZE]]> {
    let start = usize::try_from(u32_at(block, place)?).ok()?;
    let count = usize::try_from(u32_at(block, place + 4)?).ok()?;
    block.get(start..)?.as_chunks::<SIZE>().0.get(..count)
}

/// The text whose place and length are said at `place` of a record.
fn text<'a>(block: &'a [u8], record: &[u8], place: usize) -> Option<&'a str> {
    let start = usize::try_from(u32_at(record, place)?).ok()?;
    let len = usize::try_from(u32_at(record, place + 4)?).ok()?;
    std::str::from_utf8(block.get(start..)?.get(..len)?).ok()
}

/// How many of the following rows are members.
fn members_of(row: &[u8; ROW], most: usize) -> usize {
    // A whole number that is small.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` stops at 0")]
    let count = f64_at(row, 8).map_or(0, |count| count as usize);
    count.min(most)
}

#[inline]
fn kind(row: &[u8; ROW]) -> u32 {
    u32_at(row, 4).unwrap_or(0)
}

#[inline]
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

#[inline]
fn f64_at(bytes: &[u8], at: usize) -> Option<f64> {
    bytes.get(at..)?.first_chunk().copied().map(f64::from_le_bytes)
}

#[cfg(test)]
mod tests;
