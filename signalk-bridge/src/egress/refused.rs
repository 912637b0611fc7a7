//! Why not: each text names the address, the rule and what helps; whoever tells it adds plugin and call.

use core::net::SocketAddr;

/// Why a plugin may not talk to somebody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The owner has a list, and it is not there.
    #[error(
        "{scheme}://{to} is not in the list `only` of \"egress\"; the owner permits it by adding \"{to}\" there, in {file}"
    )]
    NotListed {
        /// How.
        scheme: &'static str,
        /// Host and port.
        to: String,
        /// The options file.
        file: String,
    },
    /// The package has a list, and it is not there.
    #[error(
        "{scheme}://{to} is not among the hosts that the plugin's package declares (`signalk.wasmEgress` in its package.json); add it there, or the owner permits it with \"egress\": {{\"only\": [\"{to}\"]}} in {file}"
    )]
    NotDeclared {
        /// How.
        scheme: &'static str,
        /// Host and port.
        to: String,
        /// The options file.
        file: String,
    },
    /// The owner has closed it.
    #[error(
        "{to} is closed to plugins by \"{rule}\" in `deny` of \"egress\"; the owner opens it by taking that out of {file}"
    )]
    Denied {
        /// The address.
        to: SocketAddr,
        /// As the owner wrote it.
        rule: String,
        /// The options file.
        file: String,
    },
    /// It is the computer's own.
    #[error(
        "{to} is closed to plugins; the owner opens it with \"egress\": {{\"allow\": [\"{to}\"]}} in {file}"
    )]
    Own {
        /// The address.
        to: SocketAddr,
        /// The options file.
        file: String,
    },
    /// Others could reach it there.
    #[error(
        "plugins listen on loopback addresses, not on {at}; the owner permits it with \"listen\": [\"{at}\"] in {file}"
    )]
    Listen {
        /// The address.
        at: SocketAddr,
        /// The options file.
        file: String,
    },
}
