//! From nothing to the first answer: a program is started, and asked until it answers.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::process;

#[derive(Args, Clone)]
pub struct Options {
    /// Where it will listen.
    #[arg(long)]
    port: u16,
    /// What it is asked for.
    #[arg(long, default_value = "/signalk")]
    path: String,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds it lives after the first answer, before its memory is read.
    #[arg(long, default_value_t = 5)]
    settle: u64,
    /// The program and its arguments; it inherits the environment.
    #[arg(trailing_var_arg = true, required = true)]
    program: Vec<String>,
}

/// Medians of all rounds.
#[derive(Serialize, Clone, Default)]
pub struct Figures {
    pub first_answer_ms: f64,
    pub cpu_ms_settled: f64,
    pub resident_mb_settled: f64,
}

/// Killed with its owner, so that a failed round leaves nothing behind.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub async fn run(options: &Options) -> Result<Figures> {
    let mut all = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..options.rounds {
        let begun = Instant::now();
        let child = Command::new(&options.program[0])
            .args(&options.program[1..])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", options.program[0]))?;
        let started = Started(child);
        while !answers(options).await {
            if begun.elapsed() > Duration::from_secs(60) {
                bail!("no answer within a minute");
            }
            sleep(Duration::from_millis(1)).await;
        }
        all[0].push(begun.elapsed().as_secs_f64() * 1e3);
        sleep(Duration::from_secs(options.settle)).await;
        let pid = started.0.id();
        all[1].push(process::cpu_seconds(pid).unwrap_or(f64::NAN) * 1e3);
        all[2].push(process::resident_mb(pid).unwrap_or(f64::NAN));
        drop(started);
        sleep(Duration::from_millis(200)).await;
    }
    let [first_answer_ms, cpu_ms_settled, resident_mb_settled] =
        all.map(|values| crate::compare::median(&values));
    Ok(Figures { first_answer_ms, cpu_ms_settled, resident_mb_settled })
}

async fn answers(options: &Options) -> bool {
    let Ok(mut socket) = TcpStream::connect(("127.0.0.1", options.port)).await else {
        return false;
    };
    let request =
        format!("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", options.path);
    let mut head = [0; 12];
    socket.write_all(request.as_bytes()).await.is_ok()
        && socket.read_exact(&mut head).await.is_ok()
        && head == *b"HTTP/1.1 200"
}
