//! Fills a server as a busy harbour would, so that REST answers have a size worth measuring.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use crate::{process, websocket};

#[derive(Args, Clone)]
pub struct Options {
    #[arg(long)]
    pub port: u16,
    #[arg(long)]
    pub pid: u32,
    /// Other vessels, twelve paths each.
    #[arg(long, default_value_t = 500)]
    pub vessels: u32,
    /// Paths of the own vessel.
    #[arg(long, default_value_t = 200)]
    pub own: u32,
}

/// What filling did.
#[derive(Serialize, Clone, Default)]
pub struct Figures {
    pub deltas: u32,
    pub resident_mb: f64,
}

/// Twelve leaves of an AIS target.
const PATHS: [&str; 12] = [
    "navigation.speedOverGround",
    "navigation.courseOverGroundTrue",
    "navigation.headingTrue",
    "navigation.rateOfTurn",
    "navigation.maneuver",
    "design.length.overall",
    "design.beam",
    "sensors.ais.fromBow",
    "sensors.ais.fromCenter",
    "sensors.ais.range",
    "environment.depth.belowKeel",
    "navigation.log",
];

pub async fn run(options: &Options) -> Result<Figures> {
    let target = "/signalk/v1/stream?subscribe=none";
    let (mut socket, _) = websocket::connect(options.port, target).await?;
    let mut out = Vec::new();
    for at in (0..options.own).step_by(10) {
        let paths = (at..options.own.min(at + 10)).map(|path| {
            format!(r#"{{"path":"propulsion.engine{}.value{path}","value":{path}.25}}"#, path / 20)
        });
        frame(&mut out, "vessels.self", &paths.collect::<Vec<_>>().join(","));
    }
    for vessel in 0..options.vessels {
        let context = format!("vessels.urn:mrn:imo:mmsi:{}", 230_000_000 + vessel);
        let paths = PATHS.iter().map(|path| format!(r#"{{"path":"{path}","value":{vessel}.5}}"#));
        frame(&mut out, &context, &paths.collect::<Vec<_>>().join(","));
        if vessel % 50 == 0 {
            socket.write_all(&out).await?;
            out.clear();
            sleep(Duration::from_millis(20)).await;
        }
    }
    socket.write_all(&out).await?;
    // Both servers take what a socket holds before they look at its end; the hello is read so that nothing is reset.
    let _ = socket.read(&mut [0; 4096]).await?;
    sleep(Duration::from_secs(2)).await;
    Ok(Figures {
        deltas: options.own.div_ceil(10) + options.vessels,
        resident_mb: process::resident_mb(options.pid).unwrap_or_default(),
    })
}

fn frame(out: &mut Vec<u8>, context: &str, values: &str) {
    let text = format!(
        r#"{{"context":"{context}","updates":[{{"$source":"bench.2","values":[{values}]}}]}}"#
    );
    websocket::frame(out, websocket::TEXT, text.as_bytes());
}
