//! How is a fault of the engine told? With plugin, call, limit and remedy, which the engine
//! does not know.

use crate::engine::EngineFault;
use crate::error::Fault;
use crate::limits::Limits;

/// Makes an error that names everything out of what the engine says.
pub(super) struct Describe<'a> {
    pub(super) plugin: &'a str,
    pub(super) call: &'a str,
    pub(super) limits: &'a Limits,
    pub(super) panic: Option<String>,
    pub(super) import: &'a dyn Fn(usize) -> String,
}

impl Describe<'_> {
    pub(super) fn fault(self, fault: EngineFault) -> Fault {
        let plugin = self.plugin.to_owned();
        let call = self.call.to_owned();
        let size = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        match fault {
            EngineFault::Trap(reason) => Fault::Trap { plugin, call, reason, panic: self.panic },
            EngineFault::WouldWait => {
                Fault::Trap { plugin, call, reason: "waited where it may not".into(), panic: None }
            }
            EngineFault::Exit(code) => Fault::Exit { plugin, call, code, panic: self.panic },
            EngineFault::Missing(index) => {
                Fault::MissingImport { plugin, call, import: (self.import)(index) }
            }
            EngineFault::Refused(index, reason) => {
                Fault::Host { plugin, call, import: (self.import)(index), reason }
            }
            EngineFault::Memory { wanted } => Fault::Memory {
                plugin,
                call,
                wanted,
                limit: size(self.limits.memory_bytes),
                panic: self.panic,
            },
            EngineFault::Table { wanted } => {
                Fault::Table { plugin, call, wanted, limit: size(self.limits.table_elements) }
            }
            EngineFault::Stack => Fault::Stack {
                plugin,
                call,
                recursion: size(self.limits.recursion),
                stack_bytes: size(self.limits.stack_bytes),
            },
            EngineFault::Invalid(reason) => Fault::Invalid { plugin, call, reason },
            // Calls are resumed when a slice ends, and short ones have an error of their own.
            EngineFault::Fuel => {
                Fault::Trap { plugin, call, reason: "out of fuel".into(), panic: self.panic }
            }
        }
    }
}
