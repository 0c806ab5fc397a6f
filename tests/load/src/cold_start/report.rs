//! The figures, for people as they come and for programs at the end, and whether the aims are met.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    package::Size,
    process::{ColdRequest, Ordinary, Start},
    work::{Function, Work},
};

const MEGABYTE: f64 = 1_000_000.0;

/// All of one function.
pub struct Figures {
    pub function: Function,
    pub size: Size,
    pub starts: Vec<Start>,
    pub cold: Vec<ColdRequest>,
    pub ordinary: Ordinary,
    pub others: Vec<(Work, Ordinary)>,
}

/// The figures of a warm function.
struct Warm {
    latency: (f64, f64),
    cpu: (f64, f64),
    store_calls: f64,
    key_calls: f64,
    queue_calls: f64,
    pushes: f64,
    read_units: f64,
    write_units: f64,
    log_bytes: f64,
    log_lines: f64,
    fakes: f64,
    count: usize,
}

impl Warm {
    fn of(ordinary: &Ordinary) -> Self {
        let count = ordinary.latencies.len();
        let each = |figure: f64| figure / count as f64;
        let asked = &ordinary.asked;
        Self {
            latency: min_and_median(ordinary.latencies.iter().copied()),
            cpu: min_and_median(ordinary.cpu.iter().copied()),
            store_calls: each(asked.store_calls as f64),
            key_calls: each(asked.key_calls as f64),
            queue_calls: each(asked.queue_calls as f64),
            pushes: each(asked.pushes as f64),
            read_units: ordinary.read_units,
            write_units: ordinary.write_units,
            log_bytes: each(ordinary.log_bytes as f64),
            log_lines: each(ordinary.log_lines as f64),
            fakes: each(millis(asked.took)),
            count,
        }
    }

    /// The right half of a line.
    fn line(&self) -> String {
        let ((latency_min, latency), (cpu_min, cpu)) = (self.latency, self.cpu);
        format!(
            "{latency_min:>4.2} / {latency:>4.2} {cpu_min:>5.3} / {cpu:>5.3} {:>5.1} {:>5.1} {:>6.1} {:>5.0}",
            self.store_calls + self.queue_calls + self.pushes,
            self.read_units,
            self.write_units,
            self.log_bytes,
        )
    }

    fn json(&self) -> Value {
        json!({
            "requests": self.count,
            "latencyMs": {"min": rounded(self.latency.0), "median": rounded(self.latency.1)},
            "ofWhichFakesMs": rounded(self.fakes),
            "cpuMs": {"min": rounded(self.cpu.0), "median": rounded(self.cpu.1)},
            "storeCalls": rounded(self.store_calls),
            "keyCalls": rounded(self.key_calls),
            "queueCalls": rounded(self.queue_calls),
            "pushes": rounded(self.pushes),
            "readUnits": self.read_units,
            "writeUnits": self.write_units,
            "logBytes": rounded(self.log_bytes),
            "logLines": rounded(self.log_lines),
        })
    }
}

pub struct Report {
    json: bool,
    functions: Vec<Value>,
    missed: Vec<String>,
}

/// Fastest and middle one.
fn min_and_median(times: impl Iterator<Item = Duration>) -> (f64, f64) {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    let at = |index: usize| times.get(index).copied().map_or(0.0, millis);
    (at(0), at(times.len() / 2))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// As many digits as the figure has meaning.
fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

impl Report {
    pub fn new(json: bool) -> Self {
        Self { json, functions: Vec::new(), missed: Vec::new() }
    }

    pub fn add(&mut self, figures: Figures) {
        let Figures { function, size, starts, cold, ordinary, others } = figures;
        let name = function.name();
        let (init_min, init) = min_and_median(starts.iter().map(|start| start.init));
        let (first_min, first) = min_and_median(starts.iter().map(|start| start.first));
        let (start_cpu_min, start_cpu) = min_and_median(starts.iter().map(|start| start.cpu));
        let (warm_min, warm) = min_and_median(starts.iter().flat_map(|start| start.warm.iter().copied()));
        let (warm_cpu_min, warm_cpu) = min_and_median(starts.iter().map(|start| start.warm_cpu));
        let (cold_min, cold_median) = min_and_median(cold.iter().map(|cold| cold.answered));
        let (cold_cpu_min, cold_cpu) = min_and_median(cold.iter().map(|cold| cold.cpu));
        let peak = starts.iter().map(|start| start.peak_memory).max().unwrap_or_default().max(ordinary.peak_memory);
        let (peak, binary, zip) = (peak as f64 / MEGABYTE, size.binary as f64 / MEGABYTE, size.zip as f64 / MEGABYTE);
        let warmed = Warm::of(&ordinary);
        self.head();
        let left = format!(
            "{name:<18} {init_min:>4.1} / {init:>4.1} {first_min:>4.1} / {first:>4.1} {start_cpu_min:>4.1} / {start_cpu:>4.1} \
             {warm_min:>4.2} / {warm:>4.2} {warm_cpu_min:>4.2} / {warm_cpu:>4.2} | {cold_min:>5.1} / {cold_median:>5.1} {cold_cpu_min:>4.1} / {cold_cpu:>4.1}"
        );
        self.line(format_args!("{left} | {} | {peak:>7.1} {binary:>9.2} {zip:>6.2}", warmed.line()));
        for (work, other) in &others {
            let width = left.len();
            self.line(format_args!("{:<width$} | {} |", format!("{name}, {}", work.name()), Warm::of(other).line()));
        }
        let mut aim = |what: &str, figure: f64, most: f64| {
            if figure > most {
                self.missed.push(format!("{name}: {what} is {figure:.2}, the aim {most}"));
            }
        };
        if function == Function::Verify {
            aim("ms to the first /next", init_min, 4.0);
            aim("ms to the first answer", first_min, 7.0);
            aim("ms of CPU of a warm request", warmed.cpu.0, 0.3);
            aim("MB at most resident", peak, 9.0);
        }
        aim("MB of the zip", zip, 2.0);
        self.functions.push(json!({
            "function": name,
            "runs": starts.len(),
            "initMs": {"min": rounded(init_min), "median": rounded(init)},
            "firstAnswerMs": {"min": rounded(first_min), "median": rounded(first)},
            "startCpuMs": {"min": rounded(start_cpu_min), "median": rounded(start_cpu)},
            "warmOneCallMs": {"min": rounded(warm_min), "median": rounded(warm)},
            "warmOneCallCpuMs": {"min": rounded(warm_cpu_min), "median": rounded(warm_cpu)},
            "coldOrdinaryMs": {"min": rounded(cold_min), "median": rounded(cold_median)},
            "coldOrdinaryCpuMs": {"min": rounded(cold_cpu_min), "median": rounded(cold_cpu)},
            "ordinary": warmed.json(),
            "others": Value::Object(
                others.iter().map(|(work, other)| (work.name().to_owned(), Warm::of(other).json())).collect()
            ),
            "peakMemoryMB": rounded(peak),
            "binaryMB": rounded(binary),
            "zipMB": rounded(zip),
        }));
    }

    fn head(&self) {
        if !self.functions.is_empty() {
            return;
        }
        self.line(format_args!(
            "{:<18} {:>11} {:>11} {:>11} {:>11} {:>11} | {:>13} {:>11} | {:>11} {:>13} {:>5} {:>5} {:>6} {:>5} | {:>7} {:>9} {:>6}",
            "min / median, ms",
            "init",
            "1st answer",
            "CPU",
            "warm 1 call",
            "CPU",
            "cold ordinary",
            "CPU",
            "warm",
            "CPU",
            "calls",
            "reads",
            "writes",
            "log B",
            "peak MB",
            "binary MB",
            "zip MB"
        ));
    }

    /// Whether an aim was missed.
    pub fn finish(self) -> bool {
        if self.json {
            println!("{:#}", json!({ "functions": self.functions }));
        }
        for missed in &self.missed {
            eprintln!("{missed}");
        }
        !self.missed.is_empty()
    }

    fn line(&self, text: std::fmt::Arguments<'_>) {
        if !self.json {
            println!("{text}");
        }
    }
}
