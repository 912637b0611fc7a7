//! Passwords: bcrypt as `security.json` holds it. A check takes a tenth of a second and more, on purpose, so it never
//! runs in the core's step: it is a value that an edge executes wherever it may take that long
//! ([`PasswordCheck::execute`]).

use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use subtle::ConstantTimeEq;

use super::secret::Secret;

/// A password, and the hash that it may be of.
#[derive(Debug)]
pub struct PasswordCheck {
    password: Secret,
    hash: Hash,
    /// Somebody's, who could log in with it.
    known: bool,
}

/// The parts of `$2b$10$<22 characters of salt><31 of hash>`.
#[derive(Clone)]
pub(crate) struct Hash {
    cost: u32,
    salt: [u8; 16],
    sum: [u8; 23],
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hash)")
    }
}

impl Hash {
    /// `None`: it is no hash of bcrypt, or one that would take more than some seconds.
    pub(crate) fn parse(text: &str) -> Option<Hash> {
        let mut parts = text.strip_prefix('$')?.split('$');
        // 2x is of an implementation that hashed wrongly.
        parts.next().filter(|version| ["2", "2a", "2b", "2y"].contains(version))?;
        let cost = parts.next()?.parse().ok().filter(|cost| COSTS.contains(cost))?;
        let (salt, sum) = parts.next()?.split_at_checked(22)?;
        let decode = |text: &str| ENGINE.decode(text).ok();
        let end = parts.next();
        let hash =
            Hash { cost, salt: decode(salt)?.try_into().ok()?, sum: decode(sum)?.try_into().ok()? };
        end.is_none().then_some(hash)
    }
}

impl PasswordCheck {
    /// Of a user.
    pub(crate) fn new(password: Secret, hash: Hash) -> PasswordCheck {
        PasswordCheck { password, hash, known: true }
    }

    /// Of somebody who has no password here. It fails, and takes as long as the longest check of the others: nobody
    /// learns by the time which users there are.
    pub(crate) fn of_nobody<'a>(
        password: Secret,
        others: impl Iterator<Item = &'a Hash>,
    ) -> PasswordCheck {
        let cost = others.map(|hash| hash.cost).max().unwrap_or(USUAL_COST);
        PasswordCheck { password, hash: Hash { cost, salt: [0; 16], sum: [0; 23] }, known: false }
    }

    /// Whether the password is the right one. Takes from 50 ms to some seconds of computing.
    pub fn execute(self) -> bool {
        let (hash, known) = (self.hash, self.known);
        let sum = bcrypt::bcrypt(hash.cost, hash.salt, &key(self.password.expose()));
        let same = sum.get(..hash.sum.len()).is_some_and(|sum| sum.ct_eq(&hash.sum).into());
        known && same
    }
}

/// What is hashed of a password: a NUL after it, and no more than 72 bytes, as in every implementation.
fn key(password: &str) -> Vec<u8> {
    let mut key: Vec<u8> = password.bytes().take(MOST_BYTES).collect();
    key.push(0);
    key.truncate(MOST_BYTES);
    key
}

const MOST_BYTES: usize = 72;
/// Of the reference.
const USUAL_COST: u32 = 10;
/// Each step doubles the time: 10 is 50 ms on a desktop computer and 300 ms on a Raspberry Pi, 14 sixteen times as
/// much.
const COSTS: std::ops::RangeInclusive<u32> = 4..=14;
/// Some implementations leave something in the last bits.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str, hash: &str) -> bool {
        PasswordCheck::new(password.into(), Hash::parse(hash).unwrap()).execute()
    }

    /// Vectors of OpenBSD's and jBCrypt's tests.
    #[test]
    fn passwords_are_checked_as_every_implementation_does() {
        for (password, hash) in [
            ("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."),
            ("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"),
            ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
        ] {
            assert!(check(password, hash), "{password}");
            assert!(check(password, &hash.replace("$2a$", "$2b$")), "{password}");
            assert!(!check(&format!("{password}b"), hash), "{password}");
        }
    }

    #[test]
    fn what_is_no_hash_matches_nothing() {
        let good = "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.";
        assert!(Hash::parse(good).is_some());
        for hash in [
            "",
            "plain",
            "$2x$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
            "$2a$31$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.",
            "$2a$06$DCq7YPn5Rq63x1Lad4cll",
            "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.$",
            "$2a$06$äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü",
        ] {
            assert!(Hash::parse(hash).is_none(), "{hash}");
        }
        assert!(!PasswordCheck::of_nobody("".into(), [].into_iter()).execute());
    }

    #[test]
    fn nobody_is_checked_for_as_long_as_the_most_costly_user() {
        let hash = Hash::parse("$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.");
        let (low, high) = (hash.clone().unwrap(), Hash { cost: 12, ..hash.unwrap() });
        let check = PasswordCheck::of_nobody("".into(), [&low, &high].into_iter());
        assert_eq!(check.hash.cost, 12);
        assert_eq!(PasswordCheck::of_nobody("".into(), [].into_iter()).hash.cost, USUAL_COST);
        assert!(!PasswordCheck::of_nobody("".into(), [&low].into_iter()).execute());
    }

    #[test]
    fn a_password_of_more_than_72_bytes_is_cut_and_nothing_of_it_is_printed() {
        assert_eq!(
            (key("").len(), key(&"x".repeat(71)).len(), key(&"x".repeat(100)).len()),
            (1, 72, 72)
        );
        let shown = format!("{:?}", PasswordCheck::of_nobody("pw".into(), [].into_iter()));
        assert!(!shown.contains("pw"), "{shown}");
    }
}
