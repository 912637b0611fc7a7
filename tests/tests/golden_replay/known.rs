//! The recordings that do not come out the same, each with its reason.

/// Recordings that do not come out the same, with the reason. `#` starts a class of reasons.
pub(crate) const KNOWN: &[(&str, &str)] = &[
    ("discovery/apps-list", WEBAPPS),
    ("discovery/features", V2),
    ("discovery/features-enabled", V2),
    ("discovery/features-enabled-0", OTHER_PLUGINS),
    ("put/request-unknown", "DIFFERENCE: 404 with the usual object, not 500 with a text"),
    (
        "rest/meta-unseen-known-path",
        "the specification 1.8.2 describes the path in other words than npm path-metadata 1.0.1",
    ),
    ("skServer/get-asyncapi", NOT_OURS),
    ("skServer/get-availablePaths", LATER_STATE),
    ("skServer/get-debugKeys", NOT_OURS),
    ("skServer/get-deviceIdentities", NOT_OURS),
    ("skServer/get-eventsRoutingData", NOT_OURS),
    ("skServer/get-multiSourcePaths", LATER_STATE),
    ("skServer/get-n2kDeviceStatus", NOT_OURS),
    ("skServer/get-nodeInfo", "404: there is no node whose version could be old"),
    (
        "skServer/get-paths",
        "the specification 1.8.2 has paths that npm path-metadata 1.0.1 has not",
    ),
    ("skServer/get-plugin-config-after", OTHER_PLUGINS),
    ("skServer/get-plugins", OTHER_PLUGINS),
    ("skServer/get-reconciledGroups", NOT_OURS),
    (
        "skServer/get-serialports",
        "200 with empty lists: a machine without serial ports is no error",
    ),
    ("skServer/get-webapps", WEBAPPS),
    ("skServer/get_plugins_freeboard-sk", OTHER_PLUGINS),
    ("skServer/get_plugins_freeboard-sk_", OTHER_PLUGINS),
    ("skServer/get_plugins_freeboard-sk_config", OTHER_PLUGINS),
    ("skServer/get_plugins_freeboard-sk_settings", OTHER_PLUGINS),
    ("skServer/get_skServer_plugins_course-provider_config", OTHER_PLUGINS),
    ("skServer/post-debug", NOT_OURS),
    ("skServer/post-plugin-config", OTHER_PLUGINS),
    ("skServer/post-plugin-config-disable", OTHER_PLUGINS),
    ("skServer/post-rememberDebug", NOT_OURS),
    ("skServer/put-settings-no-options", "DIFFERENCE: 400 with a text, not 500 with a stack trace"),
    ("v2-other/autopilot-default", NO_API),
    ("v2-other/autopilots", NO_API),
    ("v2-other/ble", NO_API),
    ("v2-other/history-contexts", NO_API),
    ("v2-other/history-paths", NO_API),
    ("v2-other/history-providers", NO_API),
    ("v2-other/history-values", NO_API),
    ("v2-other/sensors-gnss", NO_API),
    ("ws/serverevents-all", "only the events that something here can cause are sent"),
    ("ws/sub-log-path", NOT_OURS),
    ("ws/sub-unsubscribe-one-is-an-error", "DIFFERENCE: rows can be unsubscribed one by one"),
];

const WEBAPPS: &str = "the web apps of the recorded server are not installed here";

const V2: &str = "the v2 APIs are not there yet, and only what works is listed";

const NO_API: &str = "autopilots, history, sensors and BLE have no routes here yet";

const OTHER_PLUGINS: &str =
    "answers for plugins of the recorded server that are not installed here";

const NOT_OURS: &str = "a list or log of the reference's own inner workings";

const LATER_STATE: &str = "recorded after other recordings had added paths";
