//! The buffer convention: texts are UTF-8 in memory that the guest's `allocate` gave.
//!
//! Clauses: plugin ABI 2.6, 3.1, 3.2. Guests cut what they write to the
//! buffer's size, so a full buffer is probably not all of it: what may be asked
//! again is asked again with a larger one.

use std::sync::Arc;

use wasmi_hdk::{FuncType, Val};

use super::adapt::{arguments, first};
use super::convention::{Begun, Finished};
use super::guest::Guest;
use super::work::{Done, LARGEST_BUFFER, LARGEST_REPLY, Work};
use crate::Crash;
use crate::handler::{HandlerCall, HandlerFailure, HandlerReply};

/// What an author may rely on in `values_handler`; blocks of some allocators begin anywhere.
const ALIGNMENT: u32 = 8;

/// What the guest holds for a call, and has to be given back afterwards.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Address and size.
    pub(crate) blocks: Vec<(u32, u32)>,
    /// The one among them that the guest writes to.
    pub(crate) reply: Option<u32>,
}

/// Copies the inputs in.
pub(super) fn begin(guest: &mut Guest, work: &Work, ty: &FuncType) -> Result<Begun, Crash> {
    let mut held = Held::default();
    let values = match work {
        Work::Entry(_) | Work::Stop | Work::Poll | Work::Collect | Work::Response(_) => vec![],
        Work::Woken { socket, .. } => vec![socket.cast_signed()],
        Work::Read { size, .. } => output(guest, *size, &mut held)?.to_vec(),
        Work::Start(text) => input(guest, text, &mut held)?.to_vec(),
        Work::Delta(text) => input(guest, text, &mut held)?.to_vec(),
        Work::Values(batch) => aligned(guest, &batch.bytes, &mut held)?.to_vec(),
        Work::Event(text) => input(guest, text, &mut held)?.to_vec(),
        // A reader without a request: `radar_get_radars(out, max)`.
        Work::Handle { call, size, .. } if ty.params.len() <= 2 && call.request.is_empty() => {
            output(guest, *size, &mut held)?.to_vec()
        }
        Work::Handle { call, size, .. } => {
            let request = if call.request.is_empty() { "{}" } else { &call.request };
            let [addr, len] = input(guest, request, &mut held)?;
            // A sink `(ptr, len)` gets no place for a reply.
            if ty.params.len() <= 2 {
                vec![addr, len]
            } else {
                let [out, max] = output(guest, *size, &mut held)?;
                vec![addr, len, out, max]
            }
        }
    };
    Ok(Begun::Called(held, arguments(ty, &values)))
}

/// Takes the results out and gives the buffers back.
pub(super) fn finish(
    guest: &mut Guest,
    work: Work,
    held: Held,
    results: &[Val],
) -> Result<Finished, Crash> {
    let code = first(results);
    let finished = match work {
        Work::Entry(_) => Finished::Done(Done::Entry),
        Work::Start(_) => Finished::Done(Done::Started(code)),
        Work::Stop => Finished::Done(Done::Stopped(code)),
        Work::Poll => Finished::Done(Done::Polled(code)),
        Work::Delta(_) | Work::Values(_) => Finished::Done(Done::Deltas(work.deltas())),
        Work::Collect | Work::Response(_) => Finished::Done(Done::Response),
        Work::Woken { .. } | Work::Event(_) => Finished::Done(Done::Woken),
        Work::Read { export, size } => match written(guest, code, size, held.reply) {
            Written::Cut { needs } if size < LARGEST_BUFFER => {
                Finished::Again(Work::Read { export, size: larger(needs, size, LARGEST_BUFFER) })
            }
            Written::Cut { needs } => {
                let complaint =
                    Some(format!("`{export}` needs {needs} bytes, the limit is {size}"));
                Finished::Done(Done::Read { export, text: Some(String::new()), complaint })
            }
            Written::All(text) => {
                Finished::Done(Done::Read { export, text: Some(text), complaint: None })
            }
            Written::Lost(fault) => {
                let complaint = Some(format!("`{export}`: {fault}"));
                Finished::Done(Done::Read { export, text: Some(String::new()), complaint })
            }
        },
        Work::Handle { call, export, size } => reply(guest, call, export, size, code, held.reply),
    };
    give_back(guest, held)?;
    Ok(finished)
}

/// What a handler wrote to its buffer.
pub(super) fn reply(
    guest: &mut Guest,
    call: HandlerCall,
    export: Arc<str>,
    size: u32,
    code: i32,
    at: Option<u32>,
) -> Finished {
    let reply = match written(guest, code, size, at) {
        Written::Cut { needs } if call.handler.repeatable() && size < LARGEST_REPLY => {
            let size = larger(needs, size, LARGEST_REPLY);
            return Finished::Again(Work::Handle { call, export, size });
        }
        written => text_of(written, size),
    };
    Finished::Done(Done::Handled { id: call.id, reply })
}

/// What a guest said that it wrote.
enum Written {
    All(String),
    /// It fills the buffer, or says that it needs more.
    Cut {
        needs: u64,
    },
    /// Out of range.
    Lost(wasmi_hdk::GuestFault),
}

fn written(guest: &mut Guest, code: i32, size: u32, at: Option<u32>) -> Written {
    let wanted = u32::try_from(code).unwrap_or(0);
    if at.is_some() && wanted >= size {
        return Written::Cut { needs: wanted.into() };
    }
    let (Some(addr), Some(instance)) = (at, guest.instance()) else {
        return Written::All(String::new());
    };
    match instance.memory().read(addr, wanted) {
        Ok(bytes) => Written::All(String::from_utf8_lossy(bytes).into_owned()),
        Err(fault) => Written::Lost(fault),
    }
}

fn text_of(written: Written, size: u32) -> HandlerReply {
    match written {
        Written::All(text) => Ok(text),
        Written::Cut { needs } => {
            Err(HandlerFailure::TooLarge { needs, limit: u64::from(size) - 1 })
        }
        Written::Lost(fault) => Err(HandlerFailure::Failed(fault.to_string())),
    }
}

fn larger(needs: u64, size: u32, most: u32) -> u32 {
    let needs = u32::try_from(needs).unwrap_or(u32::MAX).saturating_add(1);
    needs.max(size.saturating_mul(2)).min(most)
}

/// Copies a text in: its two arguments.
fn input(guest: &mut Guest, text: &str, held: &mut Held) -> Result<[i32; 2], Crash> {
    let too_long = |_| Crash::Text(format!("a text of {} bytes is too long", text.len()));
    let len = u32::try_from(text.len()).map_err(too_long)?;
    // `allocate(0)` panics in TinyGo guests.
    let [addr, _] = allocate(guest, len.max(1), held)?;
    guest.fill("allocate", addr.cast_unsigned(), text.as_bytes())?;
    Ok([addr, len.cast_signed()])
}

/// Copies bytes in at an address that is a multiple of 8, wherever the guest's blocks begin: their two arguments.
fn aligned(guest: &mut Guest, bytes: &[u8], held: &mut Held) -> Result<[i32; 2], Crash> {
    let too_long = |_| Crash::Text(format!("{} bytes are too many for a guest", bytes.len()));
    let len = i32::try_from(bytes.len()).map_err(too_long)?;
    let [addr, _] = allocate(guest, len.cast_unsigned().saturating_add(ALIGNMENT - 1), held)?;
    // A guest that lies about its memory is told so by `fill`.
    let addr = addr.cast_unsigned();
    let addr = addr.checked_next_multiple_of(ALIGNMENT).unwrap_or(addr);
    guest.fill("allocate", addr, bytes)?;
    Ok([addr.cast_signed(), len])
}

/// A buffer that the guest writes to: its two arguments.
fn output(guest: &mut Guest, size: u32, held: &mut Held) -> Result<[i32; 2], Crash> {
    let [addr, size] = allocate(guest, size, held)?;
    held.reply = Some(addr.cast_unsigned());
    Ok([addr, size])
}

fn allocate(guest: &mut Guest, size: u32, held: &mut Held) -> Result<[i32; 2], Crash> {
    let addr = guest.nested("allocate", &[size.cast_signed()])?;
    if addr == 0 {
        return Err(guest.no_memory("allocate", size));
    }
    held.blocks.push((addr.cast_unsigned(), size));
    Ok([addr, size.cast_signed()])
}

fn give_back(guest: &mut Guest, held: Held) -> Result<(), Crash> {
    if guest.interface().has_export("deallocate") {
        for (addr, size) in held.blocks {
            guest.nested("deallocate", &[addr.cast_signed(), size.cast_signed()])?;
        }
    }
    Ok(())
}
