//! How texts go into a library guest and come out: the one place where the conventions differ.
//!
//! A convention turns one [`Work`] into arguments, and the results of the call
//! into [`Done`]; order, deadlines and slices are `library.rs`.

use wasmi_hdk::{FuncType, Val};

use super::buffer::{self, Held};
use super::guest::Guest;
use super::work::{Done, Work};
use crate::Crash;

/// Of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Convention {
    /// Pointer and length, `allocate` and `deallocate`.
    Buffer,
}

/// What came of a call.
pub(crate) enum Finished {
    Done(Done),
    /// The text did not fit: ask again.
    Again(Work),
}

impl Convention {
    /// Copies the inputs in: what the guest holds for the call, and its arguments.
    pub(crate) fn begin(
        self,
        guest: &mut Guest,
        work: &Work,
        ty: &FuncType,
    ) -> Result<(Held, Vec<Val>), Crash> {
        match self {
            Convention::Buffer => buffer::begin(guest, work, ty),
        }
    }

    /// Copies the outputs out and gives back what the guest held.
    pub(crate) fn finish(
        self,
        guest: &mut Guest,
        work: Work,
        held: Held,
        results: &[Val],
    ) -> Result<Finished, Crash> {
        match self {
            Convention::Buffer => buffer::finish(guest, work, held, results),
        }
    }
}
