//! What is a guest started with? Its limits, its world, its files, its standard input.
//!
//! What each limit means is said in `limits.rs`.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::imports::Imports;
use crate::limits::Limits;
use crate::platform::Platform;
use crate::vfs::Fs;
use crate::wasi::StdoutTo;

/// What a guest is started with.
pub struct InstanceConfig {
    /// What it may use.
    pub limits: Limits,
    /// The world as it sees it.
    pub platform: Arc<dyn Platform>,
    /// Its arguments, the program's name first.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// Whether there is a standard input.
    pub stdin: Stdin,
    /// Where its standard output goes.
    pub stdout: StdoutTo,
    /// Its files, if it may have any.
    pub fs: Option<Box<dyn Fs>>,
    /// Functions of the host besides WASI.
    pub imports: Arc<Imports>,
    /// Data of the embedder, reached by host functions through
    /// [`HostCtx::state`](crate::HostCtx::state).
    pub state: Box<dyn Any + Send>,
}

/// Whether bytes may still come on standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stdin {
    /// More may come: a read of nothing waits.
    #[default]
    Open,
    /// Nothing will come: a read gives the end at once.
    Closed,
}

impl InstanceConfig {
    /// Default limits, no arguments, no files, no host functions, open standard input, output as bytes.
    pub fn new(platform: Arc<dyn Platform>) -> Self {
        Self {
            limits: Limits::default(),
            platform,
            args: Vec::new(),
            env: Vec::new(),
            stdin: Stdin::Open,
            stdout: StdoutTo::Bytes,
            fs: None,
            imports: Arc::default(),
            state: Box::new(()),
        }
    }
}

impl fmt::Debug for InstanceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceConfig")
            .field("limits", &self.limits)
            .field("args", &self.args)
            .field("stdin", &self.stdin)
            .field("imports", &self.imports)
            .finish_non_exhaustive()
    }
}
