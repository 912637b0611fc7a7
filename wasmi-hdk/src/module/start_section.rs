//! The start section, made an ordinary export.
//!
//! The engine runs a start section inside of instantiation, where it can neither be sliced nor
//! wait. AssemblyScript puts the whole top level of a program there. So it is taken out of the
//! bytes before they are compiled, and its function is exported under a name of our own; an
//! [`Instance`](crate::Instance) runs it before its first call, by the rules of a call.

use std::ops::Range;

use wasmparser::Payload;

/// The export that the function of a start section becomes.
pub const START_SECTION: &str = "(start)";

/// Where the two sections lie. Only their order is looked at: all else is the engine's business.
#[derive(Debug, Default)]
pub(super) struct StartSection {
    start: Option<(u32, Range<usize>)>,
    exports: Option<Exports>,
    /// Sections are doubled or stand where they may not: the engine is to see them as they are.
    disordered: bool,
    /// A section was seen that stands behind a start section.
    late: bool,
}

#[derive(Debug)]
struct Exports {
    section: Range<usize>,
    entries: Range<usize>,
    count: u32,
}

impl StartSection {
    /// Notes a section and the bytes that it takes, its head included.
    pub(super) fn saw(&mut self, payload: &Payload<'_>, section: Range<usize>) {
        match payload {
            Payload::StartSection { func, .. } => {
                self.disordered |= self.late || self.start.is_some();
                self.start = Some((*func, section));
            }
            Payload::ExportSection(reader) => {
                self.disordered |= self.late || self.start.is_some() || self.exports.is_some();
                // They are the rest of the section, behind their number.
                let size = reader.range().end.saturating_sub(reader.original_position());
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let entries = section.end.saturating_sub(size)..section.end;
                self.exports = Some(Exports { section, entries, count: reader.count() });
            }
            Payload::TypeSection(_)
            | Payload::ImportSection(_)
            | Payload::FunctionSection(_)
            | Payload::TableSection(_)
            | Payload::MemorySection(_)
            | Payload::TagSection(_)
            | Payload::GlobalSection(_) => self.disordered |= self.start.is_some(),
            Payload::ElementSection(_)
            | Payload::DataCountSection { .. }
            | Payload::CodeSectionStart { .. }
            | Payload::DataSection(_) => self.late = true,
            _ => {}
        }
    }

    /// The module with an export in place of its start section; `None` if it has none.
    pub(super) fn exported(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (func, start) = self.start.as_ref().filter(|_| !self.disordered)?;
        let (before, entries, between, count) = match &self.exports {
            Some(exports) => (
                bytes.get(..exports.section.start)?,
                bytes.get(exports.entries.clone())?,
                bytes.get(exports.section.end..start.start)?,
                exports.count,
            ),
            None => (bytes.get(..start.start)?, &[][..], &[][..], 0),
        };
        let mut content = leb(count.checked_add(1)?);
        content.extend_from_slice(entries);
        content.extend(leb(u32::try_from(START_SECTION.len()).ok()?));
        content.extend_from_slice(START_SECTION.as_bytes());
        content.push(FUNCTION);
        content.extend(leb(*func));
        let size = leb(u32::try_from(content.len()).ok()?);
        Some([before, &[EXPORTS], &size, &content, between, bytes.get(start.end..)?].concat())
    }
}

/// Number of the export section, and of the kind "function" in it.
const EXPORTS: u8 = 7;
const FUNCTION: u8 = 0;

/// A number as WebAssembly writes it: seven bits in a byte, the lowest first.
fn leb(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5);
    loop {
        let [low, ..] = (number & 0x7f).to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
