//! Imports and exports of the buffer ABI (plugin ABI 2.6, 3.1): the one file with unsafe code, because that ABI hands
//! over addresses. It runs inside the sandbox of the server that loads it.

use std::mem::ManuallyDrop;
use std::{ptr, slice};

// SAFETY: the signatures are those of the plugin ABI (4.2, 4.3), which both servers offer.
#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn sk_set_status(at: *const u8, len: usize);
    fn sk_handle_message(at: *const u8, len: usize);
}

/// What the plugin list shows.
pub fn set_status(text: &str) {
    // SAFETY: a living text, which the host only reads.
    unsafe { sk_set_status(text.as_ptr(), text.len()) }
}

/// Sends a delta.
pub fn emit(delta: &str) {
    // SAFETY: a living text, which the host only reads.
    unsafe { sk_handle_message(delta.as_ptr(), delta.len()) }
}

/// Gives a text to the host.
fn give(text: &str, out: *mut u8, max: usize) -> usize {
    let len = text.len().min(max);
    // SAFETY: the host promises `max` bytes at `out`.
    unsafe { ptr::copy_nonoverlapping(text.as_ptr(), out, len) };
    len
}

#[unsafe(no_mangle)]
extern "C" fn allocate(size: usize) -> *mut u8 {
    ManuallyDrop::new(Vec::<u8>::with_capacity(size)).as_mut_ptr()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn deallocate(at: *mut u8, size: usize) {
    // SAFETY: the host promises that `at` came from `allocate` with this size.
    drop(unsafe { Vec::from_raw_parts(at, 0, size) });
}

#[unsafe(no_mangle)]
extern "C" fn plugin_id(out: *mut u8, max: usize) -> usize {
    give("counter", out, max)
}

#[unsafe(no_mangle)]
extern "C" fn plugin_name(out: *mut u8, max: usize) -> usize {
    give("Counter", out, max)
}

#[unsafe(no_mangle)]
extern "C" fn plugin_schema(out: *mut u8, max: usize) -> usize {
    give(super::SCHEMA, out, max)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn plugin_start(at: *const u8, len: usize) -> i32 {
    // SAFETY: the host promises `len` bytes at `at` for the time of the call.
    super::start(unsafe { slice::from_raw_parts(at, len) })
}

#[unsafe(no_mangle)]
extern "C" fn plugin_stop() -> i32 {
    0
}

#[unsafe(no_mangle)]
extern "C" fn poll() -> i32 {
    super::poll()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn delta_handler(at: *const u8, len: usize) {
    // SAFETY: the host promises `len` bytes at `at` for the time of the call.
    super::delta(unsafe { slice::from_raw_parts(at, len) });
}

#[cfg(feature = "values")]
#[unsafe(no_mangle)]
unsafe extern "C" fn values_handler(at: *const u8, len: usize) {
    // SAFETY: the host promises `len` bytes at `at` for the time of the call.
    super::take_values(unsafe { slice::from_raw_parts(at, len) });
}
