//! Reading one place of the tree, as `GET /signalk/v1/api/...` does (server-api.md 2): segment by
//! segment, without building what lies beside it.

use serde_json::Value as Json;

use super::context::ContextModel;
use super::tree::{Branch, Child, JsMap};
use super::{Place, Store};
use crate::json;

/// A place of the tree that exists.
#[derive(Debug)]
pub struct Node<'a>(Inner<'a>);

#[derive(Debug)]
enum Inner<'a> {
    Full(&'a Store),
    Group(&'a Store, &'a JsMap<Place>),
    Context(&'a ContextModel),
    Branch(&'a ContextModel, &'a Branch),
    Plain(&'a Json),
    /// Something small that was written for this read.
    Text(Vec<u8>),
}

impl Node<'_> {
    /// Appends the place as compact JSON.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Inner::Full(store) => store.write_json(out),
            Inner::Group(store, members) => {
                out.push(b'{');
                for (at, (key, place)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    json::write_key(out, key);
                    store.write_place(place, out);
                }
                out.push(b'}');
            }
            Inner::Context(model) => model.write_json(out),
            Inner::Branch(model, branch) => model.write_branch(branch, out),
            Inner::Plain(value) => json::write_value(out, value),
            Inner::Text(text) => out.extend_from_slice(text),
        }
    }

    /// The place as compact JSON.
    pub fn to_json(&self) -> String {
        let mut out = Vec::with_capacity(256);
        self.write_json(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

impl Store {
    /// The place at `segments` below `/signalk/v1/api/`; none: the full model. `self` stands for
    /// this vessel's id wherever it occurs; dots in a segment are literal.
    pub fn get(&self, segments: &[&str]) -> Option<Node<'_>> {
        let own = self.self_context.identity().unwrap_or_default();
        let resolved: Vec<&str> = segments
            .iter()
            .enumerate()
            .map(|(at, segment)| if at > 0 && *segment == "self" { own } else { segment })
            .collect();
        let (first, rest) = match resolved.split_first() {
            None => return Some(Node(Inner::Full(self))),
            Some((first, rest)) => (*first, rest),
        };
        let mut text = Vec::new();
        let start = match first {
            "self" => {
                json::write_str(&mut text, &self.self_context);
                Inner::Text(text)
            }
            "version" => Inner::Text(b"\"0.1.0\"".to_vec()),
            "sources" => {
                self.sources.write_json(&mut text);
                Inner::Text(text)
            }
            group => match self.groups.get(group)? {
                Place::Group(members) => Inner::Group(self, members),
                Place::Context(_) => return None,
            },
        };
        let found = rest.iter().try_fold(start, |here, segment| self.step(here, segment));
        found.or_else(|| self.registered_meta(&resolved)).map(Node)
    }

    fn step<'a>(&'a self, here: Inner<'a>, key: &str) -> Option<Inner<'a>> {
        match here {
            Inner::Full(_) => None,
            Inner::Group(_, members) => match members.get(key)? {
                Place::Group(members) => Some(Inner::Group(self, members)),
                Place::Context(context) => Some(Inner::Context(self.contexts.get(context)?)),
            },
            Inner::Context(model) if key == "meta" && !model.root.children.contains_key(key) => {
                let mut text = Vec::new();
                model.write_all_meta(&mut text);
                Some(Inner::Text(text))
            }
            Inner::Context(model) => step_branch(model, &model.root, key),
            Inner::Branch(model, branch) => step_branch(model, branch, key),
            Inner::Plain(value) => member(value, key).map(Inner::Plain),
            Inner::Text(text) => {
                let value = json::parse(&text).ok()?;
                let mut text = Vec::new();
                json::write_value(&mut text, member(&value, key)?);
                Some(Inner::Text(text))
            }
        }
    }

    /// `<path>/meta` answers from the registry where the tree has nothing, for paths of two
    /// segments and more.
    fn registered_meta(&self, segments: &[&str]) -> Option<Inner<'_>> {
        let at = segments.iter().rposition(|segment| *segment == "meta")?;
        let (group, id, path) = (segments.first()?, segments.get(1)?, segments.get(2..at)?);
        if path.len() < 2 || path.iter().any(|segment| segment.contains('.')) {
            return None;
        }
        let meta = self.meta.get(&format!("{group}.{id}"), &path.join("."))?;
        let start = Inner::Text(meta.shown_json().as_bytes().to_vec());
        segments.get(at + 1..)?.iter().try_fold(start, |here, segment| self.step(here, segment))
    }
}

fn step_branch<'a>(model: &'a ContextModel, branch: &'a Branch, key: &str) -> Option<Inner<'a>> {
    let leaf = branch.leaf.and_then(|at| model.leaves.get(at));
    if let Some(text) = leaf.and_then(|leaf| leaf.member(key)) {
        return Some(Inner::Text(text));
    }
    match branch.children.get(key)? {
        Child::Plain(value) => Some(Inner::Plain(value)),
        Child::Branch(branch) => Some(Inner::Branch(model, branch)),
    }
}

fn member<'a>(value: &'a Json, key: &str) -> Option<&'a Json> {
    match value {
        Json::Object(members) => members.get(key),
        Json::Array(items) => items.get(usize::try_from(json::array_index(key)?).ok()?),
        _ => None,
    }
}
