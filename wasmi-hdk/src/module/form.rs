//! Is this a module at all, and is nothing in it larger than allowed?
//!
//! Code is not looked at: that is the engine's business.

use wasmparser::{Chunk, Parser, Payload};

use super::start_section::StartSection;
use crate::error::LoadError;
use crate::limits::Limits;

/// Everything that can be seen without looking at code: that it is a module at all, and
/// that nothing in it is larger than allowed. Answers where its start section lies.
pub(super) fn check_form(
    name: &str,
    bytes: &[u8],
    limits: &Limits,
) -> Result<StartSection, LoadError> {
    let plugin = || name.to_owned();
    let too_large = |what, value: u64, limit: usize, remedy| LoadError::TooLarge {
        plugin: plugin(),
        what,
        value,
        limit: wide(limit),
        remedy,
    };
    if bytes.len() > limits.module_bytes {
        let remedy = "build it for size, or strip it";
        let (size, limit) = (wide(bytes.len()), limits.module_bytes);
        return Err(too_large("the size of the module", size, limit, remedy));
    }
    if !bytes.starts_with(b"\0asm") {
        let begins = bytes.get(..bytes.len().min(8)).unwrap_or(&[]).escape_ascii().to_string();
        return Err(LoadError::NotWasm { plugin: plugin(), begins });
    }
    let mut custom = 0_usize;
    let count = |what, value: u32, limit: u32, remedy| {
        if value <= limit {
            return Ok(());
        }
        Err(LoadError::TooLarge {
            plugin: plugin(),
            what,
            value: u64::from(value),
            limit: u64::from(limit),
            remedy,
        })
    };
    let mut start = StartSection::default();
    let mut parser = Parser::new(0);
    let mut rest = bytes;
    loop {
        let chunk = parser.parse(rest, true).map_err(|error| LoadError::Invalid {
            plugin: plugin(),
            offset: error.offset(),
            reason: error.message().to_owned(),
        })?;
        // Never asks for more: the parser was told that this is all.
        let Chunk::Parsed { consumed, payload } = chunk else { return Ok(start) };
        let at = bytes.len() - rest.len();
        start.saw(&payload, at..at.saturating_add(consumed));
        rest = rest.get(consumed..).unwrap_or(&[]);
        match payload {
            // Functions are looked at by the engine; what the section is too short for, too.
            Payload::CodeSectionStart { size, .. } => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let Some(after) = rest.get(size..) else { return Ok(start) };
                parser.skip_section();
                rest = after;
            }
            Payload::End(_) => return Ok(start),
            Payload::Version { encoding: wasmparser::Encoding::Component, .. } => {
                return Err(LoadError::Component { plugin: plugin() });
            }
            Payload::CustomSection(section) => {
                custom = custom.saturating_add(section.data().len());
                if custom > limits.custom_section_bytes {
                    let remedy = "strip the module of names and debug information";
                    let limit = limits.custom_section_bytes;
                    return Err(too_large(
                        "the size of custom sections",
                        wide(custom),
                        limit,
                        remedy,
                    ));
                }
            }
            Payload::FunctionSection(section) => count(
                "the number of functions",
                section.count(),
                limits.functions,
                "build it for size, or as several plugins",
            )?,
            Payload::ImportSection(section) => count(
                "the number of imports",
                section.count(),
                limits.module_imports,
                "import only what is called",
            )?,
            Payload::ExportSection(section) => count(
                "the number of exports",
                section.count(),
                limits.module_exports,
                "export only what the host calls",
            )?,
            Payload::DataSection(section) => count(
                "the number of data segments",
                section.count(),
                limits.data_segments,
                "let the linker merge them",
            )?,
            Payload::MemorySection(section) => {
                for memory in section.into_iter().flatten() {
                    // Pages of 64 KiB; a custom page size is refused by the engine.
                    let initial = memory.initial.saturating_mul(65536);
                    if initial > wide(limits.memory_bytes) {
                        let remedy = "ask for less memory at start";
                        let limit = limits.memory_bytes;
                        return Err(too_large(
                            "the memory asked for at start",
                            initial,
                            limit,
                            remedy,
                        ));
                    }
                }
            }
            Payload::TableSection(section) => {
                for table in section.into_iter().flatten() {
                    let initial = table.ty.initial;
                    if initial > wide(limits.table_elements) {
                        let remedy = "use fewer function references";
                        let limit = limits.table_elements;
                        return Err(too_large(
                            "the elements of a table at start",
                            initial,
                            limit,
                            remedy,
                        ));
                    }
                }
            }
            _ => {}
        }
    }
}

fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
