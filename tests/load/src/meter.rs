//! What is measured of a phase, whatever it sends.

use std::{net::SocketAddr, time::Duration};

use data_encoding::BASE64;
use serde_json::Value;

use crate::{
    Phase, Result, child,
    client::{Sent, send},
};

/// How much is sent.
pub struct Plan {
    pub users: usize,
    pub rounds: usize,
    pub limit: Duration,
    pub only: Vec<Phase>,
}

impl Plan {
    pub fn measures(&self, phase: Phase) -> bool {
        self.only.is_empty() || self.only.contains(&phase)
    }
    pub fn measures_any(&self, phases: &[Phase]) -> bool {
        phases.iter().any(|phase| self.measures(*phase))
    }
}

/// One line of the table.
pub struct Figures {
    pub phase: Phase,
    pub wall: Duration,
    /// Sorted.
    pub latencies: Vec<Duration>,
    pub server_cpu: Duration,
    pub generator_cpu: Duration,
    pub peak_memory: u64,
    /// Wrong codes that were not looked at, because the guess budget was spent.
    pub exhausted: usize,
}

/// Adds up the rounds of a phase.
pub struct Meter {
    pub figures: Figures,
    pub concurrency: usize,
    limit: Duration,
}

impl Meter {
    pub fn new(phase: Phase, concurrency: usize, plan: &Plan) -> Result<Self> {
        if plan.measures(phase) {
            eprintln!("  {concurrency} at a time: {phase}");
        }
        let figures = Figures {
            phase,
            wall: Duration::ZERO,
            latencies: Vec::new(),
            server_cpu: Duration::ZERO,
            generator_cpu: Duration::ZERO,
            peak_memory: 0,
            exhausted: 0,
        };
        Ok(Self { figures, concurrency, limit: plan.limit })
    }

    /// Sends a round to a server: its address, and its process.
    pub async fn measure(&mut self, (address, pid): (SocketAddr, u32), requests: Vec<Vec<u8>>) -> Result<Sent> {
        let sending = send(address, self.concurrency, self.limit(), requests);
        let sent = self.watch(pid, sending).await?;
        self.add(sent.wall, sent.latencies.iter().copied());
        Ok(sent)
    }

    /// Every round gets something done, and together they end.
    pub fn limit(&self) -> Duration {
        self.limit.saturating_sub(self.figures.wall).max(Duration::from_millis(100))
    }

    /// Counts what a process needs, and this one, while something is done.
    pub async fn watch<T>(&mut self, pid: u32, what: impl Future<Output = Result<T>>) -> Result<T> {
        let generator = std::process::id();
        child::forget_peak(pid)?;
        let before = (child::cpu(pid)?, child::cpu(generator)?);
        let done = what.await?;
        let figures = &mut self.figures;
        figures.server_cpu += child::cpu(pid)?.saturating_sub(before.0);
        figures.generator_cpu += child::cpu(generator)?.saturating_sub(before.1);
        figures.peak_memory = figures.peak_memory.max(child::peak(pid)?);
        Ok(done)
    }

    pub fn add(&mut self, wall: Duration, latencies: impl Iterator<Item = Duration>) {
        self.figures.wall += wall;
        self.figures.latencies.extend(latencies);
        self.figures.latencies.sort_unstable();
    }
}

/// Outside of what is measured.
pub async fn unmeasured(address: SocketAddr, requests: Vec<Vec<u8>>) -> Result<Sent> {
    const UNHURRIED: Duration = Duration::from_secs(600);
    const BUSY: usize = 16;
    send(address, BUSY, UNHURRIED, requests).await
}

/// The name, and no password.
pub fn basic(name: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{name}:").as_bytes()))
}

pub fn text(body: &[u8], name: &str) -> Result<String> {
    let body: Value = serde_json::from_slice(body)?;
    body[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {body}").into())
}

pub fn tokens(tracked: &Sent) -> Result<Vec<String>> {
    tracked.bodies.iter().map(|body| text(body, "token")).collect()
}

pub fn contains(body: &[u8], words: &str) -> bool {
    body.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Every answer says so; the first that does not ends the run.
pub fn all(sent: &Sent, words: &str) -> Result<()> {
    match sent.bodies.iter().find(|body| !contains(body, words)) {
        None => Ok(()),
        Some(other) => Err(format!("an answer without {words}: {}", String::from_utf8_lossy(other)).into()),
    }
}
