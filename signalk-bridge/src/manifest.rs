//! `package.json` of a plugin, read leniently: what was understood, plus complaints.
//!
//! Clauses: plugin ABI 1.1 to 1.4. Finding packages on a disk is the edge's
//! work (`signalk-host/src/discovery.rs`); reading one is here.

use serde_json::{Map, Value};

use crate::{Capabilities, PluginId};

/// The keywords that make a package a plugin.
const KEYWORDS: [&str; 2] = ["signalk-wasm-plugin", "signalk-node-server-plugin"];

/// What one plugin package says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The name inside the server.
    pub id: PluginId,
    /// The npm name.
    pub package_name: String,
    /// `""` when the package has none.
    pub version: String,
    /// `""` when the package has none.
    pub description: String,
    /// As written.
    pub keywords: Vec<String>,
    /// Path of the module, relative to the package folder, with `/`, never leaving it.
    pub wasm: String,
    /// Which convention the author declares.
    pub interface: Interface,
    /// What the plugin may do.
    pub capabilities: Capabilities,
    /// `signalk-plugin-enabled-by-default`.
    pub enabled_by_default: bool,
    /// `signalk.displayName`: shown while the module is not loaded.
    pub display_name: Option<String>,
    /// `signalk.wasmSubscribe`: patterns of the paths for `delta_handler`; `None` = everything.
    pub subscribe: Option<Vec<String>>,
    /// `signalk.wasmEgress`: all that it needs to reach, as in the owner's `only`
    /// ([`Egress`](crate::Egress)); `None` = it does not say.
    pub egress: Option<Vec<String>>,
}

/// How the host talks to the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interface {
    /// The module's exports decide (plugin ABI 2.2).
    #[default]
    Auto,
    /// `"wasmInterface": "buffer"`: `allocate`, `plugin_start` and the `sk_*` imports.
    Buffer,
    /// `"wasmInterface": "json-rpc"`: messages over stdin and stdout.
    JsonRpc,
}

/// A manifest and what was wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What was understood.
    pub manifest: Manifest,
    /// What was not, for the person who wrote it.
    pub complaints: Vec<Complaint>,
}

/// Why a package is no plugin at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not JSON, or not an object.
    #[error("package.json is not a JSON object: {reason}; mend the file or reinstall the package")]
    NotJson {
        /// What the parser said, with line and column.
        reason: String,
    },
    /// An ordinary package: no plugin keyword or no `wasmManifest`. Not worth a word to anybody.
    #[error("`{package}` is not a WebAssembly plugin")]
    NotAPlugin {
        /// Its npm name, `""` when it has none.
        package: String,
    },
    /// A plugin without a name has no id.
    #[error("package.json has no `name`: the plugin cannot be identified; add one")]
    NoName,
    /// The module's path is not text or leaves the package.
    #[error(
        "`{package}`: wasmManifest is {found}; it must be the path of a .wasm file inside the package, as in \"plugin.wasm\""
    )]
    BadWasmPath {
        /// npm name.
        package: String,
        /// What stands there, as JSON.
        found: String,
    },
}

/// Something in a manifest that was not understood and has no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Complaint {
    /// `wasmCapabilities` is not an object.
    #[error(
        "wasmCapabilities is {found}, not an object; the defaults apply (dataRead, dataWrite, storage)"
    )]
    CapabilitiesNotAnObject {
        /// As JSON.
        found: String,
    },
    /// A key that no host knows.
    #[error("wasmCapabilities.{key} is not a capability; remove it or mend its spelling")]
    UnknownCapability {
        /// As written.
        key: String,
    },
    /// `storage` is neither of its two words.
    #[error("wasmCapabilities.storage is {found}; write \"vfs-only\" or \"none\"")]
    UnknownStorage {
        /// As JSON.
        found: String,
    },
    /// Only the place that some documentation shows.
    #[error("wasmCapabilities stands inside `signalk`; move it to the top level of package.json")]
    CapabilitiesMisplaced,
    /// `wasmInterface` is neither of its two words.
    #[error(
        "wasmInterface is {found}; write \"json-rpc\" or \"buffer\", or leave it out: the module's exports decide now"
    )]
    UnknownInterface {
        /// As JSON.
        found: String,
    },
    /// A member has the wrong type.
    #[error("{member} is {found}, expected {expected}; it is ignored")]
    WrongType {
        /// Its name.
        member: &'static str,
        /// As JSON.
        found: String,
        /// In words.
        expected: &'static str,
    },
    /// No version: updates cannot be told apart.
    #[error("package.json has no `version`; add one so that updates can be told apart")]
    NoVersion,
}

impl Manifest {
    /// Reads the text of a `package.json`.
    ///
    /// # Errors
    /// [`ManifestError::NotAPlugin`] for every ordinary package; the other
    /// variants are worth a line to the owner.
    pub fn read(text: &[u8]) -> Result<Reading, ManifestError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let root: Map<String, Value> = serde_json::from_slice(text)
            .map_err(|error| ManifestError::NotJson { reason: error.to_string() })?;
        let mut complaints = Vec::new();

        let name = root.get("name").and_then(Value::as_str).unwrap_or_default();
        let keywords = words(&root, "keywords", &mut complaints).unwrap_or_default();
        let declared = keywords.iter().any(|word| KEYWORDS.contains(&word.as_str()));
        let wasm = match root.get("wasmManifest") {
            Some(value) if declared => value,
            _ => return Err(ManifestError::NotAPlugin { package: name.to_owned() }),
        };
        if name.is_empty() {
            return Err(ManifestError::NoName);
        }
        let wasm = wasm.as_str().and_then(inner_path).ok_or_else(|| {
            ManifestError::BadWasmPath { package: name.to_owned(), found: wasm.to_string() }
        })?;

        let signalk = root.get("signalk").and_then(Value::as_object);
        let in_signalk = |key: &str| signalk.and_then(|signalk| signalk.get(key));
        let capabilities = match (root.get("wasmCapabilities"), in_signalk("wasmCapabilities")) {
            (Some(value), _) => Capabilities::read(value, &mut complaints),
            (None, Some(value)) => {
                complaints.push(Complaint::CapabilitiesMisplaced);
                Capabilities::read(value, &mut complaints)
            }
            (None, None) => Capabilities::default(),
        };
        let version = text_of(&root, "version", &mut complaints);
        if version.is_empty() {
            complaints.push(Complaint::NoVersion);
        }
        let manifest = Manifest {
            id: PluginId::from_package(name),
            package_name: name.to_owned(),
            version,
            description: text_of(&root, "description", &mut complaints),
            keywords,
            wasm,
            interface: interface(root.get("wasmInterface"), &mut complaints),
            capabilities,
            enabled_by_default: flag(&root, "signalk-plugin-enabled-by-default", &mut complaints),
            display_name: in_signalk("displayName").and_then(Value::as_str).map(str::to_owned),
            subscribe: signalk.and_then(|signalk| words(signalk, "wasmSubscribe", &mut complaints)),
            egress: signalk.and_then(|signalk| words(signalk, "wasmEgress", &mut complaints)),
        };
        Ok(Reading { manifest, complaints })
    }
}

fn interface(value: Option<&Value>, complaints: &mut Vec<Complaint>) -> Interface {
    match value.map(|value| (value, value.as_str())) {
        None => Interface::Auto,
        Some((_, Some("json-rpc"))) => Interface::JsonRpc,
        Some((_, Some("buffer"))) => Interface::Buffer,
        Some((value, _)) => {
            complaints.push(Complaint::UnknownInterface { found: value.to_string() });
            Interface::Auto
        }
    }
}

fn text_of(
    root: &Map<String, Value>,
    member: &'static str,
    complaints: &mut Vec<Complaint>,
) -> String {
    match root.get(member) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => {
            complaints.push(wrong(member, other, "text"));
            String::new()
        }
    }
}

fn flag(root: &Map<String, Value>, member: &'static str, complaints: &mut Vec<Complaint>) -> bool {
    match root.get(member) {
        None => false,
        Some(Value::Bool(value)) => *value,
        Some(other) => {
            complaints.push(wrong(member, other, "true or false"));
            false
        }
    }
}

fn words(
    root: &Map<String, Value>,
    member: &'static str,
    complaints: &mut Vec<Complaint>,
) -> Option<Vec<String>> {
    let value = root.get(member)?;
    let words: Option<Vec<String>> = value
        .as_array()
        .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    if words.is_none() {
        complaints.push(wrong(member, value, "an array of texts"));
    }
    words
}

fn wrong(member: &'static str, found: &Value, expected: &'static str) -> Complaint {
    Complaint::WrongType { member, found: found.to_string(), expected }
}

/// A relative path that stays in its folder, in plain form.
fn inner_path(path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains(['\\', ':', '\0']) {
        return None;
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Capability;
    use serde_json::json;

    fn read(value: &Value) -> Result<Reading, ManifestError> {
        Manifest::read(value.to_string().as_bytes())
    }

    fn minimal() -> Value {
        json!({ "name": "@signalk/hello", "version": "1.0.0",
                "keywords": ["signalk-wasm-plugin"], "wasmManifest": "plugin.wasm" })
    }

    #[test]
    fn a_minimal_package_has_every_default() {
        let reading = read(&minimal()).unwrap();
        assert_eq!(reading.complaints, []);
        let manifest = reading.manifest;
        assert_eq!(manifest.id.as_str(), "_signalk_hello");
        assert_eq!(manifest.package_name, "@signalk/hello");
        assert_eq!(manifest.wasm, "plugin.wasm");
        assert_eq!(manifest.interface, Interface::Auto);
        assert_eq!(manifest.capabilities, Capabilities::default());
        assert!(!manifest.enabled_by_default);
        assert_eq!((manifest.subscribe, manifest.egress), (None, None));
    }

    #[test]
    fn either_keyword_makes_a_plugin_and_no_keyword_makes_none() {
        let mut package = minimal();
        package["keywords"] = json!(["signalk-node-server-plugin", "signalk-webapp"]);
        assert!(read(&package).is_ok());
        package["keywords"] = json!(["signalk-webapp"]);
        assert!(matches!(read(&package), Err(ManifestError::NotAPlugin { .. })));
        package["keywords"] = json!(["signalk-wasm-plugin"]);
        package.as_object_mut().unwrap().remove("wasmManifest");
        assert!(matches!(read(&package), Err(ManifestError::NotAPlugin { .. })));
    }

    #[test]
    fn the_module_path_stays_inside_the_package() {
        for (path, expected) in [
            ("build/plugin.wasm", Some("build/plugin.wasm")),
            ("./a//b/../plugin.wasm", Some("a/plugin.wasm")),
            ("../plugin.wasm", None),
            ("a/../../plugin.wasm", None),
            ("/etc/plugin.wasm", None),
            ("C:\\plugin.wasm", None),
            ("", None),
        ] {
            let mut package = minimal();
            package["wasmManifest"] = json!(path);
            let got = read(&package).map(|reading| reading.manifest.wasm);
            assert_eq!(got.ok().as_deref(), expected, "{path}");
        }
        let mut package = minimal();
        package["wasmManifest"] = json!(true);
        assert_eq!(
            read(&package).unwrap_err().to_string(),
            "`@signalk/hello`: wasmManifest is true; it must be the path of a .wasm file inside the package, as in \"plugin.wasm\""
        );
    }

    #[test]
    fn capabilities_are_read_at_the_top_first_and_below_signalk_else() {
        let mut package = minimal();
        package["signalk"] = json!({ "wasmCapabilities": { "network": true } });
        let reading = read(&package).unwrap();
        assert!(reading.manifest.capabilities.has(Capability::Network));
        assert_eq!(reading.complaints, [Complaint::CapabilitiesMisplaced]);
        package["wasmCapabilities"] = json!({});
        let reading = read(&package).unwrap();
        assert!(!reading.manifest.capabilities.has(Capability::Network));
        assert_eq!(reading.complaints, []);
    }

    #[test]
    fn a_damaged_manifest_gives_what_was_understood_and_complaints() {
        let mut package = minimal();
        package["version"] = json!(2);
        package["wasmInterface"] = json!("soap");
        package["signalk"] = json!({ "wasmEgress": "api.example.org" });
        package["wasmCapabilities"] = json!({ "rawSokets": true, "rawSockets": 1 });
        package["signalk-plugin-enabled-by-default"] = json!("yes");
        let reading = read(&package).unwrap();
        assert!(reading.manifest.capabilities.has(Capability::RawSockets));
        let texts: Vec<_> = reading.complaints.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "wasmCapabilities.rawSokets is not a capability; remove it or mend its spelling",
                "version is 2, expected text; it is ignored",
                "package.json has no `version`; add one so that updates can be told apart",
                "wasmInterface is \"soap\"; write \"json-rpc\" or \"buffer\", or leave it out: the module's exports decide now",
                "signalk-plugin-enabled-by-default is \"yes\", expected true or false; it is ignored",
                "wasmEgress is \"api.example.org\", expected an array of texts; it is ignored",
            ]
        );
    }

    #[test]
    fn f61_a_package_says_what_it_needs_to_reach() {
        let mut package = minimal();
        package["signalk"] = json!({ "wasmEgress": ["api.example.org:443"] });
        let manifest = read(&package).unwrap().manifest;
        assert_eq!(manifest.egress, Some(vec!["api.example.org:443".to_owned()]));
    }

    #[test]
    fn what_is_not_json_says_where() {
        let error = Manifest::read(b"{\"name\":").unwrap_err().to_string();
        assert!(error.contains("line 1 column 8"), "{error}");
        assert!(matches!(Manifest::read(b"[]"), Err(ManifestError::NotJson { .. })));
        assert!(matches!(Manifest::read(b""), Err(ManifestError::NotJson { .. })));
    }
}
