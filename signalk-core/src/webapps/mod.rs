//! Packages with pages for a browser: which there are, and at which address.
//!
//! Clauses: plugin ABI 1.6, server-api.md 5.1 and 5.3. Which file of one is
//! meant, and how it is answered, is `files.rs`; reading it is the edge's work.

mod files;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub(crate) use self::files::into_folder;
pub use self::files::{Coding, FileAnswer, FileFacts, Found, StaticFile};
use crate::io::FoundPackage;

/// What makes the reference serve the files of a package.
const KEYWORDS: [&str; 4] = [WEBAPP, EMBEDDABLE, ADDON, "signalk-plugin-configurator"];
const WEBAPP: &str = "signalk-webapp";
const EMBEDDABLE: &str = "signalk-embeddable-webapp";
const ADDON: &str = "signalk-node-server-addon";

/// All of them, in the order of their names, scoped ones first (plugin ABI 1.1).
#[derive(Debug, Default)]
pub(crate) struct WebApps {
    rows: Vec<WebApp>,
    /// Folders of packages whose name was taken.
    passed_over: BTreeSet<String>,
}

#[derive(Debug)]
struct WebApp {
    name: String,
    dir: String,
    package: Map<String, Value>,
}

impl WebApps {
    /// The edge has looked for packages: what is new and has pages is added, the first of a name wins. In words: which
    /// others are passed over, each once; of plugins that is said by `plugins/registry.rs`.
    pub(crate) fn add(&mut self, found: &[FoundPackage]) -> Vec<String> {
        let mut complaints = Vec::new();
        for FoundPackage { dir, package_json } in found {
            // Most packages are libraries: no need to read them.
            if !KEYWORDS.iter().any(|word| package_json.contains(word)) {
                continue;
            }
            let text = package_json.trim_start_matches('\u{feff}');
            let Ok(package) = serde_json::from_str::<Map<String, Value>>(text) else { continue };
            let name = package.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let app = WebApp { dir: dir.clone(), package, name };
            if !is_address(&app.name) || !KEYWORDS.iter().any(|word| app.has(word)) {
                continue;
            }
            match self.rows.iter().find(|row| row.name == app.name) {
                None => self.rows.push(app),
                Some(first) if first.dir == *dir || app.has("signalk-wasm-plugin") => {}
                Some(first) => {
                    if self.passed_over.insert(dir.clone()) {
                        complaints.push(app.is_not_served(first));
                    }
                }
            }
        }
        self.rows.sort_by_key(|row| row.name.replace("@signalk", " "));
        complaints
    }

    /// `/skServer/webapps`: packages as they describe themselves.
    pub(crate) fn list(&self, is_hidden: impl Fn(&str) -> bool) -> Value {
        let shown =
            |row: &&WebApp| (row.has(WEBAPP) || row.has(EMBEDDABLE)) && !is_hidden(&row.name);
        self.rows.iter().filter(shown).map(|row| Value::Object(row.package.clone())).collect()
    }

    /// `/skServer/addons`: scripts for the reference's admin page.
    pub(crate) fn addons(&self) -> Value {
        let all = self.rows.iter().filter(|row| row.has(ADDON));
        all.map(|row| Value::Object(row.package.clone())).collect()
    }

    /// `/signalk/v1/apps/list`
    pub(crate) fn apps(&self) -> Value {
        self.rows.iter().filter(|row| row.has(WEBAPP)).map(WebApp::entry).collect()
    }

    /// The app of this name: its folder.
    pub(crate) fn folder(&self, name: &str) -> Option<&str> {
        self.rows.iter().find(|row| row.name == name).map(|row| row.dir.as_str())
    }
}

impl WebApp {
    fn is_not_served(&self, first: &WebApp) -> String {
        let version = |app: &WebApp| match app.package.get("version").and_then(Value::as_str) {
            Some(text) => format!("version {text}"),
            None => "no version".to_owned(),
        };
        format!(
            "{} ({}): its name `{}` is that of {} ({}), which was found first; the pages of this one are not served: remove one of them",
            self.dir,
            version(self),
            self.name,
            first.dir,
            version(first)
        )
    }

    fn has(&self, keyword: &str) -> bool {
        let keywords = self.package.get("keywords").and_then(Value::as_array);
        keywords.is_some_and(|keywords| keywords.iter().any(|word| word == keyword))
    }

    fn entry(&self) -> Value {
        let mut entry = Map::new();
        for key in ["name", "version", "description"] {
            entry.extend(self.package.get(key).map(|value| (key.to_owned(), value.clone())));
        }
        entry.insert("location".to_owned(), format!("/{}/", self.name).into());
        entry.extend(self.package.get("license").map(|it| ("license".to_owned(), it.clone())));
        entry.insert("author".to_owned(), self.author().into());
        Value::Object(entry)
    }

    /// The author, else all contributors.
    fn author(&self) -> String {
        let name = |person: &Value| match person {
            Value::String(text) => Some(text.clone()),
            person => person.get("name").and_then(Value::as_str).map(str::to_owned),
        };
        let contributors = || {
            let all = self.package.get("contributors").and_then(Value::as_array);
            all.into_iter().flatten().filter_map(name).collect::<Vec<_>>().join(", ")
        };
        self.package.get("author").and_then(name).unwrap_or_else(contributors)
    }
}

/// Whether a package's name is one or two steps of a path, and no way out of one.
fn is_address(name: &str) -> bool {
    let is_step = |step: &str| {
        !step.is_empty()
            && !step.starts_with('.')
            && !step.contains(['/', '\\', '\0', '%', '?', '#'])
    };
    match name.split_once('/') {
        Some((scope, name)) => {
            scope.starts_with('@') && scope.len() > 1 && is_step(scope) && is_step(name)
        }
        None => is_step(name) && !name.starts_with('@'),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, more: Value) -> FoundPackage {
        let mut package =
            json!({ "name": name, "version": "1.0.0", "keywords": ["signalk-webapp"] });
        for (key, value) in more.as_object().unwrap() {
            package[key] = value.clone();
        }
        FoundPackage { dir: format!("node_modules/{name}"), package_json: package.to_string() }
    }

    fn names(list: &Value) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
    }

    #[test]
    fn lists_show_what_keywords_say() {
        let mut all = WebApps::default();
        let said = all.add(&[
            package("zebra", json!({})),
            package("@signalk/charts", json!({ "author": { "name": "A" }, "license": "MIT", "description": "d" })),
            package("embedded", json!({ "keywords": ["signalk-embeddable-webapp"] })),
            package("addon", json!({ "keywords": ["signalk-node-server-addon"], "contributors": ["B", { "name": "C" }] })),
            package("library", json!({ "keywords": [], "description": "for a signalk-webapp" })),
            FoundPackage {
                dir: "other/zebra".to_owned(),
                ..package("zebra", json!({ "version": "2.0.0" }))
            },
        ]);
        assert_eq!(
            said,
            [
                "other/zebra (version 2.0.0): its name `zebra` is that of node_modules/zebra (version 1.0.0), which was found first; the pages of this one are not served: remove one of them"
            ]
        );
        let again = FoundPackage { dir: "other/zebra".to_owned(), ..package("zebra", json!({})) };
        assert!(all.add(&[again]).is_empty(), "said once");
        assert_eq!(names(&all.list(|_| false)), ["@signalk/charts", "embedded", "zebra"]);
        assert_eq!(names(&all.list(|name| name == "zebra")), ["@signalk/charts", "embedded"]);
        assert_eq!(all.list(|_| false)[2]["version"], "1.0.0", "the first of a name wins");
        assert_eq!(names(&all.addons()), ["addon"]);
        assert_eq!(
            all.apps()[0].to_string(),
            r#"{"name":"@signalk/charts","version":"1.0.0","description":"d","location":"/@signalk/charts/","license":"MIT","author":"A"}"#
        );
        assert_eq!(all.folder("addon"), Some("node_modules/addon"));
        assert_eq!(all.folder("library"), None);
    }

    #[test]
    fn a_name_that_is_no_address_is_left_out() {
        let names = [
            "", ".", "..", "../x", "@a", "@/x", "a/b", "@a/b/c", "@a/..", "a\\b", ".hidden",
            "a%2fb",
        ];
        let mut all = WebApps::default();
        all.add(&names.map(|name| package(name, json!({}))));
        assert_eq!(all.list(|_| false), json!([]));
        all.add(&[FoundPackage { dir: "d".into(), package_json: "{\"signalk-webapp".into() }]);
        assert_eq!(all.list(|_| false), json!([]));
    }
}
