//! What can the owner do about a plugin that failed? One sentence for each way of failing.
//!
//! The error's own text says what happened, to whom, and at which limit. Errors of the disk and
//! of capabilities carry their remedy in their text and have none here.

use signalk_bridge::Crash;
use wasmi_hdk::Fault;

/// After a crash: it is started again by itself, so this is about the next time.
pub(super) fn of_crash(id: &str, crash: &Crash) -> String {
    let raise = |key, what| raise(id, key, what);
    match crash {
        Crash::Fault(fault) => match &**fault {
            Fault::Memory { .. } => raise("memoryMiB", "memory in MiB"),
            Fault::Deadline { .. } => raise("callSeconds", "seconds of computing"),
            Fault::OutOfFuel { .. } => raise("callFuel", "fuel of one call"),
            Fault::MissingImport { import, .. } => format!(
                "it was built for a host that has `{import}`: look for a version for this host, or tell its author"
            ),
            Fault::Exit { .. } => ENDED_ITSELF.to_owned(),
            Fault::Table { .. } | Fault::Stack { .. } => NOT_TO_BE_RAISED.to_owned(),
            _ => TELL_THE_AUTHOR.to_owned(),
        },
        Crash::NoMemory { .. } => raise("memoryMiB", "memory in MiB"),
        Crash::NoAnswer { .. } => {
            "see in its log what it waits for; if it stays so, tell its author".to_owned()
        }
        Crash::Exited { .. } => ENDED_ITSELF.to_owned(),
        Crash::Load(error) => of_module(id, &error.to_string()),
        _ => TELL_THE_AUTHOR.to_owned(),
    }
}

/// After a start that was refused by the plugin, or a module that cannot be used.
pub(super) fn of_failure(id: &str, text: &str) -> Option<String> {
    if is_limit(text) {
        return Some(of_module(id, text));
    }
    let refused = ["returned error code", "`plugin_start`", "`start`"];
    if refused.iter().any(|part| text.contains(part)) {
        return Some(
            "check its configuration, and its log for the reason; saving the configuration starts it again"
                .to_owned(),
        );
    }
    // The disk's errors have theirs.
    (!text.contains("cannot be read")).then(|| OF_A_MODULE.to_owned())
}

/// Limits as texts of `wasmi-hdk` name them, and the owner's key for each; without one an owner can do nothing about it.
const LIMITS: [(&str, Option<(&str, &str)>); 12] = [
    ("`memory_bytes`", Some(("memoryMiB", "memory in MiB"))),
    ("`call_fuel`", Some(("callFuel", "fuel of one call"))),
    ("`call_deadline`", Some(("callSeconds", "seconds of computing"))),
    ("`module_bytes`", None),
    ("`custom_section_bytes`", None),
    ("`functions`", None),
    ("`module_imports`", None),
    ("`module_exports`", None),
    ("`data_segments`", None),
    ("`table_elements`", None),
    ("`recursion`", None),
    ("`stack_bytes`", None),
];

fn is_limit(text: &str) -> bool {
    LIMITS.iter().any(|(name, _)| text.contains(name))
}

/// What helps against a module that is refused.
fn of_module(id: &str, text: &str) -> String {
    match LIMITS.iter().find(|(name, _)| text.contains(name)) {
        Some((_, Some((key, what)))) => raise(id, key, what),
        Some((_, None)) => NOT_TO_BE_RAISED.to_owned(),
        None => OF_A_MODULE.to_owned(),
    }
}

fn raise(id: &str, key: &str, what: &str) -> String {
    format!(
        "if this is work that it has to do, raise `{key}` ({what}) in \"limits\" of plugin-config-data/{id}.json; else tell its author"
    )
}

const TELL_THE_AUTHOR: &str = "a fault of the plugin: look for a newer version, or tell its author this text and the last lines of its log";
const NOT_TO_BE_RAISED: &str = "this limit is the same for all plugins and cannot be raised: look for another version of it, or tell its author this text";
const ENDED_ITSELF: &str =
    "it ended itself: its log may say why; a wrong configuration is a usual reason";
const OF_A_MODULE: &str =
    "install the package anew, or a version of it for this host, and reload the plugin";

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_limit_is_named_by_its_key() {
        let (plugin, call) = ("p".to_owned(), "poll".to_owned());
        let deadline = Fault::Deadline { plugin, call, ran: Duration::ZERO, limit: Duration::ZERO };
        let text = of_crash("p", &deadline.into());
        assert!(text.contains("`callSeconds`") && text.contains("plugin-config-data/p.json"));
    }

    /// An owner has keys of the options file, not those of `wasmi-hdk`.
    #[test]
    fn a_module_that_wants_too_much_is_told_which_key_helps_or_that_none_does() {
        let memory = "p: initial memory is 300 MiB, the limit is 256 MiB; ask for less memory at start, or raise `memory_bytes`";
        assert!(of_failure("p", memory).unwrap().contains("`memoryMiB`"));
        let size = "p: the module is 70000000, the limit is 67108864; build for size, strip it, or raise `module_bytes`";
        assert_eq!(of_failure("p", size).as_deref(), Some(NOT_TO_BE_RAISED));
        let (plugin, call) = ("p".to_owned(), "poll".to_owned());
        let table = Fault::Table { plugin, call, wanted: 1, limit: 0 };
        assert_eq!(of_crash("p", &table.into()), NOT_TO_BE_RAISED);
    }

    #[test]
    fn a_refused_start_points_to_the_configuration_and_a_missing_file_to_nothing_more() {
        let refused = of_failure("p", "Plugin start() returned error code: 3").unwrap();
        assert!(refused.contains("configuration"), "{refused}");
        assert_eq!(of_failure("p", "x.wasm: cannot be read: gone; build the plugin"), None);
        assert!(of_failure("p", "p: not a WebAssembly module").unwrap().contains("install"));
    }
}
