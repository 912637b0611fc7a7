//! Bytes in messages: base64, without a second text in memory.

use std::fmt;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes to be written.
pub(super) struct Base64<'a>(pub(super) &'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// Bytes that were read.
#[derive(Debug, Clone)]
pub(super) struct Decoded(pub(super) Vec<u8>);

impl Serialize for Decoded {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Base64(&self.0).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Decoded {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Decoded;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Decoded, E> {
                STANDARD.decode(text).map(Decoded).map_err(E::custom)
            }
        }

        from.deserialize_str(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_went() {
        for bytes in [&[][..], &[0], &[0, 1, 255, 254]] {
            let text = serde_json::to_string(&Base64(bytes)).unwrap();
            let Decoded(again) = serde_json::from_str(&text).unwrap();
            assert_eq!(again, bytes, "{text}");
        }
        assert!(serde_json::from_str::<Decoded>("\"no base64\"").is_err());
    }
}
