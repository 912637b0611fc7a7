//! Where a plugin may connect to: the owner's rules, checked after name resolution.
//!
//! Clause: plugin ABI 5.6, weakness W26. A plugin with `network` or
//! `rawSockets` must not reach what the boat's own computer serves to itself:
//! by default loopback, link-local and unspecified addresses are closed. The
//! computer's address in the boat's network is open, as to every device there:
//! which address that is, only the edge knows. The owner opens and closes more
//! in the plugin's options file, member `egress`:
//! `{"allow": ["127.0.0.1:8080", "fe80::/10"], "deny": ["192.168.1.5"]}`.
//! A denial wins over a permission; a permission wins over the default.

use core::net::{IpAddr, SocketAddr};

use serde::Deserialize;

/// The rules of one plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Egress {
    allow: Vec<Rule>,
    deny: Vec<Rule>,
}

/// Addresses, and perhaps one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rule {
    base: IpAddr,
    bits: u8,
    port: Option<u16>,
}

/// The form in the options file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Written {
    allow: Vec<String>,
    deny: Vec<String>,
}

impl Egress {
    /// Reads the member `egress` of an options file; what is not understood is said and left out.
    pub fn read(value: &serde_json::Value) -> (Egress, Vec<String>) {
        let mut complaints = Vec::new();
        let written = Written::deserialize(value).unwrap_or_else(|error| {
            complaints
                .push(format!("egress: {error}; expected {{\"allow\": [..], \"deny\": [..]}}"));
            Written::default()
        });
        let mut rules = |texts: &[String]| {
            let read = texts.iter().filter_map(|text| {
                let rule = Rule::read(text).map(Rule::canonical);
                if rule.is_none() {
                    complaints.push(format!(
                        "egress: `{text}` is no address; write 192.168.1.5, 192.168.1.5:80, [fe80::1]:80 or 10.0.0.0/8"
                    ));
                }
                rule
            });
            read.collect()
        };
        let (allow, deny) = (rules(&written.allow), rules(&written.deny));
        (Egress { allow, deny }, complaints)
    }

    /// Rules that open the computer's own addresses: for tests and for owners who know what they do.
    pub fn open() -> Egress {
        let any = |base| Rule { base, bits: 0, port: None };
        let allow = vec![
            any(IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED)),
            any(IpAddr::V6(core::net::Ipv6Addr::UNSPECIFIED)),
        ];
        Egress { allow, deny: Vec::new() }
    }

    /// Whether the plugin may connect to this address, or send a datagram to it.
    pub fn allows(&self, to: SocketAddr) -> bool {
        let ip = to.ip().to_canonical();
        let listed = |rules: &[Rule]| rules.iter().any(|rule| rule.covers(ip, to.port()));
        !listed(&self.deny) && (listed(&self.allow) || !is_own(ip))
    }
}

/// Bits in front of the IPv4 address in its mapped form, `::ffff:0:0/96` (RFC 4291, 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// Addresses of this computer and of the wire that it hangs on.
fn is_own(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unspecified(),
    }
}

impl Rule {
    fn read(text: &str) -> Option<Rule> {
        let whole = |base: IpAddr, port| {
            let bits = if base.is_ipv4() { 32 } else { 128 };
            Rule { base, bits, port }
        };
        if let Ok(base) = text.parse() {
            return Some(whole(base, None));
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Some(whole(address.ip(), Some(address.port())));
        }
        let (base, bits) = text.split_once('/')?;
        let (base, bits) = (base.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
        (bits <= whole(base, None).bits).then_some(Rule { base, bits, port: None })
    }

    /// An IPv4 address in its mapped form is that address: so are those that are asked about.
    fn canonical(self) -> Rule {
        match (self.base.to_canonical(), self.bits.checked_sub(MAPPED_BITS)) {
            (base, _) if base.is_ipv4() == self.base.is_ipv4() => self,
            (base, Some(bits)) => Rule { base, bits, ..self },
            // It covers more than the mapped addresses.
            (_, None) => self,
        }
    }

    fn covers(&self, ip: IpAddr, port: u16) -> bool {
        let same = match (self.base, ip) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                first_bits(u32::from(base).into(), 32, self.bits)
                    == first_bits(u32::from(ip).into(), 32, self.bits)
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => {
                first_bits(base.into(), 128, self.bits) == first_bits(ip.into(), 128, self.bits)
            }
            _ => false,
        };
        same && self.port.is_none_or(|wanted| wanted == port)
    }
}

/// The leading `bits` of a number that is `width` bits wide.
fn first_bits(number: u128, width: u32, bits: u8) -> u128 {
    number.checked_shr(width - u32::from(bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn allows(egress: &Egress, to: &str) -> bool {
        egress.allows(to.parse().unwrap())
    }

    #[test]
    fn the_computers_own_addresses_are_closed_and_the_world_is_open() {
        let egress = Egress::default();
        for (to, open) in [
            ("127.0.0.1:80", false),
            ("127.8.8.8:80", false),
            ("[::1]:80", false),
            ("[::ffff:127.0.0.1]:80", false),
            ("169.254.169.254:80", false),
            ("[fe80::1]:80", false),
            ("0.0.0.0:80", false),
            ("192.168.1.5:80", true),
            ("172.31.255.255:10010", true),
            ("236.6.7.8:10024", true),
            ("[2001:db8::1]:443", true),
        ] {
            assert_eq!(allows(&egress, to), open, "{to}");
        }
    }

    #[test]
    fn a_denial_wins_over_a_permission_and_that_over_the_default() {
        let rules = json!({ "allow": ["127.0.0.1:8080", "10.0.0.0/8", "fe80::/10"], "deny": ["10.1.0.0/16", "8.8.8.8"] });
        let (egress, complaints) = Egress::read(&rules);
        assert_eq!(complaints, Vec::<String>::new());
        for (to, open) in [
            ("127.0.0.1:8080", true),
            ("127.0.0.1:8081", false),
            ("10.2.0.1:1", true),
            ("10.1.2.3:1", false),
            ("[fe80::7]:1", true),
            ("8.8.8.8:53", false),
            ("8.8.4.4:53", true),
        ] {
            assert_eq!(allows(&egress, to), open, "{to}");
        }
        assert!(allows(&Egress::open(), "127.0.0.1:1") && allows(&Egress::open(), "[::1]:1"));
    }

    #[test]
    fn a_rule_may_be_written_in_the_mapped_form() {
        let rules = json!({ "allow": ["[::ffff:127.0.0.1]:8080"], "deny": ["::ffff:10.0.0.1", "::ffff:10.7.0.0/112"] });
        let (egress, complaints) = Egress::read(&rules);
        assert_eq!(complaints, Vec::<String>::new());
        for (to, open) in [
            ("10.0.0.1:80", false),
            ("[::ffff:10.0.0.1]:80", false),
            ("10.0.0.2:80", true),
            ("10.7.200.1:80", false),
            ("10.8.0.1:80", true),
            ("127.0.0.1:8080", true),
        ] {
            assert_eq!(allows(&egress, to), open, "{to}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said_and_opens_nothing() {
        let (egress, complaints) = Egress::read(&json!({ "allow": ["localhost", "10.0.0.0/33"] }));
        assert_eq!(complaints.len(), 2);
        assert!(complaints[0].contains("`localhost` is no address"), "{complaints:?}");
        assert_eq!(egress, Egress::default());
        assert!(Egress::read(&json!("all")).1[0].starts_with("egress: "));
    }
}
