//! The server as a child process, and what /proc says of it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{self, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use crate::{Kept, Result};

/// A directory of this run's own, gone at its end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(within: PathBuf) -> Result<Self> {
        let path = within.join(format!("countersign-load-{}", process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub struct Child {
    pub address: SocketAddr,
    pub secret_key: String,
    /// The time by the server's clock, in Unix seconds.
    pub now: i64,
    process: process::Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Drop for Child {
    fn drop(&mut self) {
        // The end of its input is its order to end.
        self.orders = None;
        let _ = self.process.wait();
    }
}

impl Child {
    pub fn start(scratch: &Scratch, kept: Kept, log: bool) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--serve", "--store", &format!("{kept:?}").to_lowercase()]);
        if kept != Kept::Memory {
            command.arg("--data").arg(scratch.join(&format!("{kept:?}")));
        }
        if log {
            command.arg("--log").stderr(Stdio::null());
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().ok_or("the server has no output")?);
        let mut ready = String::new();
        answers.read_line(&mut ready)?;
        let ready: serde_json::Value = serde_json::from_str(&ready).map_err(|_| "the server did not start")?;
        Ok(Self {
            address: ready["address"].as_str().unwrap_or_default().parse()?,
            secret_key: ready["secretKey"].as_str().unwrap_or_default().to_owned(),
            now: ready["now"].as_i64().unwrap_or_default(),
            process,
            orders,
            answers,
        })
    }

    /// Moves the server's clock; it has moved when this returns.
    pub fn advance(&mut self, seconds: i64) -> Result<()> {
        writeln!(self.orders.as_ref().ok_or("the server has ended")?, "advance {seconds}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        if answer.trim() != "ok" {
            return Err(format!("the server did not move its clock: {answer:?}").into());
        }
        self.now += seconds;
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

/// The most memory that a process had resident since `forget_peak`, in bytes.
pub fn peak(pid: u32) -> Result<u64> {
    memory(pid, "VmHWM")
}

/// proc(5), clear_refs: 5 resets VmHWM to what is resident now.
pub fn forget_peak(pid: u32) -> Result<()> {
    Ok(fs::write(proc(pid, "clear_refs"), "5")?)
}

/// The CPU time of a process with all its threads, those that ended too.
///
/// proc(5), stat: fields 14 and 15, in hundredths of a second (USER_HZ is 100 on every Linux that Rust knows).
pub fn cpu(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(proc(pid, "stat"))?;
    // The name, field 2, may have blanks and brackets in it.
    let after_name = stat.rsplit_once(')').ok_or("an unknown stat")?.1;
    let ticks: Vec<u64> = after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse().ok()).collect();
    Ok(Duration::from_millis(ticks.iter().sum::<u64>() * 10))
}

/// A line of `status`, in bytes.
pub fn memory(pid: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(proc(pid, "status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes: u64 = line.and_then(|line| line.split_whitespace().next()).ok_or("an unknown status")?.parse()?;
    Ok(kilobytes * 1024)
}

fn proc(pid: u32, file: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(file)
}
