//! How a JSON-RPC plugin begins: `initialize` and `start`.
//!
//! The handshake is that of `wit/signalk-plugin.wit`, interface
//! plugin-interface. A plugin that does not know `initialize` or `start` is
//! taken as it is: then it has no name, no schema, and nothing to start.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::{Common, INITIALIZE, Phase, Rpc, START};
use crate::session::library::start_text;
use crate::session::rows::Rows;
use crate::session::{Description, PROTOCOL_VERSION, START_DEADLINE};
use crate::{Capability, SignalK};

/// Ways to hand over deltas, as `initialize` offers them: a plugin that chooses none gets JSON.
const HAND_OVER: [&str; 2] = ["json", "rows"];

/// Answer of `initialize`; all but the version may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Initialized {
    protocol_version: Option<String>,
    name: Option<String>,
    schema: Option<Value>,
    ui_schema: Option<Value>,
    hand_over: Option<String>,
    #[serde(default)]
    capabilities: Wanted,
}

/// What the plugin cannot do without.
#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    required: Vec<String>,
}

impl Rpc {
    pub(super) fn initialize(&mut self, common: &Common, now: Duration) {
        let manifest = &common.manifest;
        let granted: Vec<_> = manifest.capabilities.iter().map(Capability::key).collect();
        let options = RawValue::from_string(self.options.clone()).ok();
        let params = to_raw_value(&json!({
            "protocolVersion": PROTOCOL_VERSION,
            "host": self.host,
            "capabilities": { "granted": granted },
            "handOver": HAND_OVER,
            "plugin": { "id": manifest.id, "package": manifest.package_name, "version": manifest.version },
            "options": options,
        }));
        self.phase = Phase::Initializing;
        self.call(now, INITIALIZE, "initialize", params.ok(), START_DEADLINE);
    }

    /// Another configuration, before `start`.
    pub(in crate::session) fn set_options(&mut self, options: &str) {
        self.options = start_text(options, self.enable_debug);
    }

    pub(super) fn start(&mut self, now: Duration) {
        let options = RawValue::from_string(self.options.clone()).ok();
        let params = to_raw_value(&json!({ "options": options })).ok();
        self.phase = Phase::Starting;
        self.call(now, START, "start", params, START_DEADLINE);
    }

    pub(super) fn initialized(
        &mut self,
        answer: &RawValue,
        common: &mut Common,
        now: Duration,
        signalk: &mut dyn SignalK,
    ) -> Result<Description, String> {
        let id = common.id().clone();
        let answer: Option<Initialized> = serde_json::from_str(answer.get()).map_err(|error| {
            format!("plugin `{id}`: initialize: the answer is not understood: {error}")
        })?;
        let answer = answer.unwrap_or_default();
        let major = |version: &str| version.split('.').next().unwrap_or_default().to_owned();
        if let Some(version) = &answer.protocol_version
            && major(version) != major(PROTOCOL_VERSION)
        {
            return Err(format!(
                "plugin `{id}`: speaks protocol version {version}, this host speaks {PROTOCOL_VERSION}; use a plugin or a host of the same major version"
            ));
        }
        match answer.hand_over.as_deref() {
            Some("rows") => self.rows = Some(Rows::default()),
            None | Some("json") => {}
            Some(other) => {
                let text = format!(
                    "initialize: handOver `{other}` is not among {HAND_OVER:?}; JSON is used"
                );
                common.complain(text, now, signalk);
            }
        }
        for key in &answer.capabilities.required {
            let held = Capability::from_key(key).map(|capability| {
                (common.account.capabilities().has(capability), capability.remedy())
            });
            match held {
                Some((true, _)) => {}
                Some((false, remedy)) => {
                    return Err(format!(
                        "plugin `{id}`: cannot run without the capability `{key}`; add {remedy} to wasmCapabilities in its package.json"
                    ));
                }
                None => {
                    return Err(format!(
                        "plugin `{id}`: asks for the capability `{key}`, which this host does not have"
                    ));
                }
            }
        }
        let mut object = |what: &str, value: Option<Value>| match value {
            None | Some(Value::Null) => None,
            Some(object @ Value::Object(_)) => Some(object.to_string()),
            Some(_) => {
                let text = format!("the {what} is no JSON object; {{}} is shown");
                common.complain(text, now, signalk);
                None
            }
        };
        let schema = object("schema", answer.schema).unwrap_or_else(|| "{}".to_owned());
        let ui_schema = object("uiSchema", answer.ui_schema);
        let name = answer.name.filter(|name| !name.is_empty());
        Ok(Description { name, schema, ui_schema, id: None, is_json_rpc: true })
    }
}
