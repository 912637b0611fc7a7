//! How texts go into a library guest and come out: the one place where the conventions differ.
//!
//! A convention turns one [`Work`] into arguments, and the results of the call
//! into [`Done`]; order, deadlines and slices are `library.rs`.

use wasmi_hdk::{FuncType, Val};

use super::assemblyscript::AssemblyScript;
use super::buffer::{self, Held};
use super::guest::Guest;
use super::work::{Done, Work};
use crate::Crash;

/// Of a module.
#[derive(Debug)]
pub(crate) enum Convention {
    /// Pointer and length, `allocate` and `deallocate`.
    Buffer,
    /// Objects of the guest's runtime.
    AssemblyScript(AssemblyScript),
}

/// What came of the inputs of a call.
pub(crate) enum Begun {
    /// What the guest holds for the call, and its arguments.
    Called(Held, Vec<Val>),
    /// It cannot be called, in words; it is unharmed.
    Refused(String),
}

/// What came of a call.
pub(crate) enum Finished {
    Done(Done),
    /// The text did not fit: ask again.
    Again(Work),
}

impl Convention {
    /// Copies the inputs in.
    pub(crate) fn begin(
        &mut self,
        guest: &mut Guest,
        work: &Work,
        ty: &FuncType,
    ) -> Result<Begun, Crash> {
        match self {
            Convention::Buffer => buffer::begin(guest, work, ty),
            Convention::AssemblyScript(script) => script.begin(guest, work, ty),
        }
    }

    /// Copies the outputs out and gives back what the guest held.
    pub(crate) fn finish(
        &mut self,
        guest: &mut Guest,
        work: Work,
        held: Held,
        results: &[Val],
    ) -> Result<Finished, Crash> {
        match self {
            Convention::Buffer => buffer::finish(guest, work, held, results),
            Convention::AssemblyScript(script) => script.finish(guest, work, held, results),
        }
    }

    /// Bytes as an object of the guest, for a call that rests; 0 where there are no objects.
    pub(crate) fn object(&mut self, guest: &mut Guest, bytes: &[u8]) -> Result<i32, Crash> {
        match self {
            Convention::Buffer => Ok(0),
            Convention::AssemblyScript(script) => script.buffer(guest, bytes),
        }
    }

    /// What the guest should do while nobody wants anything of it.
    pub(crate) fn idle_work(&self, guest: &Guest) -> Option<Work> {
        match self {
            Convention::AssemblyScript(script) if script.wants_to_collect() => {
                // Not `has_export`: a global of that name cannot be called, and would be wanted for ever.
                guest.interface().export_type("__collect").is_some().then_some(Work::Collect)
            }
            _ => None,
        }
    }
}
