//! The three names of the data model: `Context`, `Path`, `SourceRef`. Each is shared text, so a
//! clone costs one counter; none of them knows the tree (see `store`) or how to match (see
//! `pattern`).

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::NameError;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps text that is already known to be a valid name.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The shared text itself.
            pub fn as_arc(&self) -> &Arc<str> {
                &self.0
            }

            /// Whether both are the same allocation: a quick yes before comparing text.
            pub fn same(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
            }

            /// Whether `text` may become such a name.
            ///
            /// # Errors
            /// Says which rule the text breaks.
            pub fn check(text: &str) -> Result<(), NameError> {
                let check: fn(&str) -> Result<(), NameError> = $check;
                check(text)
            }
        }

        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }
        impl From<Arc<str>> for $name {
            fn from(text: Arc<str>) -> Self {
                Self(text)
            }
        }
        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::check(text)?;
                Ok(Self::from(text))
            }
        }
        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }
        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::from_str(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// Whose data it is: `vessels.urn:mrn:imo:mmsi:230099999`.
    Context,
    |text| segments_allowed("context", text, MAX_NAME_BYTES)
);
name!(
    /// What is measured, dotted: `navigation.speedOverGround`. The empty path is the root of a
    /// context and carries its attributes (`name`, `mmsi`, ...).
    Path,
    |text| segments_allowed("path", text, MAX_NAME_BYTES)
);
name!(
    /// Who measured it, the wire's `$source`: `gps0.GP`.
    SourceRef,
    |text| segments_allowed("$source", text, MAX_NAME_BYTES)
);

impl Context {
    /// The part before the first dot: `vessels`, `atons`, ...
    pub fn group(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }

    /// The part after the first dot: the urn. `None` when there is none; such a context never
    /// gets a place in the tree (server-api.md 7, rule 2).
    pub fn identity(&self) -> Option<&str> {
        self.0.split_once('.').map(|(_, id)| id).filter(|id| !id.is_empty())
    }
}

impl Path {
    /// The path of the context itself.
    pub fn root() -> Self {
        Self::from("")
    }

    /// Whether this is the empty path.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The segments between the dots; none for the root path.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('.').filter(|_| !self.0.is_empty())
    }
}

/// Longest name that is taken from outside. Real ones stay below 150 bytes.
pub(crate) const MAX_NAME_BYTES: usize = 1024;
/// Most segments: the tree is written by recursion, so its depth must have a bound.
const MAX_SEGMENTS: usize = 64;

/// Words that would reach the prototype of an object in a JavaScript client.
const REFUSED_SEGMENTS: [&str; 3] = ["__proto__", "prototype", "constructor"];

/// Whether one key of an object may enter the tree (server-api.md 7, rule 6).
pub(crate) fn segment_allowed(segment: &str) -> bool {
    !REFUSED_SEGMENTS.contains(&segment)
}

fn segments_allowed(kind: &'static str, text: &str, max: usize) -> Result<(), NameError> {
    if text.len() > max {
        return Err(NameError::TooLong { kind, len: text.len(), max });
    }
    let mut count = 0usize;
    for segment in text.split('.') {
        count += 1;
        if !segment_allowed(segment) {
            return Err(NameError::RefusedSegment { kind, segment: segment.to_owned() });
        }
    }
    if count > MAX_SEGMENTS {
        return Err(NameError::TooDeep { kind, segments: count, max: MAX_SEGMENTS });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_would_reach_a_prototype_is_refused() {
        for text in ["a.__proto__.b", "constructor", "x.prototype"] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
        assert!("a.prototypes".parse::<Path>().is_ok());
    }

    #[test]
    fn a_context_splits_into_group_and_identity() {
        let context = Context::from("vessels.urn:mrn:imo:mmsi:1");
        assert_eq!((context.group(), context.identity()), ("vessels", Some("urn:mrn:imo:mmsi:1")));
        assert_eq!(Context::from("vessels").identity(), None);
    }

    #[test]
    fn the_depth_of_a_path_is_bounded() {
        assert!(vec!["a"; 64].join(".").parse::<Path>().is_ok());
        assert!(vec!["a"; 65].join(".").parse::<Path>().is_err());
        assert!("a".repeat(1025).parse::<Path>().is_err());
    }
}
