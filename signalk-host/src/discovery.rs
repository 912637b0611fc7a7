//! Which plugin packages are installed: every folder with a package.json in `node_modules` of the configuration
//! directory, and then of the folders of `--packages` or of the program's own (npm's layout, scopes one level down,
//! links followed), and those named by `--plugin`. What a package.json says is the core's; so is that the first of a
//! name wins (plugin ABI 1.1).

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use signalk_core::FoundPackage;

use crate::{disk, package_json};

/// What was found, and what could not be looked at.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Named folders first: they win over an installed package of the same name.
    pub(crate) packages: Vec<FoundPackage>,
    /// In words, with the folder and the remedy.
    pub(crate) complaints: Vec<String>,
}

/// Where to look.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// The configuration directory.
    pub(crate) config: PathBuf,
    /// Packages, by `--plugin`.
    pub(crate) plugins: Vec<PathBuf>,
    /// Folders with a `node_modules`, by `--packages`; none: the program's own.
    pub(crate) packages: Vec<PathBuf>,
    /// Where the program lies: `appPath` of the reference server.
    pub(crate) program: Option<PathBuf>,
}

/// The folder of this program; `None` where the system does not tell.
pub(crate) fn program_folder() -> Option<PathBuf> {
    std::env::current_exe().ok()?.parent().map(Path::to_owned)
}

/// Looks at the disk; a few hundred small reads at most.
pub(crate) fn find(places: &Places) -> Found {
    let mut found = Found::default();
    let mut seen = BTreeSet::new();
    for folder in &places.plugins {
        if seen.insert(real(folder)) {
            found.named(folder);
        }
    }
    found.all_in(&places.config, true, &mut seen);
    for folder in &places.packages {
        found.all_in(folder, false, &mut seen);
    }
    if let Some(program) = places.program.as_ref().filter(|_| places.packages.is_empty()) {
        found.all_in(program, true, &mut seen);
    }
    found
}

impl Found {
    /// A folder that somebody typed: everything that is wrong with it is said.
    fn named(&mut self, folder: &Path) {
        let file = folder.join("package.json");
        let complaint = match package_json::read(&file) {
            Ok(text) => return self.packages.push(package(folder, text)),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound if !folder.exists() => {
                    format!("--plugin {}: there is no such folder", folder.display())
                }
                io::ErrorKind::NotFound => format!(
                    "--plugin {}: it has no package.json; name the folder that holds it",
                    folder.display()
                ),
                io::ErrorKind::NotADirectory => format!(
                    "--plugin {}: this is a file; name the folder that holds the plugin's package.json",
                    folder.display()
                ),
                _ => format!(
                    "--plugin {}: {}",
                    folder.display(),
                    package_json::unreadable(&file, &error)
                ),
            },
        };
        self.complaints.push(complaint);
    }

    /// All packages of one root.
    fn all_in(&mut self, root: &Path, may_be_missing: bool, seen: &mut BTreeSet<PathBuf>) {
        let modules = root.join("node_modules");
        if !may_be_missing && !modules.is_dir() {
            let text = format!(
                "--packages {}: it has no folder `node_modules`; name the folder that holds it",
                root.display()
            );
            return self.complaints.push(text);
        }
        for folder in self.folders(&modules, true) {
            let scope =
                folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with('@'));
            let packages = if scope { self.folders(&folder, false) } else { vec![folder] };
            for package in packages {
                if seen.insert(real(&package)) {
                    self.installed(&package);
                }
            }
        }
    }

    /// A folder in node_modules: one without package.json is none of ours.
    fn installed(&mut self, folder: &Path) {
        let file = folder.join("package.json");
        match package_json::read(&file) {
            Ok(text) if concerns_us(&text) => self.packages.push(package(folder, text)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.complaints.push(package_json::unreadable(&file, &error)),
        }
    }

    /// The folders in a folder, by name, so that every start finds them in the same order.
    fn folders(&mut self, parent: &Path, may_be_missing: bool) -> Vec<PathBuf> {
        let entries = match fs::read_dir(parent) {
            Ok(entries) => entries,
            Err(error) if may_be_missing && error.kind() == io::ErrorKind::NotFound => {
                return Vec::new();
            }
            Err(error) => {
                self.complaints.push(format!(
                    "{}; the plugins in it are not loaded",
                    disk::unreadable(parent, &error)
                ));
                return Vec::new();
            }
        };
        let mut folders: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        folders
    }
}

/// node_modules of a real boat holds a thousand packages that are libraries. Only the text is looked at here: whether
/// it is a plugin, and of which kind, is for the core to say.
fn concerns_us(package_json: &str) -> bool {
    package_json.contains("signalk-")
        || serde_json::from_str::<serde::de::IgnoredAny>(package_json).is_err()
}

fn package(folder: &Path, package_json: String) -> FoundPackage {
    FoundPackage { dir: folder.to_string_lossy().into_owned(), package_json }
}

fn real(folder: &Path) -> PathBuf {
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(root: &Path, name: &str) -> PathBuf {
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        let text = format!("{{\"name\":\"{name}\",\"keywords\":[\"signalk-wasm-plugin\"]}}");
        fs::write(folder.join("package.json"), text).unwrap();
        folder
    }

    fn places(config: &Path, plugins: &[&Path]) -> Places {
        let plugins = plugins.iter().map(|folder| (*folder).to_owned()).collect();
        Places { config: config.to_owned(), plugins, ..Places::default() }
    }

    fn names(found: &Found) -> Vec<&str> {
        found.packages.iter().map(|package| package.dir.rsplit('/').next().unwrap()).collect()
    }

    /// Plugin ABI 1.1: the configuration directory first, so that what an owner installed wins.
    #[test]
    fn the_second_root_is_the_programs_folder_or_what_is_named_instead() {
        let temp = tempfile::tempdir().unwrap();
        let root = |name: &str| temp.path().join(name);
        install(&root("config/node_modules"), "mine");
        install(&root("program/node_modules"), "bundled");
        install(&root("extra/node_modules"), "extra");
        let program = Some(root("program"));
        let beside = Places { program: program.clone(), ..places(&root("config"), &[]) };
        assert_eq!(names(&find(&beside)), ["mine", "bundled"]);
        let packages = vec![root("extra"), root("extra"), root("program")];
        let named = Places { packages, ..beside };
        let found = find(&named);
        assert_eq!(names(&found), ["mine", "extra", "bundled"], "each once");
        assert!(found.complaints.is_empty(), "{:?}", found.complaints);
        let found = find(&Places { packages: vec![root("nowhere")], program, ..Places::default() });
        assert!(found.packages.is_empty());
        assert!(found.complaints[0].contains("it has no folder `node_modules`"));
        // A folder that two roots are is looked at once, and a program without packages is not worth a word.
        let same = Places { program: Some(root("config")), ..places(&root("config"), &[]) };
        assert_eq!(names(&find(&same)), ["mine"]);
        let bare = Places { program: Some(root("nowhere")), ..places(&root("config"), &[]) };
        assert!(find(&bare).complaints.is_empty());
    }

    #[test]
    fn packages_scopes_and_links_are_found_in_order() {
        let temp = tempfile::tempdir().unwrap();
        let modules = temp.path().join("node_modules");
        install(&modules, "zebra");
        install(&modules, "@boat/anchor");
        install(&modules, ".cache");
        fs::create_dir_all(modules.join("lib")).unwrap();
        fs::write(modules.join("lib/package.json"), "{\"name\":\"lib\"}").unwrap();
        let linked = install(temp.path(), "work");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&linked, modules.join("linked")).unwrap();
        let found = find(&places(temp.path(), &[&linked]));
        assert_eq!(
            names(&found),
            ["work", "anchor", "zebra"],
            "a link to a named folder is the same package"
        );
        assert!(found.complaints.is_empty(), "{:?}", found.complaints);
    }

    #[test]
    fn a_named_folder_that_is_none_is_a_complaint() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        fs::write(&file, "").unwrap();
        let nowhere = temp.path().join("nowhere");
        let found = find(&places(temp.path(), &[&nowhere, temp.path(), &file]));
        let text = found.complaints.join("\n");
        for part in ["no such folder", "has no package.json", "this is a file"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
