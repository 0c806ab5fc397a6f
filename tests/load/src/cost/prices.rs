//! Every number that is not measured: list prices and who says so, and what is assumed. The one place to change them.

/// A list price. `per` says how many it is for.
pub struct Price {
    pub what: &'static str,
    pub usd: f64,
    pub per: f64,
    pub unit: &'static str,
    pub source: &'static str,
}

impl Price {
    /// What so many cost.
    pub fn of(&self, count: f64) -> f64 {
        self.usd * count / self.per
    }
}

const MILLION: f64 = 1e6;

pub const REGION: &str = "US East (N. Virginia)";

pub const API_REQUEST: Price = Price {
    what: "API Gateway: HTTP API request",
    usd: 1.00,
    per: MILLION,
    unit: "million",
    source: "[AWS whitepaper](https://docs.aws.amazon.com/whitepapers/latest/best-practices-api-gateway-private-apis-integration/cost-optimization.html), table 4",
};
pub const LAMBDA_REQUEST: Price = Price {
    what: "Lambda: request",
    usd: 0.20,
    per: MILLION,
    unit: "million",
    source: "[wring](https://wring.co/blog/aws-lambda-pricing-guide), 2026-03-08",
};
pub const LAMBDA_GB_SECOND: Price =
    Price { what: "Lambda: GB-second on arm64", usd: 0.000_013_333_4, per: 1.0, unit: "GB-s", source: "as above" };
pub const WRITE_UNIT: Price = Price {
    what: "DynamoDB on demand: write request unit",
    usd: 0.625,
    per: MILLION,
    unit: "million",
    source: "[airbyte](https://airbyte.com/data-engineering-resources/dynamodb-pricing), 2025-07-21",
};
pub const READ_UNIT: Price = Price {
    what: "DynamoDB on demand: read request unit",
    usd: 0.125,
    per: MILLION,
    unit: "million",
    source: "as above",
};
pub const STORAGE: Price = Price {
    what: "DynamoDB: storage",
    usd: 0.25,
    per: 1.0,
    unit: "GB-month",
    source: "[aws.amazon.com/dynamodb/pricing](https://aws.amazon.com/dynamodb/pricing/)",
};
pub const KMS_REQUEST: Price = Price {
    what: "KMS: request, symmetric or HMAC",
    usd: 0.03,
    per: 10_000.0,
    unit: "10,000",
    source: "[wring](https://www.wring.co/blog/aws-kms-pricing-guide), 2026-03-15",
};
pub const KMS_KEY: Price = Price {
    what: "KMS: key",
    usd: 1.00,
    per: 1.0,
    unit: "month",
    source: "[aws.amazon.com/kms/pricing](https://aws.amazon.com/kms/pricing/)",
};
pub const SQS_REQUEST: Price = Price {
    what: "SQS: request to a standard queue",
    usd: 0.40,
    per: MILLION,
    unit: "million",
    source: "[cloudburn](https://cloudburn.io/blog/amazon-sqs-pricing), 2026-03-14",
};
pub const SNS_PUBLISH: Price = Price {
    what: "SNS: publish request",
    usd: 0.50,
    per: MILLION,
    unit: "million",
    source: "[factualminds](https://www.factualminds.com/blog/amazon-sns-pricing-publishes-fanout-protocols/), 2026-06-13",
};
pub const SNS_PUSH: Price =
    Price { what: "SNS: mobile push delivered", usd: 0.50, per: MILLION, unit: "million", source: "as above" };
pub const LOG: Price = Price {
    what: "CloudWatch Logs: taken in",
    usd: 0.50,
    per: 1.0,
    unit: "GB",
    source: "[factualminds](https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/), 2026-06-13",
};
pub const METRIC: Price = Price {
    what: "CloudWatch: custom metric",
    usd: 0.30,
    per: 1.0,
    unit: "month",
    source: "[signoz](https://signoz.io/guides/cloudwatch-pricing), 2026-02-15",
};
pub const ALARM: Price = Price {
    what: "CloudWatch: metric of an alarm",
    usd: 0.10,
    per: 1.0,
    unit: "month",
    source: "[c3x](https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm)",
};
pub const DASHBOARD: Price = Price {
    what: "CloudWatch: dashboard",
    usd: 3.00,
    per: 1.0,
    unit: "month",
    source: "[factualminds](https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/), 2026-06-13",
};

pub const ALL: [&Price; 15] = [
    &API_REQUEST,
    &LAMBDA_REQUEST,
    &LAMBDA_GB_SECOND,
    &WRITE_UNIT,
    &READ_UNIT,
    &STORAGE,
    &KMS_REQUEST,
    &KMS_KEY,
    &SQS_REQUEST,
    &SNS_PUBLISH,
    &SNS_PUSH,
    &LOG,
    &METRIC,
    &ALARM,
    &DASHBOARD,
];

/// How often a page asks whether a push was approved: every two seconds of the ten that a person takes. Assumed.
pub const POLLS: f64 = 5.0;

/// What each function has (template.yaml).
pub const MEMORY_MB: f64 = 256.0;
/// Lambda: so much memory is one processor.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
pub const MEMORY_MB_OF_A_PROCESSOR: f64 = 1769.0;
/// How long a function waits for one call of DynamoDB, SQS or SNS.
pub const WAIT_MS: f64 = 5.0;
/// The share of requests that find no warm function: AWS says that it is under one in a hundred.
/// <https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/>
pub const COLD_STARTS: f64 = 0.01;
/// Added to the measured start: the sandbox's part, TLS handshakes, and the two calls of a start.
pub const START_EXTRA_MS: f64 = 100.0;
/// START, END and REPORT of one invocation.
/// <https://wallstrdev.de/are-your-aws-lambda-functions-leaking-money-the-hidden-cost-of-cloudwatch-report-logs-2/>
pub const PLATFORM_LOG_BYTES: f64 = 300.0;
/// One line of the API's access log.
pub const ACCESS_LOG_BYTES: f64 = 400.0;
/// An action in the table, with DynamoDB's 100 bytes for each item; kept for 31 days.
pub const ITEM_BYTES: f64 = 1000.0;
/// An opened data key is kept for five minutes, here and in DynamoDB: windows of a month.
pub const KEY_WINDOWS: f64 = 30.0 * 24.0 * 12.0;
/// Copies of each function that are warm all month.
pub const WARM_COPIES: f64 = 2.0;
/// Lambda's pollers of an idle queue, each of which waits 20 seconds at a time.
pub const IDLE_POLLS: f64 = 5.0 * 3.0 * 60.0 * 24.0 * 30.0;

/// What the stack has, whoever uses it: keys, metrics of alarms and dashboards of template.yaml; metrics of
/// shared/domain/src/metrics.rs (four of each of ten functions, twenty-five of all).
pub const KEYS: f64 = 3.0;
pub const METRICS: f64 = 4.0 * 10.0 + 25.0;
pub const ALARM_METRICS: f64 = 32.0;
pub const DASHBOARDS: f64 = 1.0;

/// What others ask for the same, as they are quoted.
pub struct Vendor {
    pub name: &'static str,
    pub price: &'static str,
    /// For a million, where the price is by verification or user; see `USER_VERIFIES`.
    pub million: Million,
    pub source: &'static str,
}

pub enum Million {
    /// USD for one verification.
    Each(f64),
    /// USD a user and month.
    User(f64),
    /// What the plan includes is less than a million takes.
    NotListed,
}

/// How often a user verifies in a month, to compare prices by user with prices by verification.
pub const USER_VERIFIES: f64 = 30.0;

pub const VENDORS: [Vendor; 5] = [
    Vendor {
        name: "Twilio Verify",
        price: "$0.05 per successful verification, plus the channel's fee (none is listed for TOTP)",
        million: Million::Each(0.05),
        source: "twilio.com/en-us/verify/pricing as quoted on 2026-10-03; [modxcms](https://www.github.com/modxcms/twilio/wiki), 2022-10-11, says the same",
    },
    Vendor {
        name: "Telnyx Verify",
        price: "$0.03 per successful verification, plus the channel's fee; codes by SMS, voice and WhatsApp alone",
        million: Million::Each(0.03),
        source: "telnyx.com/pricing/verify-api as quoted by [api-evangelist](https://github.com/api-evangelist/telnyx-verify), 2026-07-11",
    },
    Vendor {
        name: "Cisco Duo Essentials",
        price: "$3 a user and month (Advantage 6, Premier 9)",
        million: Million::User(3.0),
        source: "duo.com/editions-and-pricing as quoted on 2026-09-29",
    },
    Vendor {
        name: "Auth0 Essentials",
        price: "from $35 a month (B2C) for 500 monthly users, with Pro MFA; Professional, with Enterprise MFA, from $240",
        million: Million::NotListed,
        source: "auth0.com/pricing as quoted by [api-evangelist](https://github.com/api-evangelist/auth0), 2026-09-20",
    },
    Vendor {
        name: "Authsignal",
        price: "not found",
        million: Million::NotListed,
        source: "no stored copy of authsignal.com/pricing",
    },
];
