//! What clients ask of a JSON-RPC plugin: handlers as requests.

use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;
use wasmi_hdk::{CallId, ErrorCode, ErrorObject, Params};

use super::{Common, Phase, Rpc};
use crate::{HANDLER_PATIENCE, Handler, HandlerCall, HandlerFailure};

/// Handler calls are numbered from here.
pub(super) const FIRST_HANDLER: u64 = 16;

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
        let id = CallId(FIRST_HANDLER.saturating_add(call.id.0));
        let params = handler_params(&call);
        self.call(now, id, call.handler.method(), params, HANDLER_PATIENCE);
    }
}

/// What the request of a handler carries besides the handler's own JSON.
fn handler_params(call: &HandlerCall) -> Params {
    let request = if call.request.is_empty() { "{}" } else { &*call.request };
    let quoted = |text: &str| Value::from(text).to_string();
    let text = match &call.handler {
        Handler::Http { handler, .. } => {
            format!(r#"{{"handler":{},"request":{request}}}"#, quoted(handler))
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
pub(super) fn failure(error: &ErrorObject) -> HandlerFailure {
    match error.code() {
        code if code == ErrorCode::MethodNotFound.number() => {
            HandlerFailure::NotFound { handler: error.message().to_owned() }
        }
        code if code == ErrorCode::Timeout.number() => {
            HandlerFailure::Timeout { limit: HANDLER_PATIENCE }
        }
        code if code == ErrorCode::NotRunning.number() => HandlerFailure::NotRunning,
        _ => HandlerFailure::Failed(error.message().to_owned()),
    }
}
