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
mod lists;
mod refused;
mod rule;
mod target;
#[cfg(test)]
mod tests;
mod trust;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use serde_json::{Map, Value};

pub use self::fingerprint::Fingerprint;
use self::lists::{EXPECTED, TARGETS, denials, list, rules, texts};
pub use self::refused::Refused;
use self::rule::Rule;
use self::target::Target;
pub use self::target::{Destination, Scheme};
use self::trust::Trust;
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
    /// Whom it may believe besides the known authorities.
    trust: Trust,
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

impl Default for Egress {
    fn default() -> Egress {
        let file = "the plugin's options file".to_owned();
        let (allow, deny, listen) = Default::default();
        Egress { allow, deny, only: None, listen, trust: Trust::default(), file }
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
            egress.trust = Trust::read(value, &mut complaints);
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
                "deny" => egress.deny = denials(value, "egress.deny", said),
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

    /// Where the owner writes them, as an error names it.
    pub fn file(&self) -> &str {
        &self.file
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
        &self.trust.fingerprints
    }

    /// Names of files in `plugin-config-data` with certificates of authorities that the owner trusts.
    pub fn authority_files(&self) -> &[String] {
        &self.trust.files
    }

    /// What stood in those files: certificates in DER.
    pub fn trust_authorities(&mut self, certificates: Vec<Bytes>) {
        self.trust.authorities = certificates;
    }

    /// Certificates, in DER, of authorities that are trusted besides the known ones.
    pub fn authorities(&self) -> &[Bytes] {
        &self.trust.authorities
    }
}

/// Addresses of this computer and of the wire that it hangs on.
fn is_own(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unspecified(),
    }
}
