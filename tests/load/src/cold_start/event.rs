//! Events as Lambda hands them to a function.

use axum::body::Bytes;
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::{Result, aws::REGION};

/// An event, and the answer that it must get.
pub struct Request {
    event: Bytes,
    status: u16,
    holds: &'static str,
}

impl Request {
    pub fn event(&self) -> Bytes {
        self.event.clone()
    }

    pub fn check(&self, answer: &[u8]) -> Result<()> {
        let answer: Value = serde_json::from_slice(answer)?;
        // SQS is answered with the messages that failed.
        let status = answer["statusCode"].as_u64().unwrap_or(200);
        let body = answer["body"].as_str().map_or_else(|| answer.to_string(), str::to_owned);
        if status == u64::from(self.status) && body.contains(self.holds) {
            return Ok(());
        }
        Err(format!("not {} with {:?}: {answer}", self.status, self.holds).into())
    }
}

/// A request as API Gateway hands it to a function.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
pub struct Http<'a> {
    route: &'a str,
    pub path: String,
    parameters: Value,
    query: String,
    pub authorization: Option<String>,
    pub body: Option<Value>,
}

impl<'a> Http<'a> {
    pub fn to(route: &'a str) -> Self {
        let path = route.split_once(' ').map_or(route, |(_, path)| path).to_owned();
        Self { route, path, parameters: json!({}), query: String::new(), authorization: None, body: None }
    }
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.path = self.path.replace(&format!("{{{name}}}"), value);
        self.parameters[name] = value.into();
        self
    }
    pub fn key(mut self, key: &str) -> Self {
        self.authorization = Some(format!("Basic {}", BASE64.encode(format!("{key}:").as_bytes())));
        self
    }
    pub fn token(mut self, token: &str) -> Self {
        self.authorization = Some(format!("Bearer {token}"));
        self
    }
    pub fn query(mut self, query: String) -> Self {
        self.query = query;
        self
    }
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn method(&self) -> &'a str {
        self.route.split(' ').next().unwrap_or_default()
    }

    /// The request whose answer has this status and holds this text.
    pub fn expecting(self, status: u16, holds: &'static str) -> Request {
        let mut headers = json!({
            "accept": "application/json, text/html", "accept-encoding": "gzip, br", "host": "mfa.example.com",
            "user-agent": "cold-start/1 (a client of ordinary length; Linux x86_64)", "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443", "x-forwarded-proto": "https",
            "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
        });
        if let Some(authorization) = &self.authorization {
            headers["authorization"] = authorization.as_str().into();
        }
        let body = self.body.as_ref().map(Value::to_string);
        if let Some(body) = &body {
            headers["content-type"] = "application/json".into();
            headers["content-length"] = body.len().to_string().into();
        }
        let method = self.method();
        let event = json!({
            "version": "2.0", "routeKey": self.route, "rawPath": self.path, "rawQueryString": self.query,
            "headers": headers, "pathParameters": self.parameters, "body": body, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "000000000000", "apiId": "a1b2c3d4e5", "domainName": "mfa.example.com",
                "domainPrefix": "mfa", "requestId": "JKJaXmPLvHcESHA=", "routeKey": self.route, "stage": "$default",
                "time": "21/Nov/2026:10:00:00 +0000", "timeEpoch": 1_795_255_200_000_u64,
                "http": {"method": method, "path": self.path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                    "userAgent": "cold-start/1 (a client of ordinary length; Linux x86_64)"},
            },
        });
        Request { event: event.to_string().into(), status, holds }
    }
}

/// One message of the delivery queue, as SQS hands it over.
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
pub fn delivery(body: &str) -> Request {
    let event = json!({"Records": [{
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d", "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body, "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "messageAttributes": {},
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1545082649185"},
        "eventSource": "aws:sqs", "awsRegion": REGION,
        "eventSourceARN": format!("arn:aws:sqs:{REGION}:000000000000:delivery"),
    }]});
    Request { event: event.to_string().into(), status: 200, holds: r#""batchItemFailures":[]"# }
}
