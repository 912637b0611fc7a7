//! Is this a module at all, and is nothing in it larger than allowed?
//!
//! Code is not looked at: that is the engine's business.

use wasmparser::{Chunk, Parser, Payload};

use super::data_segments::DataSegments;
use super::start_section::StartSection;
use crate::error::{LoadError, ModuleLimit};
use crate::limits::Limits;

/// What the engine is given in another form than the author's compiler wrote.
#[derive(Debug, Default)]
pub(super) struct Form {
    start: StartSection,
    data: DataSegments,
}

impl Form {
    /// The module as the engine is to see it, and whether its start section became an export; `None`: as it is.
    pub(super) fn rewritten(&self, bytes: &[u8]) -> Option<(Vec<u8>, bool)> {
        let merged = self.data.merged(bytes);
        // Data come after all that the start section is about.
        let exported = self.start.exported(merged.as_deref().unwrap_or(bytes));
        let starts = exported.is_some();
        exported.or(merged).map(|bytes| (bytes, starts))
    }
}

/// Everything that can be seen without looking at code: that it is a module at all, and
/// that nothing in it is larger than allowed. Answers what is to be written otherwise.
pub(super) fn check_form(name: &str, bytes: &[u8], limits: &Limits) -> Result<Form, LoadError> {
    let plugin = || name.to_owned();
    let within = |what, value: u64, limit: u64| {
        (value <= limit).then_some(()).ok_or_else(|| LoadError::TooLarge {
            plugin: plugin(),
            what,
            value,
            limit,
        })
    };
    within(ModuleLimit::Size, wide(bytes.len()), wide(limits.module_bytes))?;
    if !bytes.starts_with(b"\0asm") {
        let begins = bytes.get(..bytes.len().min(8)).unwrap_or(&[]).escape_ascii().to_string();
        return Err(LoadError::NotWasm { plugin: plugin(), begins });
    }
    let mut custom = 0_usize;
    let mut form = Form::default();
    let mut parser = Parser::new(0);
    let mut rest = bytes;
    loop {
        let chunk = parser.parse(rest, true).map_err(|error| LoadError::Invalid {
            plugin: plugin(),
            offset: error.offset(),
            reason: error.message().to_owned(),
        })?;
        // Never asks for more: the parser was told that this is all.
        let Chunk::Parsed { consumed, payload } = chunk else { return Ok(form) };
        let at = bytes.len() - rest.len();
        form.start.saw(&payload, at..at.saturating_add(consumed));
        form.data.saw(&payload, at..at.saturating_add(consumed));
        rest = rest.get(consumed..).unwrap_or(&[]);
        match payload {
            // Functions are looked at by the engine; what the section is too short for, too.
            Payload::CodeSectionStart { size, .. } => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let Some(after) = rest.get(size..) else { return Ok(form) };
                parser.skip_section();
                rest = after;
            }
            Payload::End(_) => return Ok(form),
            Payload::Version { encoding: wasmparser::Encoding::Component, .. } => {
                return Err(LoadError::Component { plugin: plugin() });
            }
            Payload::CustomSection(section) => {
                custom = custom.saturating_add(section.data().len());
                let limit = wide(limits.custom_section_bytes);
                within(ModuleLimit::CustomSections, wide(custom), limit)?;
            }
            Payload::FunctionSection(section) => {
                within(ModuleLimit::Functions, section.count().into(), limits.functions.into())?;
            }
            Payload::ImportSection(section) => {
                within(ModuleLimit::Imports, section.count().into(), limits.module_imports.into())?;
            }
            Payload::ExportSection(section) => {
                within(ModuleLimit::Exports, section.count().into(), limits.module_exports.into())?;
            }
            Payload::DataSection(section) => {
                let limit = limits.data_segments.into();
                within(ModuleLimit::DataSegments, section.count().into(), limit)?;
            }
            Payload::MemorySection(section) => {
                for memory in section.into_iter().flatten() {
                    // Pages of 64 KiB; a custom page size is refused by the engine.
                    let initial = memory.initial.saturating_mul(65536);
                    within(ModuleLimit::Memory, initial, wide(limits.memory_bytes))?;
                }
            }
            Payload::TableSection(section) => {
                for table in section.into_iter().flatten() {
                    within(ModuleLimit::Table, table.ty.initial, wide(limits.table_elements))?;
                }
            }
            _ => {}
        }
    }
}

fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
