//! Metadata: what a path means, its unit, its zones. The table of the specification (`table`,
//! generated) answers for every context; what arrives at run time wins over it, member by member.
//! How values and metadata stand together in the tree is `store`'s business.

use std::sync::Arc;

use crate::hash::NameMap;
use serde_json::{Map, Value as Json};

use self::lookup::index_of;
use crate::json;
use crate::names::{Context, Path, SourceRef};
use crate::units;

mod lookup;
mod table;

/// Metadata of one path, with its JSON text.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    members: Map<String, Json>,
    text: Box<str>,
    /// With `displayUnits`, where the unit has some and the members have none of their own.
    shown: Option<Box<str>>,
}

impl Meta {
    /// Metadata from its members.
    pub fn new(members: Map<String, Json>) -> Self {
        let mut text = Vec::with_capacity(128);
        json::write_map(&mut text, &members);
        let units = members.get("units").and_then(Json::as_str).and_then(units::display_units);
        let shown = units.filter(|_| !members.contains_key("displayUnits")).map(|units| {
            let mut text = text.clone();
            text.pop();
            text.extend_from_slice(b",\"displayUnits\":");
            text.extend_from_slice(units.as_bytes());
            text.push(b'}');
            String::from_utf8(text).unwrap_or_default().into()
        });
        Self { members, text: String::from_utf8(text).unwrap_or_default().into(), shown }
    }

    /// The members in their order.
    pub fn members(&self) -> &Map<String, Json> {
        &self.members
    }

    /// The object as compact JSON.
    pub fn json(&self) -> &str {
        &self.text
    }

    /// As `json`, with `displayUnits` of the default preset: what REST answers show.
    pub fn shown_json(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.text)
    }

    /// As `json`, with the `displayUnits` that streams show for `path`.
    pub fn stream_json(&self, path: &str) -> String {
        let units = self.units().and_then(|unit| units::display_units_of(path, unit));
        match units.filter(|_| self.shown.is_some()) {
            Some(units) => {
                let open = self.text.strip_suffix('}').unwrap_or(&self.text);
                format!("{open},\"displayUnits\":{units}}}")
            }
            None => self.text.to_string(),
        }
    }

    /// The SI unit, `m/s`.
    pub fn units(&self) -> Option<&str> {
        self.members.get("units")?.as_str()
    }

    /// Ranges that raise a notification; empty when there are none.
    pub fn zones(&self) -> &[Json] {
        self.members.get("zones").and_then(Json::as_array).map_or(&[], Vec::as_slice)
    }

    /// These members with others laid over them.
    #[must_use]
    pub fn merged(&self, over: &Map<String, Json>) -> Self {
        let mut members = self.members.clone();
        for (key, value) in over {
            members.insert(key.clone(), value.clone());
        }
        Self::new(members)
    }
}

/// The specification's metadata of a path as JSON text, whatever the context. Containers of
/// instances (`electrical.batteries.1`) have none, their members do.
///
/// ```
/// let text = signalk_model::meta::specified("propulsion.port.revolutions").unwrap();
/// assert!(text.contains(r#""units":"Hz""#));
/// assert_eq!(signalk_model::meta::specified("foo.bar"), None);
/// ```
pub fn specified(path: &str) -> Option<&'static str> {
    index_of(path).and_then(text_at)
}

/// The unit that the specification gives a path.
pub fn specified_units(path: &str) -> Option<&'static str> {
    // The text is generated: the member is written exactly so.
    let (_, rest) = specified(path)?.split_once("\"units\":\"")?;
    rest.split_once('"').map(|(units, _)| units)
}

/// Appends the table as `GET /skServer/paths` of the reference gives it.
pub fn write_paths_json(out: &mut Vec<u8>) {
    out.push(b'{');
    for (at, (key, text)) in table::TABLE.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json::write_key(out, key);
        out.extend_from_slice(text.as_bytes());
        let Some(tail) = key.strip_prefix(FAMILY) else { continue };
        for family in ["/aircraft/*/", "/aton/*/", "/sar/*/"] {
            out.push(b',');
            json::write_key(out, &format!("{family}{tail}"));
            out.extend_from_slice(text.as_bytes());
        }
    }
    out.push(b'}');
}

/// Metadata of a server: the specification's, and what came in since the start.
#[derive(Debug, Default)]
pub struct Registry {
    /// Entries of the table that were asked for, by index.
    specified: NameMap<usize, Arc<Meta>>,
    runtime: NameMap<Context, NameMap<Path, Arc<Meta>>>,
    /// The [`cost`] of those of the own vessel.
    own_bytes: usize,
    /// By how much each provider made it grow.
    own_bytes_of_one: NameMap<SourceRef, usize>,
    /// The cost of those of all others.
    other_bytes: usize,
}

impl Registry {
    /// Metadata of a path, from the run time or else from the specification.
    pub fn get(&self, context: &str, path: &str) -> Option<Arc<Meta>> {
        if let Some(meta) = self.runtime.get(context).and_then(|paths| paths.get(path)) {
            return Some(Arc::clone(meta));
        }
        let at = index_of(path)?;
        match self.specified.get(&at) {
            Some(meta) => Some(Arc::clone(meta)),
            None => parsed(at).map(Arc::new),
        }
    }

    /// As `get`; an entry of the specification is kept, to be shared by all its leaves.
    pub(crate) fn share(&mut self, context: &Context, path: &Path) -> Option<Arc<Meta>> {
        if let Some(meta) = self.runtime.get(context).and_then(|paths| paths.get(path)) {
            return Some(Arc::clone(meta));
        }
        let at = index_of(path)?;
        if let Some(meta) = self.specified.get(&at) {
            return Some(Arc::clone(meta));
        }
        let meta = Arc::new(parsed(at)?);
        self.specified.insert(at, Arc::clone(&meta));
        Some(meta)
    }

    /// Lays `members` over what is known of a path. False when there is no room: metadata of the own vessel and of all
    /// others have their bounds apart. Of the own vessel's one provider has only a part, and is sure of a smaller one
    /// however full it is; `provider` is `None` for all others.
    pub fn merge(
        &mut self,
        context: &Context,
        path: &Path,
        members: &Map<String, Json>,
        provider: Option<&SourceRef>,
    ) -> bool {
        if path.is_root() {
            return true;
        }
        let known = self.share(context, path).unwrap_or_else(|| {
            // The reference gives each entry a description.
            Arc::new(Meta::new(Map::from_iter([("description".to_owned(), Json::from(""))])))
        });
        let merged = Arc::new(known.merged(members));
        let cost = cost(&merged);
        let paths = self.runtime.get(context);
        let old = paths.and_then(|paths| paths.get(path)).map_or(0, |old| self::cost(old));
        if cost > old && cost > MAX_META_BYTES {
            return false;
        }
        match provider {
            None => {
                let after = self.other_bytes.saturating_sub(old) + cost;
                if cost > old && after > MAX_BYTES {
                    return false;
                }
                self.other_bytes = after;
            }
            Some(provider) => {
                let after = self.own_bytes.saturating_sub(old) + cost;
                let of_one = self.own_bytes_of_one.entry(provider.clone()).or_default();
                let of_this = (*of_one + cost).saturating_sub(old);
                let is_full = after > MAX_BYTES && of_this > SURE_BYTES;
                if cost > old && (is_full || of_this > MAX_BYTES_OF_ONE) {
                    return false;
                }
                *of_one = of_this;
                self.own_bytes = after;
            }
        }
        self.runtime.entry(context.clone()).or_default().insert(path.clone(), merged);
        true
    }

    /// A context other than the own vessel is gone.
    pub(crate) fn forget(&mut self, context: &Context) {
        for meta in self.runtime.remove(context).iter().flat_map(NameMap::values) {
            self.other_bytes = self.other_bytes.saturating_sub(cost(meta));
        }
    }
}

/// About what metadata takes in memory: its text and its members.
fn cost(meta: &Meta) -> usize {
    256 + 2 * meta.text.len()
}

/// Largest metadata of one path, by its cost: zones and prose of a path have some 4 KB.
const MAX_META_BYTES: usize = 64 << 10;
/// Metadata of the own vessel that came in, and that of all others, by its cost: 30,000 paths of 500 bytes each.
const MAX_BYTES: usize = 32 << 20;
/// That one provider may add to the own vessel's.
const MAX_BYTES_OF_ONE: usize = 16 << 20;
/// That one provider may add however full it is: the owner's own zones are a few kilobytes.
const SURE_BYTES: usize = 1 << 20;

/// Whether metadata of a path may be so large at all.
pub fn may_be_kept(members: &Map<String, Json>) -> bool {
    cost(&Meta::new(members.clone())) <= MAX_META_BYTES
}

/// Bytes of JSON text that metadata of one path may have.
pub const LONGEST_META: usize = (MAX_META_BYTES - 256) / 2;

fn parsed(at: usize) -> Option<Meta> {
    match json::parse(text_at(at)?.as_bytes()) {
        Ok(Json::Object(members)) => Some(Meta::new(members)),
        _ => None,
    }
}

const FAMILY: &str = "/vessels/*/";

/// Paths of the specification that the reference's table lacks; `xtask codegen` checks that there
/// are no others. They are looked up like the rest, but not listed, as in the reference.
static ADDED: [(&str, &str); 2] = [
    ("base", r#"{"description":"Home airport or landing place of the aircraft"}"#),
    ("atonType", r#"{"description":"Type of the aid to navigation"}"#),
];

fn text_at(at: usize) -> Option<&'static str> {
    table::TABLE.iter().chain(&ADDED).nth(at).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_the_specification_is_found() {
        let mut looked_up = 0;
        for (key, text) in table::TABLE {
            let Some(tail) = key.strip_prefix(FAMILY) else { continue };
            if tail.ends_with("/*") || tail.ends_with("/RegExp") {
                continue;
            }
            let path = tail
                .replace("RegExp", "main")
                .replace('*', "main")
                .replace("[A-Za-z0-9]+", "salon")
                .replace("(single)|([A-C])", "B")
                .replace('/', ".");
            assert_eq!(specified(&path), Some(*text), "{path}");
            looked_up += 1;
        }
        assert!(looked_up > 500, "{looked_up}");
    }

    #[test]
    fn the_unit_of_a_path_is_known() {
        assert_eq!(specified_units("navigation.speedOverGround"), Some("m/s"));
        assert_eq!(specified_units("electrical.batteries.1.voltage"), Some("V"));
        assert_eq!(specified_units("environment.inside.salon.temperature"), Some("K"));
        assert_eq!(specified("electrical.batteries.1"), None);
        assert_eq!(specified_units("name"), None);
        assert_eq!(specified(""), None);
        assert!(specified("atonType").is_some());
    }

    #[test]
    fn run_time_metadata_wins_member_by_member() {
        let (own, other) = (Context::from("vessels.a"), Context::from("vessels.b"));
        let path = Path::from("navigation.speedOverGround");
        let mut registry = Registry::default();
        let over = members(serde_json::json!({"units": "kn", "zones": []}));
        let one = SourceRef::from("p");
        registry.merge(&own, &path, &over, Some(&one));
        let meta = registry.get(&own, &path).unwrap();
        assert!(meta.json().starts_with(r#"{"description":"Vessel speed over ground"#));
        assert!(meta.json().ends_with(r#","units":"kn","zones":[]}"#));
        assert_eq!(registry.get(&other, &path).unwrap().units(), Some("m/s"));

        let kelvin = members(serde_json::json!({"units": "K"}));
        registry.merge(&own, &Path::from("foo.bar"), &kelvin, Some(&one));
        assert_eq!(
            registry.get(&own, "foo.bar").unwrap().json(),
            r#"{"description":"","units":"K"}"#
        );
    }

    #[test]
    fn the_table_is_served_as_the_reference_serves_it() {
        let mut out = Vec::new();
        write_paths_json(&mut out);
        let Json::Object(all) = json::parse(&out).unwrap() else { panic!() };
        assert_eq!(all.len(), 2377);
    }

    #[test]
    fn metadata_of_others_and_of_one_path_is_bounded_and_comes_back_with_its_context() {
        let other = Context::from("vessels.b");
        let large = members(serde_json::json!({ "description": "x".repeat(30_000) }));
        let mut registry = Registry::default();
        let fill = |registry: &mut Registry| {
            (0..800)
                .filter(|at| registry.merge(&other, &Path::from(format!("a.b{at}")), &large, None))
                .count()
        };
        assert_eq!(fill(&mut registry), MAX_BYTES / cost(&Meta::new(large.clone())));
        let (own, path) = (Context::from("vessels.a"), Path::from("a.b"));
        let one = SourceRef::from("p");
        assert!(registry.merge(&own, &path, &large, Some(&one)));
        let huge = members(serde_json::json!({ "description": "x".repeat(MAX_META_BYTES) }));
        assert!(!registry.merge(&own, &path, &huge, Some(&one)));
        registry.forget(&other);
        assert!(registry.other_bytes == 0 && fill(&mut registry) > 0);
    }

    /// A plugin that fills what there is keeps nobody from setting zones.
    #[test]
    fn metadata_of_the_own_vessel_has_a_part_for_each_provider_and_a_sure_one() {
        let own = Context::from("vessels.a");
        let large = members(serde_json::json!({ "description": "x".repeat(30_000) }));
        let zones = members(serde_json::json!({ "zones": [{ "upper": 2, "state": "alarm" }] }));
        let mut registry = Registry::default();
        let mut fill = |provider: &str, members: &Map<String, Json>| {
            let name = provider.to_owned();
            let path = |at: usize| Path::from(format!("{name}.b{at}"));
            let provider = SourceRef::from(provider);
            (0..1000)
                .filter(|at| registry.merge(&own, &path(*at), members, Some(&provider)))
                .count()
        };
        let of_one = MAX_BYTES_OF_ONE / cost(&Meta::new(large.clone()));
        assert_eq!((fill("a", &large), fill("b", &large)), (of_one, of_one));
        assert!(fill("c", &large) * cost(&Meta::new(large.clone())) <= SURE_BYTES + MAX_META_BYTES);
        assert_eq!((fill("a", &zones), fill("defaults", &zones)), (0, 1000));
    }

    fn members(value: Json) -> Map<String, Json> {
        match value {
            Json::Object(members) => members,
            _ => panic!(),
        }
    }
}
