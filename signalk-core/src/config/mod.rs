//! Configuration: the texts of a `~/.signalk` directory, understood. What could not be understood is a complaint in
//! words and never stops the server. No file is read here (the edge does) and none is written (`Effect::SaveFile`).

mod base_deltas;
mod connections;
mod providers_form;
mod settings;
mod settings_form;
mod vessel_form;

use std::collections::{BTreeMap, BTreeSet};

use crate::security::{Secret, SecurityFile};

pub use self::{
    base_deltas::BaseDeltas,
    connections::{ConnectionConfig, ConnectionKind, Endpoint, Pace},
    settings::Settings,
};
pub(crate) use self::{
    connections::{connection, is_enabled, refused},
    providers_form::{NotTaken, listed, with_form},
};

/// What the edge read from the configuration directory. A missing file is `None`; a file that could not be read is a
/// complaint, and `None`.
#[derive(Debug, Clone, Default)]
pub struct ConfigTexts {
    /// `settings.json`
    pub settings: Option<String>,
    /// `baseDeltas.json`
    pub base_deltas: Option<String>,
    /// `defaults.json`, the older form of the same; looked at only without `baseDeltas.json`.
    pub defaults: Option<String>,
    /// `security.json`. One that is there and could not be read is an empty text: then nobody gets in.
    pub security: Option<Secret>,
    /// `plugin-config-data/<id>.json`, by id.
    pub plugin_options: BTreeMap<String, String>,
    /// `plugin-descriptions.json`: what plugins said about themselves at earlier starts. Without it they are asked.
    pub plugin_descriptions: Option<String>,
    /// Files and folders that could not be read: named, with the remedy.
    pub complaints: Vec<String>,
}

/// Everything that is decided before the server starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// The version that clients see. They compare it with the reference server's: this is the one whose surface we
    /// serve.
    pub version: String,
    /// `settings.json`.
    pub settings: Settings,
    /// What is known about the own vessel before any instrument speaks.
    pub base_deltas: BaseDeltas,
    /// Input connections: of `settings.json`, and those that the edge adds from its command line.
    pub connections: Vec<ConnectionConfig>,
    /// Saved options by plugin id, as texts.
    pub plugin_options: BTreeMap<String, String>,
    /// `plugin-descriptions.json`, as text.
    pub plugin_descriptions: Option<String>,
    /// Folders with chart files besides those of the charts plugin's options.
    pub chart_folders: Vec<String>,
    /// False: no plugin is loaded (`--no-plugins`).
    pub plugins_enabled: bool,
    /// Plugins, by id or package name, that are enabled while no options file says otherwise.
    pub plugins_enabled_by_default: BTreeSet<String>,
    /// What each plugin may use, unless its options file says otherwise.
    pub plugin_limits: wasmi_hdk::Limits,
    /// Guest time of one call of a plugin; `None`: what the ABI gives to each kind of call.
    pub plugin_call_time: Option<std::time::Duration>,
    /// Who may do what; `None`: everybody everything, as in the reference without security.
    pub security: Option<SecurityFile>,
    /// The port of the line-oriented JSON stream when the edge serves it, for discovery.
    pub tcp_port: Option<u16>,
    /// The port that the edge listens on, for `GET /skServer/settings`.
    pub http_port: u16,
    /// What could not be understood.
    pub complaints: Vec<String>,
}

impl Config {
    /// Understands what the edge read. Never fails: see [`Config::complaints`].
    pub fn from_texts(texts: ConfigTexts) -> Config {
        let mut complaints = texts.complaints;
        let settings = Settings::parse(texts.settings.as_deref(), &mut complaints);
        let base_deltas = BaseDeltas::parse(
            texts.base_deltas.as_deref(),
            texts.defaults.as_deref(),
            &mut complaints,
        );
        let connections = connections::from_settings(&settings, &mut complaints);
        let security = security(texts.security.as_ref(), &settings, &mut complaints);
        let http_port = settings.port().unwrap_or(DEFAULT_PORT);
        Config {
            version: SERVED_VERSION.into(),
            settings,
            base_deltas,
            connections,
            plugin_options: texts.plugin_options,
            plugin_descriptions: texts.plugin_descriptions,
            chart_folders: Vec::new(),
            plugins_enabled: true,
            plugins_enabled_by_default: BTreeSet::new(),
            // Plugin ABI W25: log lines.
            plugin_limits: wasmi_hdk::Limits {
                stderr_lines_per_second: 100,
                ..wasmi_hdk::Limits::default()
            },
            plugin_call_time: None,
            security,
            tcp_port: None,
            http_port,
            complaints,
        }
    }
}

/// DIFFERENCE: a `security.json` is enough; the reference looks at it only when `settings.json` names its strategy,
/// too. A directory that was secured once is not served open because of one line in another file.
fn security(
    text: Option<&Secret>,
    settings: &Settings,
    complaints: &mut Vec<String>,
) -> Option<SecurityFile> {
    if let Some(text) = text {
        return Some(SecurityFile::parse(text, complaints));
    }
    let strategy = settings.get("security").and_then(|security| security.get("strategy"));
    strategy.filter(|strategy| strategy.is_string()).map(|_| {
        complaints.push("settings.json: security is on (security.strategy) and there is no security.json: nobody can log in; restore the file, or take that member away for a server without security".into());
        SecurityFile::locked()
    })
}

impl Default for Config {
    fn default() -> Config {
        Config::from_texts(ConfigTexts::default())
    }
}

/// Whose surface we serve. Freeboard-SK refuses servers below 2.
const SERVED_VERSION: &str = "2.32.0";

const DEFAULT_PORT: u16 = 3000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_directory_is_a_configuration() {
        let config = Config::default();
        assert!(config.complaints.is_empty() && config.connections.is_empty());
        assert!(config.security.is_none());
        assert_eq!(config.http_port, 3000);
    }

    #[test]
    fn broken_files_are_complaints_and_are_not_overwritten() {
        let config = Config::from_texts(ConfigTexts {
            settings: Some("{\"port\": 30".into()),
            base_deltas: Some("[[]]".into()),
            ..ConfigTexts::default()
        });
        let text = config.complaints.join("\n");
        assert!(text.contains("settings.json"), "{text}");
        assert!(text.contains("baseDeltas.json"), "{text}");
        assert!(!config.settings.may_be_saved() && !config.base_deltas.may_be_saved());
    }

    #[test]
    fn an_owner_with_source_priorities_is_told_that_they_are_not_followed() {
        for (settings, count) in [
            (
                r#"{"sourcePriorities":{"navigation.position":[{"sourceRef":"gps.1","timeout":0}]}}"#,
                1,
            ),
            (r#"{"sourcePriorities":{}}"#, 0),
            ("{}", 0),
        ] {
            let settings = Some(settings.to_owned());
            let config = Config::from_texts(ConfigTexts { settings, ..ConfigTexts::default() });
            assert_eq!(config.complaints.len(), count, "{:?}", config.complaints);
            assert!(config.settings.may_be_saved());
        }
    }

    /// DIFFERENCE of [`security`].
    #[test]
    fn either_file_makes_a_directory_a_secured_one() {
        let strategy = r#"{"security":{"strategy":"./tokensecurity"}}"#;
        for (security, settings) in [(Some("{}"), None), (None, Some(strategy)), (Some(""), None)] {
            let config = Config::from_texts(ConfigTexts {
                security: security.map(Secret::from),
                settings: settings.map(str::to_owned),
                ..ConfigTexts::default()
            });
            assert!(config.security.is_some_and(|file| !file.lets_everybody_read()));
            assert!(config.complaints.join("\n").contains("security.json"));
        }
    }
}
