//! `cost`: what a million verifications, and a million pushes, cost on AWS at list prices.
//!
//! From what `cold-start --json` measured and from the constants of `prices`. It prints infra/cost.md whole.

mod prices;

use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

use clap::Parser;
use serde::Deserialize;

use prices::{Million, Price};

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
    match text.and_then(|text| page(&text)) {
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

#[derive(Deserialize)]
struct Measured {
    functions: Vec<Function>,
}

/// Of the figures of `cold-start`, those that cost money.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Function {
    function: String,
    init_ms: Spread,
    ordinary: Ordinary,
}

#[derive(Clone, Copy, Deserialize)]
struct Spread {
    median: f64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ordinary {
    cpu_ms: Spread,
    store_calls: f64,
    pushes: f64,
    read_units: f64,
    write_units: f64,
    log_bytes: f64,
}

impl Measured {
    fn of(&self, name: &str) -> Result<Step> {
        let found = self.functions.iter().find(|function| function.function == name);
        let found = found.ok_or_else(|| format!("{name} was not measured"))?;
        Ok(Step { init_ms: found.init_ms.median, request: found.ordinary, is_http: true, extra_calls: 0.0 })
    }
}

/// One request to one function.
struct Step {
    init_ms: f64,
    request: Ordinary,
    is_http: bool,
    /// Calls that were not measured.
    extra_calls: f64,
}

impl Step {
    /// What is billed of one: CPU at the share of a processor that its memory buys, and the waiting.
    fn billed_ms(&self) -> f64 {
        let calls = self.request.store_calls + self.request.pushes + self.extra_calls;
        let share = prices::MEMORY_MB / prices::MEMORY_MB_OF_A_PROCESSOR;
        (self.request.cpu_ms.median / share + calls * prices::WAIT_MS).ceil()
    }

    fn start_ms(&self) -> f64 {
        (self.init_ms + prices::START_EXTRA_MS).ceil()
    }
}

/// What one verification, or one push, is made of.
struct Flow {
    steps: Vec<Step>,
    queue_requests: f64,
    pushes: f64,
    /// Items that stay in the table for a month.
    items: f64,
    /// Functions that open data keys.
    openers: f64,
}

/// TOTP: track, verify, validate.
fn totp(measured: &Measured) -> Result<Flow> {
    let steps = vec![measured.of("track")?, measured.of("verify")?, measured.of("validate-challenge")?];
    Ok(Flow { steps, queue_requests: 0.0, pushes: 0.0, items: 1.0, openers: 1.0 })
}

/// A push: track, challenge, deliver, approve, validate. Challenge and approve are not built yet: their round trips
/// are the design's budget, their CPU is that of the function with the same round trips.
fn push(measured: &Measured) -> Result<Flow> {
    let budget = |like: &str, store_calls, read_units, write_units, extra_calls| {
        let mut step = measured.of(like)?;
        step.request = Ordinary { store_calls, read_units, write_units, ..step.request };
        step.extra_calls = extra_calls;
        Ok::<_, Box<dyn std::error::Error>>(step)
    };
    // Reads the user, sends to the queue, puts the challenge.
    let challenge = budget("track", 2.0, 1.0, 1.0, 1.0)?;
    // Reads the challenge; a transaction settles it and the action.
    let approve = budget("verify", 2.0, 1.0, 4.0, 0.0)?;
    // Reads the challenge, publishes.
    let mut deliver = budget("deliver", 1.0, 1.0, 0.0, 0.0)?;
    deliver.is_http = false;
    let steps = vec![measured.of("track")?, challenge, deliver, approve, measured.of("validate-challenge")?];
    // Sent, received and deleted, one message at a time.
    Ok(Flow { steps, queue_requests: 3.0, pushes: 1.0, items: 2.0, openers: 0.0 })
}

impl Flow {
    fn sum(&self, of: impl Fn(&Step) -> f64) -> f64 {
        self.steps.iter().map(of).sum()
    }
    fn http_requests(&self) -> f64 {
        self.sum(|step| f64::from(u8::from(step.is_http)))
    }
    fn requests(&self) -> f64 {
        self.sum(|_| 1.0)
    }
    fn billed_ms(&self) -> f64 {
        self.sum(Step::billed_ms)
    }
    fn billed_ms_with_starts(&self) -> f64 {
        self.sum(|step| step.billed_ms() + prices::COLD_STARTS * step.start_ms())
    }
    fn write_units(&self) -> f64 {
        self.sum(|step| step.request.write_units)
    }
    /// With the half unit of each start.
    fn read_units(&self) -> f64 {
        self.sum(|step| step.request.read_units + prices::COLD_STARTS * 0.5)
    }
    /// For a million in a month: one at each start, one each five minutes of each copy that opens data keys, and
    /// DynamoDB's own for each role.
    fn key_requests(&self) -> f64 {
        let starts = self.requests() * prices::COLD_STARTS * A_MILLION;
        starts + prices::KEY_WINDOWS * (self.openers * prices::WARM_COPIES + self.requests())
    }
    fn log_bytes(&self) -> f64 {
        let of_step = |step: &Step| step.request.log_bytes + prices::PLATFORM_LOG_BYTES;
        self.sum(of_step) + self.http_requests() * prices::ACCESS_LOG_BYTES
    }

    /// A million of them, by what is billed.
    fn bill(&self) -> [(&'static str, f64); 9] {
        let million = |price: &Price, each: f64| price.of(each * A_MILLION);
        let gigabyte_seconds = self.billed_ms_with_starts() / 1000.0 * prices::MEMORY_MB / 1024.0;
        let publish = million(&prices::SNS_PUBLISH, self.pushes) + million(&prices::SNS_PUSH, self.pushes);
        [
            ("API Gateway requests", million(&prices::API_REQUEST, self.http_requests())),
            ("Lambda requests", million(&prices::LAMBDA_REQUEST, self.requests())),
            ("Lambda time", million(&prices::LAMBDA_GB_SECOND, gigabyte_seconds)),
            ("DynamoDB writes", million(&prices::WRITE_UNIT, self.write_units())),
            ("DynamoDB reads", million(&prices::READ_UNIT, self.read_units())),
            ("DynamoDB storage, 31 days", million(&prices::STORAGE, self.items * prices::ITEM_BYTES / GIGABYTE)),
            ("KMS requests", prices::KMS_REQUEST.of(self.key_requests())),
            ("SQS and SNS", million(&prices::SQS_REQUEST, self.queue_requests) + publish),
            ("CloudWatch Logs", million(&prices::LOG, self.log_bytes() / GIGABYTE)),
        ]
    }
}

/// A figure of a flow, for a line of the page.
type Figure = fn(&Flow) -> f64;

const A_MILLION: f64 = 1e6;
const GIGABYTE: f64 = 1e9;

/// `infra/cost.md`.
fn page(measured: &str) -> Result<String> {
    let measured: Measured = serde_json::from_str(measured)?;
    let (totp, push) = (totp(&measured)?, push(&measured)?);
    let mut page = String::new();
    let out = &mut page;
    let p = |name| measured.of(name);
    writeln!(
        out,
        "# What it costs\n\n\
         AWS list prices, {}, USD, without any free tier, for a million in a month, spread evenly. `cost`\n\
         prints this page from [cost.json](cost.json), which `cold-start` measured, and from the constants of\n\
         [prices.rs](../tests/load/src/cost/prices.rs); a test compares the two.\n\n\
         ```console\n\
         $ cargo build --release --workspace && tests/aws/build x86_64   # the functions to measure\n\
         $ target/release/cold-start --json > infra/cost.json && target/release/cost > infra/cost.md\n\
         ```\n",
        prices::REGION
    )?;
    writeln!(out, "| USD for a million | TOTP verifications | pushes (*not built yet*) |\n|---|---:|---:|")?;
    let (bill_totp, bill_push) = (totp.bill(), push.bill());
    for ((name, totp), (_, push)) in bill_totp.iter().zip(&bill_push) {
        writeln!(out, "| {name} | {totp:.2} | {push:.2} |")?;
    }
    let sum = |bill: &[(&str, f64)]| bill.iter().map(|(_, usd)| usd).sum::<f64>();
    let (sum_totp, sum_push) = (sum(&bill_totp), sum(&bill_push));
    writeln!(out, "| **sum** | **{sum_totp:.2}** | **{sum_push:.2}** |\n")?;

    let fixed = [
        ("KMS keys", prices::KEYS, prices::KMS_KEY.of(prices::KEYS)),
        ("custom metrics, where each is written all month", prices::METRICS, prices::METRIC.of(prices::METRICS)),
        ("metrics of alarms", prices::ALARM_METRICS, prices::ALARM.of(prices::ALARM_METRICS)),
        ("dashboards", prices::DASHBOARDS, prices::DASHBOARD.of(prices::DASHBOARDS)),
        ("polls of an idle queue", prices::IDLE_POLLS, prices::SQS_REQUEST.of(prices::IDLE_POLLS)),
    ];
    writeln!(out, "The stack itself, a month:\n\n| | count | USD |\n|---|---:|---:|")?;
    for (name, count, usd) in fixed {
        writeln!(out, "| {name} | {count:.0} | {usd:.2} |")?;
    }
    writeln!(out, "| **sum** | | **{:.2}** |\n", fixed.iter().map(|(.., usd)| usd).sum::<f64>())?;

    writeln!(out, "## Counted for one\n\n| | TOTP verification | push |\n|---|---:|---:|")?;
    let rows: [(&str, Figure, usize); 7] = [
        ("API requests", Flow::http_requests, 0),
        ("function invocations", Flow::requests, 0),
        ("billed ms at 256 MB, warm", Flow::billed_ms, 0),
        ("of which CPU, on a whole processor", |flow| flow.sum(|step| step.request.cpu_ms.median), 2),
        ("DynamoDB write units", Flow::write_units, 1),
        ("DynamoDB read units", |flow| flow.sum(|step| step.request.read_units), 1),
        ("bytes of log", Flow::log_bytes, 0),
    ];
    for (name, of, digits) in rows {
        writeln!(out, "| {name} | {:.digits$} | {:.digits$} |", of(&totp), of(&push))?;
    }
    let (track, verify, validate, deliver) = (p("track")?, p("verify")?, p("validate-challenge")?, p("deliver")?);
    writeln!(
        out,
        "\n\
         - A TOTP verification is track, verify and validate. Measured: round trips to DynamoDB {} + {} + {}, units as\n  \
           the embedded DynamoDB counts them (a transactional write is two, a consistent read one, items under 1 KB), CPU\n  \
           {:.2} + {:.2} + {:.2} ms.\n\
         - A push is track, push challenge, deliver, push-approve and validate; challenge and approve are the budget of the\n  \
           design (2 round trips and one message; 2 round trips) at the CPU of track and verify, deliver is measured\n  \
           ({:.2} ms) plus the one read it will do. The app's own polling for the outcome is not in it.\n\
         - Billed time: CPU of this machine (x86_64) divided by {:.0}/{:.0} of a processor, and {:.0} ms of waiting for each\n  \
           call; one request in {:.0} starts a function, for {:.0} ms more.\n\
         - KMS: one request at each start, one each five minutes for each of {:.0} warm copies that open data keys, and\n  \
           DynamoDB's own, each five minutes for each role. Tenants: one; each more adds its own data key.\n\
         - Logs: measured lines (metrics and events at the level info), {:.0} bytes of START, END and REPORT, {:.0} of access\n  \
           log. Keeping them for a month costs less than a twentieth of that.\n\
         - Left out as negligible: data transfer (some 1 KB an answer; 100 GB a month are free), X-Ray (off), point-in-time\n  \
           recovery of a table of a gigabyte, the free tiers.",
        track.request.store_calls,
        verify.request.store_calls,
        validate.request.store_calls,
        track.request.cpu_ms.median,
        verify.request.cpu_ms.median,
        validate.request.cpu_ms.median,
        deliver.request.cpu_ms.median,
        prices::MEMORY_MB,
        prices::MEMORY_MB_OF_A_PROCESSOR,
        prices::WAIT_MS,
        1.0 / prices::COLD_STARTS,
        prices::START_EXTRA_MS,
        prices::WARM_COPIES,
        prices::PLATFORM_LOG_BYTES,
        prices::ACCESS_LOG_BYTES,
    )?;

    writeln!(
        out,
        "\n## Others\n\n\
         List prices as they are quoted; the pages themselves could not be opened from here. A price by user is for one\n\
         who verifies {:.0} times a month, so a million are {:.0} users.\n\n\
         | | price | USD for a million | source |\n|---|---|---:|---|\n\
         | Countersign on AWS | | {sum_totp:.2} | above |",
        prices::USER_VERIFIES,
        A_MILLION / prices::USER_VERIFIES
    )?;
    for vendor in prices::VENDORS {
        let million = match vendor.million {
            Million::Each(usd) => format!("{:.0}", usd * A_MILLION),
            Million::User(usd) => format!("{:.0}", usd * A_MILLION / prices::USER_VERIFIES),
            Million::NotListed => "not listed".to_owned(),
        };
        writeln!(out, "| {} | {} | {million} | {} |", vendor.name, vendor.price, vendor.source)?;
    }

    writeln!(
        out,
        "\n## Prices\n\n\
         From stored copies of public pages, looked up on 2026-11-24: AWS fills its price tables in by a script, so that they\n\
         are in no copy, and most are as others quote them. Check them before a decision hangs on one.\n\n\
         | | USD | for | source |\n|---|---:|---|---|"
    )?;
    for price in prices::ALL {
        writeln!(out, "| {} | {} | {} | {} |", price.what, price.usd, price.unit, price.source)?;
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::prices;

    /// What is committed is what the program prints from the figures that are committed.
    #[test]
    fn the_page_is_the_one_that_is_printed() {
        let page = super::page(include_str!("../../../../infra/cost.json")).unwrap();
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
    fn the_round_trips_are_those_of_the_design() {
        let measured: super::Measured = serde_json::from_str(include_str!("../../../../infra/cost.json")).unwrap();
        for (function, round_trips) in [("track", 2.0), ("enroll", 2.0), ("verify", 2.0), ("validate-challenge", 1.0)] {
            assert_eq!(measured.of(function).unwrap().request.store_calls, round_trips, "{function}");
        }
    }
}
