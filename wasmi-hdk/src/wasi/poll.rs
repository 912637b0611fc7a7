//! `poll_oneoff`: wait for standard input or for a time, whichever comes first.
//!
//! The call is made again whenever something may have happened. Between two
//! tries it keeps one number: when it was made first, from which relative times
//! count. Nothing is written to the guest until the answer is certain.

use std::time::Duration;

use super::clock::{self, REALTIME};
use super::ctx::{Ctx, Done, Stop, nanos};
use super::descriptors::{Kind, rights};
use super::fd_stat::put;
use super::{Errno, WasiWait};

/// Most subscriptions of one call; more answer `EINVAL`. Go's runtime, the
/// greediest known, has one per open descriptor.
const MAX_SUBSCRIPTIONS: u32 = 4096;
/// Fuel for one subscription.
const SUBSCRIPTION_FUEL: u64 = 50;
/// Bytes of a `subscription`, in; and of an `event`, out.
const SUBSCRIPTION: u32 = 48;
const EVENT: u32 = 32;
/// `subclockflags`: the timeout is a point in time.
const ABSOLUTE: u16 = 1;
/// How long an absolute wall clock time is trusted.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// `eventrwflags`: the other end is closed.
const HANGUP: u16 = 1;

/// One subscription as read: a copy, because events may be written over it.
struct Subscription {
    userdata: u64,
    what: What,
}

enum What {
    Clock { id: u32, timeout: u64, absolute: bool },
    Read { fd: u32 },
    Write { fd: u32 },
    Unknown,
}

/// What a subscription says now.
enum State {
    Ready {
        bytes: u64,
        flags: u16,
    },
    Failed(Errno),
    /// Not before this time of the platform's monotonic clock; `None` is never.
    Until(Option<Duration>),
    OnInput,
}

pub(super) fn poll_oneoff(
    ctx: &mut Ctx<'_, '_>,
    subscriptions: u32,
    events: u32,
    count: u32,
    out: u32,
) -> Done {
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return Err(Errno::Inval.into());
    }
    ctx.state.charge_fuel(SUBSCRIPTION_FUEL * u64::from(count));
    ctx.room(events, count * EVENT)?;
    ctx.room(out, 4)?;
    let list = read(ctx, subscriptions, count)?;

    let key = ("poll_oneoff", [subscriptions, events, count, out].map(u64::from));
    let now = ctx.monotonic();
    let first = ctx.state.resume(&key).map_or(now, Duration::from_nanos);

    let mut ready = Vec::new();
    let mut wait = WasiWait::default();
    for subscription in &list {
        match state(ctx, &subscription.what, first, now) {
            State::Until(until) => wait.until = [wait.until, until].into_iter().flatten().min(),
            State::OnInput => wait.stdin = true,
            State::Ready { bytes, flags } => {
                ready.push(event(subscription, Errno::Success, bytes, flags));
            }
            State::Failed(errno) => ready.push(event(subscription, errno, 0, 0)),
        }
    }
    if ready.is_empty() {
        ctx.state.suspend(key, nanos(first));
        return Err(Stop::Suspend(wait));
    }
    ctx.memory.write(events, ready.as_flattened())?;
    Ok(ctx.memory.store_u32(out, u32::try_from(ready.len())?)?)
}

/// `subscription`: userdata u64 at 0, kind u8 at 8; clock: id u32 at 16, timeout u64 at 24,
/// precision u64 at 32, flags u16 at 40; reading and writing: fd u32 at 16.
fn read(ctx: &Ctx<'_, '_>, at: u32, count: u32) -> Result<Vec<Subscription>, Errno> {
    let memory = &*ctx.memory;
    memory.read(at, count * SUBSCRIPTION)?;
    (0..count)
        .map(|index| {
            let at = at + index * SUBSCRIPTION;
            let what = match memory.load_u8(at + 8)? {
                0 => What::Clock {
                    id: memory.load_u32(at + 16)?,
                    timeout: memory.load_u64(at + 24)?,
                    absolute: memory.load_u16(at + 40)? & ABSOLUTE != 0,
                },
                1 => What::Read { fd: memory.load_u32(at + 16)? },
                2 => What::Write { fd: memory.load_u32(at + 16)? },
                _ => What::Unknown,
            };
            Ok(Subscription { userdata: memory.load_u64(at)?, what })
        })
        .collect()
}

fn state(ctx: &mut Ctx<'_, '_>, what: &What, first: Duration, now: Duration) -> State {
    match *what {
        What::Clock { id, timeout, absolute } => timer(ctx, id, timeout, absolute, first, now),
        What::Read { fd } => readable(ctx, fd).unwrap_or_else(State::Failed),
        What::Write { fd } => writable(ctx, fd).unwrap_or_else(State::Failed),
        What::Unknown => State::Failed(Errno::Inval),
    }
}

/// Relative times count from the first try. Absolute wall clock times are looked
/// at anew, at least once a second: a boat's computer often starts without the
/// time of day and sets its clock when the GPS has it.
fn timer(
    ctx: &mut Ctx<'_, '_>,
    id: u32,
    timeout: u64,
    absolute: bool,
    first: Duration,
    now: Duration,
) -> State {
    let clock = match clock::time(ctx, id) {
        Ok(clock) => clock,
        Err(errno) => return State::Failed(errno),
    };
    let at = if !absolute {
        first.checked_add(Duration::from_nanos(timeout))
    } else if id == REALTIME {
        let left = Duration::from_nanos(timeout.saturating_sub(clock));
        now.checked_add(left.min(LOOK_AGAIN))
    } else {
        Some(Duration::from_nanos(timeout))
    };
    match at {
        Some(at) if at <= now => State::Ready { bytes: 0, flags: 0 },
        until => State::Until(until),
    }
}

fn readable(ctx: &mut Ctx<'_, '_>, fd: u32) -> Result<State, Errno> {
    let descriptor = ctx.state.fds.get(fd)?;
    descriptor.may(rights::FD_READ)?;
    match descriptor.kind {
        Kind::Stdin if ctx.state.stdin.at_end() => Ok(State::Ready { bytes: 0, flags: HANGUP }),
        Kind::Stdin if ctx.state.stdin.ready() => {
            Ok(State::Ready { bytes: u64::try_from(ctx.state.stdin.len())?, flags: 0 })
        }
        Kind::Stdin => Ok(State::OnInput),
        Kind::File { handle, offset } => {
            let size = ctx.fs()?.stat(handle)?.size;
            Ok(State::Ready { bytes: size.saturating_sub(offset), flags: 0 })
        }
        _ => Err(Errno::Badf),
    }
}

fn writable(ctx: &mut Ctx<'_, '_>, fd: u32) -> Result<State, Errno> {
    let descriptor = ctx.state.fds.get(fd)?;
    descriptor.may(rights::FD_WRITE)?;
    match descriptor.kind {
        Kind::Stdout if ctx.state.stdout.room() == 0 => Ok(State::Until(Some(Duration::ZERO))),
        Kind::Stdout => {
            Ok(State::Ready { bytes: u64::try_from(ctx.state.stdout.room())?, flags: 0 })
        }
        _ => Ok(State::Ready { bytes: 0, flags: 0 }),
    }
}

/// `event`: userdata u64 at 0, errno u16 at 8, kind u8 at 10, bytes u64 at 16, flags u16 at 24.
fn event(subscription: &Subscription, errno: Errno, bytes: u64, flags: u16) -> [u8; 32] {
    let kind = match subscription.what {
        What::Read { .. } => 1,
        What::Write { .. } => 2,
        What::Clock { .. } | What::Unknown => 0,
    };
    let mut event = [0; 32];
    put(&mut event, 0, &subscription.userdata.to_le_bytes());
    put(&mut event, 8, &errno.raw().to_le_bytes());
    put(&mut event, 10, &[kind]);
    put(&mut event, 16, &bytes.to_le_bytes());
    put(&mut event, 24, &flags.to_le_bytes());
    event
}
