//go:build wasip1

// The 46 calls of WASI, of which Go's own library makes 19.

package main

var wasiCalls = map[string]call{
	"args_get":              {2, func(n []int64) int32 { return wasiArgsGet(int32(n[0]), int32(n[1])) }},
	"args_sizes_get":        {2, func(n []int64) int32 { return wasiArgsSizesGet(int32(n[0]), int32(n[1])) }},
	"environ_get":           {2, func(n []int64) int32 { return wasiEnvironGet(int32(n[0]), int32(n[1])) }},
	"environ_sizes_get":     {2, func(n []int64) int32 { return wasiEnvironSizesGet(int32(n[0]), int32(n[1])) }},
	"clock_res_get":         {2, func(n []int64) int32 { return wasiClockResGet(int32(n[0]), int32(n[1])) }},
	"clock_time_get":        {3, func(n []int64) int32 { return wasiClockTimeGet(int32(n[0]), n[1], int32(n[2])) }},
	"fd_advise":             {4, func(n []int64) int32 { return wasiFdAdvise(int32(n[0]), n[1], n[2], int32(n[3])) }},
	"fd_allocate":           {3, func(n []int64) int32 { return wasiFdAllocate(int32(n[0]), n[1], n[2]) }},
	"fd_close":              {1, func(n []int64) int32 { return wasiFdClose(int32(n[0])) }},
	"fd_datasync":           {1, func(n []int64) int32 { return wasiFdDatasync(int32(n[0])) }},
	"fd_fdstat_get":         {2, func(n []int64) int32 { return wasiFdFdstatGet(int32(n[0]), int32(n[1])) }},
	"fd_fdstat_set_flags":   {2, func(n []int64) int32 { return wasiFdFdstatSetFlags(int32(n[0]), int32(n[1])) }},
	"fd_fdstat_set_rights":  {3, func(n []int64) int32 { return wasiFdFdstatSetRights(int32(n[0]), n[1], n[2]) }},
	"fd_filestat_get":       {2, func(n []int64) int32 { return wasiFdFilestatGet(int32(n[0]), int32(n[1])) }},
	"fd_filestat_set_size":  {2, func(n []int64) int32 { return wasiFdFilestatSetSize(int32(n[0]), n[1]) }},
	"fd_filestat_set_times": {4, func(n []int64) int32 { return wasiFdFilestatSetTimes(int32(n[0]), n[1], n[2], int32(n[3])) }},
	"fd_pread":              {5, func(n []int64) int32 { return wasiFdPread(int32(n[0]), int32(n[1]), int32(n[2]), n[3], int32(n[4])) }},
	"fd_prestat_get":        {2, func(n []int64) int32 { return wasiFdPrestatGet(int32(n[0]), int32(n[1])) }},
	"fd_prestat_dir_name":   {3, func(n []int64) int32 { return wasiFdPrestatDirName(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"fd_pwrite":             {5, func(n []int64) int32 { return wasiFdPwrite(int32(n[0]), int32(n[1]), int32(n[2]), n[3], int32(n[4])) }},
	"fd_read":               {4, func(n []int64) int32 { return wasiFdRead(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"fd_readdir":            {5, func(n []int64) int32 { return wasiFdReaddir(int32(n[0]), int32(n[1]), int32(n[2]), n[3], int32(n[4])) }},
	"fd_renumber":           {2, func(n []int64) int32 { return wasiFdRenumber(int32(n[0]), int32(n[1])) }},
	"fd_seek":               {4, func(n []int64) int32 { return wasiFdSeek(int32(n[0]), n[1], int32(n[2]), int32(n[3])) }},
	"fd_sync":               {1, func(n []int64) int32 { return wasiFdSync(int32(n[0])) }},
	"fd_tell":               {2, func(n []int64) int32 { return wasiFdTell(int32(n[0]), int32(n[1])) }},
	"fd_write":              {4, func(n []int64) int32 { return wasiFdWrite(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"path_create_directory": {3, func(n []int64) int32 { return wasiPathCreateDirectory(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"path_filestat_get": {5, func(n []int64) int32 {
		return wasiPathFilestatGet(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]))
	}},
	"path_filestat_set_times": {7, func(n []int64) int32 {
		return wasiPathFilestatSetTimes(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), n[4], n[5], int32(n[6]))
	}},
	"path_link": {7, func(n []int64) int32 {
		return wasiPathLink(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]), int32(n[5]), int32(n[6]))
	}},
	"path_open": {9, func(n []int64) int32 {
		return wasiPathOpen(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]), n[5], n[6], int32(n[7]), int32(n[8]))
	}},
	"path_readlink": {6, func(n []int64) int32 {
		return wasiPathReadlink(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]), int32(n[5]))
	}},
	"path_remove_directory": {3, func(n []int64) int32 { return wasiPathRemoveDirectory(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"path_rename": {6, func(n []int64) int32 {
		return wasiPathRename(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]), int32(n[5]))
	}},
	"path_symlink": {5, func(n []int64) int32 {
		return wasiPathSymlink(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]))
	}},
	"path_unlink_file": {3, func(n []int64) int32 { return wasiPathUnlinkFile(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"poll_oneoff":      {4, func(n []int64) int32 { return wasiPollOneoff(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3])) }},
	"proc_raise":       {1, func(n []int64) int32 { return wasiProcRaise(int32(n[0])) }},
	"sched_yield":      {0, func(n []int64) int32 { return wasiSchedYield() }},
	"random_get":       {2, func(n []int64) int32 { return wasiRandomGet(int32(n[0]), int32(n[1])) }},
	"sock_accept":      {3, func(n []int64) int32 { return wasiSockAccept(int32(n[0]), int32(n[1]), int32(n[2])) }},
	"sock_recv": {6, func(n []int64) int32 {
		return wasiSockRecv(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]), int32(n[5]))
	}},
	"sock_send": {5, func(n []int64) int32 {
		return wasiSockSend(int32(n[0]), int32(n[1]), int32(n[2]), int32(n[3]), int32(n[4]))
	}},
	"sock_shutdown": {2, func(n []int64) int32 { return wasiSockShutdown(int32(n[0]), int32(n[1])) }},
	"proc_exit":     {1, func(n []int64) int32 { wasiProcExit(int32(n[0])); return 0 }},
}

//go:wasmimport wasi_snapshot_preview1 args_get
func wasiArgsGet(argv, buf int32) int32

//go:wasmimport wasi_snapshot_preview1 args_sizes_get
func wasiArgsSizesGet(count, size int32) int32

//go:wasmimport wasi_snapshot_preview1 environ_get
func wasiEnvironGet(environ, buf int32) int32

//go:wasmimport wasi_snapshot_preview1 environ_sizes_get
func wasiEnvironSizesGet(count, size int32) int32

//go:wasmimport wasi_snapshot_preview1 clock_res_get
func wasiClockResGet(id, out int32) int32

//go:wasmimport wasi_snapshot_preview1 clock_time_get
func wasiClockTimeGet(id int32, precision int64, out int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_advise
func wasiFdAdvise(fd int32, offset, size int64, advice int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_allocate
func wasiFdAllocate(fd int32, offset, size int64) int32

//go:wasmimport wasi_snapshot_preview1 fd_close
func wasiFdClose(fd int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_datasync
func wasiFdDatasync(fd int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_fdstat_get
func wasiFdFdstatGet(fd, out int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_fdstat_set_flags
func wasiFdFdstatSetFlags(fd, flags int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_fdstat_set_rights
func wasiFdFdstatSetRights(fd int32, base, inheriting int64) int32

//go:wasmimport wasi_snapshot_preview1 fd_filestat_get
func wasiFdFilestatGet(fd, out int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_filestat_set_size
func wasiFdFilestatSetSize(fd int32, size int64) int32

//go:wasmimport wasi_snapshot_preview1 fd_filestat_set_times
func wasiFdFilestatSetTimes(fd int32, atim, mtim int64, flags int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_pread
func wasiFdPread(fd, iovs, iovsLen int32, offset int64, nread int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_prestat_get
func wasiFdPrestatGet(fd, out int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_prestat_dir_name
func wasiFdPrestatDirName(fd, buf, size int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_pwrite
func wasiFdPwrite(fd, iovs, iovsLen int32, offset int64, nwritten int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_read
func wasiFdRead(fd, iovs, iovsLen, nread int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_readdir
func wasiFdReaddir(fd, buf, size int32, cookie int64, used int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_renumber
func wasiFdRenumber(from, to int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_seek
func wasiFdSeek(fd int32, delta int64, whence, out int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_sync
func wasiFdSync(fd int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_tell
func wasiFdTell(fd, out int32) int32

//go:wasmimport wasi_snapshot_preview1 fd_write
func wasiFdWrite(fd, iovs, iovsLen, nwritten int32) int32

//go:wasmimport wasi_snapshot_preview1 path_create_directory
func wasiPathCreateDirectory(fd, path, size int32) int32

//go:wasmimport wasi_snapshot_preview1 path_filestat_get
func wasiPathFilestatGet(fd, lookup, path, size, out int32) int32

//go:wasmimport wasi_snapshot_preview1 path_filestat_set_times
func wasiPathFilestatSetTimes(fd, lookup, path, size int32, atim, mtim int64, flags int32) int32

//go:wasmimport wasi_snapshot_preview1 path_link
func wasiPathLink(fd, lookup, path, size, newFd, newPath, newLen int32) int32

//go:wasmimport wasi_snapshot_preview1 path_open
func wasiPathOpen(fd, lookup, path, size, oflags int32, base, inheriting int64, fdflags, out int32) int32

//go:wasmimport wasi_snapshot_preview1 path_readlink
func wasiPathReadlink(fd, path, size, buf, bufLen, used int32) int32

//go:wasmimport wasi_snapshot_preview1 path_remove_directory
func wasiPathRemoveDirectory(fd, path, size int32) int32

//go:wasmimport wasi_snapshot_preview1 path_rename
func wasiPathRename(fd, path, size, newFd, newPath, newLen int32) int32

//go:wasmimport wasi_snapshot_preview1 path_symlink
func wasiPathSymlink(target, targetLen, fd, path, size int32) int32

//go:wasmimport wasi_snapshot_preview1 path_unlink_file
func wasiPathUnlinkFile(fd, path, size int32) int32

//go:wasmimport wasi_snapshot_preview1 poll_oneoff
func wasiPollOneoff(subscriptions, events, count, out int32) int32

//go:wasmimport wasi_snapshot_preview1 proc_raise
func wasiProcRaise(signal int32) int32

//go:wasmimport wasi_snapshot_preview1 sched_yield
func wasiSchedYield() int32

//go:wasmimport wasi_snapshot_preview1 random_get
func wasiRandomGet(buf, size int32) int32

//go:wasmimport wasi_snapshot_preview1 sock_accept
func wasiSockAccept(fd, flags, out int32) int32

//go:wasmimport wasi_snapshot_preview1 sock_recv
func wasiSockRecv(fd, iovs, iovsLen, flags, nread, outFlags int32) int32

//go:wasmimport wasi_snapshot_preview1 sock_send
func wasiSockSend(fd, iovs, iovsLen, flags, nwritten int32) int32

//go:wasmimport wasi_snapshot_preview1 sock_shutdown
func wasiSockShutdown(fd, how int32) int32

//go:wasmimport wasi_snapshot_preview1 proc_exit
func wasiProcExit(code int32)
