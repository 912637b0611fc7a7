//! Knows what was built from what, for the compilers that do not: by the content of the sources, not
//! by their time, which a change of branch moves.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// One or more modules made by one call of a compiler.
pub(crate) struct Recipe {
    /// Folders and files that the modules are made of.
    pub(crate) sources: Vec<PathBuf>,
    /// Whatever else changes them: the compiler, its options.
    pub(crate) how: String,
    /// The modules.
    pub(crate) outputs: Vec<PathBuf>,
}

impl Recipe {
    /// Runs `build` unless all outputs are there and were made of the same.
    pub(crate) fn make(&self, build: impl FnOnce() -> Result<()>) -> Result<()> {
        let Some(first) = self.outputs.first() else { return Ok(()) };
        let made_of = first.with_extension("made-of");
        let now = self.digest()?;
        let same = fs::read_to_string(&made_of).is_ok_and(|before| before == now);
        if same && self.outputs.iter().all(|output| output.is_file()) {
            return Ok(());
        }
        build()?;
        fs::write(&made_of, now).with_context(|| format!("cannot write {}", made_of.display()))
    }

    fn digest(&self) -> Result<String> {
        let mut hasher = DefaultHasher::new();
        self.how.hash(&mut hasher);
        self.outputs.hash(&mut hasher);
        for source in &self.sources {
            hash_tree(source, &mut hasher)
                .with_context(|| format!("cannot read {}", source.display()))?;
        }
        Ok(format!("{:016x}\n", hasher.finish()))
    }
}

fn hash_tree(path: &Path, hasher: &mut DefaultHasher) -> std::io::Result<()> {
    if path.is_file() {
        path.file_name().hash(hasher);
        fs::read(path)?.hash(hasher);
        return Ok(());
    }
    let mut inside: Vec<_> =
        fs::read_dir(path)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    inside.retain(|path| !path.ends_with("node_modules"));
    inside.sort();
    inside.iter().try_for_each(|path| hash_tree(path, hasher))
}
