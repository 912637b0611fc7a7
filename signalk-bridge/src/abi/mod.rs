//! Which convention a module speaks, and the conventions other than JSON-RPC.
//!
//! Clause: plugin ABI 2.2. The buffer ABI of existing Rust, Go and C plugins
//! and AssemblyScript are served; Extism modules are recognised and refused by
//! name.

pub(crate) mod adapt;
pub(crate) mod as_fetch;
pub(crate) mod assemblyscript;
pub(crate) mod buffer;
pub(crate) mod convention;
pub(crate) mod env;
pub(crate) mod guest;
pub(crate) mod library;
pub(crate) mod queue;
pub(crate) mod work;

use crate::Interface;

/// How the host talks to a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// JSON-RPC over stdin and stdout: a command, or a reactor with `rpc_poll`.
    JsonRpc,
    /// Buffer ABI; `_start` runs once first (TinyGo `-target=wasip1`).
    BufferCommand,
    /// Buffer ABI; `_initialize` runs once first.
    BufferReactor,
    /// Buffer ABI; nothing runs first (Rust `cdylib`).
    BufferLibrary,
    /// Texts are AssemblyScript's objects; `_initialize` and `_start` run once first, if exported.
    AssemblyScript,
    /// A command without `plugin_start`: it runs once, and then it is said that this is all.
    LegacyCommand,
}

/// What the owner reads about a [`Flavour::LegacyCommand`].
pub(crate) const LEGACY_COMMAND: &str = "command module without plugin_start: it ran once, and there is nothing to start; if it speaks JSON-RPC, add \"wasmInterface\": \"json-rpc\" to its package.json";

/// Why a module speaks nothing that this host understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum UnknownAbi {
    /// Functions on offsets, as Extism has them.
    #[error(
        "an Extism plugin; they are not supported yet: export `allocate` and `plugin_start`, or speak JSON-RPC"
    )]
    Extism,
    /// The manifest says `json-rpc`, the module has no entry for it.
    #[error(
        "wasmInterface is json-rpc, but the module exports neither `_start` nor `rpc_poll`; build it as a command or with wasmi-pdk"
    )]
    NoRpcEntry,
    /// The manifest says `buffer`, the module lacks an export.
    #[error("wasmInterface is buffer, but the module does not export `{missing}`")]
    NoBufferExport {
        /// Which.
        missing: &'static str,
    },
    /// Nothing fits.
    #[error(
        "unknown plugin format: it exports neither `allocate` and `plugin_start` (buffer ABI) nor `plugin_name` and `plugin_start` (AssemblyScript) nor `rpc_poll` (JSON-RPC)"
    )]
    Nothing,
}

/// Decides by the manifest's word and the module's exports.
///
/// # Errors
/// [`UnknownAbi`], which says what to do.
pub(crate) fn detect(
    interface: Interface,
    exports: impl Fn(&str) -> bool,
    imports_extism: bool,
) -> Result<Flavour, UnknownAbi> {
    let rpc = exports("rpc_poll");
    let command = exports("_start");
    let buffer = match (exports("allocate"), exports("plugin_start")) {
        (true, true) => Ok(if command {
            Flavour::BufferCommand
        } else if exports("_initialize") {
            Flavour::BufferReactor
        } else {
            Flavour::BufferLibrary
        }),
        (false, _) => Err(UnknownAbi::NoBufferExport { missing: "allocate" }),
        (true, false) => Err(UnknownAbi::NoBufferExport { missing: "plugin_start" }),
    };
    let assemblyscript = !exports("allocate")
        && ((exports("plugin_name") && exports("plugin_start")) || exports("plugin_id"));
    match interface {
        Interface::JsonRpc if rpc || command => return Ok(Flavour::JsonRpc),
        Interface::JsonRpc => return Err(UnknownAbi::NoRpcEntry),
        Interface::Buffer if !assemblyscript => return buffer,
        Interface::Buffer => return Ok(Flavour::AssemblyScript),
        Interface::Auto => {}
    }
    if rpc {
        Ok(Flavour::JsonRpc)
    } else if let Ok(flavour) = buffer {
        Ok(flavour)
    } else if imports_extism {
        Err(UnknownAbi::Extism)
    } else if assemblyscript {
        Ok(Flavour::AssemblyScript)
    } else if command && !exports("plugin_start") {
        Ok(Flavour::LegacyCommand)
    } else {
        Err(UnknownAbi::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(exports: &[&str]) -> Result<Flavour, UnknownAbi> {
        detect(Interface::Auto, |name| exports.contains(&name), false)
    }

    /// Plugin ABI 15, seed 2: every set of exports against the table of 2.2.
    #[test]
    fn every_set_of_exports_has_the_flavour_of_the_table() {
        let names = [
            "allocate",
            "plugin_id",
            "plugin_name",
            "plugin_start",
            "_start",
            "_initialize",
            "__new",
        ];
        for bits in 0..1_u32 << names.len() {
            let set: Vec<&str> = names
                .iter()
                .enumerate()
                .filter(|(i, _)| bits >> i & 1 == 1)
                .map(|(_, n)| *n)
                .collect();
            let has = |name: &str| set.contains(&name);
            let expected = if has("allocate") && has("plugin_start") {
                Ok(match (has("_start"), has("_initialize")) {
                    (true, _) => Flavour::BufferCommand,
                    (false, true) => Flavour::BufferReactor,
                    (false, false) => Flavour::BufferLibrary,
                })
            } else if !has("allocate")
                && (has("plugin_id") || has("plugin_name") && has("plugin_start"))
            {
                Ok(Flavour::AssemblyScript)
            } else if has("_start") && !has("plugin_start") {
                Ok(Flavour::LegacyCommand)
            } else {
                Err(UnknownAbi::Nothing)
            };
            assert_eq!(auto(&set), expected, "{set:?}");
        }
    }

    #[test]
    fn the_manifest_decides_when_it_says_something() {
        let command = |name: &str| name == "_start";
        assert_eq!(detect(Interface::JsonRpc, command, false), Ok(Flavour::JsonRpc));
        assert_eq!(detect(Interface::JsonRpc, |_| false, false), Err(UnknownAbi::NoRpcEntry));
        assert_eq!(
            detect(Interface::Buffer, command, false),
            Err(UnknownAbi::NoBufferExport { missing: "allocate" })
        );
        let script = |name: &str| ["plugin_name", "plugin_start"].contains(&name);
        assert_eq!(detect(Interface::Buffer, script, false), Ok(Flavour::AssemblyScript));
        let both = |name: &str| ["allocate", "plugin_start", "rpc_poll"].contains(&name);
        assert_eq!(detect(Interface::Auto, both, false), Ok(Flavour::JsonRpc));
        assert_eq!(detect(Interface::Buffer, both, false), Ok(Flavour::BufferLibrary));
    }
}
