//! Addresses as owners write them: one, one with a port, a net, a net with a port. Names are `target.rs`.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// Addresses, and perhaps one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    base: IpAddr,
    bits: u8,
    port: Option<u16>,
}

/// Bits in front of the IPv4 address in its mapped form, `::ffff:0:0/96` (RFC 4291, 2.5.5.2).
const MAPPED_BITS: u8 = 96;

impl Rule {
    /// All addresses of this one's version.
    pub(super) fn any(base: IpAddr) -> Rule {
        Rule { base, bits: 0, port: None }
    }

    /// `None`: it is none.
    pub(super) fn read(text: &str) -> Option<Rule> {
        Rule::read_as_written(text).map(Rule::canonical)
    }

    fn read_as_written(text: &str) -> Option<Rule> {
        if let Some(rule) = Rule::read_net(text) {
            return Some(rule);
        }
        let (net, port) = text.rsplit_once(':')?;
        let port = port.parse().ok()?;
        let net = match net.strip_prefix('[') {
            // Without its brackets nobody knows where the port of an IPv6 address begins.
            Some(net) => Rule::read_net(net.strip_suffix(']')?).filter(|net| net.base.is_ipv6())?,
            None => Rule::read_net(net).filter(|net| net.base.is_ipv4())?,
        };
        Some(Rule { port: Some(port), ..net })
    }

    fn read_net(text: &str) -> Option<Rule> {
        let whole = |base: IpAddr| if base.is_ipv4() { 32 } else { 128 };
        let Some((base, bits)) = text.split_once('/') else {
            let base = text.parse().ok()?;
            return Some(Rule { base, bits: whole(base), port: None });
        };
        let (base, bits) = (base.parse().ok()?, bits.parse().ok()?);
        (bits <= whole(base)).then_some(Rule { base, bits, port: None })
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

    /// The one port that it is about.
    pub(super) fn port(self) -> Option<u16> {
        self.port
    }

    /// The same addresses with this port.
    pub(super) fn with_port(self, port: Option<u16>) -> Rule {
        Rule { port, ..self }
    }

    /// An unspecified address stands for all of its version.
    pub(super) fn with_any(self) -> Rule {
        if self.base.is_unspecified() { Rule { bits: 0, ..self } } else { self }
    }

    /// Whether it is about this address.
    pub(super) fn covers(&self, to: SocketAddr) -> bool {
        let same = match (self.base, to.ip().to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                first_bits(u32::from(base).into(), 32, self.bits)
                    == first_bits(u32::from(ip).into(), 32, self.bits)
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => {
                first_bits(base.into(), 128, self.bits) == first_bits(ip.into(), 128, self.bits)
            }
            _ => false,
        };
        same && self.port.is_none_or(|wanted| wanted == to.port())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_net = self.bits < if self.base.is_ipv4() { 32 } else { 128 };
        let brackets = self.base.is_ipv6() && self.port.is_some();
        f.write_str(if brackets { "[" } else { "" })?;
        self.base.fmt(f)?;
        if is_net {
            write!(f, "/{}", self.bits)?;
        }
        f.write_str(if brackets { "]" } else { "" })?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// The leading `bits` of a number that is `width` bits wide.
fn first_bits(number: u128, width: u32, bits: u8) -> u128 {
    number.checked_shr(width - u32::from(bits)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read_and_written_again() {
        for text in [
            "192.168.1.5",
            "192.168.1.5:80",
            "10.0.0.0/8",
            "10.0.0.0/8:10110",
            "::1",
            "[::1]:80",
            "fe80::/10",
            "[fe80::/10]:80",
        ] {
            assert_eq!(Rule::read(text).unwrap().to_string(), text);
        }
        for text in
            ["", "localhost", "10.0.0.0/33", "10.0.0.1:", "10.0.0.1:65536", "[10.0.0.1]:80", "a:b"]
        {
            assert_eq!(Rule::read(text), None, "{text}");
        }
    }
}
