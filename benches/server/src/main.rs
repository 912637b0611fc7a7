//! Measures Signal K servers from outside, side by side in one run.
//!
//! Everything goes to 127.0.0.1. Every run is bounded. Latency counts from the
//! time at which a delta was due, so a server that falls behind cannot hide it.

mod compare;
mod deltas;
mod drive;
mod fill;
mod http;
mod packages;
mod plugins;
mod process;
mod rest;
mod start;
mod subscriber;
mod websocket;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures Signal K servers on loopback")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// One measurement of one server, as a line of JSON.
    Drive(drive::Options),
    /// Requests to one path, one after the other, as a line of JSON.
    Rest(rest::Options),
    /// 500 vessels and 200 own paths into one server.
    Fill(fill::Options),
    /// Starts a program again and again: time to its first answer, CPU and memory soon after.
    Start(start::Options),
    /// The same plugin many times over in a configuration directory, for either server.
    Packages(packages::Options),
    /// Two running servers in turn (A B B A ...): medians and ratios as a table.
    Compare(compare::Options),
    /// Two servers with none, one and ten of the same plugin: what a plugin costs, and how long loading takes.
    Plugins(plugins::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            match Arguments::parse().command {
                Command::Drive(options) => {
                    println!("{}", serde_json::to_string(&drive::run(&options).await?)?);
                    Ok(())
                }
                Command::Rest(options) => {
                    println!("{}", serde_json::to_string(&rest::run(&options).await?)?);
                    Ok(())
                }
                Command::Fill(options) => {
                    println!("{}", serde_json::to_string(&fill::run(&options).await?)?);
                    Ok(())
                }
                Command::Start(options) => {
                    println!("{}", serde_json::to_string(&start::run(&options).await?)?);
                    Ok(())
                }
                Command::Packages(options) => packages::run(&options),
                Command::Compare(options) => compare::run(&options).await,
                Command::Plugins(options) => plugins::run(&options).await,
            }
        })
        .await
}
