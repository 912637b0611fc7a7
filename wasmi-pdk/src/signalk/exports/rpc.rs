//! The exports of JSON-RPC plugins and the calls of WASI that carry their messages. What they do is in `runtime.rs`.

use std::cell::RefCell;
use std::time::Duration;

use crate::Router;
use crate::runtime::{Next, Runtime};
use crate::stdio::Stdio;

thread_local! {
    static REACTOR: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

/// The export `rpc_poll`: nanoseconds until the plugin wants to be called again, -1 for "when input
/// arrives". The first call makes the plugin.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_rpc_poll {
    ($plugin:expr) => {
        // SAFETY: the name is that of the ABI; natively, where it could meet another, it is not
        // exported.
        #[cfg(target_arch = "wasm32")]
        #[unsafe(no_mangle)]
        extern "C" fn rpc_poll() -> i64 {
            $crate::exports::run_reactor(|| $crate::IntoRouter::into_router($plugin))
        }
    };
}

/// One turn of the reactor form; for the macro `plugin!`.
#[doc(hidden)]
pub fn run_reactor<S: 'static>(make: impl FnOnce() -> Router<S>) -> i64 {
    REACTOR.with_borrow_mut(|runtime| {
        let mut connection = Stdio { reads: u32::MAX };
        match runtime.get_or_insert_with(|| Runtime::new(make())).poll(&mut connection) {
            Next::After(wait) => i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX),
            Next::Input | Next::Ended => -1,
        }
    })
}

/// The command form: serves until input ends; for the macro `plugin!`.
#[doc(hidden)]
pub fn run_command<S: 'static>(make: impl FnOnce() -> Router<S>) {
    let mut runtime = Runtime::new(make());
    let mut connection = Stdio { reads: 0 };
    loop {
        match runtime.poll(&mut connection) {
            Next::After(wait) if runtime.has_ended() => std::thread::sleep(wait),
            Next::After(wait) => connection.reads = input_within(wait).into(),
            Next::Input => connection.reads = 1,
            Next::Ended => return,
        }
    }
}

/// One read of stdin into the buffer; 0 at the end.
#[inline]
#[cfg(target_os = "wasi")]
pub(crate) fn read_stdin(buffer: &mut [u8]) -> std::io::Result<usize> {
    let vector = Vector { address: buffer.as_mut_ptr(), len: buffer.len() };
    let mut count = 0;
    // SAFETY: one vector of the living buffer, which the host may fill; a place for one size.
    let errno = unsafe { fd_read(0, &raw const vector, 1, &raw mut count) };
    if errno == 0 { Ok(count) } else { Err(std::io::Error::from_raw_os_error(errno)) }
}

/// One write to stdout; how many bytes the host took.
#[inline]
#[cfg(target_os = "wasi")]
pub(crate) fn write_stdout(bytes: &[u8]) -> std::io::Result<usize> {
    let vector = Vector { address: bytes.as_ptr().cast_mut(), len: bytes.len() };
    let mut count = 0;
    // SAFETY: one vector of the living bytes, which `fd_write` only reads; a place for one size.
    let errno = unsafe { fd_write(1, &raw const vector, 1, &raw mut count) };
    if errno == 0 { Ok(count) } else { Err(std::io::Error::from_raw_os_error(errno)) }
}

/// `iovec` of WASI preview 1.
#[cfg(target_os = "wasi")]
#[repr(C)]
struct Vector {
    address: *mut u8,
    len: usize,
}

#[cfg(target_os = "wasi")]
#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn fd_read(fd: u32, vectors: *const Vector, count: usize, read: *mut usize) -> i32;
    fn fd_write(fd: u32, vectors: *const Vector, count: usize, written: *mut usize) -> i32;
}

/// Waits for input on stdin, but not longer than this; whether there is some.
#[cfg(target_os = "wasi")]
fn input_within(wait: Duration) -> bool {
    /// `subscription` of WASI preview 1: 48 bytes, the union at offset 16.
    #[repr(C)]
    #[derive(Default)]
    struct Subscription {
        userdata: u64,
        tag: u64,
        /// Clock id, or the file descriptor.
        id: u64,
        timeout: u64,
        precision: u64,
        flags: u64,
    }
    /// `event`: 32 bytes.
    #[repr(C)]
    #[derive(Default, Clone, Copy)]
    struct Event {
        userdata: u64,
        error_and_type: u64,
        bytes: u64,
        flags: u64,
    }
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        fn poll_oneoff(
            subscriptions: *const Subscription,
            events: *mut Event,
            count: usize,
            happened: *mut usize,
        ) -> i32;
    }
    const MONOTONIC: u64 = 1;
    const FD_READ: u64 = 1;
    let timeout = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
    let subscriptions = [
        Subscription { id: MONOTONIC, timeout, ..Subscription::default() },
        Subscription { userdata: 1, tag: FD_READ, id: 0, ..Subscription::default() },
    ];
    let mut events = [Event::default(); 2];
    let mut happened = 0;
    // SAFETY: both arrays have `count` elements of the layout that preview 1 fixes, and outlive
    // the call; `happened` is a place for one size.
    let errno =
        unsafe { poll_oneoff(subscriptions.as_ptr(), events.as_mut_ptr(), 2, &raw mut happened) };
    errno == 0 && events.iter().take(happened).any(|event| event.userdata == 1)
}

/// Natively a program may only be tried out by hand: timers are kept, input waits for them.
#[cfg(not(target_os = "wasi"))]
fn input_within(wait: Duration) -> bool {
    std::thread::sleep(wait);
    false
}
