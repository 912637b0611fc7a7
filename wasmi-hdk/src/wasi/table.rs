//! The table: name, types and function of all 46 calls of `wasi_snapshot_preview1`.
//!
//! The types are those of the specification's witx file; a test compares them
//! with the host specification's own list. A new call is one row here and one
//! function in the file of its family.

use super::ctx::{Args, Ctx, Done, Stop};
use super::{
    Errno, WasiCall, WasiResult, args, clock, environ, fd_dir, fd_file, fd_stat, path, poll,
    process, random, sock,
};
use crate::val::ValType;

macro_rules! param {
    (u32) => {
        ValType::I32
    };
    (u64) => {
        ValType::I64
    };
}

macro_rules! table {
    ($($name:ident($($arg:ident: $ty:ident),*) -> $returns:literal => $run:path;)*) => {
        const TABLE: &[WasiCall] = &[$(
            WasiCall {
                name: stringify!($name),
                params: &[$(param!($ty)),*],
                returns: $returns,
                run: |state, memory, platform, args| {
                    state.begin_call();
                    let run = |ctx: &mut Ctx<'_, '_>, _args: &mut Args<'_>| {
                        $(let $arg = _args.$ty();)*
                        $run(ctx, $($arg),*)
                    };
                    answer(run(&mut Ctx { state, memory, platform }, &mut Args::new(args)))
                },
            },
        )*];
    };
}

/// All calls, in the order of the specification.
#[must_use]
pub fn table() -> &'static [WasiCall] {
    TABLE
}

/// Calls whose arguments or structures differ between the two module names:
/// `whence` of seek, the link count of filestat, the size of a subscription.
/// Under [`UNSTABLE_MODULE`](super::UNSTABLE_MODULE) they stay unsupported.
pub const UNSTABLE_DIFFERS: &[&str] =
    &["fd_seek", "fd_filestat_get", "path_filestat_get", "poll_oneoff", "sock_accept"];

table! {
    args_get(argv: u32, buf: u32) -> true => args::args_get;
    args_sizes_get(count: u32, size: u32) -> true => args::args_sizes_get;
    environ_get(environ: u32, buf: u32) -> true => environ::environ_get;
    environ_sizes_get(count: u32, size: u32) -> true => environ::environ_sizes_get;
    clock_res_get(id: u32, out: u32) -> true => clock::clock_res_get;
    clock_time_get(id: u32, precision: u64, out: u32) -> true => clock::clock_time_get;
    fd_advise(fd: u32, offset: u64, len: u64, advice: u32) -> true => fd_file::fd_advise;
    fd_allocate(fd: u32, offset: u64, len: u64) -> true => fd_file::fd_allocate;
    fd_close(fd: u32) -> true => fd_stat::fd_close;
    fd_datasync(fd: u32) -> true => fd_file::fd_datasync;
    fd_fdstat_get(fd: u32, out: u32) -> true => fd_stat::fd_fdstat_get;
    fd_fdstat_set_flags(fd: u32, flags: u32) -> true => fd_stat::fd_fdstat_set_flags;
    fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64) -> true => fd_stat::fd_fdstat_set_rights;
    fd_filestat_get(fd: u32, out: u32) -> true => fd_stat::fd_filestat_get;
    fd_filestat_set_size(fd: u32, size: u64) -> true => fd_file::fd_filestat_set_size;
    fd_filestat_set_times(fd: u32, atim: u64, mtim: u64, flags: u32) -> true => fd_stat::fd_filestat_set_times;
    fd_pread(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nread: u32) -> true => fd_file::fd_pread;
    fd_prestat_get(fd: u32, out: u32) -> true => fd_stat::fd_prestat_get;
    fd_prestat_dir_name(fd: u32, buf: u32, len: u32) -> true => fd_stat::fd_prestat_dir_name;
    fd_pwrite(fd: u32, iovs: u32, iovs_len: u32, offset: u64, nwritten: u32) -> true => fd_file::fd_pwrite;
    fd_read(fd: u32, iovs: u32, iovs_len: u32, nread: u32) -> true => fd_file::fd_read;
    fd_readdir(fd: u32, buf: u32, len: u32, cookie: u64, used: u32) -> true => fd_dir::fd_readdir;
    fd_renumber(from: u32, to: u32) -> true => fd_stat::fd_renumber;
    fd_seek(fd: u32, delta: u64, whence: u32, out: u32) -> true => fd_file::fd_seek;
    fd_sync(fd: u32) -> true => fd_file::fd_sync;
    fd_tell(fd: u32, out: u32) -> true => fd_file::fd_tell;
    fd_write(fd: u32, iovs: u32, iovs_len: u32, nwritten: u32) -> true => fd_file::fd_write;
    path_create_directory(fd: u32, path: u32, len: u32) -> true => path::path_create_directory;
    path_filestat_get(fd: u32, lookup: u32, path: u32, len: u32, out: u32) -> true => path::path_filestat_get;
    path_filestat_set_times(fd: u32, lookup: u32, path: u32, len: u32, atim: u64, mtim: u64, flags: u32) -> true => path::path_filestat_set_times;
    path_link(fd: u32, lookup: u32, path: u32, len: u32, new_fd: u32, new_path: u32, new_len: u32) -> true => path::path_link;
    path_open(fd: u32, lookup: u32, path: u32, len: u32, oflags: u32, base: u64, inheriting: u64, fdflags: u32, out: u32) -> true => path::path_open;
    path_readlink(fd: u32, path: u32, len: u32, buf: u32, buf_len: u32, used: u32) -> true => path::path_readlink;
    path_remove_directory(fd: u32, path: u32, len: u32) -> true => path::path_remove_directory;
    path_rename(fd: u32, path: u32, len: u32, new_fd: u32, new_path: u32, new_len: u32) -> true => path::path_rename;
    path_symlink(target: u32, target_len: u32, fd: u32, path: u32, len: u32) -> true => path::path_symlink;
    path_unlink_file(fd: u32, path: u32, len: u32) -> true => path::path_unlink_file;
    poll_oneoff(subscriptions: u32, events: u32, count: u32, out: u32) -> true => poll::poll_oneoff;
    proc_exit(code: u32) -> false => process::proc_exit;
    proc_raise(signal: u32) -> true => process::proc_raise;
    sched_yield() -> true => process::sched_yield;
    random_get(buf: u32, len: u32) -> true => random::random_get;
    sock_accept(fd: u32, flags: u32, out: u32) -> true => sock::sock_accept;
    sock_recv(fd: u32, iovs: u32, iovs_len: u32, flags: u32, nread: u32, out_flags: u32) -> true => sock::sock_recv;
    sock_send(fd: u32, iovs: u32, iovs_len: u32, flags: u32, nwritten: u32) -> true => sock::sock_send;
    sock_shutdown(fd: u32, how: u32) -> true => sock::sock_shutdown;
}

fn answer(done: Done) -> WasiResult {
    match done {
        Ok(()) => WasiResult::Errno(Errno::Success),
        Err(Stop::Errno(errno)) => WasiResult::Errno(errno),
        Err(Stop::Suspend(wait)) => WasiResult::Suspend(wait),
        Err(Stop::Exit(code)) => WasiResult::Exit(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_46_calls_and_only_exit_returns_nothing() {
        assert_eq!(table().len(), 46);
        let silent: Vec<_> = table().iter().filter(|row| !row.returns).map(|r| r.name).collect();
        assert_eq!(silent, ["proc_exit"]);
    }
}
