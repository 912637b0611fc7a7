//! Fingerprints of certificates: how an owner names the one of a device that nobody has signed.

use core::fmt;

/// SHA-256 of a certificate in DER, as `openssl x509 -fingerprint -sha256` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// `sha256:` may be left out, colons may stand between bytes. `None`: it is none.
    pub(super) fn read(text: &str) -> Option<Fingerprint> {
        let text = text.trim();
        let digits = match text.get(..7) {
            Some(head) if head.eq_ignore_ascii_case("sha256:") => text.get(7..)?,
            _ => text,
        };
        let digits: Vec<char> = digits.chars().filter(|c| *c != ':').collect();
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            for digit in pair {
                *byte = *byte << 4 | u8::try_from(digit.to_digit(16)?).ok()?;
            }
        }
        Some(Fingerprint(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_tools_write_it() {
        let plain = "0123456789abcdef".repeat(4);
        let own = format!("sha256:{plain}");
        let pairs: Vec<String> = plain
            .as_bytes()
            .chunks(2)
            .map(|two| String::from_utf8(two.to_vec()).unwrap())
            .collect();
        for text in [&plain, &own, &format!("SHA256:{}", pairs.join(":").to_uppercase())] {
            assert_eq!(Fingerprint::read(text).unwrap().to_string(), own);
        }
        for text in [
            "",
            "sha256:",
            "pilot.pem",
            &plain[1..],
            &format!("{plain}0"),
            &plain.replace('f', "g"),
        ] {
            assert_eq!(Fingerprint::read(text), None, "{text}");
        }
    }
}
