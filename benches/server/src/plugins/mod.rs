//! What a plugin costs: two servers with none, one and ten of the same plugin, side by side in one run.
//!
//! Every server lives through the whole run, in turns the one or the other is fed. The plugin is `benches/counter`,
//! which says how many deltas it was handed, so that what was not delivered is not taken for cheap.

mod flow;
mod load;
mod servers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use tokio::time::sleep;

use self::flow::{Flow, Pace};
use self::servers::{Kind, Server};
use crate::compare::median;
use crate::process;

#[derive(Args)]
pub struct Options {
    /// Our program.
    #[arg(long)]
    ours: PathBuf,
    /// The folder whose `node_modules` has signalk-server.
    #[arg(long)]
    npm: PathBuf,
    /// The plugin's package: package.json and the module.
    #[arg(long)]
    package: PathBuf,
    /// An empty folder for configuration directories and logs.
    #[arg(long)]
    work: PathBuf,
    /// How the plugin reads a delta: typed, value, text or nothing.
    #[arg(long, default_value = "typed")]
    read: String,
    /// Numbers of plugins.
    #[arg(long, value_delimiter = ',', default_value = "0,1,10")]
    counts: Vec<usize>,
    #[arg(long, default_value_t = 4)]
    rounds: usize,
    /// Deltas per second of the steps at a rate.
    #[arg(long, default_value_t = 1000)]
    rate: u64,
    /// Seconds of one step.
    #[arg(long, default_value_t = 6)]
    seconds: u64,
    /// First of the ports that are used.
    #[arg(long, default_value_t = 3910)]
    port: u16,
    /// Only how long loading takes.
    #[arg(long)]
    only_load: bool,
    /// Plugins that are enabled one after the other for the time of loading.
    #[arg(long, default_value_t = 10)]
    loads: usize,
}

/// Figure and number of plugins, with what was measured of ours and of theirs.
type Measured = BTreeMap<(String, usize), [Vec<f64>; 2]>;

const KINDS: [Kind; 2] = [Kind::Ours, Kind::Npm];

pub async fn run(options: &Options) -> Result<()> {
    let mut measured = Measured::new();
    if !options.only_load {
        let mut pairs = start_all(options, &mut measured).await?;
        for round in 0..=options.rounds {
            // The first round warms up: the peer compiles what runs often.
            let mut scrap = Measured::new();
            let into = if round == 0 { &mut scrap } else { &mut measured };
            one_round(options, round, &mut pairs, into).await?;
        }
        memory("resident after load, MB", &pairs, &mut measured);
    }
    load::run(options, &mut measured).await?;
    print(options, &measured);
    Ok(())
}

/// For each number of plugins ours and theirs, running.
async fn start_all(
    options: &Options,
    measured: &mut Measured,
) -> Result<Vec<(usize, [Server; 2])>> {
    let mut pairs = Vec::new();
    let mut port = options.port;
    for count in options.counts.iter().copied() {
        let mut pair = Vec::new();
        for (which, kind) in KINDS.into_iter().enumerate() {
            let mut server = Server::prepare(options, kind, count, true, port)?;
            port += 1;
            let took = server.start().await?;
            eprintln!("{} with {count}: {took:.1} ms", server.name());
            note(measured, "start until the last plugin runs, ms", count, which, took);
            pair.push(server);
        }
        let Ok(pair) = <[Server; 2]>::try_from(pair) else { unreachable!("two kinds") };
        pairs.push((count, pair));
    }
    sleep(Duration::from_secs(10)).await;
    memory("resident after start, MB", &pairs, measured);
    Ok(pairs)
}

fn memory(figure: &str, pairs: &[(usize, [Server; 2])], measured: &mut Measured) {
    for (count, pair) in pairs {
        for (which, server) in pair.iter().enumerate() {
            let resident = process::resident_mb(server.pid()).unwrap_or(f64::NAN);
            note(measured, figure, *count, which, resident);
        }
    }
}

/// Each server at a rate and as fast as it can: A B B A, from few plugins to many and back.
async fn one_round(
    options: &Options,
    round: usize,
    pairs: &mut [(usize, [Server; 2])],
    measured: &mut Measured,
) -> Result<()> {
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    for (turn, at) in order.into_iter().enumerate() {
        let (count, pair) = &mut pairs[at];
        for half in 0..2 {
            let which = (half + turn + round) % 2;
            let server = &mut pair[which];
            for (name, pace) in [("at a rate", Pace::Rate(options.rate)), ("saturated", Pace::Most)]
            {
                let Flow { sent, cpu_us, deltas_per_s, delivered_percent, others } =
                    flow::run(server, pace, Duration::from_secs(options.seconds)).await?;
                eprintln!(
                    "round {round}: {} with {count}, {name}: {sent} sent, {cpu_us:.1} us, {deltas_per_s:.0}/s, {delivered_percent:.3} % delivered, {others} others",
                    server.name()
                );
                let mut add = |figure: &str, value: f64| {
                    note(measured, &format!("{name}: {figure}"), *count, which, value);
                };
                add("processor us per delta", cpu_us);
                add("deltas/s", deltas_per_s);
                add("delivered to the plugin that got least, %", delivered_percent);
                add("others' deltas to a plugin, % more", 100.0 * others / sent.max(1.0));
            }
        }
    }
    Ok(())
}

fn note(measured: &mut Measured, figure: &str, count: usize, which: usize, value: f64) {
    measured.entry((figure.to_owned(), count)).or_default()[which].push(value);
}

fn print(options: &Options, measured: &Measured) {
    println!("read: {}, {} rounds, {} deltas/s", options.read, options.rounds, options.rate);
    println!(
        "| figure | plugins | ours | npm | npm / ours | ours least to most | npm least to most |"
    );
    println!("|---|---|---|---|---|---|---|");
    for ((figure, count), [ours, theirs]) in measured {
        let [a, b] = [ours, theirs].map(|values| median(values));
        let [ours, theirs] = [ours, theirs].map(|values| span(values));
        println!("| {figure} | {count} | {a:.2} | {b:.2} | {:.1} | {ours} | {theirs} |", b / a);
    }
    for figure in [
        "at a rate: processor us per delta",
        "saturated: processor us per delta",
        "resident after start, MB",
        "resident after load, MB",
    ] {
        let of = |count: usize, which: usize| {
            measured.get(&(figure.to_owned(), count)).map(|values| median(&values[which]))
        };
        for pair in options.counts.windows(2) {
            let more = (pair[1] - pair[0]) as f64;
            let [a, b] = [0, 1].map(|which| {
                of(pair[1], which).zip(of(pair[0], which)).map_or(f64::NAN, |(b, a)| (b - a) / more)
            });
            println!(
                "| {figure}: each plugin more | {} to {} | {a:.2} | {b:.2} | {:.1} | | |",
                pair[0],
                pair[1],
                b / a
            );
        }
    }
}

fn span(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{least:.1} to {most:.1}")
}
