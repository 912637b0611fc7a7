//! How the life of a library guest begins: born or started again, what it is called for first, what it says of itself.
//!
//! Clauses: plugin ABI 2.3, 2.4, 2.5; W20.

use std::collections::VecDeque;

use wasmi_hdk::wasi::StdoutTo;
use wasmi_hdk::{InstanceConfig, Module, START_SECTION, Stats, Stdin};

use super::{Exports, Phase};
use crate::abi::Flavour;
use crate::abi::assemblyscript::AssemblyScript;
use crate::abi::convention::Convention;
use crate::abi::env::imports;
use crate::abi::library::Library;
use crate::abi::queue::{Shared, Traits};
use crate::abi::work::{VALUES_HANDLER, Work};
use crate::handler::DELTA_INPUT;
use crate::net::Mail;
use crate::session::START_DEADLINE;
use crate::session::clients::Clients;
use crate::session::{Description, SessionConfig};
use crate::{Capability, Manifest};

/// This host's own: how a form for the schema is drawn. Asked for only where it is exported.
pub(super) const UI_SCHEMA: &str = "plugin_ui_schema";

impl Exports {
    /// A guest that is born on its first trip.
    pub(in crate::session) fn new(
        module: &Module,
        mut config: SessionConfig,
        manifest: &Manifest,
        flavour: Flavour,
    ) -> Exports {
        let mut limits = config.limits.clone();
        // Each call has its own deadline; the longest is that of a start.
        let start_time = START_DEADLINE.max(config.call_time.unwrap_or_default());
        limits.call_deadline = Some(start_time);
        let fs = config.fs.take();
        let instance = InstanceConfig {
            limits,
            args: Vec::new(),
            env: vec![
                ("PLUGIN_ID".to_owned(), manifest.id.to_string()),
                ("PLUGIN_PACKAGE".to_owned(), manifest.package_name.clone()),
            ],
            stdin: Stdin::Closed,
            stdout: StdoutTo::Log,
            fs: fs.filter(|_| manifest.capabilities.has(Capability::Storage)),
            imports: imports(),
            state: Box::new(shared(module, &config, manifest, flavour)),
            ..InstanceConfig::new(config.platform.clone())
        };
        let convention = match flavour {
            Flavour::AssemblyScript => {
                Convention::AssemblyScript(AssemblyScript::new(config.rules.http_utf16))
            }
            _ => Convention::Buffer,
        };
        let mut library = Library::new(module, convention, instance, config.call_time);
        library.queue.extend(entries(flavour, module).map(Work::Entry));
        Exports::begin(module, &config, manifest, flavour, (Box::new(library), Stats::default()))
    }

    /// A guest that has lived before; its memory is as it left it, and what it may use too.
    pub(in crate::session) fn again(
        module: &Module,
        config: SessionConfig,
        manifest: &Manifest,
        flavour: Flavour,
        (mut library, before): (Box<Library>, Stats),
    ) -> Exports {
        library.live_again(shared(module, &config, manifest, flavour));
        Exports::begin(module, &config, manifest, flavour, (library, before))
    }

    /// What it says of itself is read, then it is started.
    fn begin(
        module: &Module,
        config: &SessionConfig,
        manifest: &Manifest,
        flavour: Flavour,
        (mut library, before): (Box<Library>, Stats),
    ) -> Exports {
        library.queue.extend(texts(module, config.wants_id, flavour).map(Work::read));
        let last_text = match library.queue.back() {
            Some(Work::Read { export, .. }) => export,
            _ => "",
        };
        Exports {
            interface: module.interface().clone(),
            mail: Mail::default(),
            letters: VecDeque::new(),
            clients: Clients::default(),
            handlers: VecDeque::new(),
            library: Some(library),
            phase: Phase::Describing,
            is_legacy: flavour == Flavour::LegacyCommand,
            start: Some(start_text(&config.options, config.enable_debug)),
            enable_debug: config.enable_debug,
            last_text,
            description: Description { schema: "{}".to_owned(), ..Description::default() },
            has_poll: module.has_export("poll"),
            has_delta_handler: module.has_export("delta_handler")
                && manifest.capabilities.has(Capability::DataRead),
            has_values_handler: module.has_export(VALUES_HANDLER)
                && manifest.capabilities.has(Capability::DataRead),
            values: None,
            next_poll: None,
            stop_until: None,
            wait_until: None,
            is_sound: false,
            polled: 0,
            before,
        }
    }
}

/// What its host functions share with the session.
fn shared(
    module: &Module,
    config: &SessionConfig,
    manifest: &Manifest,
    flavour: Flavour,
) -> Shared {
    let mut shared = Shared::new(manifest, config.options.clone());
    shared.traits = Traits {
        padded: flavour == Flavour::AssemblyScript,
        has_new: module.has_export("__new"),
        has_response_handler: module.has_export("responseHandler"),
        has_input_handler: module.has_export(DELTA_INPUT),
    };
    shared
}

/// What is read before the start, in this order.
fn texts(
    module: &Module,
    wants_id: bool,
    flavour: Flavour,
) -> impl Iterator<Item = &'static str> + use<> {
    const ALWAYS: [&str; 2] = ["plugin_name", "plugin_schema"];
    // An old compiler's class numbers are learned from any text (plugin ABI 2.5); here there is no other.
    let teaches = flavour == Flavour::AssemblyScript
        && !ALWAYS.iter().any(|export| module.has_export(export));
    let ui_schema = module.has_export(UI_SCHEMA).then_some(UI_SCHEMA);
    let id = ((wants_id || teaches) && module.has_export("plugin_id")).then_some("plugin_id");
    let all = ALWAYS.into_iter().chain(ui_schema).chain(id);
    all.filter(move |_| flavour != Flavour::LegacyCommand)
}

/// What is called once before everything else, in this order (plugin ABI 2.3). The start section is
/// one of them, so that it has the time of a start and waits for what it asks.
fn entries(flavour: Flavour, module: &Module) -> impl Iterator<Item = &'static str> {
    // A legacy command is refused after its first entry, before which it runs by itself.
    let starts = module.has_start_section() && flavour != Flavour::LegacyCommand;
    let names: &[&str] = match flavour {
        Flavour::BufferCommand | Flavour::LegacyCommand => &["_start"],
        Flavour::BufferReactor => &["_initialize"],
        Flavour::AssemblyScript => &["_initialize", "_start"],
        Flavour::BufferLibrary | Flavour::JsonRpc => &[],
    };
    let named = names.iter().copied().filter(|name| module.has_export(name));
    starts.then_some(START_SECTION).into_iter().chain(named).collect::<Vec<_>>().into_iter()
}

/// The configuration with `enableDebug` last, compact (plugin ABI 1.5).
pub(in crate::session) fn start_text(options: &str, enable_debug: bool) -> String {
    let mut options = match signalk_model::json::parse(options.as_bytes()) {
        Ok(serde_json::Value::Object(options)) => options,
        _ => serde_json::Map::new(),
    };
    options.shift_remove("enableDebug");
    options.insert("enableDebug".to_owned(), enable_debug.into());
    signalk_model::json::value_text(&serde_json::Value::Object(options))
}

#[cfg(test)]
mod tests {
    use super::start_text;

    #[test]
    fn the_configuration_is_compact_with_enable_debug_last() {
        let text =
            start_text(r#"{ "enableDebug": true, "b": 1000.0, "a": [1, {"x": null}] }"#, false);
        assert_eq!(text, r#"{"b":1000,"a":[1,{"x":null}],"enableDebug":false}"#);
        assert_eq!(start_text("null", true), r#"{"enableDebug":true}"#);
    }
}
