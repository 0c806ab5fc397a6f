//! `cost`: what a million verifications by code, and a million by push, cost on AWS at list prices.
//!
//! From what `cold-start --json` measured and from the constants of `prices`. It prints infra/cost.md whole.

mod flow;
mod page;
mod prices;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Prints infra/cost.md: what Countersign costs on AWS, computed from measured figures and list prices.
#[derive(Parser)]
#[command(name = "cost", version)]
struct Command {
    /// What `cold-start --json` printed.
    #[arg(default_value = "infra/cost.json", value_name = "FILE")]
    measured: PathBuf,
}

fn main() -> ExitCode {
    let Command { measured } = Command::parse();
    let text = std::fs::read_to_string(&measured).map_err(|error| format!("{}: {error}", measured.display()).into());
    match text.and_then(|text| page::page(&text)) {
        Ok(page) => {
            print!("{page}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cost: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{flow::Measured, page, prices};

    /// What is committed is what the program prints from the figures that are committed.
    #[test]
    fn the_page_is_the_one_that_is_printed() {
        let page = page::page(include_str!("../../../../infra/cost.json")).unwrap();
        assert!(
            page == include_str!("../../../../infra/cost.md"),
            "run target/release/cost > infra/cost.md and look at what changed"
        );
    }

    #[test]
    fn what_the_stack_has_is_what_is_counted() {
        let template = include_str!("../../../../template.yaml");
        let count =
            |kind: &str| template.lines().filter(|line| line.trim() == format!("Type: AWS::{kind}")).count() as f64;
        for (kind, counted) in [("KMS::Key", prices::KEYS), ("CloudWatch::Dashboard", prices::DASHBOARDS)] {
            assert_eq!(count(kind), counted, "{kind}");
        }
        let alarms = template.split("Type: AWS::CloudWatch::Alarm").skip(1);
        let alarms = alarms.map(|alarm| alarm.split("Type: AWS::").next().unwrap().matches("MetricName:").count());
        assert_eq!(alarms.sum::<usize>() as f64, prices::ALARM_METRICS);
        let memory = template.split("  MemorySize:\n").nth(1).and_then(|rest| rest.split("Default: ").nth(1));
        let memory = memory.and_then(|rest| rest.lines().next()).and_then(|text| text.parse::<f64>().ok());
        assert_eq!(memory, Some(prices::MEMORY_MB));
    }

    #[test]
    fn every_metric_is_counted() {
        let template = include_str!("../../../../template.yaml");
        let functions = template.matches("Type: AWS::Serverless::Function").count();
        let metrics = include_str!("../../../../shared/domain/src/metrics.rs");
        let counters = metrics.split("counters! {").nth(1).and_then(|rest| rest.split('}').next()).unwrap();
        assert_eq!((functions * 4 + counters.matches(',').count()) as f64, prices::METRICS);
    }

    #[test]
    fn the_round_trips_are_those_of_the_design() {
        let measured: Measured = serde_json::from_str(include_str!("../../../../infra/cost.json")).unwrap();
        for (function, what, calls) in [
            ("track", "ordinary", (2.0, 0.0, 0.0)),
            ("enroll", "ordinary", (2.0, 0.0, 0.0)),
            ("verify", "ordinary", (2.0, 0.0, 0.0)),
            ("validate-challenge", "ordinary", (1.0, 0.0, 0.0)),
            ("challenge", "ordinary", (2.0, 1.0, 0.0)),
            ("deliver", "ordinary", (2.0, 0.0, 1.0)),
            ("push-approve", "ordinary", (2.0, 0.0, 0.0)),
            ("push-approve", "sign", (2.0, 0.0, 0.0)),
            ("push-approve", "pending", (3.0, 0.0, 0.0)),
            ("verify", "poll", (1.0, 0.0, 0.0)),
        ] {
            let request = measured.other(function, what).unwrap().request;
            assert_eq!((request.store_calls, request.queue_calls, request.pushes), calls, "{function}, {what}");
        }
    }
}
