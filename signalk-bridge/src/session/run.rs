//! `Run`: an owned, `Send` piece of guest work, and `Ran`, what came of it.
//!
//! Loading counts as guest work: validating megabytes takes as long as a slice.

use bytes::Bytes;
use wasmi_hdk::{Engine, Limits, LoadError, Module};

use crate::abi::library::Library;

/// Work that an edge executes wherever it likes.
pub struct Run(pub(super) Job);

/// Its result, to be handed to the session of the same plugin.
pub struct Ran(pub(super) Done);

pub(super) enum Job {
    Load { engine: Engine, name: String, bytes: Bytes, limits: Box<Limits> },
    Library(Box<Library>),
    Plugin(wasmi_hdk::Run),
}

pub(super) enum Done {
    Loaded(Result<Module, LoadError>),
    Library(Box<Library>),
    Plugin(wasmi_hdk::Ran),
}

impl Run {
    /// Executes it: at most about `Limits::run_fuel`, then the guest comes back.
    #[must_use]
    pub fn execute(self) -> Ran {
        Ran(match self.0 {
            Job::Load { engine, name, bytes, limits } => {
                Done::Loaded(Module::load(&engine, &name, &bytes, &limits))
            }
            Job::Library(library) => Done::Library(library.execute()),
            Job::Plugin(run) => Done::Plugin(run.execute()),
        })
    }
}

impl Ran {
    /// Whether the guest waits for what the core does now. If not, the result may wait until the core is awake anyway.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        !matches!(&self.0, Done::Library(library) if library.is_quiet)
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Job::Load { .. } => "Run(load)",
            Job::Library(_) => "Run(exports)",
            Job::Plugin(_) => "Run(json-rpc)",
        })
    }
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Done::Loaded(_) => "Ran(load)",
            Done::Library(_) => "Ran(exports)",
            Done::Plugin(_) => "Ran(json-rpc)",
        })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn guest_work_may_go_to_another_thread() {
        fn is_send<T: Send + 'static>() {}
        is_send::<super::Run>();
        is_send::<super::Ran>();
    }
}
