//! How did a plugin end, and what are its callers told?

use wasmi_rpc::{ErrorCode, ErrorObject, RpcError};

use crate::error::Fault;

/// How a plugin ended.
#[derive(Debug, Clone)]
pub enum Exit {
    /// It was asked to, or its `_start` returned.
    Clean,
    /// It called `proc_exit` with a code other than 0.
    Exited(i32),
    /// It did something that ends a guest.
    Crashed(Fault),
}

impl Exit {
    /// What a caller is told whose call cannot be answered any more.
    pub fn error(&self, name: &str) -> ErrorObject {
        match self {
            Exit::Clean => ErrorCode::NotRunning.with(format!("{name}: the plugin is not running")),
            Exit::Exited(code) => {
                ErrorCode::Exited.with(format!("{name}: the plugin exited with code {code}"))
            }
            Exit::Crashed(fault) => {
                let code = match fault {
                    Fault::OutOfFuel { .. } => ErrorCode::OutOfFuel,
                    Fault::Deadline { .. } => ErrorCode::Timeout,
                    Fault::Host { .. } | Fault::MissingImport { .. } => ErrorCode::GuestFault,
                    _ => ErrorCode::Trap,
                };
                code.with(fault.to_string())
            }
        }
    }
}

/// A call that never went out.
pub(super) fn refused(name: &str, error: &RpcError) -> ErrorObject {
    let code = match error {
        RpcError::TooLarge { .. } => ErrorCode::RequestTooLarge,
        RpcError::Busy { .. } => ErrorCode::Busy,
        RpcError::BadParams { .. } => ErrorCode::InvalidParams,
        RpcError::Closed => ErrorCode::NotRunning,
        _ => ErrorCode::InternalError,
    };
    code.with(format!("{name}: {error}"))
}
