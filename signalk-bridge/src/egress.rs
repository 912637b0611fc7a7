//! Where a plugin may connect to: the owner's rules, and what its package says that it needs.
//!
//! Clause: plugin ABI 5.6, weakness W26, feature F61. A plugin with `network` or
//! `rawSockets` must not reach what the boat's own computer serves to itself:
//! by default loopback, link-local and unspecified addresses are closed. The
//! computer's address in the boat's network is open, as to every device there:
//! which address that is, only the edge knows. The owner opens and closes more
//! in the plugin's options file, member `egress`:
//! `{"only": ["*.example.org:443"], "allow": ["127.0.0.1:8080"], "deny": ["192.168.1.5"]}`.
//!
//! In this order: with a list `only`, or without one by the package's
//! `signalk.wasmEgress`, what is not listed is refused before a name is looked
//! up ([`Egress::check`]). Then each address that a name stands for is held
//! against the others ([`Egress::check_address`]): a denial wins over a
//! permission, a permission over the default. Being listed opens nothing.
//! The edge asks both, for redirects as well.

mod fingerprint;
mod rule;
mod target;
#[cfg(test)]
mod tests;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::{Map, Value};

pub use self::fingerprint::Fingerprint;
use self::rule::Rule;
use self::target::Target;
pub use self::target::{Destination, Scheme};
use crate::PluginId;

/// The rules of one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Egress {
    allow: Vec<Rule>,
    deny: Vec<Rule>,
    /// `None`: everything that the others leave open.
    only: Option<Only>,
    /// Where it may listen, besides loopback.
    listen: Vec<Rule>,
    /// Certificates that are as good as those of a known authority.
    trust: Vec<Fingerprint>,
    /// Where the owner writes them.
    file: String,
}

/// All that may be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Only {
    /// The owner's list, else the package's.
    is_owners: bool,
    targets: Vec<Target>,
}

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

impl Default for Egress {
    fn default() -> Egress {
        let file = "the plugin's options file".to_owned();
        let (allow, deny, listen) = Default::default();
        Egress { allow, deny, only: None, listen, trust: Vec::new(), file }
    }
}

impl Egress {
    /// Reads a plugin's rules: `options` is the whole options file, `declared` the package's
    /// `signalk.wasmEgress`. What is not understood is said and left out.
    pub fn of(
        plugin: &PluginId,
        options: &Map<String, Value>,
        declared: Option<&[String]>,
    ) -> (Egress, Vec<String>) {
        let (mut egress, mut complaints) =
            options.get("egress").map(Egress::read).unwrap_or_default();
        if let (None, Some(texts)) = (&egress.only, declared) {
            let targets = list(texts, Target::read, "signalk.wasmEgress", TARGETS, &mut complaints);
            egress.only = Some(Only { is_owners: false, targets });
        }
        if let Some(value) = options.get("listen") {
            egress.listen = rules(value, "listen", &mut complaints);
        }
        if let Some(value) = options.get("trust") {
            let texts = texts(value, "trust", &mut complaints);
            egress.trust = list(&texts, Fingerprint::read, "trust", FINGERPRINT, &mut complaints);
        }
        egress.file = format!("plugin-config-data/{plugin}.json");
        (egress, complaints)
    }

    /// Reads the member `egress` of an options file; what is not understood is said and left out.
    /// An `only` that is no list is an empty one: its owner meant to close.
    pub fn read(value: &Value) -> (Egress, Vec<String>) {
        let mut complaints = Vec::new();
        let mut egress = Egress::default();
        let Some(members) = value.as_object() else {
            let text = format!("egress: {value} is no object; {EXPECTED}");
            return (egress, vec![text]);
        };
        for (name, value) in members {
            let said = &mut complaints;
            match name.as_str() {
                "allow" => egress.allow = rules(value, "egress.allow", said),
                "deny" => egress.deny = rules(value, "egress.deny", said),
                "only" => {
                    let texts = texts(value, "egress.only", said);
                    let targets = list(&texts, Target::read, "egress.only", TARGETS, said);
                    egress.only = Some(Only { is_owners: true, targets });
                }
                _ => said.push(format!("egress: `{name}` is not known; {EXPECTED}")),
            }
        }
        (egress, complaints)
    }

    /// Rules that open the computer's own addresses: for tests and for owners who know what they do.
    pub fn open() -> Egress {
        let all = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
        Egress { allow: all.map(Rule::any).into(), ..Egress::default() }
    }

    /// Whether the plugin may talk to this host at all. Asked before a name is looked up; whatever
    /// address comes of it is asked about by [`Egress::check_address`].
    ///
    /// # Errors
    /// There is a list, and the host is not in it.
    pub fn check(&self, scheme: Scheme, to: Destination<'_>) -> Result<(), Refused> {
        let Some(only) = &self.only else { return Ok(()) };
        if only.targets.iter().any(|target| target.covers(scheme, to)) {
            return Ok(());
        }
        let (scheme, to, file) = (scheme.name(), to.to_string(), self.file.clone());
        Err(if only.is_owners {
            Refused::NotListed { scheme, to, file }
        } else {
            Refused::NotDeclared { scheme, to, file }
        })
    }

    /// Whether the plugin may connect to this address, or send a datagram to it.
    ///
    /// # Errors
    /// The owner denies it, or it is the computer's own and the owner has not opened it.
    pub fn check_address(&self, to: SocketAddr) -> Result<(), Refused> {
        let file = || self.file.clone();
        if let Some(rule) = self.deny.iter().find(|rule| rule.covers(to)) {
            return Err(Refused::Denied { to, rule: rule.to_string(), file: file() });
        }
        if is_own(to.ip().to_canonical()) && !self.allow.iter().any(|rule| rule.covers(to)) {
            return Err(Refused::Own { to, file: file() });
        }
        Ok(())
    }
}

impl Egress {
    /// Whether the plugin may listen there: on loopback, or where the owner's `listen` says. There an
    /// unspecified address (`0.0.0.0:10111`) is about every address of its version.
    ///
    /// # Errors
    /// The owner has not permitted it.
    pub fn check_listen(&self, at: SocketAddr) -> Result<(), Refused> {
        let ip = at.ip().to_canonical();
        if ip.is_loopback() || self.listen.iter().any(|rule| rule.with_any().covers(at)) {
            return Ok(());
        }
        Err(Refused::Listen { at, file: self.file.clone() })
    }

    /// Certificates that the owner trusts whoever has signed them, whatever their names and times.
    pub fn trusts(&self) -> &[Fingerprint] {
        &self.trust
    }
}

const EXPECTED: &str = "expected {\"only\": [..], \"allow\": [..], \"deny\": [..]}";
const ADDRESSES: &str =
    "address; write 192.168.1.5, 192.168.1.5:80, [fe80::1]:80, 10.0.0.0/8 or 10.0.0.0/8:80";
const FINGERPRINT: &str = "fingerprint; write \"sha256:\" and its 64 hexadecimal digits";
const TARGETS: &str = "destination; write api.example.org, api.example.org:443, *.example.org, https://tiles.example.org, 192.168.1.5 or 192.168.1.0/24:10110";

/// Addresses of this computer and of the wire that it hangs on.
fn is_own(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unspecified(),
    }
}

fn rules(value: &Value, member: &str, complaints: &mut Vec<String>) -> Vec<Rule> {
    let texts = texts(value, member, complaints);
    list(&texts, Rule::read, member, ADDRESSES, complaints)
}

/// The texts of an array; what is something else is said.
fn texts(value: &Value, member: &str, complaints: &mut Vec<String>) -> Vec<String> {
    let Some(items) = value.as_array() else {
        complaints.push(format!("{member}: {value} is no list; write {member}: [\"..\"]"));
        return Vec::new();
    };
    let text = |item: &Value| {
        let text = item.as_str().map(str::to_owned);
        if text.is_none() {
            complaints.push(format!("{member}: {item} is no text"));
        }
        text
    };
    items.iter().filter_map(text).collect()
}

/// The entries that can be read; the others are said.
fn list<T>(
    texts: &[String],
    read: impl Fn(&str) -> Option<T>,
    member: &str,
    expected: &str,
    complaints: &mut Vec<String>,
) -> Vec<T> {
    let one = |text: &String| {
        let entry = read(text);
        if entry.is_none() {
            complaints.push(format!("{member}: `{text}` is no {expected}"));
        }
        entry
    };
    texts.iter().filter_map(one).collect()
}
