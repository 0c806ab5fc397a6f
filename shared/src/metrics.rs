//! What an operator watches: counts of what was decided, and of the calls that cost money.
//!
//! Written as CloudWatch's embedded metric format, one line on standard output after each request: no call, no agent.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//! A process counts for all its requests together; on Lambda it has one at a time.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use serde_json::{Map, Value, json};

macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        /// What is counted, by its name in CloudWatch.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Counter { $($name),* }
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        static COUNTS: [AtomicU64; NAMES.len()] = [const { AtomicU64::new(0) }; NAMES.len()];
    };
}

counters! {
    ActionsAllowed,
    ActionsChallenged,
    ActionsInReview,
    ActionsBlocked,
    ActionsInFailureMode,
    ChallengesSucceeded,
    GuessesRejected,
    Lockouts,
    GuessesAtClosed,
    ReplaysRefused,
    EnrolmentsBegun,
    EnrolmentsCompleted,
    StoreCalls,
    StoreErrors,
    StoreConflicts,
    KeyCalls,
    KeyErrors,
    ChallengesRefused,
    ChallengesFlooded,
    PushesAsked,
    PushesRefused,
    PushesDenied,
    PushesReported,
    PushesSent,
    PushesFailed,
}

/// Adds one.
pub fn count(counter: Counter) {
    COUNTS[counter as usize].fetch_add(1, Ordering::Relaxed);
}

fn take() -> impl Iterator<Item = (&'static str, u64)> {
    let all = NAMES.iter().zip(&COUNTS).map(|(name, count)| (*name, count.swap(0, Ordering::Relaxed)));
    all.filter(|(_, count)| *count > 0)
}

/// Where the lines are to be found: a namespace of CloudWatch and the function that writes.
#[derive(Clone, Debug)]
pub struct Emitter {
    namespace: String,
    function: String,
}

static IS_WARM: AtomicBool = AtomicBool::new(false);

impl Emitter {
    /// `COUNTERSIGN_METRICS` is the namespace; without it nothing is written.
    pub fn from_env() -> Option<Self> {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let function = set("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "local".into());
        set("COUNTERSIGN_METRICS").map(|namespace| Self { namespace, function })
    }

    /// Writes down one request, or one batch of messages, and all that was counted since the last.
    pub fn emit(&self, now: jiff::Timestamp, took: Duration, faulty: bool) {
        println!("{}", self.line(now, took, faulty, take().collect()));
    }

    fn line(&self, now: jiff::Timestamp, took: Duration, faulty: bool, counts: Vec<(&str, u64)>) -> Value {
        let is_cold = !IS_WARM.swap(true, Ordering::Relaxed);
        let mut of_function = vec![json!({"Name": "Latency", "Unit": "Milliseconds"})];
        let mut values = Map::from_iter([
            ("Function".to_owned(), json!(self.function)),
            ("Latency".to_owned(), json!(took.as_micros() as f64 / 1000.0)),
            ("Requests".to_owned(), json!(1)),
            ("Faults".to_owned(), json!(u64::from(faulty))),
            ("ColdStarts".to_owned(), json!(u64::from(is_cold))),
        ]);
        for name in ["Requests", "Faults", "ColdStarts"] {
            of_function.push(json!({"Name": name, "Unit": "Count"}));
        }
        let mut directives =
            vec![json!({"Namespace": self.namespace, "Dimensions": [["Function"]], "Metrics": of_function})];
        if !counts.is_empty() {
            let of_all: Vec<Value> = counts.iter().map(|(name, _)| json!({"Name": name, "Unit": "Count"})).collect();
            directives.push(json!({"Namespace": self.namespace, "Dimensions": [[]], "Metrics": of_all}));
            values.extend(counts.into_iter().map(|(name, count)| (name.to_owned(), json!(count))));
        }
        values.insert("_aws".into(), json!({"Timestamp": now.as_millisecond(), "CloudWatchMetrics": directives}));
        Value::Object(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_embedded_metric_format() {
        let emitter = Emitter { namespace: "Countersign/test".into(), function: "verify".into() };
        let counts = vec![(NAMES[Counter::Lockouts as usize], 2)];
        let line = emitter.line(jiff::Timestamp::UNIX_EPOCH, Duration::from_micros(1500), true, counts);
        assert_eq!(line["Latency"], 1.5);
        assert_eq!((&line["Faults"], &line["Lockouts"]), (&json!(1), &json!(2)));
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        for directive in directives {
            // The specification: each metric is a member of the root with a number, each dimension one with a text.
            for metric in directive["Metrics"].as_array().unwrap() {
                assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
            }
            for dimension in directive["Dimensions"].as_array().unwrap().iter().flat_map(|set| set.as_array().unwrap())
            {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{dimension}");
            }
        }
        assert_eq!(directives.len(), 2);
    }
}
