//! `Sim`: core, fake world and a jumping clock. No sleep, no port, no file; an hour passes in a microsecond. It speaks
//! the domain and touches the core's API in this one place. Tests of whole runs live in `tests/`.

mod beside;
mod exchange;
pub mod golden;
mod sim;
mod world;

pub use crate::{
    beside::{Guest, NEIGHBOUR, Outcome, beside},
    exchange::Exchange,
    sim::{Client, Sim},
    world::World,
};
