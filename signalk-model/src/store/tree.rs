//! The shape of one context: branches, leaves and plain attributes under their keys, in the order
//! a JavaScript object has. Knows nothing of sources or times; the leaves are kept by `context`.

use std::sync::Arc;

use crate::hash::Seeded;
use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::json;

/// Keys in JavaScript's order: array indexes first and ascending, the others as they came.
#[derive(Debug, Clone)]
pub(crate) struct JsMap<V>(IndexMap<Arc<str>, V, Seeded>);

impl<V> Default for JsMap<V> {
    fn default() -> Self {
        Self(IndexMap::default())
    }
}

impl<V> JsMap<V> {
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.0.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.0.get_mut(key)
    }

    pub(crate) fn contains_key(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<V> {
        self.0.shift_remove(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &V)> {
        self.0.iter()
    }

    /// Replaces in place, or adds where JavaScript would list the key.
    pub(crate) fn insert(&mut self, key: &str, value: V) {
        if let Some(old) = self.0.get_mut(key) {
            *old = value;
            return;
        }
        let place = match json::array_index(key) {
            None => self.0.len(),
            Some(index) => self
                .0
                .keys()
                .position(|other| json::array_index(other).is_none_or(|other| other > index))
                .unwrap_or(self.0.len()),
        };
        self.0.shift_insert(place, Arc::from(key), value);
    }

    pub(crate) fn get_or_insert_with(&mut self, key: &str, make: impl FnOnce() -> V) -> &mut V {
        if !self.0.contains_key(key) {
            self.insert(key, make());
        }
        let at = self.0.get_index_of(key).unwrap_or_default();
        // The key is there: it was found or has just been inserted.
        &mut self.0[at]
    }
}

/// A node of the tree. It may hold a value of its own and children too, as an object of JavaScript
/// can (`a.b` and `a.b.c` both measured).
#[derive(Debug, Default)]
pub(crate) struct Branch {
    /// Index of the leaf that lives here.
    pub(crate) leaf: Option<usize>,
    pub(crate) children: JsMap<Child>,
}

#[derive(Debug)]
pub(crate) enum Child {
    /// An attribute set through the root path.
    Plain(Json),
    Branch(Box<Branch>),
}

impl Branch {
    /// The branch at a path, made when missing. `None` when a plain text or number is in the way.
    pub(crate) fn reach<'a>(
        &mut self,
        segments: impl Iterator<Item = &'a str>,
    ) -> Option<&mut Self> {
        let mut here = self;
        for segment in segments {
            let child = here.children.get_or_insert_with(segment, || Child::Branch(Box::default()));
            if let Child::Plain(plain) = child {
                let branch = Self::from_plain(std::mem::take(plain));
                match branch {
                    Ok(branch) => *child = Child::Branch(Box::new(branch)),
                    Err(scalar) => {
                        *plain = scalar;
                        return None;
                    }
                }
            }
            let Child::Branch(branch) = child else { return None };
            here = branch;
        }
        Some(here)
    }

    /// An attribute that is an object becomes a branch when a measured path goes through it.
    fn from_plain(plain: Json) -> Result<Self, Json> {
        match plain {
            Json::Object(members) => {
                let mut branch = Self::default();
                for (key, value) in members {
                    branch.children.insert(&key, Child::Plain(value));
                }
                Ok(branch)
            }
            Json::Null => Ok(Self::default()),
            scalar => Err(scalar),
        }
    }

    /// Sets an attribute. DIFFERENCE: measured values below a key of that name stay; the reference
    /// forgets them.
    pub(crate) fn assign(&mut self, key: &str, value: &Json) {
        if let Some(Child::Branch(branch)) = self.children.get_mut(key)
            && branch.holds_leaves()
        {
            branch.replace_plain(value);
        } else {
            self.children.insert(key, Child::Plain(value.clone()));
        }
    }

    fn replace_plain(&mut self, value: &Json) {
        let plain = self.children.iter().filter(|(_, child)| matches!(child, Child::Plain(_)));
        let stale: Vec<_> = plain.map(|(key, _)| Arc::clone(key)).collect();
        for key in stale {
            self.children.remove(&key);
        }
        for (key, value) in value.as_object().into_iter().flatten() {
            self.assign(key, value);
        }
    }

    fn holds_leaves(&self) -> bool {
        self.leaf.is_some()
            || self.children.iter().any(|(_, child)| match child {
                Child::Plain(_) => false,
                Child::Branch(branch) => branch.holds_leaves(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_the_order_of_javascript() {
        let mut map = JsMap::default();
        for key in ["b", "10", "a", "2", "01", "b"] {
            map.insert(key, ());
        }
        let keys: Vec<_> = map.iter().map(|(key, ())| &**key).collect();
        assert_eq!(keys, ["2", "10", "b", "a", "01"]);
    }

    #[test]
    fn a_measured_path_may_go_through_an_attribute_that_is_an_object() {
        let mut root = Branch::default();
        root.assign("communication", &serde_json::json!({"callsignVhf": "X"}));
        root.assign("name", &"Boat".into());
        root.reach(["communication", "skipperName"].into_iter()).unwrap().leaf = Some(0);
        assert!(root.reach(["name", "x"].into_iter()).is_none());
        root.assign("communication", &serde_json::json!({"phone": 1}));
        let Some(Child::Branch(branch)) = root.children.get("communication") else { panic!() };
        let keys: Vec<_> = branch.children.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["skipperName", "phone"]);
    }
}
