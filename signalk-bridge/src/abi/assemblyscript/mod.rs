//! The convention of AssemblyScript: texts are UTF-16 objects that the guest's runtime manages.
//!
//! Clauses: plugin ABI 2.5, 3.1 to 3.6, 8.5. What the host makes with `__new`
//! is pinned until the call has ended, also while it rests: a collection in
//! between would free it (weakness W30). What the guest gives back is read
//! before anything else of it is called. The layout of objects is `object.rs`.

pub(crate) mod object;

use wasmi_hdk::{FuncType, GuestFault, Val};

use super::adapt::{arguments, first};
use super::buffer::{self, Held};
use super::convention::{Begun, Finished};
use super::guest::Guest;
use super::work::{Done, Work};
use crate::Crash;
use crate::handler::{Handler, HandlerFailure};

/// What an owner or author reads about a module built without its runtime.
pub(crate) const NO_RUNTIME: &str = "the module does not export `__new`, so it cannot be given a text: compile with --exportRuntime";

/// Class number of strings in present compilers; arrays of bytes have the one below.
const STRING: u32 = 2;

/// A guest whose runtime collects only when told to is told after so many calls ...
const CALLS_TO_COLLECT: u32 = 1000;
/// ... or so many bytes given to it.
const BYTES_TO_COLLECT: usize = 8 << 20;

/// What is to be known about one guest.
#[derive(Debug)]
pub(crate) struct AssemblyScript {
    /// Class number of strings, as the first text of the guest showed it.
    string: u32,
    /// It has shown it.
    learned: bool,
    /// HTTP handlers with two parameters get a string and its length in units, as the reference
    /// server gives it (plugin ABI 8.5; the owner's choice).
    http_utf16: bool,
    calls: u32,
    bytes: usize,
}

impl AssemblyScript {
    pub(crate) fn new(http_utf16: bool) -> AssemblyScript {
        AssemblyScript { string: STRING, learned: false, http_utf16, calls: 0, bytes: 0 }
    }

    /// Copies the inputs in. The shape of a call is its declared type (plugin ABI 3.2).
    pub(super) fn begin(
        &mut self,
        guest: &mut Guest,
        work: &Work,
        ty: &FuncType,
    ) -> Result<Begun, Crash> {
        let mut held = Held::default();
        let values = match (work, ty.params.len()) {
            (
                Work::Entry(_) | Work::Read { .. } | Work::Stop | Work::Poll | Work::Collect,
                _,
            )
            // A reader without a request: `radar_get_radars()`.
            | (
                Work::Start(_)
                | Work::Delta(_)
                | Work::Values(_)
                | Work::Event(_)
                | Work::Handle { .. },
                0,
            ) => vec![],
            _ if !guest.interface().has_export("__new") => {
                return Ok(Begun::Refused(NO_RUNTIME.to_owned()));
            }
            (Work::Woken { socket, .. }, _) => vec![socket.cast_signed()],
            (Work::Response(response), _) => {
                let body = self.buffer(guest, &response.body)?;
                self.pin(guest, body, &mut held)?;
                vec![body, response.status, response.redirected.into(), response.callback]
            }
            (Work::Start(text), shape) => self.input(guest, text, shape == 1, &mut held)?.to_vec(),
            (Work::Delta(text), shape) => self.input(guest, text, shape == 1, &mut held)?.to_vec(),
            // An `ArrayBuffer`; as an address it is that of its bytes, which are aligned to 16.
            (Work::Values(batch), _) => {
                let object = self.buffer(guest, &batch.bytes)?;
                self.pin(guest, object, &mut held)?;
                vec![object, length(batch.bytes.len())?.cast_signed()]
            }
            (Work::Event(text), shape) => self.input(guest, text, shape == 1, &mut held)?.to_vec(),
            (Work::Handle { call, size, .. }, shape) => {
                let request = if call.request.is_empty() { "{}" } else { &call.request };
                let as_reference =
                    shape == 2 && self.http_utf16 && matches!(call.handler, Handler::Http { .. });
                let mut values =
                    self.input(guest, request, shape == 1 || as_reference, &mut held)?.to_vec();
                if shape >= 4 {
                    let out = self.allocate(guest, *size, self.string - 1)?;
                    self.pin(guest, out, &mut held)?;
                    held.reply = Some(out.cast_unsigned());
                    values.extend([out, size.cast_signed()]);
                }
                values
            }
        };
        Ok(Begun::Called(held, arguments(ty, &values)))
    }

    /// Takes the results out and lets go what was held.
    pub(super) fn finish(
        &mut self,
        guest: &mut Guest,
        work: Work,
        held: Held,
        results: &[Val],
    ) -> Result<Finished, Crash> {
        self.calls = self.calls.saturating_add(1);
        let code = first(results);
        let done = match work {
            Work::Entry(_) => Done::Entry,
            Work::Start(_) => Done::Started(code),
            Work::Stop => Done::Stopped(code),
            Work::Poll => Done::Polled(code),
            Work::Delta(_) | Work::Values(_) => Done::Deltas(work.deltas()),
            Work::Response(_) => Done::Response,
            Work::Woken { .. } | Work::Event(_) => Done::Woken,
            Work::Collect => {
                (self.calls, self.bytes) = (0, 0);
                Done::Response
            }
            Work::Read { export, .. } => {
                self.learn(guest, code.cast_unsigned());
                match self.text(guest, results) {
                    Ok(text) => Done::Read { export, text: Some(text), complaint: None },
                    Err(why) => {
                        let complaint = Some(format!("`{export}`: {why}"));
                        Done::Read { export, text: Some(String::new()), complaint }
                    }
                }
            }
            Work::Handle { call, export, size } if held.reply.is_some() => {
                match buffer::reply(guest, call, export, size, code, held.reply) {
                    Finished::Done(done) => done,
                    again => {
                        self.let_go(guest, held)?;
                        return Ok(again);
                    }
                }
            }
            Work::Handle { call, .. } => {
                Done::Handled { id: call.id, reply: self.text(guest, results).map_err(failure) }
            }
        };
        self.let_go(guest, held)?;
        Ok(Finished::Done(done))
    }

    /// Whether this is a good moment to collect what is not used any more (plugin ABI 2.5).
    pub(super) fn wants_to_collect(&self) -> bool {
        self.calls >= CALLS_TO_COLLECT || self.bytes >= BYTES_TO_COLLECT
    }

    /// An object that holds bytes, not pinned: it is given to the guest at once.
    pub(super) fn buffer(&mut self, guest: &mut Guest, bytes: &[u8]) -> Result<i32, Crash> {
        let object = self.allocate(guest, length(bytes.len())?, self.string - 1)?;
        guest.fill("__new", object.cast_unsigned(), bytes)?;
        self.bytes = self.bytes.saturating_add(bytes.len());
        Ok(object)
    }

    /// A text as a string object, or as UTF-8 bytes in an array buffer; its two arguments.
    fn input(
        &mut self,
        guest: &mut Guest,
        text: &str,
        as_string: bool,
        held: &mut Held,
    ) -> Result<[i32; 2], Crash> {
        if !as_string {
            let object = self.buffer(guest, text.as_bytes())?;
            self.pin(guest, object, held)?;
            return Ok([object, length(text.len())?.cast_signed()]);
        }
        let units = length(object::units(text))?;
        let bytes = units.saturating_mul(2);
        let object = self.allocate(guest, bytes, self.string)?;
        if let Some(instance) = guest.instance() {
            let mut memory = instance.memory();
            let to = memory.slice_mut(object.cast_unsigned(), bytes);
            object::encode(text, to.map_err(|fault| not_there(bytes, &fault))?);
        }
        self.bytes = self.bytes.saturating_add(text.len());
        self.pin(guest, object, held)?;
        Ok([object, units.cast_signed()])
    }

    fn allocate(&self, guest: &mut Guest, bytes: u32, class: u32) -> Result<i32, Crash> {
        let object = guest.nested("__new", &[bytes.cast_signed(), class.cast_signed()])?;
        if object == 0 {
            return Err(guest.no_memory("__new", bytes));
        }
        Ok(object)
    }

    fn pin(&self, guest: &mut Guest, object: i32, held: &mut Held) -> Result<(), Crash> {
        if guest.interface().has_export("__pin") {
            guest.nested("__pin", &[object])?;
        }
        held.blocks.push((object.cast_unsigned(), 0));
        Ok(())
    }

    fn let_go(&self, guest: &mut Guest, held: Held) -> Result<(), Crash> {
        if guest.interface().has_export("__unpin") {
            for (object, _) in held.blocks {
                guest.nested("__unpin", &[object.cast_signed()])?;
            }
        }
        Ok(())
    }

    /// Older compilers count classes from another number: a name, a schema and an id are strings.
    fn learn(&mut self, guest: &mut Guest, text: u32) {
        if !self.learned
            && let Some(instance) = guest.instance()
            && let Ok(class @ 1..=STRING) = object::class(&instance.memory(), text)
        {
            (self.string, self.learned) = (class, true);
        }
    }

    /// The text that a call gave back; nothing and null are the empty text.
    fn text(&self, guest: &mut Guest, results: &[Val]) -> Result<String, NoText> {
        let string = first(results).cast_unsigned();
        let Some(instance) = guest.instance().filter(|_| string != 0) else {
            return Ok(String::new());
        };
        let memory = instance.memory();
        if object::class(&memory, string)? != self.string {
            return Err(NoText::NotString(string));
        }
        let bytes = object::size(&memory, string)?;
        if bytes > object::LONGEST_STRING {
            return Err(NoText::TooLong(bytes));
        }
        Ok(object::text(&memory, string, bytes)?)
    }
}

/// Why a result is no text.
#[derive(Debug, thiserror::Error)]
enum NoText {
    /// The words of the reference server.
    #[error("not a string: {0}")]
    NotString(u32),
    #[error("a string of {0} bytes, the limit is {most}", most = object::LONGEST_STRING)]
    TooLong(u32),
    #[error("not a string: {0}")]
    Fault(#[from] GuestFault),
}

fn failure(why: NoText) -> HandlerFailure {
    match why {
        NoText::TooLong(bytes) => {
            HandlerFailure::TooLarge { needs: bytes.into(), limit: object::LONGEST_STRING.into() }
        }
        why => HandlerFailure::Failed(why.to_string()),
    }
}

fn length(len: usize) -> Result<u32, Crash> {
    u32::try_from(len)
        .ok()
        .filter(|len| *len <= u32::MAX / 2)
        .ok_or_else(|| Crash::Text(format!("a text of {len} characters is too long")))
}

fn not_there(bytes: u32, fault: &GuestFault) -> Crash {
    Crash::Text(format!("`__new({bytes})` gave memory that is not there: {fault}"))
}
