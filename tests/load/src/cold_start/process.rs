//! A function as a process: started as Lambda starts it, and what /proc says of it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{self, Child, Stdio},
    time::{Duration, Instant},
};

use crate::{
    Result,
    aws::{Aws, AwsCalls, REGION, SECRETS_KEY, TOKEN_KEY},
    event::Request,
    people::World,
    runtime::{Invocation, Runtime},
    work::{Function, Work},
};

/// Longer than anything here takes.
const STUCK: Duration = Duration::from_secs(60);
/// Ordinary requests that are not measured, before those that are.
const WARM_UP: usize = 20;
/// Ordinary requests whose units are counted, after those that are measured.
const COUNTED: usize = 10;
/// Those that are measured are measured in so many parts: the best is told apart from what else the machine does.
const PARTS: usize = 5;

/// A directory of this run's own, gone at its end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("countersign-cold-start-{}", process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Where a function is measured.
pub struct Stage<'a> {
    pub function: Function,
    pub binary: &'a Path,
    pub aws: &'a Aws,
    pub world: &'a World,
    pub scratch: &'a Scratch,
}

/// One start.
pub struct Start {
    /// From spawn to the first `/next`.
    pub init: Duration,
    /// From spawn to the first answer.
    pub first: Duration,
    /// CPU of both, until it waits for the next event.
    pub cpu: Duration,
    /// Latencies of the requests after the first; each costs one call as the first did.
    pub warm: Vec<Duration>,
    /// CPU of one of these.
    pub warm_cpu: Duration,
    pub peak_memory: u64,
}

/// A start for an ordinary request: from spawn to its answer, and the CPU until then.
#[derive(Clone, Copy)]
pub struct ColdRequest {
    pub answered: Duration,
    pub cpu: Duration,
}

/// The ordinary request of a warm function.
pub struct Ordinary {
    pub latencies: Vec<Duration>,
    /// CPU of one, in each part of the run.
    pub cpu: Vec<Duration>,
    pub asked: AwsCalls,
    /// Bytes and lines of its log for all of them.
    pub log_bytes: usize,
    pub log_lines: usize,
    /// Units of DynamoDB for one of them.
    pub read_units: f64,
    pub write_units: f64,
    pub peak_memory: u64,
}

impl Stage<'_> {
    /// Starts the function, asks the request that costs one call, and asks it again so many times.
    pub async fn start(&self, warm: usize) -> Result<Start> {
        let probe = self.world.probe(self.function).await?;
        self.aws.asked();
        let runtime = Runtime::start().await?;
        runtime.put(vec![probe.event()]);
        let began = Instant::now();
        let mut process = self.spawn(&runtime)?;
        let answers = process.idle(&runtime).await?;
        let (cpu, asked) = (process.cpu()?, self.aws.asked());
        let first = answers.first().ok_or("no answer")?;
        probe.check(&first.answer)?;
        // At its start a function asks whether its table is there, and one of HTTP for the root of the token keys.
        let calls = (asked.store_calls, asked.queue_calls, asked.pushes);
        if calls != (2, 0, 0) {
            return Err(self.failure(format!("{calls:?} calls of store, SQS and SNS for a start and one request")));
        }
        let (init, first) = (runtime.ready().ok_or("it was never ready")? - began, first.answered - began);
        runtime.put(vec![probe.event(); warm]);
        let answers = process.idle(&runtime).await?;
        let warm_cpu = process.cpu()?.saturating_sub(cpu) / u32::try_from(warm.max(1))?;
        let calls = self.aws.asked();
        if calls.store_calls != u64::try_from(warm)? {
            return Err(self.failure(format!("{calls:?} for {warm} requests of one call")));
        }
        answers.iter().try_for_each(|invocation| probe.check(&invocation.answer))?;
        let warm = answers.iter().map(Invocation::latency).collect();
        Ok(Start { init, first, cpu, warm, warm_cpu, peak_memory: process.peak_memory()? })
    }

    /// Starts the function so many times for what it is for: the first of these also fetches the tenant and its keys.
    pub async fn start_for_ordinary(&self, runs: usize) -> Result<Vec<ColdRequest>> {
        let mut all = Vec::with_capacity(runs);
        for request in self.world.requests(self.function, Work::Ordinary, runs).await? {
            let runtime = Runtime::start().await?;
            runtime.put(vec![request.event()]);
            let began = Instant::now();
            let mut process = self.spawn(&runtime)?;
            let answers = process.idle(&runtime).await?;
            let cpu = process.cpu()?;
            let first = answers.first().ok_or("no answer")?;
            request.check(&first.answer)?;
            all.push(ColdRequest { answered: first.answered - began, cpu });
        }
        Ok(all)
    }

    /// Starts the function and has it do this work.
    pub async fn serve(&self, work: Work, requests: usize) -> Result<Ordinary> {
        let part = requests.div_ceil(PARTS);
        let mut all = self.world.requests(self.function, work, WARM_UP + part * PARTS + COUNTED).await?;
        let counted = all.split_off(WARM_UP + part * PARTS);
        let measured = all.split_off(WARM_UP);
        let runtime = Runtime::start().await?;
        let mut process = self.spawn(&runtime)?;
        self.exchange(&mut process, &runtime, &all).await?;
        self.aws.asked();
        let log = process.log()?.len();
        let (mut latencies, mut cpu) = (Vec::new(), Vec::new());
        for part in measured.chunks(part) {
            let before = process.cpu()?;
            let answers = self.exchange(&mut process, &runtime, part).await?;
            cpu.push(process.cpu()?.saturating_sub(before) / u32::try_from(part.len())?);
            latencies.extend(answers.iter().map(Invocation::latency));
        }
        let asked = self.aws.asked();
        let log = process.log()?.split_off(log);
        self.aws.count_units(true);
        let answers = self.exchange(&mut process, &runtime, &counted).await;
        self.aws.count_units(false);
        answers?;
        let units = self.aws.asked();
        Ok(Ordinary {
            latencies,
            cpu,
            asked,
            log_bytes: log.len(),
            log_lines: log.iter().filter(|byte| **byte == b'\n').count(),
            read_units: units.read_units / COUNTED as f64,
            write_units: units.write_units / COUNTED as f64,
            peak_memory: process.peak_memory()?,
        })
    }

    async fn exchange(&self, process: &mut Process, runtime: &Runtime, all: &[Request]) -> Result<Vec<Invocation>> {
        runtime.put(all.iter().map(Request::event).collect());
        let answers = process.idle(runtime).await?;
        if answers.len() != all.len() {
            return Err(self.failure(format!("{} answers to {} events", answers.len(), all.len())));
        }
        all.iter().zip(&answers).try_for_each(|(request, invocation)| request.check(&invocation.answer))?;
        Ok(answers)
    }

    fn failure(&self, what: String) -> Box<dyn std::error::Error> {
        format!("{}: {what}", self.function.name()).into()
    }

    fn spawn(&self, runtime: &Runtime) -> Result<Process> {
        let log = self.scratch.0.join("log");
        let out = File::create(&log)?;
        let name = format!("countersign-{}", self.function.name());
        let endpoint = format!("http://{}", self.aws.address);
        let queue = format!("{endpoint}/000000000000/delivery");
        let mut command = process::Command::new(self.binary);
        command.env_clear().envs([
            ("AWS_LAMBDA_RUNTIME_API", runtime.address.to_string().as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", &name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{name}")),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/21/[$LATEST]0"),
            ("_HANDLER", "bootstrap"),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_SESSION_TOKEN", "test"),
            ("AWS_ENDPOINT_URL", &endpoint),
            ("COUNTERSIGN_TABLE", countersign_local::embedded::TABLE),
            ("COUNTERSIGN_PUBLIC_URL", "https://mfa.example.com"),
            ("COUNTERSIGN_TOKEN_KEYS", TOKEN_KEY),
            ("COUNTERSIGN_SECRETS_KEY", SECRETS_KEY),
            ("COUNTERSIGN_DELIVERY_QUEUE", &queue),
            ("COUNTERSIGN_METRICS", "Countersign/cold-start"),
        ]);
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let child = command.spawn().map_err(|error| format!("{}: {error}", self.binary.display()))?;
        Ok(Process { child, log })
    }
}

struct Process {
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// What was answered once the function waits for more; its last words where it ends instead.
    async fn idle(&mut self, runtime: &Runtime) -> Result<Vec<Invocation>> {
        let began = Instant::now();
        loop {
            if let Ok(answered) = tokio::time::timeout(Duration::from_millis(500), runtime.idle()).await {
                return answered;
            }
            let ended = self.child.try_wait()?;
            if ended.is_some() || began.elapsed() > STUCK {
                let log = self.log()?;
                let state = ended.map_or_else(|| "it is stuck".to_owned(), |status| format!("it ended: {status}"));
                return Err(format!("{state}\n{}", String::from_utf8_lossy(&log)).into());
            }
        }
    }

    fn log(&self) -> Result<Vec<u8>> {
        Ok(fs::read(&self.log)?)
    }

    fn proc(&self) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string())
    }

    /// CPU time of all its threads. proc(5) has it in hundredths of a second; the scheduler, in nanoseconds:
    /// <https://docs.kernel.org/scheduler/sched-stats.html>, `/proc/<pid>/schedstat`.
    fn cpu(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(self.proc().join("task"))? {
            let line = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanoseconds += line.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The most memory that it had resident, in bytes.
    fn peak_memory(&self) -> Result<u64> {
        let status = fs::read_to_string(self.proc().join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
        Ok(line.split_whitespace().next().unwrap_or_default().parse::<u64>()? * 1024)
    }
}
