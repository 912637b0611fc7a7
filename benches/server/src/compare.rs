//! Two servers, the same steps in turn, medians and ratios as a table.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use crate::deltas::Feed;
use crate::{drive, fill, rest};

#[derive(Args)]
pub struct Options {
    /// Ours: NAME,PORT,PID,NMEA_PORT.
    #[arg(long)]
    a: String,
    /// The peer, in the same form.
    #[arg(long)]
    b: String,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only steps whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
}

struct Server {
    name: String,
    port: u16,
    pid: u32,
    nmea: u16,
}

enum Step {
    Drive { feed: Feed, rate: Option<u64>, count: u64, clients: usize, stuck: usize },
    Fill,
    Rest { path: &'static str, requests: u32 },
}

/// Step, figure and server, with what was measured in each round.
type Measured = BTreeMap<(usize, String), [Vec<f64>; 2]>;

pub async fn run(options: &Options) -> Result<()> {
    let servers = [parse(&options.a)?, parse(&options.b)?];
    let steps = steps();
    let mut measured = Measured::new();
    for round in 0..options.rounds {
        for (number, (name, step)) in steps.iter().enumerate() {
            if !name.contains(&options.only) {
                continue;
            }
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for which in order {
                eprintln!("round {}: {name}: {}", round + 1, servers[which].name);
                match measure(step, &servers[which]).await {
                    Ok(figures) => note(&mut measured, number, which, &figures),
                    Err(error) => eprintln!("  left out: {error:#}"),
                }
            }
        }
    }
    print(&steps, &servers, &measured);
    Ok(())
}

fn steps() -> Vec<(String, Step)> {
    let ws =
        |rate, count, clients, stuck| Step::Drive { feed: Feed::Ws, rate, count, clients, stuck };
    let mut steps = Vec::new();
    for (clients, count) in [(1, 40_000), (10, 40_000), (50, 10_000)] {
        steps.push((format!("most deltas/s, {clients} clients"), ws(None, count, clients, 0)));
    }
    for clients in [1, 5, 10, 50] {
        steps.push((format!("1000 deltas/s, {clients} clients"), ws(Some(1000), 8000, clients, 0)));
    }
    steps.push(("1000 deltas/s, 5 clients, 5 stuck".to_owned(), ws(Some(1000), 8000, 5, 5)));
    let nmea = |rate, count| Step::Drive { feed: Feed::Nmea, rate, count, clients: 1, stuck: 0 };
    steps.push(("most NMEA 0183 sentences/s, 1 client".to_owned(), nmea(None, 40_000)));
    steps.push(("fill for GET".to_owned(), Step::Fill));
    for (name, path, requests) in [
        ("GET vessels/self", "/signalk/v1/api/vessels/self", 300),
        ("GET one leaf", "/signalk/v1/api/vessels/self/navigation/position/value", 1000),
        ("GET vessels", "/signalk/v1/api/vessels", 30),
    ] {
        steps.push((name.to_owned(), Step::Rest { path, requests }));
    }
    steps
}

async fn measure(step: &Step, server: &Server) -> Result<Value> {
    let (port, pid) = (server.port, server.pid);
    Ok(match *step {
        Step::Drive { feed, rate, count, clients, stuck } => {
            let feed_port = Some(server.nmea);
            let options = drive::Options {
                port,
                pid,
                feed,
                feed_port,
                rate,
                count,
                clients,
                stuck,
                stuck_for: 30,
                key: None,
                limit: 60,
            };
            serde_json::to_value(drive::run(&options).await?)?
        }
        Step::Fill => {
            let options = fill::Options { port, pid, vessels: 500, own: 200 };
            serde_json::to_value(fill::run(&options).await?)?
        }
        Step::Rest { path, requests } => {
            let options = rest::Options { port, pid, path: path.to_owned(), requests };
            serde_json::to_value(rest::run(&options).await?)?
        }
    })
}

fn note(measured: &mut Measured, step: usize, which: usize, figures: &Value) {
    for (name, value) in figures.as_object().into_iter().flatten() {
        if let Some(number) = value.as_f64() {
            measured.entry((step, name.clone())).or_default()[which].push(number);
        }
    }
}

fn print(steps: &[(String, Step)], servers: &[Server; 2], measured: &Measured) {
    println!("| step | figure | {} | {} | ratio |", servers[0].name, servers[1].name);
    println!("|---|---|---|---|---|");
    for ((step, figure), [ours, theirs]) in measured {
        let (a, b) = (median(ours), median(theirs));
        let ratio = if b == 0.0 { "-".to_owned() } else { format!("{:.3}", a / b) };
        println!("| {} | {figure} | {a:.4} | {b:.4} | {ratio} |", steps[*step].0);
    }
}

/// The one in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn parse(text: &str) -> Result<Server> {
    let parts: Vec<_> = text.split(',').collect();
    let [name, port, pid, nmea] = parts[..] else {
        anyhow::bail!("`{text}` is not NAME,PORT,PID,NMEA_PORT");
    };
    let number = |text: &str| text.parse().with_context(|| format!("`{text}` is not a port"));
    Ok(Server {
        name: name.to_owned(),
        port: number(port)?,
        pid: pid.parse().context("the process id is not a number")?,
        nmea: number(nmea)?,
    })
}
