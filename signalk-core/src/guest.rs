//! The names of the lower crates that an edge needs. The types themselves live in `wasmi-hdk` and `signalk-bridge`.

pub use signalk_bridge::{PluginId, Ran, Run};
pub use wasmi_hdk::{Limits, Platform};
