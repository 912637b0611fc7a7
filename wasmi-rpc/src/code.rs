//! Error codes: one table of stable numbers, names and texts. A code is a promise: the test at the
//! foot pins every row. Which situation uses which code is decided where the error arises.

use crate::ErrorObject;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// What an error object's `code` says (JSON-RPC 2.0, section 5.1).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name),*];

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> i32 {
                match self { $(ErrorCode::$name => $number,)* }
            }

            /// The code of a number, if it is one of ours.
            #[must_use]
            pub const fn from_number(number: i32) -> Option<ErrorCode> {
                match number { $($number => Some(ErrorCode::$name),)* _ => None }
            }

            /// The standard text, used when there is nothing better to say.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(ErrorCode::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// The bytes are not JSON.
    ParseError = -32700, "Parse error";
    /// JSON, but not a Request object.
    InvalidRequest = -32600, "Invalid Request";
    /// Nobody answers to this method here.
    MethodNotFound = -32601, "Method not found";
    /// The method's parameters do not fit.
    InvalidParams = -32602, "Invalid params";
    /// The answering side failed by its own fault.
    InternalError = -32603, "Internal error";

    /// A method ran and reports failure in its own words.
    ServerError = -32000, "Server error";

    /// A request above the size bound; as jsonrpsee publishes it.
    RequestTooLarge = -32007, "Request is too big";
    /// A response above the size bound; as jsonrpsee publishes it.
    ResponseTooLarge = -32008, "Response is too big";
    /// Too many requests wait already; as jsonrpsee publishes it.
    Busy = -32009, "Server is busy, try again later";
    /// A batch with too many entries; as jsonrpsee publishes it.
    BatchTooLarge = -32010, "The batch request was too large";

    /// The plugin is not running.
    NotRunning = -32020, "Not running";
    /// The deadline of the call passed.
    Timeout = -32021, "Deadline exceeded";
    /// The call used up its fuel.
    OutOfFuel = -32022, "Out of fuel";
    /// The plugin trapped during the call.
    Trap = -32023, "Trap";
    /// The plugin gave the host an address, length or value that cannot be.
    GuestFault = -32024, "Guest fault";
    /// The caller took the request back.
    Cancelled = -32025, "Cancelled";
    /// The plugin ended before it answered.
    Exited = -32026, "Exited";

    /// The plugin's manifest does not ask for what this method needs, or the owner refused it.
    CapabilityDenied = -32040, "Capability denied";
    /// Nobody provides this path or resource type.
    NoProvider = -32041, "No provider";
    /// Several sources provide this path: name one.
    SeveralSources = -32042, "Several sources";
    /// There is nothing at this path or under this name.
    NotFound = -32043, "Not found";
    /// A delta, path, meta or subscription breaks the rules of Signal K.
    InvalidData = -32044, "Invalid Signal K data";

    /// The network operation failed.
    NetworkFailed = -32060, "Network operation failed";
    /// The storage operation failed.
    StorageFailed = -32061, "Storage operation failed";
    /// The storage quota is used up.
    QuotaExceeded = -32062, "Quota exceeded";
}

impl ErrorCode {
    /// An error object with the standard text and no `data`.
    #[must_use]
    pub fn object(self) -> ErrorObject {
        self.with(self.text())
    }

    /// An error object with this code and your text.
    #[must_use]
    pub fn with(self, message: impl Into<String>) -> ErrorObject {
        ErrorObject::owned::<()>(self.number(), message, None)
    }
}

impl From<ErrorCode> for ErrorObject {
    fn from(code: ErrorCode) -> Self {
        code.object()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn numbers_and_texts_are_a_promise() {
        let mut table = String::new();
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code.number()), Some(*code));
            writeln!(table, "{} {:?}: {}", code.number(), code, code.text()).unwrap();
        }
        assert_eq!(table, include_str!("code.txt"));
    }

    #[test]
    fn families_keep_to_their_ranges() {
        for code in ErrorCode::ALL {
            let number = code.number();
            assert!(
                number == -32700 || (-32603..=-32600).contains(&number) || number <= -32000,
                "{number} is outside what JSON-RPC 2.0 section 5.1 reserves"
            );
        }
    }
}
