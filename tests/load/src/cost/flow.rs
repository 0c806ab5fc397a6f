//! What is done for one verification, and what a million of it cost.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{
    Result,
    prices::{self, Price},
};

pub const A_MILLION: f64 = 1e6;
const GIGABYTE: f64 = 1e9;

#[derive(Deserialize)]
pub struct Measured {
    functions: Vec<Function>,
}

/// Of the figures of `cold-start`, those that cost money.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Function {
    function: String,
    init_ms: Spread,
    ordinary: Request,
    /// What else it is asked for in an approval.
    others: BTreeMap<String, Request>,
}

#[derive(Clone, Copy, Deserialize)]
pub struct Spread {
    pub median: f64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub cpu_ms: Spread,
    pub store_calls: f64,
    pub queue_calls: f64,
    pub pushes: f64,
    pub read_units: f64,
    pub write_units: f64,
    log_bytes: f64,
}

impl Measured {
    /// What a function is for.
    pub fn of(&self, function: &str) -> Result<Step> {
        self.other(function, "ordinary")
    }

    pub fn other(&self, function: &str, what: &str) -> Result<Step> {
        let found = self.functions.iter().find(|one| one.function == function);
        let found = found.ok_or_else(|| format!("{function} was not measured"))?;
        let request = if what == "ordinary" { Some(&found.ordinary) } else { found.others.get(what) };
        let request = *request.ok_or_else(|| format!("{what} of {function} was not measured"))?;
        let name = if what == "ordinary" { function.to_owned() } else { format!("{function}, {what}") };
        let (function, init_ms) = (found.function.clone(), found.init_ms.median);
        Ok(Step { name, function, init_ms, request, times: 1.0, is_http: true, queue_requests: request.queue_calls })
    }
}

/// One request to one function.
#[derive(Clone)]
pub struct Step {
    pub name: String,
    function: String,
    init_ms: f64,
    pub request: Request,
    /// How often it is done for one verification.
    pub times: f64,
    is_http: bool,
    queue_requests: f64,
}

impl Step {
    /// What is billed of one: CPU at the share of a processor that its memory buys, and the waiting.
    fn billed_ms(&self) -> f64 {
        let calls = self.request.store_calls + self.request.queue_calls + self.request.pushes;
        let share = prices::MEMORY_MB / prices::MEMORY_MB_OF_A_PROCESSOR;
        (self.request.cpu_ms.median / share + calls * prices::WAIT_MS).ceil()
    }

    fn start_ms(&self) -> f64 {
        (self.init_ms + prices::START_EXTRA_MS).ceil()
    }

    fn http_requests(&self) -> f64 {
        f64::from(u8::from(self.is_http))
    }

    fn log_bytes(&self) -> f64 {
        self.request.log_bytes + prices::PLATFORM_LOG_BYTES + self.http_requests() * prices::ACCESS_LOG_BYTES
    }

    /// USD for a million of it, as far as it is billed by request.
    pub fn usd(&self) -> f64 {
        let flow = Flow { steps: vec![Step { times: 1.0, ..self.clone() }], ..Flow::default() };
        flow.by_request().iter().map(|(_, usd)| usd).sum()
    }
}

/// What one verification is made of.
#[derive(Default)]
pub struct Flow {
    pub steps: Vec<Step>,
    /// Items that stay in the table for a month.
    items: f64,
    /// Functions that open data keys.
    openers: f64,
    /// Roles that send to or receive from the queue.
    queue_roles: f64,
}

/// TOTP: track, verify, validate.
pub fn totp(measured: &Measured) -> Result<Flow> {
    let steps = vec![measured.of("track")?, measured.of("verify")?, measured.of("validate-challenge")?];
    Ok(Flow { steps, items: 1.0, openers: 1.0, queue_roles: 0.0 })
}

/// A push to one device that a push has reached before. The page that asks polls while its user takes the phone out.
pub fn push(measured: &Measured) -> Result<Flow> {
    let mut deliver = measured.of("deliver")?;
    deliver.is_http = false;
    // Lambda receives the message and deletes it, one message at a time.
    deliver.queue_requests += 2.0;
    let mut poll = measured.other("verify", "poll")?;
    poll.times = prices::POLLS;
    let steps = vec![
        measured.of("track")?,
        measured.of("challenge")?,
        deliver,
        measured.other("push-approve", "sign")?,
        measured.other("push-approve", "pending")?,
        measured.of("push-approve")?,
        poll,
        measured.of("validate-challenge")?,
    ];
    Ok(Flow { steps, items: 2.0, openers: 0.0, queue_roles: 2.0 })
}

impl Flow {
    pub fn sum(&self, of: impl Fn(&Step) -> f64) -> f64 {
        self.steps.iter().map(|step| step.times * of(step)).sum()
    }
    pub fn http_requests(&self) -> f64 {
        self.sum(Step::http_requests)
    }
    pub fn requests(&self) -> f64 {
        self.sum(|_| 1.0)
    }
    pub fn billed_ms(&self) -> f64 {
        self.sum(Step::billed_ms)
    }
    fn billed_ms_with_starts(&self) -> f64 {
        self.sum(|step| step.billed_ms() + prices::COLD_STARTS * step.start_ms())
    }
    pub fn write_units(&self) -> f64 {
        self.sum(|step| step.request.write_units)
    }
    /// With the half unit of each start.
    fn read_units(&self) -> f64 {
        self.sum(|step| step.request.read_units + prices::COLD_STARTS * 0.5)
    }
    /// For a million in a month: two at each start of a function that has keys (whether they are there; the tenant's token
    /// key), one each five minutes of each copy that opens data keys, and DynamoDB's and SQS's own for each role.
    fn key_requests(&self) -> f64 {
        let starts = self.http_requests() * prices::COLD_STARTS * A_MILLION;
        let roles = self.steps.iter().map(|step| step.function.as_str()).collect::<BTreeSet<_>>().len() as f64;
        2.0 * starts + prices::KEY_WINDOWS * (self.openers * prices::WARM_COPIES + roles + self.queue_roles)
    }
    pub fn log_bytes(&self) -> f64 {
        self.sum(Step::log_bytes)
    }

    /// A million of them, as far as it is billed by request.
    fn by_request(&self) -> [(&'static str, f64); 7] {
        let million = |price: &Price, each: f64| price.of(each * A_MILLION);
        let gigabyte_seconds = self.billed_ms_with_starts() / 1000.0 * prices::MEMORY_MB / 1024.0;
        let pushes = self.sum(|step| step.request.pushes);
        let publish = million(&prices::SNS_PUBLISH, pushes) + million(&prices::SNS_PUSH, pushes);
        let queue = million(&prices::SQS_REQUEST, self.sum(|step| step.queue_requests));
        [
            ("API Gateway requests", million(&prices::API_REQUEST, self.http_requests())),
            ("Lambda requests", million(&prices::LAMBDA_REQUEST, self.requests())),
            ("Lambda time", million(&prices::LAMBDA_GB_SECOND, gigabyte_seconds)),
            ("DynamoDB writes", million(&prices::WRITE_UNIT, self.write_units())),
            ("DynamoDB reads", million(&prices::READ_UNIT, self.read_units())),
            ("SQS and SNS", queue + publish),
            ("CloudWatch Logs", million(&prices::LOG, self.log_bytes() / GIGABYTE)),
        ]
    }

    /// A million of them, by what is billed.
    pub fn bill(&self) -> Vec<(&'static str, f64)> {
        let stored = self.items * prices::ITEM_BYTES / GIGABYTE;
        let mut bill = self.by_request().to_vec();
        bill.push(("DynamoDB storage, 31 days", prices::STORAGE.of(stored * A_MILLION)));
        bill.push(("KMS requests", prices::KMS_REQUEST.of(self.key_requests())));
        bill
    }
}
