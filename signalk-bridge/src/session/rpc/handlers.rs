//! What clients ask of a JSON-RPC plugin: handlers as requests, and exchanges that end with them.

use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;
use wasmi_hdk::{CallId, ErrorCode, ErrorObject, Input as PluginInput, Params, RpcResult};

use super::{Common, Phase, Rpc};
use crate::{HANDLER_PATIENCE, Handler, HandlerCall, HandlerCallId, HandlerFailure, SignalK};

/// Handler calls are numbered from here.
pub(super) const FIRST_HANDLER: u64 = 16;

/// What a request has around its params.
const AROUND: usize = 100;

impl Rpc {
    /// A handler for a client, as a request.
    pub(in crate::session) fn handle(
        &mut self,
        call: HandlerCall,
        common: &mut Common,
        now: Duration,
    ) {
        if self.phase != Phase::Running {
            return common.handled(call.id, Err(HandlerFailure::NotRunning));
        }
        let params = handler_params(&call);
        let needs = params.as_deref().map_or(0, |params| params.get().len()) + AROUND;
        if needs > self.message_bytes {
            let bytes = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
            let (needs, limit) = (bytes(needs), bytes(self.message_bytes));
            return common.handled(call.id, Err(HandlerFailure::RequestTooLarge { needs, limit }));
        }
        // Who moves the bodies knows whether anything moves: an exchange may last as long as it does.
        let within = (!call.handler.is_streamed()).then_some(HANDLER_PATIENCE);
        if within.is_none() {
            self.world.net.exchange_opened(call.id);
        }
        self.call(now, name(call.id), call.handler.method(), params, within);
    }

    /// Nobody wants the reply any more.
    pub(in crate::session) fn cancel(&mut self, id: HandlerCallId, now: Duration) {
        self.world.net.exchange_left(id);
        self.plugin.handle_input(now, PluginInput::Cancel(name(id)));
    }

    /// A handler came to its end, and its exchange with it.
    pub(super) fn handled(
        &mut self,
        id: HandlerCallId,
        result: RpcResult,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) {
        let whole = self.world.net.exchange_ended(id).unwrap_or(Ok(()));
        let reply = result.map(|answer| answer.get().to_owned()).map_err(|error| failure(&error));
        let reply = reply.and_then(|text| whole.map(|()| text).map_err(HandlerFailure::Failed));
        common.handled(id, reply);
        let answers = self.world.settle();
        self.tell(answers, common, now, signalk);
    }
}

fn name(id: HandlerCallId) -> CallId {
    CallId(FIRST_HANDLER.saturating_add(id.0))
}

/// What the request of a handler carries besides the handler's own JSON.
fn handler_params(call: &HandlerCall) -> Params {
    let request = if call.request.is_empty() { "{}" } else { &call.request };
    let quoted = |text: &str| Value::from(text).to_string();
    let text = match &call.handler {
        Handler::Http { handler, streamed: false, .. } => {
            format!(r#"{{"handler":{},"request":{request}}}"#, quoted(handler))
        }
        Handler::Http { handler, streamed: true, .. } => {
            let (handler, exchange) = (quoted(handler), call.id.0);
            format!(r#"{{"handler":{handler},"request":{request},"exchange":{exchange}}}"#)
        }
        Handler::Put { context, path } => {
            let (context, path) = (quoted(context), quoted(path));
            format!(r#"{{"context":{context},"path":{path},"value":{request}}}"#)
        }
        _ => request.to_owned(),
    };
    RawValue::from_string(text).ok()
}

/// What a client reads about a handler that answered with an error.
fn failure(error: &ErrorObject) -> HandlerFailure {
    match error.code() {
        code if code == ErrorCode::MethodNotFound.number() => {
            HandlerFailure::NotFound { handler: error.message().to_owned() }
        }
        code if code == ErrorCode::Timeout.number() => {
            HandlerFailure::Timeout { limit: HANDLER_PATIENCE }
        }
        code if code == ErrorCode::NotRunning.number() => HandlerFailure::NotRunning,
        code if code == ErrorCode::ResponseTooLarge.number() => HandlerFailure::Failed(format!(
            "{}; the plugin can write it as a stream: `\"stream\": true` in its `http.register`, then `http.respond` and `http.write`",
            error.message()
        )),
        _ => HandlerFailure::Failed(error.message().to_owned()),
    }
}
