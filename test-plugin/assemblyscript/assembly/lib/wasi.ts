// The 46 calls of WASI by their names, as an author declares them who uses no library for it. They are
// called with plain numbers.

@external("wasi_snapshot_preview1", "args_get")
declare function args_get(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "args_sizes_get")
declare function args_sizes_get(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "environ_get")
declare function environ_get(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "environ_sizes_get")
declare function environ_sizes_get(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "clock_res_get")
declare function clock_res_get(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "clock_time_get")
declare function clock_time_get(a: i32, b: i64, c: i32): i32
@external("wasi_snapshot_preview1", "fd_advise")
declare function fd_advise(a: i32, b: i64, c: i64, d: i32): i32
@external("wasi_snapshot_preview1", "fd_allocate")
declare function fd_allocate(a: i32, b: i64, c: i64): i32
@external("wasi_snapshot_preview1", "fd_close")
declare function fd_close(a: i32): i32
@external("wasi_snapshot_preview1", "fd_datasync")
declare function fd_datasync(a: i32): i32
@external("wasi_snapshot_preview1", "fd_fdstat_get")
declare function fd_fdstat_get(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "fd_fdstat_set_flags")
declare function fd_fdstat_set_flags(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "fd_fdstat_set_rights")
declare function fd_fdstat_set_rights(a: i32, b: i64, c: i64): i32
@external("wasi_snapshot_preview1", "fd_filestat_get")
declare function fd_filestat_get(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "fd_filestat_set_size")
declare function fd_filestat_set_size(a: i32, b: i64): i32
@external("wasi_snapshot_preview1", "fd_filestat_set_times")
declare function fd_filestat_set_times(a: i32, b: i64, c: i64, d: i32): i32
@external("wasi_snapshot_preview1", "fd_pread")
declare function fd_pread(a: i32, b: i32, c: i32, d: i64, e: i32): i32
@external("wasi_snapshot_preview1", "fd_prestat_get")
declare function fd_prestat_get(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "fd_prestat_dir_name")
declare function fd_prestat_dir_name(a: i32, b: i32, c: i32): i32
@external("wasi_snapshot_preview1", "fd_pwrite")
declare function fd_pwrite(a: i32, b: i32, c: i32, d: i64, e: i32): i32
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(a: i32, b: i32, c: i32, d: i32): i32
@external("wasi_snapshot_preview1", "fd_readdir")
declare function fd_readdir(a: i32, b: i32, c: i32, d: i64, e: i32): i32
@external("wasi_snapshot_preview1", "fd_renumber")
declare function fd_renumber(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "fd_seek")
declare function fd_seek(a: i32, b: i64, c: i32, d: i32): i32
@external("wasi_snapshot_preview1", "fd_sync")
declare function fd_sync(a: i32): i32
@external("wasi_snapshot_preview1", "fd_tell")
declare function fd_tell(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(a: i32, b: i32, c: i32, d: i32): i32
@external("wasi_snapshot_preview1", "path_create_directory")
declare function path_create_directory(a: i32, b: i32, c: i32): i32
@external("wasi_snapshot_preview1", "path_filestat_get")
declare function path_filestat_get(a: i32, b: i32, c: i32, d: i32, e: i32): i32
@external("wasi_snapshot_preview1", "path_filestat_set_times")
declare function path_filestat_set_times(a: i32, b: i32, c: i32, d: i32, e: i64, f: i64, g: i32): i32
@external("wasi_snapshot_preview1", "path_link")
declare function path_link(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32, g: i32): i32
@external("wasi_snapshot_preview1", "path_open")
declare function path_open(a: i32, b: i32, c: i32, d: i32, e: i32, f: i64, g: i64, h: i32, i: i32): i32
@external("wasi_snapshot_preview1", "path_readlink")
declare function path_readlink(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32): i32
@external("wasi_snapshot_preview1", "path_remove_directory")
declare function path_remove_directory(a: i32, b: i32, c: i32): i32
@external("wasi_snapshot_preview1", "path_rename")
declare function path_rename(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32): i32
@external("wasi_snapshot_preview1", "path_symlink")
declare function path_symlink(a: i32, b: i32, c: i32, d: i32, e: i32): i32
@external("wasi_snapshot_preview1", "path_unlink_file")
declare function path_unlink_file(a: i32, b: i32, c: i32): i32
@external("wasi_snapshot_preview1", "poll_oneoff")
declare function poll_oneoff(a: i32, b: i32, c: i32, d: i32): i32
@external("wasi_snapshot_preview1", "proc_raise")
declare function proc_raise(a: i32): i32
@external("wasi_snapshot_preview1", "sched_yield")
declare function sched_yield(): i32
@external("wasi_snapshot_preview1", "random_get")
declare function random_get(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "sock_accept")
declare function sock_accept(a: i32, b: i32, c: i32): i32
@external("wasi_snapshot_preview1", "sock_recv")
declare function sock_recv(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32): i32
@external("wasi_snapshot_preview1", "sock_send")
declare function sock_send(a: i32, b: i32, c: i32, d: i32, e: i32): i32
@external("wasi_snapshot_preview1", "sock_shutdown")
declare function sock_shutdown(a: i32, b: i32): i32
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(a: i32): void

/** Calls the one of this name with as many numbers as it takes; -1000: there is none. */
export function call(name: string, n: StaticArray<i32>): i32 {
  if (name == 'args_get') return args_get(n[0], n[1])
  if (name == 'args_sizes_get') return args_sizes_get(n[0], n[1])
  if (name == 'environ_get') return environ_get(n[0], n[1])
  if (name == 'environ_sizes_get') return environ_sizes_get(n[0], n[1])
  if (name == 'clock_res_get') return clock_res_get(n[0], n[1])
  if (name == 'clock_time_get') return clock_time_get(n[0], n[1], n[2])
  if (name == 'fd_advise') return fd_advise(n[0], n[1], n[2], n[3])
  if (name == 'fd_allocate') return fd_allocate(n[0], n[1], n[2])
  if (name == 'fd_close') return fd_close(n[0])
  if (name == 'fd_datasync') return fd_datasync(n[0])
  if (name == 'fd_fdstat_get') return fd_fdstat_get(n[0], n[1])
  if (name == 'fd_fdstat_set_flags') return fd_fdstat_set_flags(n[0], n[1])
  if (name == 'fd_fdstat_set_rights') return fd_fdstat_set_rights(n[0], n[1], n[2])
  if (name == 'fd_filestat_get') return fd_filestat_get(n[0], n[1])
  if (name == 'fd_filestat_set_size') return fd_filestat_set_size(n[0], n[1])
  if (name == 'fd_filestat_set_times') return fd_filestat_set_times(n[0], n[1], n[2], n[3])
  if (name == 'fd_pread') return fd_pread(n[0], n[1], n[2], n[3], n[4])
  if (name == 'fd_prestat_get') return fd_prestat_get(n[0], n[1])
  if (name == 'fd_prestat_dir_name') return fd_prestat_dir_name(n[0], n[1], n[2])
  if (name == 'fd_pwrite') return fd_pwrite(n[0], n[1], n[2], n[3], n[4])
  if (name == 'fd_read') return fd_read(n[0], n[1], n[2], n[3])
  if (name == 'fd_readdir') return fd_readdir(n[0], n[1], n[2], n[3], n[4])
  if (name == 'fd_renumber') return fd_renumber(n[0], n[1])
  if (name == 'fd_seek') return fd_seek(n[0], n[1], n[2], n[3])
  if (name == 'fd_sync') return fd_sync(n[0])
  if (name == 'fd_tell') return fd_tell(n[0], n[1])
  if (name == 'fd_write') return fd_write(n[0], n[1], n[2], n[3])
  if (name == 'path_create_directory') return path_create_directory(n[0], n[1], n[2])
  if (name == 'path_filestat_get') return path_filestat_get(n[0], n[1], n[2], n[3], n[4])
  if (name == 'path_filestat_set_times') return path_filestat_set_times(n[0], n[1], n[2], n[3], n[4], n[5], n[6])
  if (name == 'path_link') return path_link(n[0], n[1], n[2], n[3], n[4], n[5], n[6])
  if (name == 'path_open') return path_open(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8])
  if (name == 'path_readlink') return path_readlink(n[0], n[1], n[2], n[3], n[4], n[5])
  if (name == 'path_remove_directory') return path_remove_directory(n[0], n[1], n[2])
  if (name == 'path_rename') return path_rename(n[0], n[1], n[2], n[3], n[4], n[5])
  if (name == 'path_symlink') return path_symlink(n[0], n[1], n[2], n[3], n[4])
  if (name == 'path_unlink_file') return path_unlink_file(n[0], n[1], n[2])
  if (name == 'poll_oneoff') return poll_oneoff(n[0], n[1], n[2], n[3])
  if (name == 'proc_raise') return proc_raise(n[0])
  if (name == 'sched_yield') return sched_yield()
  if (name == 'random_get') return random_get(n[0], n[1])
  if (name == 'sock_accept') return sock_accept(n[0], n[1], n[2])
  if (name == 'sock_recv') return sock_recv(n[0], n[1], n[2], n[3], n[4], n[5])
  if (name == 'sock_send') return sock_send(n[0], n[1], n[2], n[3], n[4])
  if (name == 'sock_shutdown') return sock_shutdown(n[0], n[1])
  if (name == 'proc_exit') proc_exit(n[0])
  return -1000
}
