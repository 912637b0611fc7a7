//! What can the owner do about a plugin that failed? One sentence for each way of failing.
//!
//! The error's own text says what happened, to whom, and at which limit. Errors of the disk and
//! of capabilities carry their remedy in their text and have none here.

use signalk_bridge::{Cause, Crash, Failure};
use wasmi_hdk::{Fault, LoadError, ModuleLimit};

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
        Crash::Load(error) => of_module(id, error),
        _ => TELL_THE_AUTHOR.to_owned(),
    }
}

/// After a start that was refused by the plugin, or a module that cannot be used; `None`: the failure's text says it.
pub(super) fn of_failure(id: &str, failure: &Failure) -> Option<String> {
    match &failure.cause {
        Cause::Crash(crash) => Some(of_crash(id, crash)),
        Cause::Refused => Some(
            "check its configuration, and its log for the reason; saving the configuration starts it again"
                .to_owned(),
        ),
        Cause::Told => None,
        _ => Some(OF_A_MODULE.to_owned()),
    }
}

/// What helps against a module that is refused: of its limits an owner has one in hand.
fn of_module(id: &str, error: &LoadError) -> String {
    match error {
        LoadError::TooLarge { what: ModuleLimit::Memory, .. } => {
            raise(id, "memoryMiB", "memory in MiB")
        }
        LoadError::TooLarge { .. } => NOT_TO_BE_RAISED.to_owned(),
        LoadError::Start { fault, .. } => of_crash(id, &(**fault).clone().into()),
        _ => OF_A_MODULE.to_owned(),
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

    /// An owner has keys of the options file, not those of `wasmi-hdk`: of real modules.
    #[test]
    fn a_module_that_wants_too_much_is_told_which_key_helps_or_that_none_does() {
        let refused = |text: &str| {
            let wasm = wat::parse_str(text).unwrap();
            let (engine, limits) = (wasmi_hdk::Engine::new(), wasmi_hdk::Limits::default());
            let error = wasmi_hdk::Module::load(&engine, "p", &wasm, &limits).unwrap_err();
            of_failure("p", &Crash::from(error).into()).unwrap()
        };
        assert!(refused("(module (memory 4800))").contains("`memoryMiB`"));
        assert_eq!(refused("(module (table 20000000 funcref))"), NOT_TO_BE_RAISED);
        let exports: String = (0..20_000).map(|n| format!("(export \"{n}\" (func 0))")).collect();
        assert_eq!(refused(&format!("(module (func) {exports})")), NOT_TO_BE_RAISED);
        let (plugin, call) = ("p".to_owned(), "poll".to_owned());
        let table = Fault::Table { plugin, call, wanted: 1, limit: 0 };
        assert_eq!(of_crash("p", &table.into()), NOT_TO_BE_RAISED);
    }

    #[test]
    fn a_refused_start_points_to_the_configuration_and_a_missing_file_to_nothing_more() {
        let remedy = |cause| of_failure("p", &Failure::new(cause, "why"));
        assert!(remedy(Cause::Refused).unwrap().contains("configuration"));
        assert_eq!(remedy(Cause::Told), None);
        assert!(remedy(Cause::Module).unwrap().contains("install"));
    }
}
