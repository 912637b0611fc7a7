//! What goes into a session and what comes out of it.

use std::time::Duration;

use super::{Ran, Run};
use crate::{
    ClientNews, Crash, Effect, ExchangeNews, ExchangeWish, Failure, Handed, HandlerCall,
    HandlerCallId, HandlerReply, PutId, Report, SubscriptionId,
};

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// Deltas for the plugin, oldest first.
    Deltas(Vec<Delivery>),
    /// An [`Output::Run`] was executed.
    Ran(Ran),
    /// A client wants something of the plugin; exactly one [`Output::Handled`] follows, unless the
    /// session ends before. After an [`Input::Cancel`] it may follow or not, and nobody waits for it.
    Handle(HandlerCall),
    /// Nobody wants the reply of a handler any more. A JSON-RPC plugin is told, and the handler ends; others finish it,
    /// and what it asks of its exchange fails.
    Cancel(HandlerCallId),
    /// What came of an [`Output::Exchange`].
    Exchange {
        /// Which.
        id: HandlerCallId,
        /// What.
        news: ExchangeNews,
    },
    /// News of a client's WebSocket.
    Client(ClientNews),
    /// News of an [`Output::Effect`].
    Report(Report),
    /// A PUT of the plugin ([`crate::SignalK::put`]) has come to its end.
    PutDone {
        /// Which.
        id: PutId,
        /// JSON: `{"state", "requestId", "statusCode", "message"?, "href"}`.
        reply: String,
    },
    /// Start with this configuration instead: the answer to [`Output::Described`], given before
    /// the next poll; later it has no effect.
    Options(String),
    /// Stop the plugin in good order.
    Stop,
    /// Time has passed.
    Tick,
}

/// One delta for a plugin, already filtered.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// `None`: for `delta_handler` of the buffer ABI.
    pub subscription: Option<SubscriptionId>,
    /// Prepared once, shared by all receivers.
    pub delta: Handed,
}

impl Delivery {
    /// Whether this one makes the older one old: the same value of the same source, by the same subscription.
    pub(super) fn supersedes(&self, older: &Delivery) -> bool {
        self.subscription == older.subscription && self.delta.has_head_of(&older.delta)
    }
}

/// What the session wants next.
#[derive(Debug)]
pub enum Output {
    /// Please do this in the world; what comes of it is [`Input::Report`]. When the session ends,
    /// all its sockets and requests end with it.
    Effect(Effect),
    /// Please do this with the bodies of a streamed [`Input::Handle`]; [`Input::Exchange`] says what came of it.
    Exchange {
        /// Which.
        id: HandlerCallId,
        /// What.
        wish: ExchangeWish,
    },
    /// The end of an [`Input::Handle`].
    Handled {
        /// Which.
        id: HandlerCallId,
        /// What the plugin said.
        reply: HandlerReply,
    },
    /// Please execute this, anywhere.
    Run(Run),
    /// The plugin has said who it is.
    Described(Description),
    /// `start` succeeded: the plugin runs.
    Started,
    /// The plugin cannot be started; the session has ended.
    Failed(Failure),
    /// The plugin has stopped as asked; the session has ended.
    Stopped,
    /// The plugin is gone; the session has ended.
    Crashed(Crash),
    /// Nothing until an input, or until this time.
    Wait {
        /// `None`: until an input.
        until: Option<Duration>,
    },
}

/// What a plugin says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// Display name; `None`: use the package's.
    pub name: Option<String>,
    /// JSON Schema of the configuration as compact text, `{}` when there is none.
    pub schema: String,
    /// How a form for the schema is drawn (react-jsonschema-form), a JSON object as compact text; `None`: it says
    /// nothing.
    pub ui_schema: Option<String>,
    /// What the export `plugin_id` says, when it was asked for: never its identity (plugin ABI 1.4).
    pub id: Option<String>,
    /// It speaks JSON-RPC, so it was written for this host.
    pub is_json_rpc: bool,
}
