//! What may happen to a plugin?

use std::time::Duration;

use wasmi_rpc::{Params, RequestId, RpcResult};

use crate::run::Ran;
use crate::val::Val;

/// The name that the owner gives a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What happens to a plugin. After each input, [`Plugin::poll_output`](crate::Plugin::poll_output) until it says wait.
#[derive(Debug)]
pub enum Input {
    /// Call a method of the plugin; exactly one [`Output::Answer`](crate::Output::Answer) follows.
    Call {
        /// Names the call in the answer. Not one that waits already.
        id: CallId,
        /// The method.
        method: String,
        /// Array, object or nothing.
        params: Params,
        /// When to give up, on the scale of `now`.
        deadline: Option<Duration>,
    },
    /// The answer of a call is no longer wanted: it ends as cancelled, and the plugin is told.
    Cancel(CallId),
    /// Tell the plugin something.
    Notify {
        /// The method.
        method: String,
        /// Array, object or nothing.
        params: Params,
    },
    /// Answer to [`Output::Request`](crate::Output::Request).
    Respond {
        /// The request.
        id: RequestId,
        /// Its result.
        result: RpcResult,
    },
    /// A [`Run`](crate::Run) was executed.
    Ran(Ran),
    /// Results for the host function behind [`Output::HostCall`](crate::Output::HostCall).
    Resume(Vec<Val>),
    /// End the plugin: its standard input ends, and after `stop_grace` it is ended.
    Stop,
    /// Time has passed.
    Tick,
}
