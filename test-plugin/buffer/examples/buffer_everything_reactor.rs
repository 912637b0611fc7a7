//! `buffer_everything` as a reactor: `_initialize`, which a host calls once and first, logs
//! `initialized`.

#[path = "buffer_everything.rs"]
mod everything;

use buffer_guests::{abi, export};

fn initialize() {
    abi::construct();
    abi::debug("initialized");
}

export!(_initialize, fn(), initialize, () { DO(); });
