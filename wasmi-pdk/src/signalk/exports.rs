//! The border of the guest: functions that a WebAssembly host imports from it or that it imports
//! from the host. The one place of this crate with unsafe code, each use with its reason: this file for the buffer ABI
//! (what it does is in `signalk`), `exports/rpc.rs` for JSON-RPC.
#![allow(unsafe_code)]

#[path = "exports/rpc.rs"]
mod rpc;

#[cfg(target_os = "wasi")]
pub(crate) use rpc::{read_stdin, write_stdout};
pub use rpc::{run_command, run_reactor};

/// The exports of the buffer ABI, for a type that implements `signalk::BufferPlugin`:
/// `buffer_plugin!(AnchorWatch, poll, delta_handler, values_handler, delta_input_handler, on_ws_message,
/// plugin_ui_schema);`. These names are optional: a server calls what a module exports.
#[cfg(feature = "signalk")]
#[macro_export]
macro_rules! buffer_plugin {
    ($plugin:ty $(, $export:ident)* $(,)?) => {
        // SAFETY (all of it): the names and types are those of plugin ABI chapter 3; the server
        // passes addresses that `allocate` gave it, with the sizes it asked for.
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::exports::buffer;
            ::std::thread_local! {
                static SLOT: buffer::Slot<$plugin> = const { buffer::Slot::new() };
            }
            #[unsafe(no_mangle)]
            extern "C" fn allocate(size: usize) -> *mut u8 {
                buffer::allocate(size)
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn deallocate(address: *mut u8, size: usize) {
                unsafe { buffer::deallocate(address, size) }
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn plugin_id(out: *mut u8, max: usize) -> usize {
                unsafe { buffer::write(<$plugin as $crate::signalk::BufferPlugin>::ID, out, max) }
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn plugin_name(out: *mut u8, max: usize) -> usize {
                unsafe { buffer::write(<$plugin as $crate::signalk::BufferPlugin>::NAME, out, max) }
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn plugin_schema(out: *mut u8, max: usize) -> usize {
                unsafe { buffer::write(<$plugin as $crate::signalk::BufferPlugin>::SCHEMA, out, max) }
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn plugin_start(config: *const u8, len: usize) -> i32 {
                SLOT.with(|slot| unsafe { buffer::start(slot, config, len) })
            }
            #[unsafe(no_mangle)]
            extern "C" fn plugin_stop() -> i32 {
                SLOT.with(buffer::stop)
            }
            $($crate::__buffer_export!($export);)*
        };
    };
}

/// One optional export of `buffer_plugin!`.
#[cfg(feature = "signalk")]
#[doc(hidden)]
#[macro_export]
macro_rules! __buffer_export {
    (poll) => {
        #[unsafe(no_mangle)]
        extern "C" fn poll() -> i32 {
            SLOT.with(buffer::poll)
        }
    };
    (plugin_ui_schema) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn plugin_ui_schema(out: *mut u8, max: usize) -> usize {
            // SAFETY: the host's promise (plugin ABI 2.6): `max` bytes at `out` are a block that it asked `allocate`
            // for.
            SLOT.with(|slot| unsafe { buffer::ui_schema(slot, out, max) })
        }
    };
    (delta_input_handler) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn delta_input_handler(
            json: *const u8,
            len: usize,
            out: *mut u8,
            max: usize,
        ) -> usize {
            // SAFETY: the host's promise (plugin ABI 2.6): `len` bytes at `json` and `max` at `out` are blocks that it
            // asked `allocate` for, and it uses neither during the call.
            SLOT.with(|slot| unsafe { buffer::input(slot, json, len, out, max) })
        }
    };
    (on_event) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn on_event(json: *const u8, len: usize) {
            // SAFETY: the host's promise (plugin ABI 2.6): `len` bytes at `json` are a block that it asked `allocate`
            // for.
            SLOT.with(|slot| unsafe { buffer::event(slot, json, len) })
        }
    };
    (http_handler) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn http_handler(
            json: *const u8,
            len: usize,
            out: *mut u8,
            max: usize,
        ) -> usize {
            // SAFETY: the host's promise (plugin ABI 2.6): `len` bytes at `json` and `max` at `out` are blocks that it
            // asked
            // `allocate` for, and it uses neither during the call.
            SLOT.with(|slot| unsafe { buffer::http(slot, json, len, out, max) })
        }
    };
    (http_endpoints) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn http_endpoints(out: *mut u8, max: usize) -> usize {
            // SAFETY: the host's promise (plugin ABI 2.6): `max` bytes at `out` are a block that it asked `allocate`
            // for.
            SLOT.with(|slot| unsafe { buffer::http_endpoints(slot, out, max) })
        }
        #[unsafe(no_mangle)]
        unsafe extern "C" fn handle_http(
            json: *const u8,
            len: usize,
            out: *mut u8,
            max: usize,
        ) -> usize {
            // SAFETY: the host's promise (plugin ABI 2.6): `len` bytes at `json` and `max` at `out` are blocks that it
            // asked
            // `allocate` for, and it uses neither during the call.
            SLOT.with(|slot| unsafe { buffer::handle_http(slot, json, len, out, max) })
        }
    };
    (on_ws_message) => {
        #[unsafe(no_mangle)]
        extern "C" fn on_ws_message(socket: u32) {
            SLOT.with(|slot| buffer::message(slot, socket));
        }
    };
    (values_handler) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn values_handler(block: *const u8, len: usize) {
            // SAFETY: the host's promise (plugin ABI 2.6): `len` bytes at `block` are in a block that it asked
            // `allocate` for, and it does not use it during the call.
            SLOT.with(|slot| unsafe { buffer::values(slot, block, len) })
        }
    };
    (delta_handler) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn delta_handler(json: *const u8, len: usize) {
            SLOT.with(|slot| unsafe { buffer::delta(slot, json, len) })
        }
    };
}

/// What the exports of the buffer ABI do with addresses; for the macro.
#[cfg(feature = "signalk")]
#[doc(hidden)]
pub mod buffer {
    use crate::signalk::BufferPlugin;
    pub use crate::signalk::Slot;

    /// A block for the server to write to; it comes back to [`deallocate`] with the same size.
    #[must_use]
    pub fn allocate(size: usize) -> *mut u8 {
        std::mem::ManuallyDrop::new(Vec::<u8>::with_capacity(size)).as_mut_ptr()
    }

    /// Frees a block.
    ///
    /// # Safety
    /// `address` came from [`allocate`] with this `size` and is not used afterwards.
    pub unsafe fn deallocate(address: *mut u8, size: usize) {
        // SAFETY: promised by the caller; a vector of capacity `size` was forgotten there.
        drop(unsafe { Vec::from_raw_parts(address, 0, size) });
    }

    /// Copies as much of the text as fits; how much that is.
    ///
    /// # Safety
    /// `max` bytes at `out` may be written.
    pub unsafe fn write(text: &str, out: *mut u8, max: usize) -> usize {
        let count = text.len().min(max);
        // SAFETY: promised by the caller; a text constant and a foreign block do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), out, count) };
        count
    }

    /// # Safety
    /// `max` bytes at `out` may be written.
    pub unsafe fn ui_schema<P: BufferPlugin>(_: &Slot<P>, out: *mut u8, max: usize) -> usize {
        // SAFETY: promised by the caller.
        unsafe { write(P::UI_SCHEMA, out, max) }
    }

    /// # Safety
    /// `max` bytes at `out` may be written.
    pub unsafe fn http_endpoints<P: BufferPlugin>(_: &Slot<P>, out: *mut u8, max: usize) -> usize {
        // SAFETY: promised by the caller.
        unsafe { write(&Slot::<P>::http_endpoints(), out, max) }
    }

    /// # Safety
    /// `len` bytes at `json` may be read, and `max` bytes at `out` written.
    pub unsafe fn handle_http<P: BufferPlugin>(
        slot: &Slot<P>,
        json: *const u8,
        len: usize,
        out: *mut u8,
        max: usize,
    ) -> usize {
        // SAFETY: promised by the caller.
        let reply = slot.handle_http(unsafe { bytes(json, len) });
        // SAFETY: promised by the caller.
        unsafe { write(&reply, out, max) }
    }

    /// # Safety
    /// `len` bytes at `config` may be read.
    pub unsafe fn start<P: BufferPlugin>(slot: &Slot<P>, config: *const u8, len: usize) -> i32 {
        // SAFETY: promised by the caller.
        slot.start(unsafe { bytes(config, len) })
    }

    /// Ends the plugin.
    pub fn stop<P: BufferPlugin>(slot: &Slot<P>) -> i32 {
        slot.stop()
    }

    /// The plugin's second.
    pub fn poll<P: BufferPlugin>(slot: &Slot<P>) -> i32 {
        slot.poll()
    }

    /// A connection has a message, or is over.
    pub fn message<P: BufferPlugin>(slot: &Slot<P>, socket: u32) {
        slot.message(socket);
    }

    /// # Safety
    /// `len` bytes at `json` may be read.
    pub unsafe fn delta<P: BufferPlugin>(slot: &Slot<P>, json: *const u8, len: usize) {
        // SAFETY: promised by the caller.
        slot.delta(unsafe { bytes(json, len) });
    }

    /// # Safety
    /// `len` bytes at `block` may be read.
    pub unsafe fn values<P: BufferPlugin>(slot: &Slot<P>, block: *const u8, len: usize) {
        // SAFETY: promised by the caller.
        slot.values(unsafe { bytes(block, len) });
    }

    /// # Safety
    /// `len` bytes at `json` may be read.
    pub unsafe fn event<P: BufferPlugin>(slot: &Slot<P>, json: *const u8, len: usize) {
        // SAFETY: promised by the caller.
        slot.event(unsafe { bytes(json, len) });
    }

    /// The reply's length; one that does not fit is not written, and the host asks again or refuses it.
    ///
    /// # Safety
    /// `len` bytes at `json` may be read, and `max` bytes at `out` written.
    pub unsafe fn http<P: BufferPlugin>(
        slot: &Slot<P>,
        json: *const u8,
        len: usize,
        out: *mut u8,
        max: usize,
    ) -> usize {
        // SAFETY: promised by the caller.
        let reply = slot.http(unsafe { bytes(json, len) });
        if reply.len() > max {
            return reply.len();
        }
        // SAFETY: promised by the caller.
        unsafe { write(&reply, out, max) }
    }

    /// # Safety
    /// `len` bytes at `json` may be read, and `max` bytes at `out` written.
    pub unsafe fn input<P: BufferPlugin>(
        slot: &Slot<P>,
        json: *const u8,
        len: usize,
        out: *mut u8,
        max: usize,
    ) -> usize {
        // SAFETY: promised by the caller.
        let answer = slot.input(unsafe { bytes(json, len) });
        // SAFETY: promised by the caller.
        unsafe { write(&answer, out, max) }
    }

    /// # Safety
    /// `len` bytes at `address` may be read for as long as the result is used.
    unsafe fn bytes<'a>(address: *const u8, len: usize) -> &'a [u8] {
        if len == 0 {
            return &[];
        }
        // SAFETY: promised by the caller; not empty, so the address is real.
        unsafe { std::slice::from_raw_parts(address, len) }
    }
}

/// The `env.sk_*` functions of the server (plugin ABI chapter 4).
#[cfg(all(feature = "signalk", target_arch = "wasm32"))]
pub(crate) mod sk {
    /// The functions as the server has them.
    mod env {
        #[link(wasm_import_module = "env")]
        unsafe extern "C" {
            pub(super) fn sk_debug(text: *const u8, len: usize);
            pub(super) fn sk_set_status(text: *const u8, len: usize);
            pub(super) fn sk_set_error(text: *const u8, len: usize);
            pub(super) fn sk_handle_message(delta: *const u8, len: usize, version: i32);
            pub(super) fn sk_get_self_path(
                path: *const u8,
                len: usize,
                out: *mut u8,
                max: usize,
            ) -> i32;
            pub(super) fn sk_read_config(out: *mut u8, max: usize) -> i32;
            pub(super) fn sk_save_config(config: *const u8, len: usize) -> i32;
            pub(super) fn sk_http_request(
                request: *const u8,
                len: usize,
                out: *mut u8,
                max: usize,
            ) -> i32;
            pub(super) fn sk_register_delta_input_handler(wish: *const u8, len: usize) -> i32;
            pub(super) fn sk_http_response(out: *mut u8, max: usize) -> i32;
            pub(super) fn sk_http_last_error(out: *mut u8, max: usize) -> i32;
            pub(super) fn sk_http_open(request: *const u8, len: usize) -> i32;
            pub(super) fn sk_http_send(request: u32, data: *const u8, len: usize) -> i32;
            pub(super) fn sk_http_finish(request: u32, out: *mut u8, max: usize) -> i32;
            pub(super) fn sk_http_read(request: u32, out: *mut u8, max: usize) -> i32;
            pub(super) fn sk_http_close(request: u32) -> i32;
            pub(super) fn sk_ws_connect(
                url: *const u8,
                len: usize,
                options: *const u8,
                options_len: usize,
            ) -> i32;
            pub(super) fn sk_ws_send(socket: u32, data: *const u8, len: usize, binary: i32) -> i32;
            pub(super) fn sk_ws_receive(
                socket: u32,
                out: *mut u8,
                max: usize,
                timeout: i32,
                kind: *mut u8,
            ) -> i32;
            pub(super) fn sk_ws_close(socket: u32, code: i32) -> i32;
            pub(super) fn sk_call(
                method: *const u8,
                method_len: usize,
                params: *const u8,
                params_len: usize,
                out: *mut u8,
                max: usize,
            ) -> i32;
            pub(super) fn sk_call_answer(out: *mut u8, max: usize) -> i32;
            pub(super) fn sk_call_error(out: *mut u8, max: usize) -> i32;
        }
    }

    // SAFETY (all calls below): address and length are those of a living text or vector, which the
    // server reads or fills during the call and forgets.

    pub(crate) fn debug(text: &str) {
        unsafe { env::sk_debug(text.as_ptr(), text.len()) }
    }

    pub(crate) fn set_status(text: &str) {
        unsafe { env::sk_set_status(text.as_ptr(), text.len()) }
    }

    pub(crate) fn set_error(text: &str) {
        unsafe { env::sk_set_error(text.as_ptr(), text.len()) }
    }

    pub(crate) fn handle_message(delta: &str, version: i32) {
        unsafe { env::sk_handle_message(delta.as_ptr(), delta.len(), version) }
    }

    pub(crate) fn get_self_path(path: &str) -> Option<Vec<u8>> {
        filled(|out, max| unsafe { env::sk_get_self_path(path.as_ptr(), path.len(), out, max) })
    }

    pub(crate) fn read_config() -> Option<Vec<u8>> {
        filled(|out, max| unsafe { env::sk_read_config(out, max) })
    }

    pub(crate) fn save_config(config: &str) -> bool {
        unsafe { env::sk_save_config(config.as_ptr(), config.len()) == 0 }
    }

    pub(crate) fn register_delta_input_handler(wish: &str) -> bool {
        // SAFETY: the text lives until the call returns, and is only read.
        unsafe { env::sk_register_delta_input_handler(wish.as_ptr(), wish.len()) == 1 }
    }

    /// The answer's length says how much room it needs; it is fetched once.
    pub(crate) fn http_request(request: &str) -> Result<Vec<u8>, String> {
        let (text, len) = (request.as_ptr(), request.len());
        // SAFETY: the text lives until the call returns; a place of no bytes is not written to.
        response(unsafe { env::sk_http_request(text, len, std::ptr::dangling_mut(), 0) })
    }

    /// The answer of so many bytes, or why there is none.
    fn response(needed: i32) -> Result<Vec<u8>, String> {
        let mut answer = vec![0; usize::try_from(needed).map_err(|_| last_error())?];
        let (out, max) = (answer.as_mut_ptr(), answer.len());
        // SAFETY: `max` bytes of a vector that lives until the call returns.
        match unsafe { env::sk_http_response(out, max) } {
            ..0 => Err(last_error()),
            _ => Ok(answer),
        }
    }

    pub(crate) fn http_open(request: &str) -> Result<u32, String> {
        // SAFETY: the text lives until the call returns, and is only read.
        let number = unsafe { env::sk_http_open(request.as_ptr(), request.len()) };
        u32::try_from(number).map_err(|_| last_error())
    }

    pub(crate) fn http_send(request: u32, data: &[u8]) -> Result<(), String> {
        // SAFETY: the bytes live until the call returns, and are only read.
        match unsafe { env::sk_http_send(request, data.as_ptr(), data.len()) } {
            ..0 => Err(last_error()),
            _ => Ok(()),
        }
    }

    pub(crate) fn http_finish(request: u32) -> Result<Vec<u8>, String> {
        // SAFETY: a place of no bytes is not written to.
        response(unsafe { env::sk_http_finish(request, std::ptr::dangling_mut(), 0) })
    }

    pub(crate) fn http_read(request: u32, out: &mut [u8]) -> Result<usize, String> {
        // SAFETY: the bytes live until the call returns, and nobody else has them.
        let len = unsafe { env::sk_http_read(request, out.as_mut_ptr(), out.len()) };
        usize::try_from(len).map_err(|_| last_error())
    }

    pub(crate) fn http_close(request: u32) {
        // SAFETY: it takes a number.
        unsafe { env::sk_http_close(request) };
    }

    fn last_error() -> String {
        let mut text = vec![0; 1024];
        let (out, max) = (text.as_mut_ptr(), text.len());
        // SAFETY: `max` bytes of a vector that lives until the call returns.
        let len = unsafe { env::sk_http_last_error(out, max) };
        text.truncate(usize::try_from(len).unwrap_or(0));
        let missing = "add \"network\": true to wasmCapabilities in package.json";
        if text.is_empty() { missing.into() } else { String::from_utf8_lossy(&text).into_owned() }
    }

    pub(crate) fn ws_connect(url: &str, options: &str) -> Result<u32, String> {
        let (url, len) = (url.as_ptr(), url.len());
        // SAFETY: both texts live until the call returns, and are only read.
        let socket = unsafe { env::sk_ws_connect(url, len, options.as_ptr(), options.len()) };
        u32::try_from(socket).map_err(|_| last_error())
    }

    pub(crate) fn ws_send(socket: u32, data: &[u8], binary: bool) -> Result<(), String> {
        let (data, len) = (data.as_ptr(), data.len());
        // SAFETY: the bytes live until the call returns, and are only read.
        match unsafe { env::sk_ws_send(socket, data, len, i32::from(binary)) } {
            ..0 => Err(last_error()),
            _ => Ok(()),
        }
    }

    /// Bytes of a message and whether it is binary; waits so many milliseconds.
    pub(crate) fn ws_receive(socket: u32, timeout: i32) -> Result<Option<(Vec<u8>, bool)>, String> {
        let (mut message, mut kind) = (vec![0; 4096], 0);
        loop {
            let (out, max) = (message.as_mut_ptr(), message.len());
            // SAFETY: `max` bytes of a vector, and one byte, that live until the call returns.
            let len = unsafe { env::sk_ws_receive(socket, out, max, timeout, &raw mut kind) };
            match usize::try_from(len) {
                Err(_) => return Err(last_error()),
                Ok(0) => return Ok(None),
                Ok(len) if len <= max => {
                    message.truncate(len);
                    return Ok(Some((message, kind == 1)));
                }
                // The message stays, and says how much room it needs.
                Ok(len) => message.resize(len, 0),
            }
        }
    }

    pub(crate) fn ws_close(socket: u32, code: u16) {
        // SAFETY: numbers only.
        unsafe { env::sk_ws_close(socket, code.into()) };
    }

    /// The answer, or the error object, as JSON.
    pub(crate) fn call(method: &str, params: &str) -> Result<Vec<u8>, Vec<u8>> {
        let mut answer = vec![0; 1024];
        let (name, name_len) = (method.as_ptr(), method.len());
        let (text, text_len) = (params.as_ptr(), params.len());
        let (out, max) = (answer.as_mut_ptr(), answer.len());
        // SAFETY: both texts and `max` bytes of a vector live until the call returns.
        let len = unsafe { env::sk_call(name, name_len, text, text_len, out, max) };
        let len = usize::try_from(len).map_err(|_| call_error())?;
        if len > max {
            answer.resize(len, 0);
            // SAFETY: `len` bytes of a vector that lives until the call returns.
            let read = unsafe { env::sk_call_answer(answer.as_mut_ptr(), len) };
            if read < 0 {
                return Err(call_error());
            }
        }
        answer.truncate(len);
        Ok(answer)
    }

    fn call_error() -> Vec<u8> {
        let mut text = vec![0; 1024];
        loop {
            // SAFETY: all bytes of a vector that lives until the call returns.
            let len = unsafe { env::sk_call_error(text.as_mut_ptr(), text.len()) };
            let len = usize::try_from(len).unwrap_or(0);
            let fits = len <= text.len();
            text.resize(len, 0);
            if fits {
                return text;
            }
        }
    }

    /// The server writes nothing and says 0 when the text does not fit: ask again with more room.
    fn filled(call: impl Fn(*mut u8, usize) -> i32) -> Option<Vec<u8>> {
        for size in [1024, 64 * 1024] {
            let mut buffer = vec![0; size];
            let written = usize::try_from(call(buffer.as_mut_ptr(), size)).unwrap_or(0);
            if written > 0 && written <= size {
                buffer.truncate(written);
                return Some(buffer);
            }
        }
        None
    }
}

/// Natively there is no server: texts go nowhere, questions have no answer.
#[cfg(all(feature = "signalk", not(target_arch = "wasm32")))]
pub(crate) mod sk {
    pub(crate) fn debug(_: &str) {}
    pub(crate) fn set_status(_: &str) {}
    pub(crate) fn set_error(_: &str) {}
    pub(crate) fn handle_message(_: &str, _: i32) {}
    pub(crate) fn get_self_path(_: &str) -> Option<Vec<u8>> {
        None
    }
    pub(crate) fn read_config() -> Option<Vec<u8>> {
        None
    }
    pub(crate) fn save_config(_: &str) -> bool {
        false
    }
    pub(crate) fn register_delta_input_handler(_: &str) -> bool {
        false
    }
    pub(crate) fn http_request(_: &str) -> Result<Vec<u8>, String> {
        Err(NO_SERVER.to_owned())
    }
    pub(crate) fn http_open(_: &str) -> Result<u32, String> {
        Err(NO_SERVER.to_owned())
    }
    pub(crate) fn http_send(_: u32, _: &[u8]) -> Result<(), String> {
        Err(NO_SERVER.to_owned())
    }
    pub(crate) fn http_finish(_: u32) -> Result<Vec<u8>, String> {
        Err(NO_SERVER.to_owned())
    }
    pub(crate) fn http_read(_: u32, _: &mut [u8]) -> Result<usize, String> {
        Err(NO_SERVER.to_owned())
    }
    pub(crate) fn http_close(_: u32) {}
    pub(crate) fn ws_connect(_: &str, _: &str) -> Result<u32, String> {
        Err(NO_SERVER.to_owned())
    }
    pub(crate) fn ws_send(_: u32, _: &[u8], _: bool) -> Result<(), String> {
        Err(NO_SERVER.to_owned())
    }
    pub(crate) fn ws_receive(_: u32, _: i32) -> Result<Option<(Vec<u8>, bool)>, String> {
        Err(NO_SERVER.to_owned())
    }
    pub(crate) fn ws_close(_: u32, _: u16) {}
    pub(crate) fn call(_: &str, _: &str) -> Result<Vec<u8>, Vec<u8>> {
        Err(NO_SERVER.as_bytes().to_vec())
    }

    const NO_SERVER: &str = "there is no server outside of a WebAssembly module";
}
