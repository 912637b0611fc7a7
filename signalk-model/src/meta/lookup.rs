//! Finding a path in the table, segment by segment: a segment of the table is a word, or a pattern for
//! the name that an owner gives an instance.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::table::TABLE;
use super::{ADDED, FAMILY};

/// The table by segments. A segment of the table is a word, or stands for an instance name.
#[derive(Default)]
struct Segment {
    words: FxHashMap<&'static str, Segment>,
    instances: Vec<(Instance, Segment)>,
    entry: Option<usize>,
}

/// What the table writes for a segment that is chosen by the owner of the vessel.
#[derive(Clone, Copy, PartialEq)]
enum Instance {
    /// `RegExp` and `*`.
    Any,
    /// `[A-Za-z0-9]+`.
    Alphanumeric,
    /// `(single)|([A-C])`.
    Phase,
}

impl Instance {
    fn of(segment: &str) -> Option<Self> {
        match segment {
            "RegExp" | "*" => Some(Self::Any),
            "[A-Za-z0-9]+" => Some(Self::Alphanumeric),
            "(single)|([A-C])" => Some(Self::Phase),
            _ => None,
        }
    }

    fn matches(self, segment: &str) -> bool {
        match self {
            Self::Any => !segment.is_empty(),
            Self::Alphanumeric => {
                !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric())
            }
            Self::Phase => matches!(segment, "single" | "A" | "B" | "C"),
        }
    }
}

static BY_SEGMENT: LazyLock<Segment> = LazyLock::new(|| {
    let mut root = Segment::default();
    for (at, (key, _)) in TABLE.iter().chain(&ADDED).enumerate() {
        let tail = key.strip_prefix(FAMILY).or_else(|| (!key.starts_with('/')).then_some(*key));
        let Some(tail) = tail else { continue };
        // An entry for the instance itself describes the container; its children are described by
        // their own entries (the reference leaves these out of its lookup too).
        if tail.ends_with("/*") || tail.ends_with("/RegExp") {
            continue;
        }
        let mut here = &mut root;
        for segment in tail.split('/') {
            here = match Instance::of(segment) {
                None => here.words.entry(segment).or_default(),
                Some(instance) => {
                    let known = here.instances.iter().position(|(known, _)| *known == instance);
                    let place = known.unwrap_or_else(|| {
                        here.instances.push((instance, Segment::default()));
                        here.instances.len() - 1
                    });
                    &mut here.instances[place].1
                }
            };
        }
        here.entry.get_or_insert(at);
    }
    root
});

pub(super) fn index_of(path: &str) -> Option<usize> {
    BY_SEGMENT.find(path)
}

impl Segment {
    /// A word wins over an instance name; when its branch ends blind, the instance is tried.
    fn find(&self, path: &str) -> Option<usize> {
        let (first, rest) = match path.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        let below = |segment: &Segment| match rest {
            Some(rest) => segment.find(rest),
            None => segment.entry,
        };
        self.words.get(first).and_then(below).or_else(|| {
            let fitting = self.instances.iter().filter(|(instance, _)| instance.matches(first));
            fitting.filter_map(|(_, segment)| below(segment)).next()
        })
    }
}
