//! A server with so many plugins: its configuration directory, its process, its end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Options;
use crate::{http, packages};

/// Whose server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ours,
    Npm,
}

pub struct Server {
    kind: Kind,
    program: PathBuf,
    config: PathBuf,
    pub port: u16,
    child: Option<Child>,
    /// What each plugin has said so far: deltas counted, and others.
    pub told: Vec<(u64, u64)>,
}

impl Server {
    /// Writes the configuration directory.
    pub fn prepare(
        options: &Options,
        kind: Kind,
        count: usize,
        enabled: bool,
        port: u16,
    ) -> Result<Server> {
        let (name, program) = match kind {
            Kind::Ours => ("ours", &options.ours),
            Kind::Npm => ("npm", &options.npm),
        };
        let config = fs::canonicalize(&options.work)
            .context("--work")?
            .join(format!("{name}-{port}-{count}"));
        fs::create_dir(&config)
            .with_context(|| format!("{}: --work must be empty", config.display()))?;
        packages::lay_out(&config, &options.package, count, |number| {
            json!({
                "enabled": enabled, "enableDebug": false,
                "configuration": configuration(&options.read, number, 0),
            })
        })?;
        if kind == Kind::Npm {
            let settings =
                json!({ "ssl": false, "mdns": false, "interfaces": {}, "pipedProviders": [] });
            fs::write(config.join("settings.json"), settings.to_string())?;
            fs::write(config.join("package.json"), "{}")?;
        }
        let program = fs::canonicalize(program).with_context(|| program.display().to_string())?;
        Ok(Server { kind, program, config, port, child: None, told: vec![(0, 0); count] })
    }

    /// Starts it; the milliseconds until all its plugins run, or until it answers if it has none.
    pub async fn start(&mut self) -> Result<f64> {
        let log = File::create(self.config.with_extension("log"))?;
        let begun = Instant::now();
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.child = Some(command.spawn().context("cannot start it")?);
        while !self.is_up().await {
            self.check(begun)?;
            sleep(Duration::from_millis(1)).await;
        }
        for number in 1..=self.told.len() {
            while self.mark(number).await != Some(0) {
                self.check(begun)?;
                sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(begun.elapsed().as_secs_f64() * 1e3)
    }

    fn command(&self) -> Command {
        let port = self.port;
        match self.kind {
            Kind::Ours => {
                let mut command = Command::new(&self.program);
                command.args(["serve", "--port", &port.to_string(), "--config"]).arg(&self.config);
                command
            }
            Kind::Npm => {
                let mut command = Command::new("node");
                command
                    .arg(Path::new("node_modules/signalk-server/bin/signalk-server"))
                    .current_dir(&self.program)
                    .env("SIGNALK_NODE_CONFIG_DIR", &self.config)
                    .env("PORT", port.to_string())
                    .env("TCPSTREAMPORT", (port + 200).to_string())
                    .env("NMEA0183PORT", (port + 400).to_string());
                command
            }
        }
    }

    fn check(&self, begun: Instant) -> Result<()> {
        if begun.elapsed() > Duration::from_secs(60) {
            bail!(
                "{} does not run within a minute; see {}.log",
                self.name(),
                self.config.display()
            );
        }
        Ok(())
    }

    async fn is_up(&self) -> bool {
        matches!(http::ask(self.port, "GET", "/signalk", "").await, Ok((200, _)))
    }

    /// What a plugin said when it started.
    pub async fn mark(&self, number: usize) -> Option<u64> {
        let path = format!("/signalk/v1/api/vessels/self/bench/p{number}/mark/value");
        match http::ask(self.port, "GET", &path, "").await {
            Ok((200, body)) => serde_json::from_slice(&body).ok(),
            _ => None,
        }
    }

    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Ours => "ours",
            Kind::Npm => "npm",
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }
}

/// Ends with its owner, so that a failed run leaves nothing behind.
impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Of one `benches/counter`.
pub fn configuration(read: &str, number: usize, mark: u64) -> Value {
    json!({ "name": format!("p{number}"), "read": read, "every": super::flow::EVERY, "mark": mark })
}
