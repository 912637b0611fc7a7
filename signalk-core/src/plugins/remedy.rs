//! What can the owner do about a plugin that failed? One sentence for each way of failing.
//!
//! The error's own text says what happened, to whom, and at which limit. Errors of the disk and
//! of capabilities carry their remedy in their text and have none here.

use signalk_bridge::Crash;
use wasmi_hdk::Fault;

/// After a crash: it is started again by itself, so this is about the next time.
pub(super) fn of_crash(id: &str, crash: &Crash) -> String {
    let raise = |key: &str, what: &str| {
        format!(
            "if this is work that it has to do, raise `{key}` ({what}) in \"limits\" of plugin-config-data/{id}.json; else tell its author"
        )
    };
    match crash {
        Crash::Fault(fault) => match &**fault {
            Fault::Memory { .. } => raise("memoryMiB", "memory in MiB"),
            Fault::Deadline { .. } => raise("callSeconds", "seconds of computing"),
            Fault::OutOfFuel { .. } => raise("callFuel", "fuel of one call"),
            Fault::MissingImport { import, .. } => format!(
                "it was built for a host that has `{import}`: look for a version for this host, or tell its author"
            ),
            Fault::Exit { .. } => ENDED_ITSELF.to_owned(),
            _ => TELL_THE_AUTHOR.to_owned(),
        },
        Crash::NoMemory { .. } => raise("memoryMiB", "memory in MiB"),
        Crash::NoAnswer { .. } => {
            "see in its log what it waits for; if it stays so, tell its author".to_owned()
        }
        Crash::Exited { .. } => ENDED_ITSELF.to_owned(),
        Crash::Load(_) => OF_A_MODULE.to_owned(),
        _ => TELL_THE_AUTHOR.to_owned(),
    }
}

/// After a start that was refused by the plugin, or a module that cannot be used.
pub(super) fn of_failure(text: &str) -> Option<String> {
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

const TELL_THE_AUTHOR: &str = "a fault of the plugin: look for a newer version, or tell its author this text and the last lines of its log";
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

    #[test]
    fn a_refused_start_points_to_the_configuration_and_a_missing_file_to_nothing_more() {
        let refused = of_failure("Plugin start() returned error code: 3").unwrap();
        assert!(refused.contains("configuration"), "{refused}");
        assert_eq!(of_failure("x.wasm: cannot be read: gone; build the plugin"), None);
        assert!(of_failure("p: not a WebAssembly module").unwrap().contains("install"));
    }
}
