//! `PluginId`: the one name of a plugin inside the server.
//!
//! Clause: plugin ABI 1.4. The id comes from the npm name, never from the
//! module's `plugin_id` export.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Package name with `@` and `/` replaced by `_`; cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginId(Arc<str>);

impl PluginId {
    /// The id of a package.
    ///
    /// ```
    /// use signalk_bridge::PluginId;
    /// let id = PluginId::from_package("@signalk/example-weather-plugin");
    /// assert_eq!(&*id, "_signalk_example-weather-plugin");
    /// ```
    pub fn from_package(package_name: &str) -> PluginId {
        PluginId(package_name.replace(['@', '/'], "_").into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for PluginId {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for PluginId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl serde::Serialize for PluginId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
