//! `plugin-abi.json`, the specification's own list of imports and exports, read.
//!
//! It lies beside the workspace and is not committed; without it there is nothing to prove.

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

/// Reads it, or says what is missing.
pub(crate) fn read() -> Spec {
    let path = root().join("../shared/spec/plugin-abi.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{error}: {}; put the specification's plugin-abi.json into the folder `shared/spec` \
             beside the workspace: this table is generated from it",
            path.display()
        )
    });
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("plugin-abi.json: {error}"))
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
