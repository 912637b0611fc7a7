//! What a plugin may do: the keys of `wasmCapabilities` and the one check.
//!
//! Clause: plugin ABI 1.3. Nothing here knows which call needs what: that is
//! the method table (`methods/mod.rs`) and the import table (`abi/env/mod.rs`).

use std::fmt;

use serde_json::Value;

use crate::{BridgeError, Complaint, PluginId};

/// One key of `wasmCapabilities`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// HTTP requests to the outside.
    Network,
    /// Files of its own (`vfs-only`, the default, or `none`).
    Storage,
    /// Read the data model and receive deltas. Given unless refused.
    DataRead,
    /// Send deltas, metadata and notifications. Given unless refused.
    DataWrite,
    /// Serial ports.
    SerialPorts,
    /// Answer PUT requests.
    PutHandlers,
    /// Serve HTTP routes of its own.
    HttpEndpoints,
    /// Provide resources.
    ResourceProvider,
    /// Provide weather.
    WeatherProvider,
    /// Provide radars.
    RadarProvider,
    /// UDP and TCP sockets.
    RawSockets,
    /// Serve static files. Never required; the keyword `signalk-webapp` decides.
    StaticFiles,
    /// Receive server events.
    ServerEvents,
    /// See and change what others send before it is in the model. An extension; see `methods/intercept.rs`.
    DeltaInputHandler,
}

impl Capability {
    /// Every capability, in the order of the specification; then our own.
    pub const ALL: [Capability; 14] = [
        Capability::Network,
        Capability::Storage,
        Capability::DataRead,
        Capability::DataWrite,
        Capability::SerialPorts,
        Capability::PutHandlers,
        Capability::HttpEndpoints,
        Capability::ResourceProvider,
        Capability::WeatherProvider,
        Capability::RadarProvider,
        Capability::RawSockets,
        Capability::StaticFiles,
        Capability::ServerEvents,
        Capability::DeltaInputHandler,
    ];

    /// The key in `wasmCapabilities`.
    pub const fn key(self) -> &'static str {
        match self {
            Capability::Network => "network",
            Capability::Storage => "storage",
            Capability::DataRead => "dataRead",
            Capability::DataWrite => "dataWrite",
            Capability::SerialPorts => "serialPorts",
            Capability::PutHandlers => "putHandlers",
            Capability::HttpEndpoints => "httpEndpoints",
            Capability::ResourceProvider => "resourceProvider",
            Capability::WeatherProvider => "weatherProvider",
            Capability::RadarProvider => "radarProvider",
            Capability::RawSockets => "rawSockets",
            Capability::StaticFiles => "staticFiles",
            Capability::ServerEvents => "serverEvents",
            Capability::DeltaInputHandler => "deltaInputHandler",
        }
    }

    /// The capability of a key, if it is one.
    pub fn from_key(key: &str) -> Option<Capability> {
        Capability::ALL.into_iter().find(|capability| capability.key() == key)
    }

    /// The member that an author adds to `wasmCapabilities`.
    pub const fn remedy(self) -> &'static str {
        match self {
            Capability::Network => r#""network": true"#,
            Capability::Storage => r#""storage": "vfs-only""#,
            Capability::DataRead => r#""dataRead": true"#,
            Capability::DataWrite => r#""dataWrite": true"#,
            Capability::SerialPorts => r#""serialPorts": true"#,
            Capability::PutHandlers => r#""putHandlers": true"#,
            Capability::HttpEndpoints => r#""httpEndpoints": true"#,
            Capability::ResourceProvider => r#""resourceProvider": true"#,
            Capability::WeatherProvider => r#""weatherProvider": true"#,
            Capability::RadarProvider => r#""radarProvider": true"#,
            Capability::RawSockets => r#""rawSockets": true"#,
            Capability::StaticFiles => r#""staticFiles": true"#,
            Capability::ServerEvents => r#""serverEvents": true"#,
            Capability::DeltaInputHandler => r#""deltaInputHandler": true"#,
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// The set that one plugin holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Capabilities(u16);

impl Default for Capabilities {
    /// What a package without `wasmCapabilities` gets.
    fn default() -> Self {
        Capabilities::NONE
            .with(Capability::Storage)
            .with(Capability::DataRead)
            .with(Capability::DataWrite)
    }
}

impl Capabilities {
    /// Nothing at all.
    pub const NONE: Capabilities = Capabilities(0);

    /// Reads a `wasmCapabilities` value; whatever is not understood is a complaint and has no effect.
    pub fn read(value: &Value, complaints: &mut Vec<Complaint>) -> Capabilities {
        let mut set = Capabilities::default();
        let Value::Object(members) = value else {
            complaints.push(Complaint::CapabilitiesNotAnObject { found: value.to_string() });
            return set;
        };
        for (key, value) in members {
            let Some(capability) = Capability::from_key(key) else {
                complaints.push(Complaint::UnknownCapability { key: key.clone() });
                continue;
            };
            let granted = match capability {
                // Only a literal `false` turns these two off.
                Capability::DataRead | Capability::DataWrite => *value != Value::Bool(false),
                Capability::Storage => match value.as_str() {
                    Some("vfs-only") => true,
                    Some("none") => false,
                    _ => {
                        complaints.push(Complaint::UnknownStorage { found: value.to_string() });
                        truthy(value)
                    }
                },
                _ => truthy(value),
            };
            set = if granted { set.with(capability) } else { set.without(capability) };
        }
        set
    }

    /// The set with one more.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Capabilities {
        Capabilities(self.0 | capability.bit())
    }

    /// The set with one less, for example what this platform cannot serve.
    #[must_use]
    pub const fn without(self, capability: Capability) -> Capabilities {
        Capabilities(self.0 & !capability.bit())
    }

    /// Whether the plugin holds it.
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// The capabilities held, in the order of the specification.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(move |capability| self.has(*capability))
    }

    /// The one check of the whole host.
    ///
    /// # Errors
    /// [`BridgeError::CapabilityDenied`], which names plugin, call and the member to add.
    pub fn require(
        self,
        capability: Capability,
        plugin: &PluginId,
        call: &'static str,
    ) -> Result<(), BridgeError> {
        if self.has(capability) {
            return Ok(());
        }
        Err(BridgeError::CapabilityDenied { plugin: plugin.clone(), call, capability })
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// JavaScript's idea of truth: authors wrote `"network": 1` and it worked.
fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> (Capabilities, Vec<Complaint>) {
        let mut complaints = Vec::new();
        let set = Capabilities::read(&value, &mut complaints);
        (set, complaints)
    }

    #[test]
    fn every_truthy_value_grants_as_in_javascript() {
        for (value, granted) in [
            (json!(true), true),
            (json!(1), true),
            (json!("yes"), true),
            (json!([]), true),
            (json!({}), true),
            (json!(false), false),
            (json!(0), false),
            (json!(-0.0), false),
            (json!(""), false),
            (json!(null), false),
        ] {
            let (set, _) = read(json!({ "network": value.clone() }));
            assert_eq!(set.has(Capability::Network), granted, "{value}");
        }
    }

    #[test]
    fn data_access_is_given_unless_literally_false() {
        for (value, granted) in [(json!(0), true), (json!(null), true), (json!(false), false)] {
            let (set, _) = read(json!({ "dataRead": value.clone(), "dataWrite": value }));
            assert_eq!(set.has(Capability::DataRead), granted);
            assert_eq!(set.has(Capability::DataWrite), granted);
        }
        assert_eq!(read(json!({})).0, Capabilities::default());
    }

    #[test]
    fn storage_is_a_word() {
        assert!(!read(json!({ "storage": "none" })).0.has(Capability::Storage));
        assert!(read(json!({ "storage": "vfs-only" })).0.has(Capability::Storage));
        let (_, complaints) = read(json!({ "storage": "disk" }));
        assert_eq!(
            complaints[0].to_string(),
            r#"wasmCapabilities.storage is "disk"; write "vfs-only" or "none""#
        );
    }

    #[test]
    fn what_is_not_understood_is_said_and_changes_nothing() {
        let (set, complaints) = read(json!("all"));
        assert_eq!(set, Capabilities::default());
        assert_eq!(complaints.len(), 1);
        let (set, complaints) = read(json!({ "teleport": true }));
        assert_eq!(set, Capabilities::default());
        assert!(complaints[0].to_string().contains("teleport"));
    }

    #[test]
    fn every_key_of_the_specification_is_known_with_its_default() {
        let text = include_str!("../tests/data/capabilities.json");
        let rows: Vec<(String, Value)> = serde_json::from_str(text).unwrap();
        let own = [Capability::DeltaInputHandler];
        assert_eq!(rows.len() + own.len(), Capability::ALL.len());
        assert!(own.iter().all(|own| !Capabilities::default().has(*own)));
        for (key, default) in rows {
            let capability = Capability::from_key(&key).expect(&key);
            let granted = default.as_str().map_or(default == json!(true), |word| word != "none");
            assert_eq!(Capabilities::default().has(capability), granted, "{key}");
        }
    }
}
