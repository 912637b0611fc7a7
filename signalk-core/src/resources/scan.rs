//! A list of resource files: which of them a question means, and the answer's text. It travels to the edge and back, so
//! that thousands of files cost the core's task nothing but the hand-over.

use std::ops::Range;

use bytes::Bytes;
use serde_json::{Map, Value};
use signalk_model::{Timestamp, json};

use super::filter::Filter;

/// Takes files in the order of their names and writes the object of those that match.
#[derive(Debug)]
pub struct Scan {
    filter: Filter,
    source: String,
    limit: usize,
    body: Vec<u8>,
    entries: Vec<(String, Range<usize>)>,
    damaged: Vec<String>,
    too_much: bool,
}

/// What a scan found, or another provider listed.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The object of all entries.
    pub(crate) body: Bytes,
    /// Each id, and where its value stands in `body`.
    pub(crate) entries: Vec<(String, Range<usize>)>,
}

impl Scan {
    /// For the files of a provider with this id.
    pub(crate) fn new(filter: Filter, source: &str) -> Scan {
        let limit = filter.limit.unwrap_or(usize::MAX);
        Scan {
            filter,
            source: source.to_owned(),
            limit,
            body: vec![b'{'],
            entries: Vec::new(),
            damaged: Vec::new(),
            too_much: false,
        }
    }

    /// One file. False: enough, no more files are needed.
    pub fn push(&mut self, name: &str, modified_ms: i64, bytes: &[u8]) -> bool {
        let Ok(Value::Object(mut resource)) = json::parse(bytes) else {
            self.damaged.push(name.to_owned());
            return self.wants_more();
        };
        if self.filter.passes(&resource) {
            stamp(&mut resource, modified_ms, &self.source);
            if self.body.len() > 1 {
                self.body.push(b',');
            }
            json::write_key(&mut self.body, name);
            let from = self.body.len();
            json::write_map(&mut self.body, &resource);
            self.entries.push((name.to_owned(), from..self.body.len()));
            self.too_much = self.body.len() > MOST_BYTES;
        }
        self.wants_more()
    }

    /// A file that cannot be read.
    pub fn unreadable(&mut self, name: &str) {
        self.damaged.push(name.to_owned());
    }

    /// False when nothing more is taken.
    pub fn wants_more(&self) -> bool {
        self.entries.len() < self.limit && !self.too_much
    }

    /// What it found, and which files are damaged.
    ///
    /// # Errors
    /// The answer would be too large.
    pub(crate) fn finish(mut self) -> (Result<Listing, String>, Vec<String>) {
        if self.too_much {
            let limit = MOST_BYTES >> 20;
            return (
                Err(format!(
                    "more than {limit} MB of resources: ask for fewer with limit, bbox or distance"
                )),
                self.damaged,
            );
        }
        self.body.push(b'}');
        (Ok(Listing { body: self.body.into(), entries: self.entries }), self.damaged)
    }
}

impl Listing {
    /// Of an object that a provider gave.
    pub(crate) fn of(members: Map<String, Value>) -> Listing {
        let mut body = vec![b'{'];
        let mut entries = Vec::with_capacity(members.len());
        for (id, value) in members {
            if body.len() > 1 {
                body.push(b',');
            }
            json::write_key(&mut body, &id);
            let from = body.len();
            json::write_value(&mut body, &value);
            entries.push((id, from..body.len()));
        }
        body.push(b'}');
        Listing { body: body.into(), entries }
    }
}

/// As the reference does: after the members of the resource, or in their place when it has such members itself.
pub(super) fn stamp(resource: &mut Map<String, Value>, modified_ms: i64, source: &str) {
    resource.insert("timestamp".into(), Timestamp::from_unix_ms(modified_ms).as_str().into());
    resource.insert("$source".into(), source.into());
}

/// Of one answer. 5,000 waypoints are 2 MB.
const MOST_BYTES: usize = 32 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(filter: Filter) -> Scan {
        Scan::new(filter, "resources-provider")
    }

    #[test]
    fn a_damaged_file_is_named_and_does_not_hide_the_rest() {
        let mut scan = scan(Filter::default());
        assert!(scan.push("a", 1_767_323_045_000, br#"{"name":"A","timestamp":1,"n":2.0}"#));
        assert!(scan.push("b", 0, b"{\"name\""));
        assert!(scan.push("c", 0, b"[]"));
        let (listing, damaged) = scan.finish();
        let body = String::from_utf8(listing.unwrap().body.to_vec()).unwrap();
        assert_eq!(
            body,
            r#"{"a":{"name":"A","timestamp":"2026-01-02T03:04:05.000Z","n":2,"$source":"resources-provider"}}"#
        );
        assert_eq!(damaged, ["b", "c"]);
    }

    #[test]
    fn only_what_is_returned_counts_for_the_limit() {
        let mut scan = scan(Filter { limit: Some(2), ..Filter::default() });
        assert!(scan.push("a", 0, b"{}"));
        assert!(scan.push("b", 0, b"nonsense"));
        assert!(!scan.push("c", 0, b"{}"));
        assert_eq!(scan.finish().0.unwrap().entries.len(), 2);
    }

    #[test]
    fn an_answer_that_is_too_large_is_refused_with_the_remedy() {
        let mut scan = scan(Filter::default());
        let large = format!("{{\"text\":\"{}\"}}", "x".repeat(9 << 20));
        let taken = (0..10).take_while(|n| scan.push(&n.to_string(), 0, large.as_bytes())).count();
        assert_eq!(taken, 3);
        assert!(scan.finish().0.unwrap_err().contains("bbox"));
    }
}
