//! The three names of the lower crates that an edge needs. The types themselves live in `wasmi-hdk` and `signalk-bridge`.

use std::time::Duration;

/// The three things that the core asks of the world.
pub trait Platform: Send + Sync {
    /// Time since an arbitrary origin.
    fn monotonic(&self) -> Duration;
    /// Time since the Unix epoch.
    fn wall_clock(&self) -> Duration;
    /// Unpredictable bytes.
    fn fill_random(&self, buf: &mut [u8]);
}

/// A plugin's id, as its package derives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginId(pub String);

/// An owned piece of guest work.
#[derive(Debug)]
pub struct Run(());

/// Its result.
#[derive(Debug)]
pub struct Ran(());

impl Run {
    /// Executes the slice.
    pub fn execute(self) -> Ran {
        Ran(self.0)
    }
}
