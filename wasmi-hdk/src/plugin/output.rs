//! What is to be done for a plugin?

use std::any::Any;
use std::fmt;
use std::time::Duration;

use wasmi_rpc::{Params, RequestId, RpcError, RpcResult};

use super::{CallId, Exit};
use crate::log::LogLine;
use crate::run::Run;

/// What is to be done for a plugin.
#[derive(Debug)]
pub enum Output {
    /// Execute this, anywhere, and bring the result back as [`Input::Ran`](crate::Input::Ran).
    Run(Run),
    /// The plugin calls a method of the host; answer with [`Input::Respond`](crate::Input::Respond).
    Request {
        /// Names the request.
        id: RequestId,
        /// The method.
        method: String,
        /// Array, object or nothing.
        params: Params,
    },
    /// The plugin no longer wants the answer of its request.
    Cancelled {
        /// The request.
        id: RequestId,
    },
    /// The plugin tells something.
    Notification {
        /// The method.
        method: String,
        /// Array, object or nothing.
        params: Params,
    },
    /// A host function of [`Imports`](crate::Imports) suspended the guest with this payload;
    /// answer with [`Input::Resume`](crate::Input::Resume).
    HostCall(HostCall),
    /// The end of a call.
    Answer {
        /// The call.
        id: CallId,
        /// Its result.
        result: RpcResult,
    },
    /// The plugin wrote a line to standard error.
    Log(LogLine),
    /// The plugin broke the protocol; it is counted and not fatal.
    Fault(RpcError),
    /// The plugin has ended; this comes once, after all its answers.
    Stopped(Exit),
    /// Nothing to do until the next input, or this time.
    Wait {
        /// When [`Input::Tick`](crate::Input::Tick) is due.
        until: Option<Duration>,
    },
}

/// The payload of a suspended host function.
pub struct HostCall(pub Box<dyn Any + Send>);

impl fmt::Debug for HostCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostCall")
    }
}
