//! One call of each of the 46 functions of WASI. What they do in sequence is proved by
//! `tests/conformance/wasi.json`; here: linked in every flavour, with and without `storage`, and
//! with every pointer spoilt.

use crate::cases::{Case, Gives};
use crate::guest::Arg::{self, In, Number as N, Out, Room, Text};

/// One buffer of 4 bytes at address 16, which belongs to nobody.
const IOV: &[u8] = &[16, 0, 0, 0, 4, 0, 0, 0];
/// One buffer of no bytes.
const NOTHING: &[u8] = &[16, 0, 0, 0, 0, 0, 0, 0];
/// The clock has passed this long ago.
const PAST: &[u8] = &[0; 48];
/// The preopened root, standard output.
const ROOT: Arg = N(3);
/// `/data/a`, which holds `four`, opened.
const FILE: Arg = N(4);
const OPEN: &str = "(drop (call $open (i32.const 3) (i32.const 0) (i32.const 12340) (i32.const 6) (i32.const 0) (i64.const 0x1fffffff) (i64.const 0x1fffffff) (i32.const 0) (i32.const 12360)))";
const STDOUT: Arg = N(1);

macro_rules! cases {
    ($($name:literal $(with $setup:ident)? ($($arg:expr),*) => $errno:literal;)*) => {
        &[$(Case {
            name: $name,
            setup: cases!(@setup $($setup)?),
            args: &[$($arg),*],
            gives: Gives::Is($errno),
            does: "",
        },)*]
    };
    (@setup) => { "" };
    (@setup $setup:ident) => { $setup };
}

/// In the order of the specification. Errno 44 is ENOENT, 58 ENOTSUP.
pub(crate) const CASES: &[Case] = cases! {
    "args_get"(Out(64), Out(64)) => 0;
    "args_sizes_get"(Out(4), Out(4)) => 0;
    "environ_get"(Out(16), Out(64)) => 0;
    "environ_sizes_get"(Out(4), Out(4)) => 0;
    "clock_res_get"(N(0), Out(8)) => 0;
    "clock_time_get"(N(1), N(0), Out(8)) => 0;
    "fd_advise" with OPEN (FILE, N(0), N(0), N(0)) => 0;
    "fd_allocate" with OPEN (FILE, N(0), N(1)) => 0;
    "fd_close" with OPEN (FILE) => 0;
    "fd_datasync" with OPEN (FILE) => 0;
    "fd_fdstat_get"(STDOUT, Out(24)) => 0;
    "fd_fdstat_set_flags" with OPEN (FILE, N(0)) => 0;
    "fd_fdstat_set_rights" with OPEN (FILE, N(0), N(0)) => 0;
    "fd_filestat_get"(STDOUT, Out(64)) => 0;
    "fd_filestat_set_size" with OPEN (FILE, N(0)) => 0;
    "fd_filestat_set_times" with OPEN (FILE, N(0), N(0), N(0)) => 0;
    "fd_pread" with OPEN (FILE, In(IOV), N(1), N(0), Out(4)) => 0;
    "fd_prestat_get"(ROOT, Out(8)) => 0;
    "fd_prestat_dir_name"(ROOT, Room(2)) => 0;
    "fd_pwrite" with OPEN (FILE, In(IOV), N(1), N(0), Out(4)) => 0;
    "fd_read" with OPEN (FILE, In(IOV), N(1), Out(4)) => 0;
    "fd_readdir"(ROOT, Room(256), N(0), Out(4)) => 0;
    "fd_renumber" with OPEN (FILE, N(4)) => 0;
    "fd_seek" with OPEN (FILE, N(0), N(0), Out(8)) => 0;
    "fd_sync" with OPEN (FILE) => 0;
    "fd_tell" with OPEN (FILE, Out(8)) => 0;
    "fd_write"(N(2), In(NOTHING), N(1), Out(4)) => 0;
    "path_create_directory"(ROOT, Text("data/new")) => 0;
    "path_filestat_get"(ROOT, N(0), Text("data/a"), Out(64)) => 0;
    "path_filestat_set_times"(ROOT, N(0), Text("data/a"), N(0), N(0), N(0)) => 0;
    "path_link"(ROOT, N(0), Text("data/a"), ROOT, Text("data/b")) => 0;
    "path_open"(ROOT, N(0), Text("data/a"), N(0), N(2), N(0), N(0), Out(4)) => 0;
    "path_readlink"(ROOT, Text("data/none"), Room(16), Out(4)) => 44;
    "path_remove_directory"(ROOT, Text("data/none")) => 44;
    "path_rename"(ROOT, Text("data/a"), ROOT, Text("data/b")) => 0;
    "path_symlink"(Text("a"), ROOT, Text("data/s")) => 58;
    "path_unlink_file"(ROOT, Text("data/a")) => 0;
    "poll_oneoff"(In(PAST), Out(32), N(1), Out(4)) => 0;
    "proc_raise"(N(0)) => 0;
    "sched_yield"() => 0;
    "random_get"(Room(16)) => 0;
    "sock_accept"(STDOUT, N(0), Out(4)) => 58;
    "sock_recv"(STDOUT, In(IOV), N(1), N(0), Out(4), Out(4)) => 58;
    "sock_send"(STDOUT, In(IOV), N(1), N(0), Out(4)) => 58;
    "sock_shutdown"(STDOUT, N(0)) => 58;
};

/// `proc_exit` does not return.
pub(crate) const EXIT: Case =
    Case { name: "proc_exit", setup: "", args: &[N(7)], gives: Gives::Ends("7"), does: "" };

/// The case of a function.
pub(crate) fn case(name: &str) -> &'static Case {
    CASES
        .iter()
        .chain([&EXIT])
        .find(|case| case.name == name)
        .unwrap_or_else(|| panic!("`{name}` of plugin-abi.json has no case; add one to wasi.rs"))
}
