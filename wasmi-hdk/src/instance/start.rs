//! How does a guest come to life? Its imports are bound, its memory and tables are filled.
//!
//! No code of the guest is run: its start section and `_initialize` come with the first call.

use std::collections::VecDeque;

use super::budget::Burst;
use super::describe::Describe;
use super::{Instance, InstanceConfig, State, Stdin};
use crate::engine::Guest;
use crate::error::LoadError;
use crate::fuel::Purse;
use crate::module::{INITIALIZE, Module, START_SECTION};
use crate::state::GuestState;
use crate::wasi::{WasiConfig, WasiState};

impl Instance {
    /// Links a guest. Its wasm start section and its `_initialize` run as parts of the first
    /// call, each with the budgets of a call.
    ///
    /// # Errors
    ///
    /// When the guest cannot be started.
    pub fn new(module: &Module, config: InstanceConfig) -> Result<Self, LoadError> {
        let InstanceConfig { limits, platform, args, env, stdin, stdout, fs, imports, state } =
            config;
        let prepared = module.prepared();
        let wasi = WasiState::new(WasiConfig {
            args,
            env,
            stdin_open: stdin == Stdin::Open,
            stdout,
            fs,
            limits: limits.clone(),
        });
        let guest = GuestState::new(wasi, platform, state);
        let guest = Guest::start(prepared, guest, &imports, &limits).map_err(|fault| {
            let describe = Describe {
                plugin: module.name(),
                call: "(start)",
                limits: &limits,
                panic: None,
                import: &|index| prepared.links.name(index),
            };
            let fault = Box::new(describe.fault(fault));
            LoadError::Start { plugin: module.name().to_owned(), fault }
        })?;
        let start = prepared.starts.then(|| guest.func(START_SECTION)).flatten();
        let initialize = guest.func(INITIALIZE);
        let purse = Purse::new(limits.fuel_per_second, limits.fuel_burst);
        Ok(Self {
            name: module.name().into(),
            guest,
            recent: Vec::new(),
            limits,
            purse,
            state: State::Idle,
            call: "".into(),
            queued: VecDeque::new(),
            start,
            initialize,
            burst: Burst::default(),
            unpaid: 0,
            slices: 0,
        })
    }
}
