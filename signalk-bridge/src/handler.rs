//! What the server asks of a plugin: PUT, HTTP, resource, weather, radar and delta input handlers.
//!
//! One [`HandlerCall`] is one question with a JSON text and one reply, whatever
//! the plugin's convention: an export of the buffer ABI or of AssemblyScript
//! (plugin ABI 3.3 to 3.6), a request by JSON-RPC. What the JSON says is decided
//! by whoever asks (`signalk-core`); the text goes through as it is.

use std::time::Duration;

/// Time that a handler has, of its own computing (plugin ABI 8.5, W12).
pub(crate) const HANDLER_DEADLINE: Duration = Duration::from_secs(10);
/// The same with everything that it waits for (network).
pub const HANDLER_PATIENCE: Duration = Duration::from_secs(60);

/// The export that is asked about deltas on their way in; this host's own.
pub(crate) const DELTA_INPUT: &str = "delta_input_handler";

/// One call, named by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandlerCallId(pub u64);

/// One question to a plugin.
#[derive(Debug, Clone)]
pub struct HandlerCall {
    /// Comes back with the reply.
    pub id: HandlerCallId,
    /// Which handler.
    pub handler: Handler,
    /// Compact JSON, key order as the ABI says; `""` where the handler takes nothing.
    pub request: String,
}

/// The text that the plugin gave, as it is (possibly empty, possibly no JSON).
pub type HandlerReply = Result<String, HandlerFailure>;

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandlerFailure {
    /// It is stopped, starting or crashed.
    #[error("Plugin not running")]
    NotRunning,
    /// It has no such handler.
    #[error("Handler function {handler} not found")]
    NotFound {
        /// Export or method.
        handler: String,
    },
    /// It trapped in the handler.
    #[error("WASM handler crashed: {text}")]
    Crashed {
        /// Of the trap.
        text: String,
    },
    /// It computed or waited too long.
    #[error("Plugin handler timeout: no reply within {limit:?}")]
    Timeout {
        /// Of computing, or in all.
        limit: Duration,
    },
    /// The reply does not fit.
    #[error("the reply needs {needs} bytes, the limit is {limit}; send less at a time")]
    TooLarge {
        /// As the guest said.
        needs: u64,
        /// Of this call.
        limit: u64,
    },
    /// The request does not fit into one message.
    #[error(
        "the request needs {needs} bytes in one message, the limit is {limit}; the plugin can read it as a stream: `\"stream\": true` in its `http.register`, then `http.read`"
    )]
    RequestTooLarge {
        /// The whole message.
        needs: u64,
        /// Of a message, `messageMiB` of the plugin's limits.
        limit: u64,
    },
    /// So many calls wait for it that this one was not begun.
    #[error("{0}")]
    Busy(String),
    /// It said no (JSON-RPC error), or could not be called.
    #[error("{0}")]
    Failed(String),
}

/// Which handler of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handler {
    /// A function named by `http_endpoints`.
    Http {
        /// Export name.
        handler: String,
        /// GET: may be asked again with a larger buffer.
        repeatable: bool,
        /// Bytes that the reply may have ([`Endpoint::largest_reply`](crate::Endpoint::largest_reply)).
        largest_reply: Option<u32>,
        /// Its bodies are streamed, by [`ExchangeWish`](crate::ExchangeWish).
        streamed: bool,
    },
    /// A PUT of a client to a registered path; the request is the value's JSON.
    Put {
        /// As registered.
        context: String,
        /// As registered.
        path: String,
    },
    /// Of a resource provider.
    Resources(ResourceHandler),
    /// Of a weather provider.
    Weather(WeatherHandler),
    /// Of a radar provider.
    Radar(RadarHandler),
    /// Deltas on their way in; [`verdicts`](crate::verdicts) reads the reply.
    DeltaInput,
}

macro_rules! handlers {
    ($(#[$doc:meta])* $name:ident: $($(#[$row:meta])* $variant:ident = $exports:expr, $method:literal, $repeatable:literal;)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$row])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// Export names, the present one first.
            pub const fn exports(self) -> &'static [&'static str] {
                match self { $($name::$variant => &$exports,)* }
            }

            /// JSON-RPC method.
            pub const fn method(self) -> &'static str {
                match self { $($name::$variant => $method,)* }
            }

            /// Whether asking twice does no harm.
            pub const fn repeatable(self) -> bool {
                match self { $($name::$variant => $repeatable,)* }
            }
        }
    };
}

handlers! {
    /// Plugin ABI 3.4; the second names are those of the fork.
    ResourceHandler:
    /// `{..query, "resourceType"}` to `{id: resource}`.
    List = ["resources_list_resources", "resource_list"], "resources.list", true;
    /// `{"id", "property"?, "resourceType"}` to the resource.
    Get = ["resources_get_resource", "resource_get"], "resources.get", true;
    /// `{"id", "value", "resourceType"}`.
    Set = ["resources_set_resource", "resource_set"], "resources.set", false;
    /// `{"id", "resourceType"}`.
    Delete = ["resources_delete_resource", "resource_delete"], "resources.delete", false;
}

handlers! {
    /// Plugin ABI 3.5.
    WeatherHandler:
    /// To an array of weather data.
    Observations = ["weather_get_observations"], "weather.observations", true;
    /// To an array of weather data.
    Forecasts = ["weather_get_forecasts"], "weather.forecasts", true;
    /// To an array of warnings.
    Warnings = ["weather_get_warnings"], "weather.warnings", true;
}

handlers! {
    /// Plugin ABI 3.6; requests are those of 11.3.
    RadarHandler:
    /// To an array of radar ids.
    Radars = ["radar_get_radars"], "radar.list", true;
    /// To `{name, brand, ..}`.
    Info = ["radar_get_radar_info", "radar_get_info"], "radar.info", true;
    /// Older generation: to `true`.
    SetPower = ["radar_set_power"], "radar.setPower", false;
    /// Older generation: to `true`.
    SetRange = ["radar_set_range"], "radar.setRange", false;
    /// Older generation: to `true`.
    SetGain = ["radar_set_gain"], "radar.setGain", false;
    /// Older generation: to `true`.
    SetSea = ["radar_set_sea"], "radar.setSea", false;
    /// Older generation: to `true`.
    SetRain = ["radar_set_rain"], "radar.setRain", false;
    /// To `true`.
    SetControls = ["radar_set_controls"], "radar.setControls", false;
    /// To an object.
    Capabilities = ["radar_get_capabilities"], "radar.capabilities", true;
    /// To an object.
    State = ["radar_get_state"], "radar.state", true;
    /// To an object.
    Control = ["radar_get_control"], "radar.control", true;
    /// To `{"success", "error"?}`.
    SetControl = ["radar_set_control"], "radar.setControl", false;
    /// To an object.
    Targets = ["radar_get_targets"], "radar.targets", true;
    /// To `{"success", "targetId"?, "error"?}`.
    AcquireTarget = ["radar_acquire_target"], "radar.acquireTarget", false;
    /// To `true`.
    CancelTarget = ["radar_cancel_target"], "radar.cancelTarget", false;
    /// To an object.
    ArpaSettings = ["radar_get_arpa_settings"], "radar.arpaSettings", true;
    /// To `{"success", "error"?}`.
    SetArpaSettings = ["radar_set_arpa_settings"], "radar.setArpaSettings", false;
}

impl Handler {
    /// Export names in the order in which they are looked for.
    pub fn exports(&self) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        match self {
            Handler::Http { handler, .. } => vec![handler.clone()],
            Handler::Put { context, path } => vec![put_export(context, path)],
            Handler::Resources(handler) => owned(handler.exports()),
            Handler::Weather(handler) => owned(handler.exports()),
            Handler::Radar(handler) => owned(handler.exports()),
            Handler::DeltaInput => vec![DELTA_INPUT.to_owned()],
        }
    }

    /// JSON-RPC method; its params carry what the export's name says.
    pub fn method(&self) -> &'static str {
        match self {
            Handler::Http { .. } => "http.handle",
            Handler::Put { .. } => "put.handle",
            Handler::Resources(handler) => handler.method(),
            Handler::Weather(handler) => handler.method(),
            Handler::Radar(handler) => handler.method(),
            Handler::DeltaInput => "deltas.input",
        }
    }

    /// Bytes that the reply may have, when its author said so.
    pub(crate) fn largest_reply(&self) -> Option<u32> {
        match self {
            Handler::Http { largest_reply, .. } => *largest_reply,
            _ => None,
        }
    }

    /// Whether its bodies come and go in pieces.
    pub(crate) fn is_streamed(&self) -> bool {
        matches!(self, Handler::Http { streamed: true, .. })
    }

    /// Whether asking twice does no harm: then a reply that did not fit is asked for again.
    pub fn repeatable(&self) -> bool {
        match self {
            // What is written of an answer is not written twice.
            Handler::Http { repeatable, streamed, .. } => *repeatable && !*streamed,
            Handler::Put { .. } | Handler::DeltaInput => false,
            Handler::Resources(handler) => handler.repeatable(),
            Handler::Weather(handler) => handler.repeatable(),
            Handler::Radar(handler) => handler.repeatable(),
        }
    }
}

/// `handle_put_` + context + `_` + path, every `.` as `_`, nothing else changed (plugin ABI 3.3).
fn put_export(context: &str, path: &str) -> String {
    format!("handle_put_{}_{}", context.replace('.', "_"), path.replace('.', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_put_handlers_name_changes_dots_and_nothing_else() {
        assert_eq!(
            put_export("vessels.self", "navigation.anchor.maxRadius"),
            "handle_put_vessels_self_navigation_anchor_maxRadius"
        );
        assert_eq!(put_export("vessels.urn:x", "a-b.c"), "handle_put_vessels_urn:x_a-b_c");
    }

    #[test]
    fn every_handler_export_of_the_specification_is_known() {
        let text = include_str!("../tests/data/handler_exports.json");
        let wanted: Vec<String> = serde_json::from_str(text).unwrap();
        let of = |names: Vec<&'static [&'static str]>| names.into_iter().flatten().copied();
        let known: Vec<&str> = of(ResourceHandler::ALL.iter().map(|h| h.exports()).collect())
            .chain(of(WeatherHandler::ALL.iter().map(|h| h.exports()).collect()))
            .chain(of(RadarHandler::ALL.iter().map(|h| h.exports()).collect()))
            .collect();
        for name in &wanted {
            assert!(known.contains(&name.as_str()), "{name}");
        }
        assert_eq!(known.len(), wanted.len());
    }
}
