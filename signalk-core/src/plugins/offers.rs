//! Who among the running plugins offers what a client asks for. The table itself is `registrations.rs`.

use indexmap::IndexMap;
use serde_json::{Map, Value};
use signalk_bridge::{Access, PluginId};

use super::Plugins;
use super::routes::At;
use crate::security::Needs;

/// An endpoint that takes a request.
pub(crate) struct FoundEndpoint {
    pub(crate) plugin: PluginId,
    pub(crate) handler: String,
    pub(crate) params: Map<String, Value>,
    /// Who may ask, as the author said; an administrator where nothing was said.
    pub(crate) needs: Needs,
    /// What the author said that its reply may need.
    pub(crate) largest_reply: Option<u32>,
    /// Asking twice does no harm.
    pub(crate) repeatable: bool,
    /// Its bodies come and go in pieces.
    pub(crate) streams: bool,
    /// The owner lets the plugin see cookies and authorization headers of clients.
    pub(crate) passes_credentials: bool,
}

/// A plugin that takes a PUT, and the names that it registered.
pub(crate) struct FoundPut {
    pub(crate) plugin: PluginId,
    pub(crate) context: String,
    pub(crate) path: String,
}

/// Beside the routes that every plugin has (plugin ABI 8.4) nothing is opened, whatever the method.
fn is_fixed(path: &str) -> bool {
    let name = path.trim_matches('/').to_ascii_lowercase();
    ["", "config", "diagnostics", "reload"].contains(&name.as_str())
}

/// Plugin ABI 8.5, W24.
pub(super) fn needs(access: Access) -> Needs {
    match access {
        Access::Readonly => Needs::READ,
        Access::Readwrite => Needs::WRITE,
        Access::Admin => Needs::ADMIN,
    }
}

impl Plugins {
    /// The endpoint of a plugin (by id or package name) for a method and a path below its mount.
    pub(crate) fn endpoint(&self, id: &str, method: &str, path: &str) -> Option<FoundEndpoint> {
        let (at, plugin) = self.find(id)?;
        let (endpoint, params) = self.registrations.endpoints(at)?.find(method, path)?;
        Some(FoundEndpoint {
            plugin: plugin.manifest.id.clone(),
            handler: endpoint.handler.clone(),
            params,
            needs: if is_fixed(path) { Needs::ADMIN } else { needs(endpoint.access) },
            largest_reply: endpoint.largest_reply,
            repeatable: method == "GET",
            streams: endpoint.stream,
            passes_credentials: plugin.options.flag("passCredentials"),
        })
    }

    /// Plugins that take a PUT to this path; with `source` only that one, by id or package name.
    /// The own vessel is known by both its names, and a plugin that registered both has registered twice: the later one
    /// replaces (plugin ABI 10.1).
    pub(crate) fn put_handlers(
        &self,
        context: &str,
        path: &str,
        source: Option<&str>,
        own: &str,
    ) -> Vec<FoundPut> {
        let plain = |context: &str| {
            if context == "vessels.self" { own.to_owned() } else { context.to_owned() }
        };
        let wanted = plain(context);
        let takes = self.registrations.puts().filter(|(at, (context, known))| {
            *known == path
                && plain(context) == wanted
                && source.is_none_or(|source| self.is(*at, source))
        });
        let found = takes.filter_map(|(at, (context, path))| {
            let plugin = self.owner(at)?;
            Some((at, FoundPut { plugin, context: context.to_owned(), path: path.to_owned() }))
        });
        found.collect::<IndexMap<_, _>>().into_values().collect()
    }

    /// Weather providers and their names, in the order in which they came.
    pub(crate) fn weather_providers(&self) -> Vec<(PluginId, String)> {
        self.named(self.registrations.weather())
    }

    /// Radar providers and their names, in the order in which they came.
    pub(crate) fn radar_providers(&self) -> Vec<(PluginId, String)> {
        self.named(self.registrations.radars())
    }

    /// Plugins that provide resources of a type, in the order in which they registered.
    pub(crate) fn resource_providers(&self, kind: &str) -> Vec<PluginId> {
        let of_kind = self.registrations.resources().filter(|(_, provided)| *provided == kind);
        of_kind.filter_map(|(at, _)| Some(self.plugins.get(at)?.manifest.id.clone())).collect()
    }

    /// Types of resources that plugins provide, in the order in which they were registered.
    pub(crate) fn resource_types(&self) -> impl Iterator<Item = &str> {
        self.registrations.resources().map(|(_, kind)| kind)
    }

    /// The plugin of this id or package name.
    pub(crate) fn id_of(&self, name: &str) -> Option<PluginId> {
        self.find(name).map(|(_, plugin)| plugin.manifest.id.clone())
    }

    fn named<'a>(&self, rows: impl Iterator<Item = (At, &'a str)>) -> Vec<(PluginId, String)> {
        rows.filter_map(|(at, name)| Some((self.owner(at)?, name.to_owned()))).collect()
    }

    fn owner(&self, at: At) -> Option<PluginId> {
        self.plugins.get(at).map(|plugin| plugin.manifest.id.clone())
    }

    fn is(&self, at: At, name: &str) -> bool {
        self.plugins.get(at).is_some_and(|plugin| {
            plugin.manifest.id.as_str() == name || plugin.manifest.package_name == name
        })
    }
}
