//! Destinations as they are listed in `only`: names with `*.`, addresses, ports, schemes.
//!
//! Feature F61. A name is held against names as it is asked for, before anybody
//! looks it up: what is not listed causes no question to a name server either.
//! So a net of the list is about addresses that were asked for as addresses.

use core::fmt;
use core::net::SocketAddr;

use super::rule::Rule;

/// How a plugin talks to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP without encryption.
    Http,
    /// HTTP over TLS.
    Https,
    /// A WebSocket without encryption.
    Ws,
    /// A WebSocket over TLS.
    Wss,
    /// A TCP connection.
    Tcp,
    /// A TCP connection with TLS.
    Tls,
    /// Datagrams.
    Udp,
}

impl Scheme {
    pub(super) const ALL: [Scheme; 7] = [
        Scheme::Http,
        Scheme::Https,
        Scheme::Ws,
        Scheme::Wss,
        Scheme::Tcp,
        Scheme::Tls,
        Scheme::Udp,
    ];

    /// As in a URL.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Ws => "ws",
            Scheme::Wss => "wss",
            Scheme::Tcp => "tcp",
            Scheme::Tls => "tls",
            Scheme::Udp => "udp",
        }
    }

    /// Whether the other end has to prove who it is.
    pub fn is_secure(self) -> bool {
        matches!(self, Scheme::Https | Scheme::Wss | Scheme::Tls)
    }

    /// The port of a URL that names none.
    pub fn usual_port(self) -> Option<u16> {
        match self {
            Scheme::Http | Scheme::Ws => Some(80),
            Scheme::Https | Scheme::Wss => Some(443),
            Scheme::Tcp | Scheme::Tls | Scheme::Udp => None,
        }
    }
}

/// Who a plugin wants to talk to, before any name is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination<'a> {
    /// A host name, and the port.
    Name(&'a str, u16),
    /// An address that was given as one.
    Address(SocketAddr),
}

impl fmt::Display for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Name(name, port) => write!(f, "{name}:{port}"),
            Destination::Address(address) => address.fmt(f),
        }
    }
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    scheme: Option<Scheme>,
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// `*`: names and addresses.
    Any,
    /// In lower case.
    Exact(String),
    /// With the dot in front: `.example.org`.
    Below(String),
    Net(Rule),
}

impl Target {
    /// `None`: it is none.
    pub(super) fn read(text: &str) -> Option<Target> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest.strip_suffix('/').unwrap_or(rest)),
            None => (None, text),
        };
        let find = |name| Scheme::ALL.into_iter().find(|scheme| scheme.name() == name);
        let scheme = scheme
            .map(|name| find(name.to_ascii_lowercase()))
            .map_or(Some(None), |it| it.map(Some))?;
        let usual = scheme.and_then(Scheme::usual_port);
        let bare = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(rest);
        if let Some(net) = Rule::read(bare).or_else(|| Rule::read(rest)) {
            let port = net.port().or(usual);
            return Some(Target { scheme, host: Host::Net(net.with_port(None)), port });
        }
        let (name, port) = match rest.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (rest, usual),
        };
        Some(Target { scheme, host: Host::read(name)?, port })
    }

    pub(super) fn covers(&self, scheme: Scheme, to: Destination<'_>) -> bool {
        let (is_host, port) = match to {
            Destination::Name(name, port) => (self.host.is_named(&plain(name)), port),
            Destination::Address(address) => (self.host.has(address), address.port()),
        };
        is_host
            && self.port.is_none_or(|wanted| wanted == port)
            && self.scheme.is_none_or(|wanted| wanted == scheme)
    }
}

impl Host {
    fn read(name: &str) -> Option<Host> {
        if name == "*" {
            return Some(Host::Any);
        }
        let (below, rest) = match name.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, name),
        };
        let rest = plain(rest);
        let is_label = |label: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            !label.is_empty() && label.len() <= 63 && label.chars().all(allowed)
        };
        // `127.1` and `0x7f.0.0.1` are addresses to some resolvers.
        let last = rest.rsplit('.').next().unwrap_or_default();
        let is_number = last.starts_with(|c: char| c.is_ascii_digit())
            && (last.starts_with("0x") || last.chars().all(|c| c.is_ascii_digit()));
        if !rest.split('.').all(is_label) || is_number {
            return None;
        }
        Some(if below { Host::Below(format!(".{rest}")) } else { Host::Exact(rest) })
    }

    fn is_named(&self, name: &str) -> bool {
        match self {
            Host::Any => true,
            Host::Exact(exact) => exact == name,
            Host::Below(end) => name.len() > end.len() && name.ends_with(end.as_str()),
            Host::Net(_) => false,
        }
    }

    fn has(&self, address: SocketAddr) -> bool {
        match self {
            Host::Any => true,
            Host::Net(net) => net.covers(address),
            Host::Exact(_) | Host::Below(_) => false,
        }
    }
}

/// Names are equal whatever their case, and with the dot of the root as without.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}
