//! The binary form of values, as `values_handler` gets it: little-endian, made for being read in place.
//!
//! What it is, record by record, is said for authors in EXTENSIONS.md, "Values without JSON"; here is how it is
//! written. A block is a header, texts, heads, rows, in this order, so that the place of a text is known when it is
//! written. Which head has which number is `super`.

/// Bytes of the header and of a row.
pub(super) const HEADER: usize = 32;
pub(super) const ROW: usize = 32;
/// Bytes of a head.
pub(super) const HEAD: usize = 48;

const VERSION: u32 = 1;

/// Flag of the header: numbers of heads from before this block mean nothing any more.
const FORGET: u32 = 1;
/// Flags of a head: the metadata of the path; of the own vessel; one member of an object.
const META: u32 = 1;
const OWN: u32 = 2;
const MEMBER: u32 = 4;

/// What the value of a row is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'a str),
    /// An array, or an object that is not told by its members.
    Json(Place),
    /// So many rows follow that are the object's members.
    Members(u32),
}

/// Where a text is, from the beginning of the block, and its length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place(u32, u32);

/// What a number stands for.
#[derive(Debug)]
pub(super) struct Names<'a> {
    pub(super) number: u32,
    pub(super) subscription: u32,
    pub(super) context: &'a str,
    /// Empty: none.
    pub(super) source: &'a str,
    pub(super) path: &'a str,
    pub(super) member: Option<&'a str>,
    pub(super) is_meta: bool,
    pub(super) is_own: bool,
}

/// One block that is being written.
#[derive(Debug)]
pub(super) struct Block {
    /// The header's place, then texts, each with a zero behind it.
    texts: Vec<u8>,
    heads: Vec<u8>,
    rows: Vec<u8>,
}

impl Block {
    pub(super) fn new() -> Block {
        let (mut texts, rows) = (Vec::with_capacity(2048), Vec::with_capacity(1024));
        texts.resize(HEADER, 0);
        Block { texts, heads: Vec::new(), rows }
    }

    /// Rows in it.
    pub(super) fn rows(&self) -> usize {
        self.rows.len() / ROW
    }

    /// Its bytes so far.
    pub(super) fn len(&self) -> usize {
        self.texts.len() + self.heads.len() + self.rows.len()
    }

    /// A text that `write` appends.
    pub(super) fn text(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Place {
        let start = self.texts.len();
        write(&mut self.texts);
        let len = self.texts.len() - start;
        self.texts.push(0);
        Place(count(start), count(len))
    }

    /// Says what a number stands for.
    pub(super) fn head(&mut self, names: &Names<'_>) {
        let flags = [(names.is_meta, META), (names.is_own, OWN), (names.member.is_some(), MEMBER)];
        let flags = flags.iter().filter(|(is, _)| *is).map(|(_, flag)| flag).sum();
        let texts = [names.context, names.source, names.path, names.member.unwrap_or_default()];
        let places = texts.map(|text| self.text(|out| out.extend_from_slice(text.as_bytes())));
        for number in [names.number, flags, names.subscription, 0] {
            self.heads.extend_from_slice(&number.to_le_bytes());
        }
        for Place(at, len) in places {
            self.heads.extend_from_slice(&at.to_le_bytes());
            self.heads.extend_from_slice(&len.to_le_bytes());
        }
    }

    /// One row.
    pub(super) fn row(&mut self, head: u32, time: f64, cell: Cell<'_>) {
        let nowhere = Place(0, 0);
        let (kind, number, Place(at, len)) = match cell {
            Cell::Null => (0_u32, f64::NAN, nowhere),
            Cell::Bool(false) => (1, 0.0, nowhere),
            Cell::Bool(true) => (2, 1.0, nowhere),
            Cell::Number(number) => (3, number, nowhere),
            Cell::Text(text) => {
                (4, f64::NAN, self.text(|out| out.extend_from_slice(text.as_bytes())))
            }
            Cell::Json(place) => (5, f64::NAN, place),
            Cell::Members(count) => (6, count.into(), nowhere),
        };
        self.rows.extend_from_slice(&head.to_le_bytes());
        self.rows.extend_from_slice(&kind.to_le_bytes());
        self.rows.extend_from_slice(&number.to_le_bytes());
        self.rows.extend_from_slice(&time.to_le_bytes());
        self.rows.extend_from_slice(&at.to_le_bytes());
        self.rows.extend_from_slice(&len.to_le_bytes());
    }

    /// The whole block. `lost`: values that the plugin was too slow for, since the block before.
    pub(super) fn finish(self, forget: bool, lost: u32) -> Vec<u8> {
        let Block { texts: mut block, heads, rows } = self;
        block.resize(block.len().next_multiple_of(8), 0);
        let heads_at = count(block.len());
        block.extend_from_slice(&heads);
        let rows_at = count(block.len());
        block.extend_from_slice(&rows);
        let header = [
            VERSION,
            if forget { FORGET } else { 0 },
            count(block.len()),
            lost,
            heads_at,
            count(heads.len() / HEAD),
            rows_at,
            count(rows.len() / ROW),
        ];
        for (place, number) in block.chunks_exact_mut(4).zip(header) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        block
    }
}

/// A delta has at most a MiB or so: a block is never near the end of this.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
