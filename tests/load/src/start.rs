//! From spawn to the first healthy answer of the product's own binary, and the memory it then has.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    Result,
    child::{Scratch, memory},
};

/// Starts of one kind, fastest first.
pub struct Starts {
    pub kind: &'static str,
    pub times: Vec<Duration>,
    /// Resident when idle, in bytes; the most of all starts.
    pub idle_memory: u64,
}

pub fn measure(binary: &Path, scratch: &Scratch, times: usize) -> Result<Vec<Starts>> {
    if !binary.exists() {
        return Err(
            format!("{} is missing: cargo build --release, or say where with --binary", binary.display()).into()
        );
    }
    let mut all = Vec::new();
    for kind in ["memory", "disk, first", "disk, again"] {
        eprintln!("start: {kind}");
        let mut starts = Starts { kind, times: Vec::new(), idle_memory: 0 };
        for n in 0..times {
            let data = match kind {
                "memory" => None,
                "disk, first" => Some(scratch.join(&format!("first-{n}"))),
                _ => Some(scratch.join("first-0")),
            };
            let (time, resident) = start(binary, data.as_deref())?;
            starts.times.push(time);
            starts.idle_memory = starts.idle_memory.max(resident);
        }
        starts.times.sort_unstable();
        all.push(starts);
    }
    Ok(all)
}

fn start(binary: &Path, data: Option<&Path>) -> Result<(Duration, u64)> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = Command::new(binary);
    command.args(["--listen", &address.to_string()]);
    match data {
        None => command.arg("--memory"),
        Some(data) => command.arg("--data").arg(data),
    };
    let began = Instant::now();
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let measured = loop {
        if let Some(status) = process.try_wait()? {
            return Err(format!("{} ended with {status}", binary.display()).into());
        }
        if healthy(address).unwrap_or(false) {
            break (began.elapsed(), memory(process.id(), "VmRSS")?);
        }
        if began.elapsed() > Duration::from_secs(20) {
            process.kill()?;
            return Err("the server is not healthy after 20 s".into());
        }
        std::thread::yield_now();
    };
    process.kill()?;
    process.wait()?;
    Ok(measured)
}

/// The listener is bound before the database is opened, so this waits rather than spins.
fn healthy(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: load\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer.starts_with(b"HTTP/1.1 200 "))
}
