//! `sock_*`: preview 1 cannot open a socket, and the host hands none in.
//!
//! Sockets of plugins are host methods, not WASI (plugin-abi.md chapter 6).
//! `ENOTSUP` for a descriptor that is open, `EBADF` for any other.

use super::Errno;
use super::ctx::{Ctx, Done};

pub(super) fn sock_accept(ctx: &mut Ctx<'_, '_>, fd: u32, _flags: u32, _out: u32) -> Done {
    no_socket(ctx, fd)
}

pub(super) fn sock_recv(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    _iovs: u32,
    _iovs_len: u32,
    _flags: u32,
    _nread: u32,
    _out_flags: u32,
) -> Done {
    no_socket(ctx, fd)
}

pub(super) fn sock_send(
    ctx: &mut Ctx<'_, '_>,
    fd: u32,
    _iovs: u32,
    _iovs_len: u32,
    _flags: u32,
    _nwritten: u32,
) -> Done {
    no_socket(ctx, fd)
}

pub(super) fn sock_shutdown(ctx: &mut Ctx<'_, '_>, fd: u32, _how: u32) -> Done {
    no_socket(ctx, fd)
}

fn no_socket(ctx: &mut Ctx<'_, '_>, fd: u32) -> Done {
    ctx.state.fds.get(fd)?;
    Err(Errno::Notsup.into())
}
