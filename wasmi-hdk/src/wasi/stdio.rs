//! Standard streams: two buffers between host and guest, and how calls use them.
//!
//! Standard error has no buffer: it becomes lines at once, in `log_lines.rs`.

use bytes::{Buf, BytesMut};

use super::ctx::{Ctx, Iovec, Stop};
use super::{Errno, WasiWait};

/// What the host gave and the guest has not read.
#[derive(Debug)]
pub(super) struct Stdin {
    bytes: BytesMut,
    open: bool,
    nonblocking: bool,
}

impl Stdin {
    pub(super) fn new(open: bool) -> Self {
        Self { bytes: BytesMut::new(), open, nonblocking: false }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.open {
            self.bytes.extend_from_slice(bytes);
        }
    }

    pub(super) fn close(&mut self) {
        self.open = false;
    }

    pub(super) fn ready(&self) -> bool {
        !self.open || !self.bytes.is_empty()
    }

    pub(super) fn at_end(&self) -> bool {
        !self.open && self.bytes.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn set_nonblocking(&mut self, nonblocking: bool) {
        self.nonblocking = nonblocking;
    }

    pub(super) fn nonblocking(&self) -> bool {
        self.nonblocking
    }

    /// Moves as much as fits; what is left waits for the next read.
    pub(super) fn read(&mut self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.bytes.len());
        let (into, _) = into.split_at_mut(count);
        self.bytes.copy_to_slice(into);
        if self.bytes.is_empty() {
            // A message of 16 MiB must not keep its room for ever.
            self.bytes = BytesMut::new();
        }
        count
    }
}

/// What the guest wrote and the host has not taken.
#[derive(Debug)]
pub(super) struct Stdout {
    bytes: Vec<u8>,
    limit: usize,
}

impl Stdout {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit: limit.max(1) }
    }

    /// Bytes that may be written now.
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.bytes.len())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

pub(super) fn read_stdin(
    ctx: &mut Ctx<'_, '_>,
    iovecs: &[Iovec],
    nonblocking: bool,
) -> Result<u32, Stop> {
    if iovecs.is_empty() {
        return Ok(0);
    }
    let stdin = &mut ctx.state.stdin;
    if !stdin.ready() {
        if nonblocking || stdin.nonblocking() {
            return Err(Errno::Again.into());
        }
        return Err(Stop::Suspend(WasiWait { stdin: true, until: None }));
    }
    let mut total = 0;
    for iovec in iovecs {
        total += stdin.read(ctx.memory.slice_mut(iovec.addr, iovec.len)?);
    }
    Ok(u32::try_from(total)?)
}

/// Takes what there is room for. When there is none, the call rests until the
/// host has taken some: a guest that writes for ever holds one buffer full.
pub(super) fn write_stdout(
    ctx: &mut Ctx<'_, '_>,
    iovecs: &[Iovec],
    nonblocking: bool,
) -> Result<u32, Stop> {
    if ctx.state.printed.is_some() {
        return Ok(print(ctx, iovecs)?);
    }
    let mut room = u32::try_from(ctx.state.stdout.room()).unwrap_or(u32::MAX);
    if room == 0 && !iovecs.is_empty() {
        return Err(if nonblocking { Errno::Again.into() } else { ctx.pause() });
    }
    let mut total = 0;
    for iovec in iovecs {
        let len = iovec.len.min(room);
        ctx.state.stdout.write(ctx.memory.read(iovec.addr, len)?);
        room -= len;
        total += len;
    }
    Ok(total)
}

/// Standard output as lines of the log; nothing of it waits for the host.
fn print(ctx: &mut Ctx<'_, '_>, iovecs: &[Iovec]) -> Result<u32, Errno> {
    let now = ctx.monotonic();
    let mut total = 0;
    for iovec in iovecs {
        let bytes = ctx.memory.read(iovec.addr, iovec.len)?;
        if let Some(lines) = &mut ctx.state.printed {
            lines.write(bytes, now);
        }
        total += iovec.len;
    }
    Ok(total)
}

pub(super) fn write_stderr(ctx: &mut Ctx<'_, '_>, iovecs: &[Iovec]) -> Result<u32, Errno> {
    let now = ctx.monotonic();
    let mut total = 0;
    for iovec in iovecs {
        ctx.state.stderr.write(ctx.memory.read(iovec.addr, iovec.len)?, now);
        total += iovec.len;
    }
    Ok(total)
}
