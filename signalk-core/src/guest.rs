//! The names of the lower crates that an edge needs. The types themselves live in `wasmi-hdk` and `signalk-bridge`.

pub use signalk_bridge::{
    Effect as PluginEffect, Egress, ExchangeNews as BodyNews, PluginId, Ran,
    Report as PluginReport, Run,
};
pub use wasmi_hdk::vfs::Quota;
pub use wasmi_hdk::{Limits, Platform};
