//! The Signal K data model as plain values: deltas, the full model, metadata, subscriptions.
//!
//! No input or output, no clock, no threads: time comes in as `now`, bytes come in as slices.
//! Nothing here knows plugins, HTTP or sockets; `signalk-core` and `signalk-bridge` do.
//!
//! ```
//! use signalk_model::{Context, Delta, SourceRef, Timestamp};
//!
//! let text = br#"{"updates":[{"values":[{"path":"navigation.speedOverGround","value":3.10}]}]}"#;
//! let mut delta = Delta::parse(text)?.delta;
//! delta.normalise(
//!     &Context::from("vessels.urn:mrn:imo:mmsi:230099999"),
//!     &SourceRef::from("gps0"),
//!     &Timestamp::from_unix_ms(1_767_323_045_000),
//! );
//! assert_eq!(
//!     delta.to_json(),
//!     concat!(
//!         r#"{"context":"vessels.urn:mrn:imo:mmsi:230099999","updates":[{"$source":"gps0","#,
//!         r#""timestamp":"2026-01-02T03:04:05.000Z","values":"#,
//!         r#"[{"path":"navigation.speedOverGround","value":3.1}]}]}"#
//!     )
//! );
//! # Ok::<(), signalk_model::DeltaError>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod calendar;
mod delta;
mod error;
pub mod hash;
mod interner;
mod item;
pub mod json;
pub mod meta;
mod names;
mod normalise;
mod notification;
mod parse;
mod pattern;
mod raw;
pub mod resource;
mod selector;
mod source;
mod store;
mod subscription;
mod subscriptions;
mod timestamp;
pub mod units;
mod value;

pub use delta::{Delta, Parsed, PathMeta, PathValue, Update};
pub use error::{Complaint, DeltaError, NameError};
pub use interner::Interner;
pub use item::{Body, Item};
pub use names::{Context, Path, SourceRef};
pub use notification::{AlarmMethod, AlarmState, Notification, UnknownState};
pub use pattern::Pattern;
pub use raw::RawJson;
pub use selector::ContextSelector;
pub use source::{Message, Source};
pub use store::{LeftOut, Node, Placement, Store};
pub use subscription::{
    Policy, SourceFilter, SourcePolicy, Subscribe, Subscription, Timing, Unsubscribe,
};
pub use subscriptions::{Refused, SubscriptionSet};
pub use timestamp::Timestamp;
pub use value::Value;
