//! One host call in progress: its arguments read out of the guest, bounded and charged.
//!
//! A range that is not there is the call's failure, not the guest's end (plugin ABI 0).

use wasmi_hdk::HostCtx;

use crate::abi::adapt::Args;
use crate::abi::queue::{Queued, Shared};

/// Longest text that a guest may hand over in one call.
pub(super) const LONGEST: u32 = 16 << 20;
/// Longest delta or notification: the server parses, keeps and sends it in its own step.
const LONGEST_DELTA: u32 = 1 << 20;
/// Longest log line or status.
const LONGEST_LINE: u32 = 8 << 10;
/// Longest path, name or address.
pub(super) const LONGEST_NAME: u32 = 4 << 10;

/// One host call in progress.
pub(super) struct Call<'a, 'c> {
    pub(super) ctx: &'a mut HostCtx<'c>,
    pub(super) args: Args<'a>,
    pub(super) name: &'static str,
}

impl Call<'_, '_> {
    /// The bytes at arguments `index` and `index + 1`.
    pub(super) fn bytes(&mut self, index: usize, longest: u32) -> Option<Vec<u8>> {
        let (addr, len) = (self.args.u32(index), self.args.u32(index + 1));
        let (memory, _) = self.ctx.memory_and_state::<Shared>();
        let bytes = memory.read(addr, len).map(|bytes| (len <= longest).then(|| bytes.to_vec()));
        match bytes {
            Ok(Some(bytes)) => {
                self.ctx.charge(u64::from(len) / 8);
                Some(bytes)
            }
            Ok(None) => {
                self.say(format_args!("{len} bytes, the limit is {longest}; send less at a time"));
                None
            }
            Err(fault) => {
                self.fault(fault);
                None
            }
        }
    }

    /// As [`Call::bytes`], of a delta: a byte costs as much as the server's work with it.
    pub(super) fn delta(&mut self, index: usize) -> Option<Vec<u8>> {
        let bytes = self.bytes(index, LONGEST_DELTA)?;
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.ctx.charge(len - len / 8);
        Some(bytes)
    }

    /// A port: the upper half of the number may be anything (plugin ABI 4.1).
    pub(super) fn port(&self, index: usize) -> i32 {
        self.args.i32(index) & 0xffff
    }

    /// As [`Call::bytes`], as text with replacement characters.
    pub(super) fn text(&mut self, index: usize, longest: u32) -> Option<String> {
        let bytes = self.bytes(index, longest)?;
        Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// A text of which only the beginning is kept.
    pub(super) fn line(&mut self, index: usize) -> Option<String> {
        let (addr, len) = (self.args.u32(index), self.args.u32(index + 1));
        let (memory, _) = self.ctx.memory_and_state::<Shared>();
        // The whole range must exist even when only its beginning is kept.
        let line = memory.read(addr, len).map(|bytes| {
            let kept = bytes.len().min(usize::try_from(LONGEST_LINE).unwrap_or(usize::MAX));
            String::from_utf8_lossy(bytes.get(..kept).unwrap_or(bytes)).into_owned()
        });
        self.ctx.charge(u64::from(len.min(LONGEST_LINE)) / 8);
        line.map_err(|fault| self.fault(fault)).ok()
    }

    /// The buffer at arguments `index` and `index + 1`, all of which exists: checked before
    /// anything is taken or written for it.
    pub(super) fn room(&mut self, index: usize) -> Option<(u32, u32)> {
        let (addr, len) = (self.args.u32(index), self.args.u32(index + 1));
        let (memory, _) = self.ctx.memory_and_state::<Shared>();
        let exists = memory.read(addr, len).map(|_| (addr, len));
        exists.map_err(|fault| self.fault(fault)).ok()
    }

    pub(super) fn fault(&mut self, fault: wasmi_hdk::GuestFault) {
        let name = self.name;
        if let Some(shared) = self.ctx.state::<Shared>() {
            shared.guest_faults += 1;
            shared.say_once(format!("`{name}`: {fault}"));
        }
    }

    pub(super) fn say(&mut self, text: impl std::fmt::Display) {
        let name = self.name;
        if let Some(shared) = self.ctx.state::<Shared>() {
            shared.say_once(format!("`{name}`: {text}"));
        }
    }

    /// Queues the call; false: it was dropped, because there are too many.
    pub(super) fn push(&mut self, call: Queued, bytes: usize) -> bool {
        self.ctx.state::<Shared>().is_some_and(|shared| shared.push(call, bytes))
    }

    /// A path, name or address.
    pub(super) fn short(&mut self, index: usize) -> Option<String> {
        self.text(index, LONGEST_NAME)
    }

    /// What the host functions of this instance share.
    pub(super) fn shared(&mut self) -> Option<&mut Shared> {
        self.ctx.state::<Shared>()
    }
}

/// Writes an answer, or nothing when it does not fit; the number of bytes. Padded: the rest of
/// the buffer becomes spaces.
pub(crate) fn write(
    memory: &mut wasmi_hdk::GuestMemory<'_>,
    buffer: u32,
    capacity: u32,
    answer: &[u8],
    padded: bool,
) -> i32 {
    match i32::try_from(answer.len()) {
        Ok(len) if len.cast_unsigned() <= capacity && memory.write(buffer, answer).is_ok() => {
            let rest = buffer.checked_add(len.cast_unsigned()).filter(|_| padded && len > 0);
            if let Some(rest) = rest
                && let Ok(rest) = memory.slice_mut(rest, capacity - len.cast_unsigned())
            {
                rest.fill(b' ');
            }
            len
        }
        _ => 0,
    }
}
