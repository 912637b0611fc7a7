//! What guests hand over and are handed: addresses of bytes, a few imports with Rust's types, and the
//! shapes of the exports of chapter 3. What is done with the texts that arrive is in the guests.
#![allow(unsafe_code)]

use crate::imports::{
    self, sk_debug, sk_emit_binary_stream, sk_handle_message, sk_tcp_recv_line, sk_tcp_recv_raw,
    sk_udp_recv, sk_udp_send,
};

/// Calls the import of this name; `None`: there is none with so many arguments.
#[must_use]
pub fn call(name: &str, arguments: &[i32]) -> Option<i32> {
    let arguments: Vec<i64> = arguments.iter().copied().map(i64::from).collect();
    imports::call(name, &arguments)
}

/// Address and length of bytes that stay where they are during the call.
#[must_use]
pub fn pair(bytes: &[u8]) -> [i32; 2] {
    [bytes.as_ptr() as usize as i32, bytes.len() as i32]
}

/// The same of bytes that the call may write to.
#[must_use]
pub fn pair_mut(bytes: &mut [u8]) -> [i32; 2] {
    [bytes.as_mut_ptr() as usize as i32, bytes.len() as i32]
}

/// One line of the plugin's log.
pub fn debug(text: &str) {
    let [at, len] = pair(text.as_bytes());
    // SAFETY: a living text, which the host only reads.
    unsafe { sk_debug(at, len) }
}

/// A delta, as v1.
pub fn emit(delta: &str) {
    let [at, len] = pair(delta.as_bytes());
    // SAFETY: a living text, which the host only reads.
    unsafe { sk_handle_message(at, len, 1) }
}

/// `sk_emit_binary_stream`.
pub fn stream(name: &str, data: &[u8]) {
    let ([name, name_len], [data, data_len]) = (pair(name.as_bytes()), pair(data));
    // SAFETY: living bytes, which the host only reads.
    unsafe { sk_emit_binary_stream(name, name_len, data, data_len) };
}

/// `sk_udp_send`.
#[must_use]
pub fn udp_send(id: i32, to: &str, port: u16, data: &[u8]) -> i32 {
    let ([to, to_len], [data, data_len]) = (pair(to.as_bytes()), pair(data));
    // SAFETY: living bytes, which the host only reads.
    unsafe { sk_udp_send(id, to, to_len, i32::from(port), data, data_len) }
}

/// `sk_udp_recv`: the result, and the sender. The datagram is in `buffer`.
#[must_use]
pub fn udp_receive(id: i32, buffer: &mut [u8]) -> (i32, String, u16) {
    let (mut sender, mut port) = ([0_u8; 46], [0_u8; 2]);
    let ([out, max], [sender_out, _], [port_out, _]) =
        (pair_mut(buffer), pair_mut(&mut sender), pair_mut(&mut port));
    // SAFETY: three living places of the sizes that the ABI names.
    let count = unsafe { sk_udp_recv(id, out, max, sender_out, port_out) };
    let end = sender.iter().position(|byte| *byte == 0).unwrap_or(sender.len());
    (count, String::from_utf8_lossy(&sender[..end]).into_owned(), u16::from_le_bytes(port))
}

/// `sk_tcp_recv_line` or `sk_tcp_recv_raw`.
#[must_use]
pub fn tcp_receive(id: i32, lines: bool, buffer: &mut [u8]) -> i32 {
    let [out, max] = pair_mut(buffer);
    // SAFETY: a living buffer of this size.
    unsafe { if lines { sk_tcp_recv_line(id, out, max) } else { sk_tcp_recv_raw(id, out, max) } }
}

/// Size of the memory, in pages of 64 KiB.
#[must_use]
pub fn memory_pages() -> usize {
    #[cfg(target_arch = "wasm32")]
    return core::arch::wasm32::memory_size(0);
    #[cfg(not(target_arch = "wasm32"))]
    0
}

/// What the linker wrote to be done before anything else. A library that does not ask for it has it
/// done at the beginning of each export.
#[doc(hidden)]
pub fn construct() {
    #[cfg(target_arch = "wasm32")]
    {
        unsafe extern "C" {
            fn __wasm_call_ctors();
        }
        // SAFETY: the linker's own function; `_initialize` is called once.
        unsafe { __wasm_call_ctors() }
    }
}

/// Room for the host to write to; it comes back to [`deallocate`] with the same size.
#[doc(hidden)]
#[must_use]
pub fn allocate(size: usize) -> *mut u8 {
    std::mem::ManuallyDrop::new(Vec::<u8>::with_capacity(size)).as_mut_ptr()
}

/// Frees it.
///
/// # Safety
/// `at` came from [`allocate`] with this size.
#[doc(hidden)]
pub unsafe fn deallocate(at: *mut u8, size: usize) {
    // SAFETY: what the caller promises.
    drop(unsafe { Vec::from_raw_parts(at, 0, size) });
}

/// A text that the host has written.
///
/// # Safety
/// There are `len` bytes at `at`.
#[doc(hidden)]
#[must_use]
pub unsafe fn text(at: *const u8, len: usize) -> String {
    // SAFETY: what the caller promises.
    String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(at, len) }).into_owned()
}

/// Gives a text to the host: what fits of it, and how much that is, as guests in the field do.
///
/// # Safety
/// There is room for `max` bytes at `out`.
#[doc(hidden)]
#[must_use]
pub unsafe fn give(answer: &str, out: *mut u8, max: usize) -> usize {
    let count = answer.len().min(max);
    // SAFETY: what the caller promises.
    unsafe { std::ptr::copy_nonoverlapping(answer.as_ptr(), out, count) };
    count
}

/// Exports by their shape: `texts` `(out,max)->len`, `takes` `(ptr,len)->i32`, `runs` `()->i32`,
/// `tells` `(ptr,len)->()`, `asks` `(ptr,len,out,max)->len`; where wanted `wakes` `(socket)->()`.
#[macro_export]
macro_rules! exports {
    (
        texts { $($text:ident = $write:path;)* }
        takes { $($take:ident = $took:path;)* }
        runs { $($run:ident = $ran:path;)* }
        tells { $($tell:ident = $told:path;)* }
        asks { $($ask:ident = $asked:path;)* }
        $(wakes { $($wake:ident = $woke:path;)* })?
    ) => {
        $($crate::export!($text, fn(&str) -> String, $write, (out: *mut u8, max: usize) -> usize {
            // SAFETY: the host's promise (plugin ABI 2.6).
            unsafe { $crate::abi::give(&DO(stringify!($text)), out, max) }
        });)*
        $($crate::export!($take, fn(&str) -> i32, $took, (at: *const u8, len: usize) -> i32 {
            // SAFETY: the host's promise (plugin ABI 2.6).
            DO(&unsafe { $crate::abi::text(at, len) })
        });)*
        $($crate::export!($run, fn() -> i32, $ran, () -> i32 { DO() });)*
        $($crate::export!($tell, fn(&str), $told, (at: *const u8, len: usize) {
            // SAFETY: the host's promise (plugin ABI 2.6).
            DO(&unsafe { $crate::abi::text(at, len) });
        });)*
        $($crate::export!($ask, fn(&str, &str) -> String, $asked, (at: *const u8, len: usize, out: *mut u8, max: usize) -> usize {
            // SAFETY: the host's promise (plugin ABI 2.6).
            unsafe { $crate::abi::give(&DO(stringify!($ask), &$crate::abi::text(at, len)), out, max) }
        });)*
        $($($crate::export!($wake, fn(i32), $woke, (socket: i32) { DO(socket); });)*)?
    };
}

/// The two exports of the allocator.
#[macro_export]
macro_rules! allocator {
    () => {
        $crate::export!(allocate, fn(usize) -> *mut u8, $crate::abi::allocate, (size: usize) -> *mut u8 {
            DO(size)
        });
        $crate::export!(deallocate, unsafe fn(*mut u8, usize), $crate::abi::deallocate, (at: *mut u8, size: usize) {
            // SAFETY: the host's promise (plugin ABI 2.6).
            unsafe { DO(at, size) };
        });
    };
}

/// One export, whose body calls `DO`. The two blocks keep a function of the guest apart from the
/// export of the same name.
#[doc(hidden)]
#[macro_export]
macro_rules! export {
    ($name:ident, $kind:ty, $do:path, ($($argument:ident: $of:ty),*) $(-> $result:ty)? { $($body:tt)* }) => {
        const _: () = {
            const DO: $kind = $do;
            #[allow(unsafe_code)]
            const _: () = {
                // SAFETY: name and type are those of plugin ABI chapter 3.
                #[unsafe(no_mangle)]
                extern "C" fn $name($($argument: $of),*) $(-> $result)? {
                    $($body)*
                }
            };
        };
    };
}
