//! Tables whose keys are names from outside: paths, contexts, sources, ids.
//!
//! Who knows how such a table hashes can make up names that fall together, by trying some million for each; with
//! thousands of them every lookup of the server walks through all. So the hash has a seed, which is an input of the
//! process like any other: [`seed_tables`], before there is a table. Without it, as in tests, the hash is the same each
//! time. Nothing that a client or a guest sees depends on it: what is told in an order is kept in an `IndexMap` or
//! sorted.
//!
//! Tables by numbers that are given here and not there need none of this: `rustc-hash`.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::OnceLock;

use foldhash::SharedSeed;
use foldhash::fast::{FoldHasher, SeedableRandomState};

/// A map by names from outside.
pub type NameMap<K, V> = HashMap<K, V, Seeded>;
/// A set of names from outside.
pub type NameSet<K> = HashSet<K, Seeded>;

static SEED: OnceLock<(u64, SharedSeed)> = OnceLock::new();

/// Seeds every table that is made from now on. An edge calls it once, with a random number, before it makes a server;
/// who calls it again changes nothing.
pub fn seed_tables(seed: u64) {
    let _ = SEED.set((seed, SharedSeed::from_u64(seed)));
}

/// How such a table hashes. Each table keeps what it was made with.
#[derive(Debug, Clone)]
pub struct Seeded(SeedableRandomState);

impl Seeded {
    fn of(seed: Option<&'static (u64, SharedSeed)>) -> Seeded {
        let (own, shared) = seed.map_or((0, SharedSeed::global_fixed()), |(own, all)| (*own, all));
        Seeded(SeedableRandomState::with_seed(own, shared))
    }
}

impl Default for Seeded {
    fn default() -> Seeded {
        Seeded::of(SEED.get())
    }
}

impl BuildHasher for Seeded {
    type Hasher = FoldHasher<'static>;

    #[inline]
    fn build_hasher(&self) -> FoldHasher<'static> {
        self.0.build_hasher()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(seed: u64) -> Seeded {
        Seeded::of(Some(Box::leak(Box::new((seed, SharedSeed::from_u64(seed))))))
    }

    /// Names that fall into one place of a table of 256: found by trying, as an attacker would.
    fn fall_together(table: &Seeded) -> Vec<String> {
        let names = (0..).map(|at| format!("navigation.x{at}"));
        names.filter(|name| table.hash_one(name.as_str()) & 0xff == 7).take(100).collect()
    }

    #[test]
    fn names_that_fall_together_under_one_seed_do_not_under_another() {
        let known = Seeded::of(None);
        let names = fall_together(&known);
        let place = |table: &Seeded, name: &String| table.hash_one(name.as_str()) & 0xff;
        assert!(names.iter().all(|name| place(&known, name) == 7));
        for seed in [1, 2, u64::MAX] {
            let table = of(seed);
            let here = names.iter().filter(|name| place(&table, name) == 7).count();
            assert!(here < 10, "{here} of 100 with seed {seed}");
        }
        assert_eq!(of(5).hash_one("a.b"), of(5).hash_one("a.b"), "the seed is all there is");
    }
}
