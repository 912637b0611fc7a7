//! [`Runtime`]: brings a router, the JSON-RPC peer, the executor and the timers together. Each
//! [`Runtime::poll`] does what can be done and returns; who calls it again is `exports/rpc.rs` in a
//! guest and a test natively.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use wasmi_rpc::{CallError, ErrorCode, Output, Params, Peer, Quick, RawValue, RequestId};

use crate::calls::{Arrival, Calls};
use crate::executor::{Executor, Task};
use crate::router::{IntoRouter, Service, Started};
use crate::{log_lines, time};

/// Where the bytes come from and go to.
pub trait Connection {
    /// Reads what there is, without waiting. Fewer bytes than the buffer holds mean that there are
    /// no more now.
    fn read(&mut self, buffer: &mut [u8]) -> Read;
    /// Writes all of it.
    fn write(&mut self, bytes: &[u8]);
}

/// What [`Connection::read`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// So many bytes.
    Bytes(usize),
    /// Nothing now.
    Empty,
    /// Nothing ever again.
    End,
}

/// When [`Runtime::poll`] wants to be called again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// After this long, or when there is input before.
    After(Duration),
    /// When there is input.
    Input,
    /// Never: input has ended and nothing is left that could go on.
    Ended,
}

/// A plugin at work.
pub struct Runtime {
    shared: Rc<Shared>,
    service: Rc<dyn Service>,
    executor: Executor,
    ended: bool,
}

/// What methods and tasks reach through their `Host`.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) peer: RefCell<Peer>,
    pub(crate) calls: RefCell<Calls>,
    /// What was read last; answers are read from here.
    pub(crate) input: RefCell<Vec<u8>>,
    pub(crate) spawned: RefCell<Vec<Task>>,
    origin: OnceCell<Instant>,
}

impl Shared {
    /// The peer's time. A peer without deadlines needs none, and a host call is saved.
    pub(crate) fn time_for(&self, limit: Option<Duration>) -> Duration {
        if limit.is_none() {
            return Duration::ZERO;
        }
        let now = Instant::now();
        now.saturating_duration_since(*self.origin.get_or_init(|| now))
    }
}

/// More than the 8 KiB of the standard library's own buffer, which is passed by then.
const READ: usize = 16 * 1024;
/// Reads of one poll. Input may come as fast as it is read, while the host makes the plugin pay for
/// its computing: a poll that goes on for ever would be taken for a plugin that loops.
const READS: usize = 64;

impl Runtime {
    /// A plugin that has read nothing yet. Installs the logger and the panic hook.
    pub fn new(plugin: impl IntoRouter) -> Self {
        log_lines::install();
        let shared = Shared { input: RefCell::new(vec![0; READ]), ..Shared::default() };
        Runtime {
            shared: Rc::new(shared),
            service: Rc::new(plugin.into_router()),
            executor: Executor::default(),
            ended: false,
        }
    }

    /// Reads what there is (1 MiB at most, then again at once), works until nothing can go on, writes,
    /// and says when to come again.
    pub fn poll<C: Connection + ?Sized>(&mut self, connection: &mut C) -> Next {
        if self.expire_calls() | time::wake_due() {
            self.work(connection);
        }
        let mut more = !self.ended;
        for _ in 0..READS {
            if !more {
                break;
            }
            let (read, room) = {
                let mut input = self.shared.input.borrow_mut();
                (connection.read(&mut input), input.len())
            };
            match read {
                Read::Bytes(count) => {
                    self.handle_bytes(connection, count);
                    // Asking again only to hear "nothing" would double the host calls.
                    more = count == room;
                }
                Read::Empty => {
                    more = false;
                    break;
                }
                Read::End => {
                    (self.ended, more) = (true, false);
                    self.shared.peer.borrow_mut().handle_eof(Duration::ZERO);
                }
            }
            self.work(connection);
        }
        if more { Next::After(Duration::ZERO) } else { self.next() }
    }

    /// Handles what was read: usual lines one by one, and from the first other one on all at once.
    fn handle_bytes<C: Connection + ?Sized>(&mut self, connection: &mut C, count: usize) {
        let shared = Rc::clone(&self.shared);
        let input = shared.input.borrow();
        let mut start = 0;
        while start < count {
            let bytes = &input[start..count];
            let line = shared.peer.borrow_mut().handle_line(bytes);
            let Some((message, rest)) = line else {
                // It may say more of a call whose answer has come.
                shared.settle();
                shared.peer.borrow_mut().handle_input(Duration::ZERO, bytes);
                break;
            };
            let line = start..count - rest.len();
            start = line.end;
            let read = match message {
                Quick::Request { id, method, params } => {
                    let read = self.request(id.into(), method, params.unwrap_or_default());
                    self.write(connection, WRITE_EARLY);
                    read
                }
                Quick::Notification { method, params } => {
                    self.notification(method, params.unwrap_or_default())
                }
                Quick::Answered { id, result } => {
                    // A brace and a newline end the line.
                    let end = line.end - 2;
                    let arrival = Arrival { result: end - result.len()..end, line: line.clone() };
                    shared.calls.borrow_mut().arrive(id, arrival)
                }
            };
            if !read {
                shared.settle();
                shared.peer.borrow_mut().refuse(&input[line]);
            }
        }
    }

    /// Whether input has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    #[inline]
    fn next(&mut self) -> Next {
        let calls =
            self.shared.peer.borrow().poll_timeout().map(|deadline| {
                deadline.saturating_sub(self.shared.time_for(Some(Duration::ZERO)))
            });
        let timer = time::until_next();
        match (calls, timer) {
            (Some(a), Some(b)) => Next::After(a.min(b)),
            (Some(wait), None) | (None, Some(wait)) => Next::After(wait),
            (None, None) if self.ended => Next::Ended,
            (None, None) => Next::Input,
        }
    }

    /// Whether there may be something to do.
    #[inline]
    fn expire_calls(&mut self) -> bool {
        let mut peer = self.shared.peer.borrow_mut();
        let waits = peer.poll_timeout().is_some();
        if waits {
            peer.handle_timeout(self.shared.time_for(Some(Duration::ZERO)));
        }
        waits
    }

    /// Handles events and runs tasks until none can go on, then writes.
    fn work<C: Connection + ?Sized>(&mut self, connection: &mut C) {
        loop {
            while self.executor.run_one() {
                self.write(connection, WRITE_EARLY);
            }
            self.shared.settle();
            let event = self.shared.peer.borrow_mut().poll_event();
            if let Some(event) = event {
                self.handle(event);
            } else if self.shared.spawned.borrow().is_empty() {
                break;
            } else {
                for task in self.shared.spawned.take() {
                    self.executor.begin(None, task);
                }
            }
            self.write(connection, WRITE_EARLY);
        }
        self.write(connection, 1);
    }

    #[inline]
    fn write<C: Connection + ?Sized>(&mut self, connection: &mut C, at_least: usize) {
        if self.shared.peer.borrow().unsent() >= at_least {
            let bytes = self.shared.peer.borrow_mut().take_unsent();
            connection.write(&bytes);
            self.shared.peer.borrow_mut().reuse(bytes);
        }
    }

    fn handle(&mut self, event: Output) {
        match event {
            Output::Request { id, method, params } => {
                self.request(id, method.as_bytes(), text(&params));
            }
            Output::Notification { method, params } => {
                self.notification(method.as_bytes(), text(&params));
            }
            Output::Answered { id, result } => self.answered(&id, result),
            Output::Cancelled { id } => {
                if let Some(task) = self.executor.take_request(&id) {
                    drop(task);
                    self.respond(id, Err(ErrorCode::Cancelled.object()));
                }
            }
            Output::Fault(fault) => log::warn!("{fault}"),
            _ => {}
        }
    }

    fn answered(&self, id: &RequestId, result: Result<Box<RawValue>, CallError>) {
        if let RequestId::Number(id) = id {
            self.shared.calls.borrow_mut().answer(*id, result);
        }
    }

    /// Starts a method; `false` if the parameters are no JSON.
    fn request(&mut self, id: RequestId, method: &[u8], params: &str) -> bool {
        match self.service.request(&self.shared, &id, method, params) {
            Started::Task(task) => self.executor.begin(Some(id), task),
            Started::Done => {}
            Started::Unknown => {
                let text = format!("no method `{}`", String::from_utf8_lossy(method));
                self.respond(id, Err(ErrorCode::MethodNotFound.with(text)));
            }
            Started::Unread => return false,
        }
        true
    }

    /// Starts the handler of a notification; `false` if the parameters are no JSON.
    fn notification(&mut self, method: &[u8], params: &str) -> bool {
        match self.service.notification(&self.shared, method, params) {
            Started::Task(task) => self.executor.begin(None, task),
            Started::Done => {}
            Started::Unknown => {
                let method = String::from_utf8_lossy(method);
                log::debug!("notification `{method}` is not handled");
            }
            Started::Unread => return false,
        }
        true
    }

    fn respond(&mut self, id: RequestId, result: wasmi_rpc::RpcResult) {
        // A request that no longer waits needs no answer.
        let _ = self.shared.peer.borrow_mut().respond(id, result);
    }
}

impl Drop for Runtime {
    /// Calls that outlive the plugin end, and tasks that never began hold nothing.
    fn drop(&mut self) {
        self.shared.spawned.take();
        self.shared.settle();
        self.shared.peer.borrow_mut().handle_eof(Duration::ZERO);
        loop {
            let event = self.shared.peer.borrow_mut().poll_event();
            match event {
                Some(Output::Answered { id, result }) => self.answered(&id, result),
                Some(_) => {}
                None => break,
            }
        }
    }
}

/// Output above this is written before more work is done.
const WRITE_EARLY: usize = 64 * 1024;

fn text(params: &Params) -> &str {
    params.as_deref().map_or("", RawValue::get)
}
