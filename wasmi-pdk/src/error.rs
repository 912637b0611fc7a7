//! [`Error`]: what a method answers instead of a result. Any error type turns into one with `?`;
//! codes of the wire are kept where there are any.

use std::any::Any;
use std::fmt;

use serde::Serialize;
use wasmi_rpc::{CallError, ErrorCode, ErrorObject};

/// The result of a method.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error object of JSON-RPC. It is not a `std::error::Error` itself, so that every type that is
/// one can be converted.
#[derive(Clone, PartialEq)]
pub struct Error(ErrorObject);

impl Error {
    /// An error with one of the promised codes.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Error(code.with(message))
    }

    /// An error in the method's own words; code -32000.
    pub fn message(message: impl fmt::Display) -> Self {
        Error::new(ErrorCode::ServerError, message.to_string())
    }

    /// An error with any code and data.
    pub fn with_data(code: i32, message: impl Into<String>, data: impl Serialize) -> Self {
        Error(ErrorObject::owned(code, message, Some(data)))
    }

    /// The number on the wire.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.0.code()
    }

    /// The error object, for its `data`.
    #[must_use]
    pub fn object(&self) -> &ErrorObject {
        &self.0
    }
}

impl<E: std::error::Error + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let any: &dyn Any = &error;
        if let Some(object) = any.downcast_ref::<ErrorObject>() {
            return Error(object.clone());
        }
        if let Some(call) = any.downcast_ref::<CallError>() {
            return Error(call.clone().into());
        }
        Error::message(error)
    }
}

impl From<Error> for ErrorObject {
    fn from(error: Error) -> Self {
        error.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.0.message(), self.0.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_other_end_keeps_its_code() {
        let remote = CallError::Remote(ErrorCode::CapabilityDenied.object());
        assert_eq!(Error::from(remote).code(), -32040);
        assert_eq!(Error::from(CallError::Timeout).code(), -32021);
    }

    #[test]
    fn any_error_becomes_a_server_error_with_its_text() {
        let error = Error::from("x".parse::<u8>().unwrap_err());
        assert_eq!(format!("{error:?}"), "invalid digit found in string (code -32000)");
    }
}
