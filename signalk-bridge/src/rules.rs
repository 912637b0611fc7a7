//! `Rules`: how strictly the owner wants one plugin taken.
//!
//! The decisions of plugin ABI chapter 16 hold by default; an owner may choose the other column for
//! a plugin that was written against it. Where the words come from is `signalk-core`'s.

/// The owner's choices; by default none is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// What is otherwise allowed with a warning refuses the plugin: `http_endpoints` without the
    /// capability, imports that nobody serves (D6, D7).
    pub strict: bool,
    /// `$source` and `source.label` of its deltas stay as the plugin gave them (D4, ABI 7.2): it may
    /// speak in the name of another.
    pub lenient_source: bool,
    /// Its deltas carry this name in place of its id (D3): source priorities and displays of the
    /// reference server know a plugin by its package's name.
    pub source_name: Option<String>,
    /// AssemblyScript handlers of HTTP with two parameters get UTF-16, as on the reference server
    /// (D1, ABI 8.5); else the bytes that documents promise.
    pub http_utf16: bool,
}
