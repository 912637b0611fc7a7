//! A plugin that works, beside one that may not: twenty or forty values, each of which the one that works has to hear.

use std::{io, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::Sim;

/// The plugin that works: it counts the speeds that it hears.
pub const NEIGHBOUR: &str = "signalk_speed_logger";

const SPEED: &str = "/signalk/v1/api/vessels/self/navigation/speedOverGround/value";
const HEARD: &str = "/signalk/v1/api/vessels/self/test/speed/value/count";

/// A plugin whose harm is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Guest<'a> {
    /// Of its package.
    pub name: &'a str,
    /// `buffer` or `json-rpc`.
    pub interface: &'a str,
    /// Members of its `wasmCapabilities`.
    pub rights: &'a [&'a str],
    /// Its module.
    pub wasm: &'a [u8],
}

/// What became of them.
pub struct Outcome {
    /// The server.
    pub sim: Sim,
    /// The guest's entry in the status.
    pub status: Value,
    /// How many values the neighbour heard.
    pub heard: u64,
    /// The last value.
    pub speed: f64,
}

/// Sends so many values in as many seconds; `each`: what happens besides at the end of a second.
///
/// # Errors
/// The neighbour is not built.
pub fn beside(
    mut sim: Sim,
    guest: Guest<'_>,
    values: u32,
    mut each: impl FnMut(&mut Sim),
) -> io::Result<Outcome> {
    let path = format!("../target/guests/{NEIGHBOUR}.wasm");
    let neighbour = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path))
        .map_err(|error| io::Error::other(format!("{path}: {error}: run `cargo xtask guests`")))?;
    let neighbour = Guest {
        name: NEIGHBOUR,
        interface: "json-rpc",
        rights: &["dataRead", "dataWrite"],
        wasm: &neighbour,
    };
    neighbour.install(&mut sim);
    sim.advance(Duration::from_secs(1));
    if guest.name != NEIGHBOUR {
        guest.install(&mut sim);
    }
    let feed = sim.open("/signalk/v1/stream?subscribe=none");
    for value in 1..=values {
        let delta = json!({ "updates": [{ "$source": "feed", "values": [{ "path": "navigation.speedOverGround", "value": value }] }] });
        sim.say(feed, &delta.to_string());
        sim.advance(Duration::from_secs(1));
        each(&mut sim);
    }
    let status = sim.get_json("/signalk-host/status")["plugins"][guest.name].clone();
    let heard = sim.get_json(HEARD).as_u64().unwrap_or_default();
    let speed = sim.get_json(SPEED).as_f64().unwrap_or_default();
    Ok(Outcome { sim, status, heard, speed })
}

impl Guest<'_> {
    fn install(&self, sim: &mut Sim) {
        let rights: Value =
            self.rights.iter().map(|right| ((*right).to_owned(), json!(true))).collect();
        let package = json!({
            "name": self.name, "version": "1.0.0", "keywords": ["signalk-wasm-plugin"],
            "wasmManifest": "plugin.wasm", "wasmInterface": self.interface, "wasmCapabilities": rights,
            "signalk-plugin-enabled-by-default": true,
        });
        sim.install(&package.to_string(), self.wasm);
    }
}

impl Outcome {
    /// Whether every one of so many values reached the model and the neighbour.
    pub fn is_unharmed(&self, values: u32) -> bool {
        self.speed.to_bits() == f64::from(values).to_bits() && self.heard == u64::from(values)
    }
}
