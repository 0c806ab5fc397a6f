//! The product's own binary as a server, and what its courier says.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Lines},
    net::SocketAddr,
    path::Path,
    process::{self, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::timeout};

use crate::{Kept, Result, child::Scratch};

pub struct Product {
    pub address: SocketAddr,
    pub tenant_id: String,
    pub secret_key: String,
    pub courier: Courier,
    process: process::Child,
}

impl Drop for Product {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Product {
    pub fn start(binary: &Path, scratch: &Scratch, kept: Kept, log: bool) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args(["--listen", "127.0.0.1:0"]);
        match kept {
            Kept::Memory => command.arg("--memory"),
            Kept::Disk | Kept::Durable => command.arg("--data").arg(scratch.join(&format!("product-{kept:?}"))),
        };
        if kept == Kept::Durable {
            command.arg("--durable");
        }
        // It says no key that it was given.
        let secret_key = "load-secret-key-0123456789abcdef";
        command.env("COUNTERSIGN_SECRET_KEY", secret_key);
        command.env("RUST_LOG", if log { "info" } else { "off" });
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().map_err(|error| format!("{}: {error}", binary.display()))?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut lines = BufReader::new(output).lines();
        let mut said = |name: &str| {
            let found = lines.by_ref().map_while(std::result::Result::ok).find_map(|line| {
                let rest = line.trim_start().strip_prefix(name)?;
                Some(rest.trim().to_owned())
            });
            found.ok_or_else(|| format!("{} did not say its {name}", binary.display()))
        };
        let (url, tenant_id) = (said("API URL")?, said("Tenant id")?);
        let address = url.trim_start_matches("http://").trim_end_matches("/v1").parse()?;
        let courier = Courier::default();
        std::thread::spawn({
            let courier = courier.clone();
            move || courier.listen(lines)
        });
        Ok(Self { address, tenant_id, secret_key: secret_key.to_owned(), courier, process })
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

/// The console courier, as far as it is seen: it writes a line with the challenge where a phone would light up.
#[derive(Clone, Default)]
pub struct Courier(Arc<Mutex<HashMap<String, Push>>>);

enum Push {
    HandedOver(Instant),
    Awaited(oneshot::Sender<Instant>),
}

/// Longer than a delivery takes, on a busy machine too.
const STUCK: Duration = Duration::from_secs(30);

impl Courier {
    fn pushes(&self) -> MutexGuard<'_, HashMap<String, Push>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self, lines: Lines<BufReader<ChildStdout>>) {
        for line in lines.map_while(std::result::Result::ok) {
            let Some(challenge) = line.strip_prefix("  challenge ") else { continue };
            let now = Instant::now();
            let awaited = self.pushes().remove(challenge);
            match awaited {
                Some(Push::Awaited(who)) => drop(who.send(now)),
                _ => drop(self.pushes().insert(challenge.to_owned(), Push::HandedOver(now))),
            }
        }
    }

    /// When the push of a challenge was handed over, which may be before the challenge was answered.
    pub async fn handed_over(&self, challenge: &str) -> Result<Instant> {
        let awaited = {
            let mut pushes = self.pushes();
            match pushes.remove(challenge) {
                Some(Push::HandedOver(at)) => return Ok(at),
                _ => {
                    let (who, awaited) = oneshot::channel();
                    pushes.insert(challenge.to_owned(), Push::Awaited(who));
                    awaited
                }
            }
        };
        Ok(timeout(STUCK, awaited).await.map_err(|_| format!("no push of {challenge} in {STUCK:?}"))??)
    }
}
