//! What can be wrong with names and deltas. A `DeltaError` means that nothing could be
//! understood; a `Complaint` names one part that was left out while the rest is used.

/// A text that cannot become a context, a path or a `$source`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A segment that would reach an object's prototype in a JavaScript client.
    #[error("{kind}: the segment `{segment}` is not allowed")]
    RefusedSegment {
        /// Which name.
        kind: &'static str,
        /// The segment.
        segment: String,
    },
    /// Longer than any real name.
    #[error("{kind}: {len} bytes, at most {max} are allowed")]
    TooLong {
        /// Which name.
        kind: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The bound.
        max: usize,
    },
    /// More segments than the tree may be deep.
    #[error("{kind}: {segments} segments, at most {max} are allowed")]
    TooDeep {
        /// Which name.
        kind: &'static str,
        /// Its segments.
        segments: usize,
        /// The bound.
        max: usize,
    },
}

/// A message that is no delta.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// The bytes are not JSON.
    #[error("delta: not JSON: {reason}")]
    Json {
        /// What the parser said, with line and column.
        reason: String,
    },
    /// `updates` is missing or no array (server-api.md 7, rule 1).
    #[error("delta: `updates` is missing or is not an array")]
    NoUpdates,
    /// `context` is there but no text, or a text that is refused.
    #[error("delta: `context` {reason}")]
    Context {
        /// What is wrong.
        reason: String,
    },
}

/// A part of a delta that was left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Complaint {
    /// The update is no object.
    #[error("update {update}: not an object, dropped")]
    UpdateNotObject {
        /// Index in `updates`.
        update: usize,
    },
    /// An entry of `values` is null, or has no path: the whole update goes.
    #[error("update {update}: an entry of `values` is null or has no path, update dropped")]
    PathMissing {
        /// Index in `updates`.
        update: usize,
    },
    /// `{"path": ...}` without `value`.
    #[error("update {update}: `{path}` has no value, entry dropped")]
    ValueMissing {
        /// Index in `updates`.
        update: usize,
        /// The path.
        path: String,
    },
    /// `source` or `$source` has a type it must not have: nobody knows whose values they are.
    #[error("update {update}: `{member}` is not {expected}, update dropped")]
    Origin {
        /// Index in `updates`.
        update: usize,
        /// The member.
        member: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A member has a type it must not have.
    #[error("update {update}: `{member}` is not {expected}, ignored")]
    WrongType {
        /// Index in `updates`.
        update: usize,
        /// The member.
        member: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// Neither `values` nor `meta`.
    #[error("update {update}: has neither values nor meta, dropped")]
    Empty {
        /// Index in `updates`.
        update: usize,
    },
    /// A path or `$source` that is refused.
    #[error("update {update}: {error}, entry dropped")]
    Name {
        /// Index in `updates`.
        update: usize,
        /// Why.
        error: NameError,
    },
    /// `source.label` is missing or has characters that a `$source` must not have.
    #[error("update {update}: source label `{label}` cannot be used, `{used}` taken instead")]
    Label {
        /// Index in `updates`.
        update: usize,
        /// The label.
        label: String,
        /// What is used instead.
        used: String,
    },
    /// A value that belongs to the configuration of this vessel (server-api.md 7, rule 5).
    #[error("update {update}: `{path}` of this vessel is set by its configuration, ignored")]
    Protected {
        /// Index in `updates`.
        update: usize,
        /// The path, or the root attribute.
        path: String,
    },
    /// A member of the message that a delta does not have; it may be another verb.
    #[error("`{member}` is no member of a delta, ignored")]
    UnknownMember {
        /// The member.
        member: String,
    },
    /// Both `source` and `$source`: the specification allows one, the reference takes `$source`.
    #[error("update {update}: has `source` and `$source`, `$source` is used")]
    TwoSources {
        /// Index in `updates`.
        update: usize,
    },
    /// A `$source` with characters that the specification does not allow.
    #[error("update {update}: `$source` `{source_ref}` has spaces in it, used all the same")]
    SourceRefSpelling {
        /// Index in `updates`.
        update: usize,
        /// As it came.
        source_ref: String,
    },
    /// There were so many that the rest is only counted.
    #[error("{count} more complaints of this delta are not listed")]
    More {
        /// How many.
        count: u64,
    },
}

/// Most complaints of one delta that are kept; the rest is counted. A delta of 16 MiB can have eight million.
pub(crate) const MOST_COMPLAINTS: usize = 100;

/// Longest piece of what came from outside that a complaint or a warning quotes, in bytes.
pub(crate) const MAX_QUOTED_BYTES: usize = 200;

/// Adds a complaint, or counts it.
pub(crate) fn complain(complaints: &mut Vec<Complaint>, complaint: impl FnOnce() -> Complaint) {
    if complaints.len() < MOST_COMPLAINTS {
        complaints.push(complaint());
    } else if let Some(Complaint::More { count }) = complaints.last_mut() {
        *count += 1;
    } else {
        complaints.push(Complaint::More { count: 1 });
    }
}

/// At most so many bytes from the start of a text, whole characters.
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

/// What a complaint says of a text from outside.
pub(crate) fn quoted(text: &str) -> String {
    let start = beginning(text, MAX_QUOTED_BYTES);
    if start.len() < text.len() { format!("{start}...") } else { start.to_owned() }
}

impl Complaint {
    /// How many complaints it stands for.
    pub fn count(&self) -> u64 {
        match self {
            Self::More { count } => *count,
            _ => 1,
        }
    }
}
