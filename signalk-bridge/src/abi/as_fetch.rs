//! HTTP of AssemblyScript guests: the module `as-fetch` 2.1.4.
//!
//! Clause: plugin ABI 5. The library was made for JavaScript hosts, which have
//! to unwind the guest by Asyncify to wait. Here the call rests instead, in any
//! export and as often as it likes: the guest never unwinds, Asyncify's area is
//! never written, and modules built without the transform work as well. The
//! request itself is `net/fetch.rs`, the end of a rest `session/library.rs`.

use std::sync::Arc;

use bytes::Bytes;
use wasmi_hdk::{
    FuncType, GuestFault, GuestMemory, HostCtx, HostFault, HostReturn, Imports, Level, LogLine, Val,
};

use super::adapt::{Args, results};
use super::assemblyscript::{NO_RUNTIME, object};
use super::queue::{Give, Queued, Rest, Shared, Until};
use super::work::Response;
use crate::error::shown;
use crate::net::fetch::{MOST_AT_ONCE, MOST_BYTES};
use crate::{Capability, shown_url};

const MODULE: &str = "as-fetch";
/// Headers of one request, and bytes of one name, value or URL.
const MOST_HEADERS: u32 = 200;
const LONGEST_TEXT: u32 = 64 << 10;
/// Answers that may wait for `responseHandler`, most of them to requests that could not be sent: a
/// guest that asks in a loop and does not return has no more.
const MOST_UNHEARD: usize = 1000;

/// One of the four functions.
#[derive(Clone, Copy)]
struct Call {
    name: &'static str,
    /// Has a body.
    post: bool,
    /// The guest rests until the answer is there; else `responseHandler` gets it.
    rests: bool,
}

const CALLS: [Call; 4] = [
    Call { name: "_fetchGETSync", post: false, rests: true },
    Call { name: "_fetchPOSTSync", post: true, rests: true },
    Call { name: "_fetchGET", post: false, rests: false },
    Call { name: "_fetchPOST", post: true, rests: false },
];

/// Offers the module to guests.
pub(super) fn define(imports: &mut Imports) {
    // The 8 bytes that it names are followed by the guest's own data: nothing is written there.
    let nothing =
        |_: &mut HostCtx<'_>, ty: &FuncType, _: &[Val]| Ok(HostReturn::Values(results(ty, 0)));
    imports.define(MODULE, "_initAsyncify", Arc::new(nothing));
    for call in CALLS {
        let fetch = move |ctx: &mut HostCtx<'_>, ty: &FuncType, args: &[Val]| {
            enter(ctx, ty, &Args(args), call)
        };
        imports.define(MODULE, call.name, Arc::new(fetch));
    }
}

/// What the guest asks for.
struct Request {
    url: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

fn enter(
    ctx: &mut HostCtx<'_>,
    ty: &FuncType,
    args: &Args<'_>,
    call: Call,
) -> Result<HostReturn, HostFault> {
    let may_wait = ctx.may_wait();
    let (memory, shared) = ctx.memory_and_state::<Shared>();
    let Some(shared) = shared else { return Ok(HostReturn::Values(results(ty, 0))) };
    if !shared.may(Some(Capability::Network), call.name) {
        let text = "network capability not granted; add \"network\": true to wasmCapabilities";
        return Err(HostFault::Trap(text.to_owned()));
    }
    if !shared.traits.has_new {
        return Err(HostFault::Trap(NO_RUNTIME.to_owned()));
    }
    if !call.rests && !shared.traits.has_response_handler {
        let text = "the module does not export `responseHandler`; write `export { responseHandler } from \"as-fetch/assembly\"` in its entry file";
        return Err(HostFault::Trap(text.to_owned()));
    }
    let (unheard, on_the_way) = shared.unheard();
    if !call.rests && unheard >= MOST_UNHEARD {
        return Err(HostFault::Trap(format!(
            "{MOST_UNHEARD} answers wait for `responseHandler`; return from the call before asking for more"
        )));
    }
    let callback = args.i32(if call.post { 4 } else { 3 });
    let request = match read(&memory, args, call) {
        Ok(request) => request,
        Err(unread) => {
            shared.guest_faults += u64::from(matches!(unread, Unread::Fault(_)));
            let text = unread.to_string();
            return Ok(HostReturn::Values(shared.not_sent(call, callback, ty, "?", &text)));
        }
    };
    let bytes = u64::try_from(request.body.len()).unwrap_or(u64::MAX);
    let Request { url, headers, body } = request;
    let method = if call.post { "POST" } else { "GET" };
    if call.rests && !may_wait {
        let text = "nothing can be waited for inside `__new` and its like; fetch outside of them";
        return Ok(HostReturn::Values(shared.not_sent(call, callback, ty, &url, text)));
    }
    // Bodies that came and were not handed over count too: they lie in the host's memory.
    let sent = match call.rests || on_the_way < MOST_AT_ONCE {
        true => shared.net.fetch(method, &url, headers, body),
        false => Err(format!(
            "{MOST_AT_ONCE} requests are on their way or wait for `responseHandler`; return from the call first"
        )),
    };
    let returned = match sent {
        Err(text) => HostReturn::Values(shared.not_sent(call, callback, ty, &url, &text)),
        Ok(wait) if call.rests => {
            let rest = Rest { until: Until::World(wait), give: Give::Body, ty: ty.clone() };
            HostReturn::Suspend(Box::new(rest))
        }
        Ok(wait) => {
            shared.awaited.insert(wait, callback);
            shared.asked(true);
            HostReturn::Values(results(ty, 0))
        }
    };
    let work = shared.net.take_work();
    ctx.charge(bytes / 8 + work);
    Ok(returned)
}

impl Shared {
    /// A request that never went out.
    fn not_sent(
        &mut self,
        call: Call,
        callback: i32,
        ty: &FuncType,
        url: &str,
        why: &str,
    ) -> Vec<Val> {
        // Enough to know it by: there may be many, each in the log and the status.
        self.fetch_failed(&format!("{}: {why}", shown(&shown_url(url))));
        if !call.rests {
            let (status, redirected, body) = (0, false, Bytes::new());
            self.asked(false);
            self.responses.push(Response { callback, sent: false, status, redirected, body });
        }
        results(ty, 0)
    }

    /// The guest sees an empty body; its owner reads why (plugin ABI 5.6).
    pub(crate) fn fetch_failed(&mut self, why: &str) {
        let text = format!("fetch: {why}");
        self.push(Queued::Log(LogLine { level: Level::Warn, text: text.clone() }), text.len());
        self.fetch_fails = true;
        self.push(Queued::FetchError(Some(text)), 0);
    }

    /// An answer came: what its owner read of an earlier request is over.
    pub(crate) fn fetch_works(&mut self) {
        if std::mem::take(&mut self.fetch_fails) {
            self.push(Queued::FetchError(None), 0);
        }
    }
}

/// Why a request cannot be read.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error(transparent)]
    Fault(#[from] GuestFault),
    #[error("a URL, or the name or value of a header, of {0} bytes; the limit is {LONGEST_TEXT}")]
    TooLong(u32),
    #[error("more than {MOST_HEADERS} headers")]
    TooMany,
}

fn read(memory: &GuestMemory<'_>, args: &Args<'_>, call: Call) -> Result<Request, Unread> {
    let body = match args.u32(3) {
        body if call.post && body != 0 => {
            let most = u32::try_from(MOST_BYTES).unwrap_or(u32::MAX).saturating_add(1);
            Bytes::copy_from_slice(object::payload(memory, body, most)?)
        }
        _ => Bytes::new(),
    };
    let url = text(memory, args.u32(0))?;
    Ok(Request { url, headers: headers(memory, args.u32(2))?, body })
}

/// A text, all of it: half a URL would be another one.
fn text(memory: &GuestMemory<'_>, string: u32) -> Result<String, Unread> {
    let bytes = if string == 0 { 0 } else { object::size(memory, string)? };
    let text = object::text(memory, string, LONGEST_TEXT)?;
    if bytes > LONGEST_TEXT { Err(Unread::TooLong(bytes)) } else { Ok(text) }
}

/// `string[][]`: pairs, or several pairs one after the other in one array.
fn headers(memory: &GuestMemory<'_>, outer: u32) -> Result<Vec<(String, String)>, Unread> {
    let most = usize::try_from(MOST_HEADERS).unwrap_or(usize::MAX);
    let mut headers = Vec::new();
    for inner in object::elements(memory, outer, MOST_HEADERS + 1)? {
        for pair in object::elements(memory, inner, 2 * MOST_HEADERS + 2)?.chunks_exact(2) {
            if let [name, value] = pair {
                headers.push((text(memory, *name)?, text(memory, *value)?));
            }
            if headers.len() > most {
                return Err(Unread::TooMany);
            }
        }
    }
    Ok(headers)
}
