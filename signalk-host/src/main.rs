//! The native edge and the one binary: a Signal K server for a boat. It moves bytes and time between the world and
//! `signalk-core`; what a Signal K server decides is decided there.
//!
//! Where to start reading: `driver` (the loop), `http` and `stream` (clients), `net` (instruments), `plugin_net` (the
//! network of plugins), `disk` (configuration).

mod admin;
mod admission;
mod authorities;
mod bodies;
mod charts;
mod cli;
mod clients;
mod commands;
mod debug_names;
mod discovery;
mod disk;
mod disk_fs;
mod driver;
mod exchanges;
mod files;
mod headers;
mod http;
mod inbox;
mod keepalive;
mod listener;
mod logging;
mod net;
mod outbox;
mod package_json;
mod passwords;
mod patience;
mod platform;
mod plugin_folder;
mod plugin_net;
mod pool;
mod pressure;
mod resource_files;
mod slow;
mod static_files;
mod storage;
mod stream;
mod streamed;
mod tcp_stream;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => commands::serve::run(cli.serve),
        Some(Command::Serve(args)) => commands::serve::run(*args),
        Some(Command::Version) => commands::version::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The whole chain on one line: what failed, why, and what to do.
            eprintln!("signalk-host: {error:#}");
            ExitCode::FAILURE
        }
    }
}
