//! Resources: routes, waypoints, notes, regions, charts and custom collections, whoever has them (server-api.md 4.2,
//! plugin ABI 11.1).
//!
//! `provider.rs`: the one idea, a question to a maker and its answer. `asking.rs`: several makers, one answer.
//! `turn.rs`: from a client's question to its response and the delta that tells the others. `scan.rs`, `filter.rs`:
//! lists of files. `storage.rs`: what the edge does for it. `plugin.rs`: what a plugin is told and what its reply
//! means. `options.rs`, `charts.rs`: what is configured. `tiles.rs`: pieces of chart files. Which address means what is
//! `api::resources`; which ids and values are valid is `signalk_model::resource`.

mod asking;
mod charts;
mod filter;
mod options;
mod plugin;
mod provider;
mod scan;
mod storage;
mod tiles;
mod turn;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

pub use self::scan::Scan;
pub use self::storage::{ChartFile, RawFile, StorageDone, StorageTask, StoredFile, TileAnswer};
use self::{asking::Asking, charts::ChartOptions, options::Options};
pub(crate) use self::{
    asking::Client,
    plugin::{only_error, told},
    provider::{Provider, Question},
    turn::{Turn, completed, failed},
};
use crate::{
    config::{Config, Settings},
    io::{Effect, LogLevel, Output, Ticket},
    plugins::Plugins,
    server::Server,
};

/// What the server knows of resources.
#[derive(Debug)]
pub(crate) struct Resources {
    pub(crate) options: Options,
    charts: ChartOptions,
    /// Chart files as last found.
    files: Vec<ChartFile>,
    /// By type: the provider that writes what nobody has yet.
    defaults: BTreeMap<String, String>,
    asking: BTreeMap<u64, Asking>,
    waiting: BTreeMap<Ticket, Waiting>,
    next_asking: u64,
    /// Type and name of files that could not be understood when they were last looked at.
    damaged: BTreeSet<(String, String)>,
}

/// Who waits for a task of the edge.
#[derive(Debug)]
enum Waiting {
    /// The provider at this place of a question.
    Asked { asking: u64, at: usize, writes: bool },
    /// A client that wants a tile.
    Tile(Client),
    /// A client that wants (a piece of) a chart file.
    RawFile { client: Client, name: String },
    /// A client that reads the list or one chart in the form of version 1.
    ChartsV1 { client: Client, id: Option<String> },
    /// The first look at the chart folders.
    FirstLook,
}

impl Resources {
    /// Of the configuration; also what in it was not understood.
    pub(crate) fn new(config: &Config) -> (Resources, Vec<String>) {
        let text = |id: &str| config.plugin_options.get(id).map(String::as_str);
        let (options, complaint) = Options::parse(text(options::FILES));
        let (mut charts, mut complaints) = ChartOptions::parse(text(charts::CHARTS));
        complaints.extend(complaint);
        charts.folders.extend(config.chart_folders.iter().cloned());
        let resources = Resources {
            options,
            charts,
            files: Vec::new(),
            defaults: defaults(&config.settings),
            asking: BTreeMap::new(),
            waiting: BTreeMap::new(),
            next_asking: 1,
            damaged: BTreeSet::new(),
        };
        (resources, complaints)
    }

    /// Those that are shown to have resources of this type, in the order in which they registered. Chart files are one
    /// only when there are any, as the reference's charts plugin is one only when it is installed.
    pub(crate) fn providers(&self, kind: &str, plugins: &Plugins) -> Vec<Provider> {
        let known = !self.files.is_empty() || self.charts.has_online();
        let mut asked = self.asked(kind, plugins);
        asked.retain(|provider| known || *provider != Provider::Charts);
        asked
    }

    /// Those that are asked for resources of this type: also the chart folders, where a file may have been put just
    /// now.
    pub(crate) fn asked(&self, kind: &str, plugins: &Plugins) -> Vec<Provider> {
        let mut providers = Vec::new();
        if self.options.types().iter().any(|served| served == kind) {
            providers.push(Provider::Files);
        }
        if kind == charts::CHARTS {
            providers.push(Provider::Charts);
        }
        providers.extend(plugins.resource_providers(kind).into_iter().map(Provider::Plugin));
        providers
    }

    /// The answer of `GET /signalk/v2/api/resources`.
    pub(crate) fn described(&self, plugins: &Plugins) -> Value {
        let mut types = Map::new();
        let of_plugins = plugins.resource_types().map(str::to_owned);
        for kind in self.options.types().into_iter().chain(of_plugins) {
            let one = kind.strip_suffix('s').unwrap_or(&kind);
            let description = json!({ "description": format!("Path containing {one} resources") });
            types.insert(kind, description);
        }
        Value::Object(types)
    }

    /// Who writes new resources of this type.
    pub(crate) fn default_provider(&self, kind: &str, plugins: &Plugins) -> Option<Provider> {
        let mut providers = self.providers(kind, plugins);
        let chosen = self.defaults.get(kind);
        let at = providers.iter().position(|provider| chosen.is_some_and(|id| provider.id() == id));
        (!providers.is_empty()).then(|| providers.swap_remove(at.unwrap_or(0)))
    }

    /// Writes that are not yet durable.
    pub(crate) fn is_writing(&self) -> bool {
        self.waiting.values().any(|waiting| matches!(waiting, Waiting::Asked { writes: true, .. }))
    }

    /// For the host's own page.
    pub(crate) fn status_json(&self) -> Value {
        let damaged: Vec<String> =
            self.damaged.iter().map(|(kind, name)| format!("{kind}/{name}")).collect();
        json!({ "charts": self.files.len(), "damaged": damaged, "asking": self.asking.len() })
    }
}

impl Server {
    /// A client chose who writes new resources of this type: settings.json keeps it.
    pub(crate) fn choose_default_provider(&mut self, kind: &str, provider: &str) {
        self.resources.defaults.insert(kind.to_owned(), provider.to_owned());
        let settings = &mut self.config.settings;
        let mut api =
            settings.get("resourcesApi").and_then(Value::as_object).cloned().unwrap_or_default();
        api.insert("defaultProviders".into(), json!(self.resources.defaults));
        settings.set("resourcesApi", Value::Object(api));
        if settings.may_be_saved() {
            let text = settings.to_text();
            self.save("settings.json".into(), text, crate::saving::Saving::Quiet);
        }
    }

    /// The first turn: which charts are there.
    pub(crate) fn look_for_charts(&mut self) {
        let folders = self.resources.charts.folders.clone();
        self.storage(StorageTask::FindCharts { folders }, Waiting::FirstLook);
    }

    fn storage(&mut self, task: StorageTask, waiting: Waiting) {
        let ticket = self.ticket();
        self.resources.waiting.insert(ticket, waiting);
        self.outputs.push_back(Output::Effect(Effect::Storage { ticket, task }));
    }

    /// Where the own vessel is: (longitude, latitude).
    fn own_position(&self) -> Option<(f64, f64)> {
        let leaf = self.leaf(&self.self_context, "navigation.position")?;
        let value = leaf.get("value")?;
        Some((value.get("longitude")?.as_f64()?, value.get("latitude")?.as_f64()?))
    }

    /// What a look at files showed: says once of each that it is damaged.
    fn note_files(&mut self, kind: &str, names: Vec<String>, sound: impl Fn(&str) -> bool) {
        self.resources.damaged.retain(|(of, name)| of != kind || !sound(name));
        for name in names {
            if self.resources.damaged.insert((kind.to_owned(), name.clone())) {
                let text = format!(
                    "resources/{kind}/{name}: not a JSON object; it is left out, the others are served: repair or remove it"
                );
                self.log_line(LogLevel::Warn, options::FILES.into(), text);
            }
        }
    }
}

fn defaults(settings: &Settings) -> BTreeMap<String, String> {
    let chosen = settings.get("resourcesApi").and_then(|api| api.get("defaultProviders"));
    let chosen = chosen.and_then(Value::as_object).into_iter().flatten();
    chosen.filter_map(|(kind, id)| Some((kind.clone(), id.as_str()?.to_owned()))).collect()
}
