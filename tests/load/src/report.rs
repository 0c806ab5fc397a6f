//! The figures, for people as they come and for programs at the end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{meter::Figures, start::Starts};

pub struct Report {
    json: bool,
    starts: Vec<Value>,
    phases: Vec<Value>,
}

const MEGABYTE: f64 = 1_000_000.0;

impl Report {
    pub fn new(json: bool) -> Self {
        Self { json, starts: Vec::new(), phases: Vec::new() }
    }

    pub fn starts(&mut self, all: &[Starts]) {
        self.line(format_args!("{:<12} {:>9} {:>9} {:>9}", "start", "min ms", "median", "idle MB"));
        for Starts { kind, times, idle_memory } in all {
            let (min, median) = (millis(times[0]), millis(times[times.len() / 2]));
            let idle = *idle_memory as f64 / MEGABYTE;
            self.line(format_args!("{kind:<12} {min:>9.1} {median:>9.1} {idle:>9.1}"));
            self.starts.push(json!({ "kind": kind, "minMs": min, "medianMs": median, "idleMemoryMB": idle }));
        }
        self.line(format_args!(""));
    }

    pub fn add(&mut self, store: &str, concurrency: usize, figures: Figures) {
        if self.phases.is_empty() {
            self.line(format_args!(
                "{:<8} {:>4} {:<9} {:>8} {:>9} {:>8} {:>8} {:>8} {:>11} {:>9} {:>8}",
                "store",
                "conc",
                "phase",
                "requests",
                "req/s",
                "p50 ms",
                "p99 ms",
                "max ms",
                "cpu ms/req",
                "gen ms",
                "peak MB"
            ));
        }
        let Figures { phase, wall, latencies, server_cpu, generator_cpu, peak_memory, exhausted } = figures;
        let count = latencies.len();
        let at = |percent: usize| millis(latencies[(count * percent / 100).min(count - 1)]);
        let (p50, p99, max) = (at(50), at(99), at(100));
        let rate = count as f64 / wall.as_secs_f64();
        let each = |cpu: Duration| millis(cpu) / count as f64;
        let (cpu, generator, peak) = (each(server_cpu), each(generator_cpu), peak_memory as f64 / MEGABYTE);
        let note = if exhausted > 0 { format!("  {exhausted} exhausted") } else { String::new() };
        self.line(format_args!(
            "{store:<8} {concurrency:>4} {phase:<9} {count:>8} {rate:>9.0} {p50:>8.2} {p99:>8.2} {max:>8.2} {cpu:>11.3} {generator:>9.3} {peak:>8.1}{note}"
        ));
        self.phases.push(json!({
            "store": store, "concurrency": concurrency, "phase": phase.to_string(), "requests": count,
            "requestsPerSecond": rate, "p50Ms": p50, "p99Ms": p99, "maxMs": max, "serverCpuMsPerRequest": cpu,
            "generatorCpuMsPerRequest": generator, "peakMemoryMB": peak, "exhausted": exhausted,
        }));
    }

    pub fn finish(self) {
        if self.json {
            println!("{:#}", json!({ "starts": self.starts, "phases": self.phases }));
        }
    }

    fn line(&self, text: std::fmt::Arguments<'_>) {
        if !self.json {
            println!("{text}");
        }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
