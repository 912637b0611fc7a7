//! `plugin-abi.json`, the specification's own list of imports and exports, read.
//!
//! It lies beside the workspace and is not committed; without it there is nothing to compare, which is
//! said, and a failure on CI.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The machine-readable part of the specification.
#[derive(Debug, Deserialize)]
pub(crate) struct Spec {
    pub(crate) imports: Vec<Import>,
    pub(crate) exports: Vec<Export>,
    pub(crate) capabilities: Vec<Key>,
}

/// One function that guests import.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Import {
    pub(crate) module: String,
    pub(crate) name: String,
    pub(crate) capability: Option<String>,
    pub(crate) status: String,
    pub(crate) section: String,
    pub(crate) error_value: Option<i64>,
    pub(crate) declared_variants: Vec<Type>,
}

/// A function type, in the words of the text format.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Type {
    pub(crate) params: Vec<String>,
    pub(crate) results: Vec<String>,
}

/// One thing that guests export.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Export {
    pub(crate) name: String,
    pub(crate) section: String,
    pub(crate) buffer: Option<Type>,
    pub(crate) assemblyscript: Option<Type>,
    #[serde(default)]
    pub(crate) assemblyscript_alternatives: Vec<Type>,
    pub(crate) legacy_name_of: Option<String>,
}

/// One capability.
#[derive(Debug, Deserialize)]
pub(crate) struct Key {
    pub(crate) key: String,
}

/// The workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// `None`, with a message, when it is not there; on CI (`CI` is set) it must be.
pub(crate) fn read() -> Option<Spec> {
    let path = root().join("../shared/spec/plugin-abi.json");
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let spec = serde_json::from_str(&text);
            Some(spec.unwrap_or_else(|error| panic!("plugin-abi.json: {error}")))
        }
        Err(error) if std::env::var_os("CI").is_some() => panic!(
            "{error}: {}; on CI the specification's plugin-abi.json must be in the folder \
             `shared/spec` beside the workspace",
            path.display()
        ),
        Err(_) => {
            eprintln!("skipped: no ../shared/spec/plugin-abi.json");
            None
        }
    }
}

impl Type {
    /// `(i32,i32)->i32`.
    pub(crate) fn show(&self) -> String {
        let results = if self.results.is_empty() { "()".into() } else { self.results.join(",") };
        format!("({})->{results}", self.params.join(","))
    }

    /// `(param i32 i32) (result i32)`.
    pub(crate) fn wat(&self) -> String {
        let part = |word: &str, types: &[String]| match types {
            [] => String::new(),
            types => format!("({word} {})", types.join(" ")),
        };
        format!("{} {}", part("param", &self.params), part("result", &self.results))
    }
}
