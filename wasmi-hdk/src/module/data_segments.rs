//! Data segments, fewer of them.
//!
//! Go's linker writes a segment for each run of bytes that are not zero: 45,000 in a plugin of 4 MB. The engine checks
//! and keeps an expression for each, and every instance goes through all of them. Memory begins as zeros, so neighbours
//! in rising order are the same as one segment with zeros between. Where code may name segments by their number, or
//! memory is not the module's own, they are left as they are.

use std::ops::Range;

use wasm_encoder::{ConstExpr, DataSection, Encode};
use wasmparser::{Data, DataKind, DataSectionReader, Operator, Payload, TypeRef};

/// Fewer segments than this are not worth the copy.
const MANY: u32 = 1000;

/// Bytes of zeros that cost less than another segment.
const GAP: u64 = 32;

/// More segments than this are not few; each neighbour is compared with all of them.
const RUNS: usize = 256;

/// Number of the data section.
const DATA: u8 = 11;

/// Where they lie, and what they become.
#[derive(Debug, Default)]
pub(super) struct DataSegments {
    has_own_memory: bool,
    has_other_memory: bool,
    /// Code may name them by number.
    is_numbered: bool,
    merged: Option<(Range<usize>, Vec<u8>)>,
}

impl DataSegments {
    /// Notes a section and the bytes that it takes, its head included.
    pub(super) fn saw(&mut self, payload: &Payload<'_>, section: Range<usize>) {
        match payload {
            Payload::ImportSection(imports) => {
                let is_memory = |ty: TypeRef| matches!(ty, TypeRef::Memory(_));
                let mut all = imports.clone().into_imports();
                // What cannot be read is the engine's to refuse.
                self.has_other_memory = all.any(|import| import.is_ok_and(|it| is_memory(it.ty)));
            }
            Payload::MemorySection(memories) => self.has_own_memory = memories.count() == 1,
            Payload::DataCountSection { .. } => self.is_numbered = true,
            Payload::DataSection(segments) if segments.count() >= MANY => {
                let may = self.has_own_memory && !self.has_other_memory && !self.is_numbered;
                let merged = may.then(|| merge(segments)).flatten();
                self.merged = merged.map(|content| (section, content));
            }
            _ => {}
        }
    }

    /// The module with fewer segments; `None`: as it is. All before its data section keeps its place.
    pub(super) fn merged(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (section, content) = self.merged.as_ref()?;
        Some([bytes.get(..section.start)?, content, bytes.get(section.end..)?].concat())
    }
}

/// The whole section; `None` where that makes too few of them fewer, or an offset is no plain number.
fn merge(segments: &DataSectionReader<'_>) -> Option<Vec<u8>> {
    let mut section = DataSection::new();
    let mut before: Vec<Range<u64>> = Vec::new();
    let (mut begin, mut run) = (0, Vec::new());
    for segment in segments.clone() {
        let segment = segment.ok()?;
        let start = u64::from(offset(&segment)?);
        let end = begin + u64::try_from(run.len()).ok()?;
        match start.checked_sub(end) {
            // What the zeros between would cover was not written before.
            Some(gap)
                if gap <= GAP && before.iter().all(|it| it.end <= end || start <= it.start) =>
            {
                run.resize(run.len() + usize::try_from(gap).ok()?, 0);
            }
            _ => {
                put(&mut section, begin, &run)?;
                before.push(begin..end);
                if before.len() > RUNS {
                    return None;
                }
                begin = start;
                run.clear();
            }
        }
        run.extend_from_slice(segment.data);
    }
    put(&mut section, begin, &run)?;
    let mut content = vec![DATA];
    section.encode(&mut content);
    Some(content)
}

/// Where an active segment of the only memory begins.
fn offset(segment: &Data<'_>) -> Option<u32> {
    let DataKind::Active { memory_index: 0, offset_expr } = &segment.kind else { return None };
    let mut operators = offset_expr.get_operators_reader().into_iter();
    let (Operator::I32Const { value }, Operator::End) =
        (operators.next()?.ok()?, operators.next()?.ok()?)
    else {
        return None;
    };
    Some(value.cast_unsigned())
}

fn put(section: &mut DataSection, begin: u64, run: &[u8]) -> Option<()> {
    if !run.is_empty() {
        let begin = u32::try_from(begin).ok()?;
        section.active(0, &ConstExpr::i32_const(begin.cast_signed()), run.iter().copied());
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use wasmparser::Parser;

    use super::super::form::check_form;
    use super::*;
    use crate::Limits;

    /// A module whose segments these are, each of three bytes; and, beside a memory, whatever else.
    fn module(offsets: impl Iterator<Item = u32>, else_: &str) -> Vec<u8> {
        let mut text = format!("(module {else_}");
        for (nth, offset) in offsets.enumerate() {
            let (low, high) = (nth % 250 + 1, nth / 250 + 1);
            write!(text, "(data (i32.const {offset}) \"\\{low:02x}\\{high:02x}\\ff\")").unwrap();
        }
        wat::parse_str(text + ")").unwrap()
    }

    fn merged(bytes: &[u8]) -> Option<Vec<u8>> {
        let form = check_form("segments", bytes, &Limits::default()).unwrap();
        form.rewritten(bytes).map(|(bytes, _)| bytes)
    }

    /// What memory holds at the start, and how many segments it takes.
    fn memory(bytes: &[u8]) -> (Vec<u8>, usize) {
        let (mut memory, mut count) = (vec![0; 1 << 16], 0);
        for payload in Parser::new(0).parse_all(bytes) {
            if let Payload::DataSection(segments) = payload.unwrap() {
                for segment in segments {
                    let segment = segment.unwrap();
                    let at = usize::try_from(offset(&segment).unwrap()).unwrap();
                    memory[at..at + segment.data.len()].copy_from_slice(segment.data);
                    count += 1;
                }
            }
        }
        (memory, count)
    }

    const OWN: &str = "(memory 1)";

    #[test]
    fn neighbours_become_one_and_memory_is_the_same() {
        // Small gaps, no gap, and every hundredth a large one.
        let offsets = (0..1500).map(|nth| 16 + nth * 6 - nth % 2 * 3 + nth / 100 * 400);
        let before = module(offsets, OWN);
        let after = merged(&before).unwrap();
        let ((was, many), (is, few)) = (memory(&before), memory(&after));
        assert!(was == is);
        assert_eq!((many, few), (1500, 15));
        wasmparser::Validator::new().validate_all(&after).unwrap();
    }

    /// As Go's linker does once: what comes later lies before, and zeros between would cover what was written.
    #[test]
    fn an_order_that_means_something_is_kept() {
        let low = (0..800).map(|nth| 10_000 + nth * 6);
        let high = (0..800).map(|nth| 40_000 + nth * 6);
        let between = (0..400).map(|nth| 10_003 + nth * 12);
        let offsets: Vec<u32> = high.chain(low).chain(between).collect();
        let before = module(offsets.into_iter(), OWN);
        let after = merged(&before);
        // Each of the last would cover one of those before it.
        assert_eq!(after, None);
        let low = (0..800).map(|nth| 10_000 + nth * 20);
        let high = (0..800).map(|nth| 40_000 + nth * 6);
        let between = (0..100).map(|nth| 10_003 + nth * 20);
        let before = module(high.chain(low).chain(between), OWN);
        let after = merged(&before).unwrap();
        let ((was, many), (is, few)) = (memory(&before), memory(&after));
        assert!(was == is);
        assert_eq!((many, few), (1700, 102));
    }

    #[test]
    fn what_may_mean_something_is_left() {
        let rising = || (0..1500).map(|nth| nth * 4);
        for else_ in ["(import \"env\" \"memory\" (memory 1))", "(memory 1) (func (data.drop 3))"] {
            assert_eq!(merged(&module(rising(), else_)), None, "{else_}");
        }
        assert_eq!(merged(&module(rising().take(900), OWN)), None, "too few");
        assert_eq!(merged(&module((0..1500).map(|nth| nth * 2), OWN)), None, "over each other");
        assert_eq!(merged(&module(rising().rev(), OWN)), None, "falling");
        let global = format!("{OWN} (global i32 (i32.const 9000)) (data (global.get 0) \"x\")");
        assert_eq!(merged(&module(rising(), &global)), None, "an offset that is not written");
        assert!(merged(&module(rising(), OWN)).is_some());
    }
}
