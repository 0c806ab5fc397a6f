//! A network that fails on command, between the SDK and the embedded store. What the emulator never shows of
//! itself (contention, throttling, lost acknowledgements, stale reads) happens here, and so do the seeded mutants
//! of the store: a mutant changes a request on its way, as a mistake in the store would.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use countersign_local::embedded::{Embedded, operation};
use serde_json::{Value, json};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request never arrives.
    DropBefore,
    /// It is carried out, and the answer is lost.
    DropAfter,
    /// 500, and nothing happened.
    ErrorBefore,
    /// 500, and yet it happened (DynamoDB says so of a 500 on a write).
    ErrorAfter,
    /// Throughput exceeded; nothing happened.
    Throttle,
    /// Another write had the item; nothing happened.
    Conflict,
    /// The answer takes its time: other tasks run first.
    Delay,
}

impl Fault {
    pub const ALL: [Self; 7] = [
        Self::DropBefore,
        Self::DropAfter,
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::Throttle,
        Self::Conflict,
        Self::Delay,
    ];
}

/// A mistake in the store: gets the operation and its request, and changes it, or answers in its place.
pub type Mutant = Arc<dyn Fn(&str, Value) -> Mutated + Send + Sync>;

/// What a mutant makes of a request.
pub enum Mutated {
    /// Send this instead.
    Send(Value),
    /// Send nothing, and say it went well.
    Pretend(Value),
}

#[derive(Default)]
struct Plan {
    /// Calls seen, oldest first.
    calls: Vec<String>,
    /// Reads that did not ask for consistency.
    inconsistent_reads: usize,
    /// From call number `.0` on (counted from 0 since the last `clear`), for `.1` calls, this happens.
    fault: Option<(usize, usize, Fault)>,
    mutant: Option<Mutant>,
    /// Transactions that were carried out, by their token.
    answered: HashMap<String, Value>,
    /// A replica that is `lag` writes behind, which answers reads that do not ask for consistency.
    replica: Option<Replica>,
    weather: Option<Weather>,
}

/// How long each call takes, and which of them fail: drawn from a seed.
struct Weather {
    draw: Draw,
    percent: u64,
}

/// What the weather has for one call: turns of other tasks before and after it, and perhaps a fault.
type Forecast = (u64, u64, Option<Fault>);

impl Weather {
    fn next(&mut self, is_write: bool) -> Forecast {
        let (before, after) = (self.draw.below(40), self.draw.below(40));
        let fault = (self.draw.below(100) < self.percent).then(|| *self.draw.pick(&Fault::ALL));
        // A read holds no item: nothing conflicts with it.
        (before, after, fault.filter(|fault| is_write || *fault != Fault::Conflict))
    }
}

/// Pseudo-random numbers that a seed brings back (SplitMix64).
pub struct Draw(u64);

impl Draw {
    pub fn from(seed: u64) -> Self {
        Self(seed)
    }
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(all.len() as u64)).expect("an index");
        &all[index]
    }
}

struct Replica {
    store: Embedded,
    lag: usize,
    waiting: Vec<(String, Vec<u8>)>,
}

/// The network. Clones are the same one.
#[derive(Clone)]
pub struct Faults {
    embedded: Embedded,
    plan: Arc<Mutex<Plan>>,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faults")
    }
}

impl Faults {
    pub fn over(embedded: Embedded) -> Self {
        Self { embedded, plan: Arc::default() }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().expect("no test panics in here")
    }

    /// Forgets calls and faults; a mutant and a replica stay.
    pub fn clear(&self) {
        let mut plan = self.plan();
        plan.calls.clear();
        plan.fault = None;
        plan.inconsistent_reads = 0;
    }

    /// From the call number `call` after this on, `times` calls fail so.
    pub fn fail(&self, call: usize, times: usize, fault: Fault) {
        self.clear();
        self.plan().fault = Some((call, times, fault));
    }

    /// From now on each call takes a while of its own, and `percent` of them fail, as this seed has it; a `clear`
    /// leaves it on. With 0 percent calls still overtake each other: in the embedded store itself they never do.
    pub fn weather(&self, seed: u64, percent: u64) {
        self.plan().weather = Some(Weather { draw: Draw::from(seed), percent });
    }

    /// The operations called since the last `clear`.
    pub fn calls(&self) -> Vec<String> {
        self.plan().calls.clone()
    }

    pub fn inconsistent_reads(&self) -> usize {
        self.plan().inconsistent_reads
    }

    pub fn mutate(&self, mutant: Mutant) {
        self.plan().mutant = Some(mutant);
    }

    /// From now on, reads that do not ask for consistency see the store as it was `lag` writes ago. Call it
    /// before the first write: the replica has only what it sees.
    pub fn lag_behind(&self, lag: usize) {
        let store = Embedded::memory().expect("a store in memory");
        let table = json!({
            "TableName": countersign_local::embedded::TABLE, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"},
                {"AttributeName": "ux", "AttributeType": "S"},
            ],
            "GlobalSecondaryIndexes": [{
                "IndexName": "users", "KeySchema": [{"AttributeName": "ux", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["enr", "seen"]},
            }],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        });
        store.answer("CreateTable", table.to_string().as_bytes());
        // What is there already, the replica has too.
        let everything = self
            .embedded
            .answer("Scan", json!({"TableName": countersign_local::embedded::TABLE}).to_string().as_bytes());
        let everything: Value =
            serde_json::from_slice(everything.body().bytes().unwrap_or_default()).unwrap_or_default();
        for item in everything["Items"].as_array().into_iter().flatten() {
            let put = json!({"TableName": countersign_local::embedded::TABLE, "Item": item});
            store.answer("PutItem", put.to_string().as_bytes());
        }
        self.plan().replica = Some(Replica { store, lag, waiting: Vec::new() });
    }

    /// Carries a request out once: a transaction with a token that was carried out is answered as it was then, as
    /// DynamoDB does for ten minutes.
    fn carry_out(&self, operation: &str, body: &[u8]) -> HttpResponse {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(token) = request["ClientRequestToken"].as_str() else { return self.apply(operation, body) };
        if let Some(answer) = self.plan().answered.get(token) {
            return response(200, answer.clone());
        }
        let answer = self.apply(operation, body);
        if answer.status().is_success() {
            let body = serde_json::from_slice(answer.body().bytes().unwrap_or_default()).unwrap_or_default();
            self.plan().answered.insert(token.to_owned(), body);
        }
        answer
    }

    fn apply(&self, operation: &str, body: &[u8]) -> HttpResponse {
        let is_read = is_read(operation);
        if is_read && !asks_for_consistency(body) {
            let mut plan = self.plan();
            // No index can be read consistently; what is read of one may decide nothing.
            plan.inconsistent_reads += usize::from(!is_of_an_index(body));
            if let Some(replica) = &plan.replica {
                return replica.store.answer(operation, body);
            }
        }
        // Held across the write, so that the replica sees writes in the order in which they happened.
        let mut plan = self.plan();
        if plan.replica.is_none() || is_read {
            drop(plan);
            return self.embedded.answer(operation, body);
        }
        let answer = self.embedded.answer(operation, body);
        if let Some(replica) = &mut plan.replica {
            replica.waiting.push((operation.to_owned(), body.to_vec()));
            while replica.waiting.len() > replica.lag {
                let (operation, body) = replica.waiting.remove(0);
                replica.store.answer(&operation, &body);
            }
        }
        answer
    }
}

pub fn is_read(operation: &str) -> bool {
    matches!(operation, "GetItem" | "BatchGetItem" | "Query")
}

/// `ConsistentRead` of a read, or of the one table of a batch.
fn asks_for_consistency(body: &[u8]) -> bool {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let of_batch = request["RequestItems"]
        .as_object()
        .is_some_and(|tables| tables.values().all(|table| table["ConsistentRead"] == true));
    request["ConsistentRead"] == true || of_batch
}

fn is_of_an_index(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).unwrap_or_default()["IndexName"].is_string()
}

fn exception(status: u16, name: &str, more: Value) -> HttpResponse {
    let mut body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": "injected" });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    response(status, body)
}

fn response(status: u16, body: Value) -> HttpResponse {
    let mut response =
        HttpResponse::new(StatusCode::try_from(status).expect("a status"), SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

fn lost() -> ConnectorError {
    ConnectorError::io(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into())
}

impl Faults {
    /// What comes back over this network, fault and all.
    fn answer(&self, operation: &str, body: &[u8], fault: Option<Fault>) -> Result<HttpResponse, ConnectorError> {
        match fault {
            None | Some(Fault::Delay) => Ok(self.carry_out(operation, body)),
            Some(Fault::DropBefore) => Err(lost()),
            Some(Fault::DropAfter) => {
                self.carry_out(operation, body);
                Err(lost())
            }
            Some(Fault::ErrorBefore) => Ok(exception(500, "InternalServerError", json!({}))),
            Some(Fault::ErrorAfter) => {
                self.carry_out(operation, body);
                Ok(exception(500, "InternalServerError", json!({})))
            }
            Some(Fault::Throttle) => Ok(exception(400, "ProvisionedThroughputExceededException", json!({}))),
            Some(Fault::Conflict) if operation == "TransactWriteItems" => {
                let request: Value = serde_json::from_slice(body).unwrap_or_default();
                let writes = request["TransactItems"].as_array().map_or(0, Vec::len);
                let mut reasons = vec![json!({ "Code": "None" }); writes];
                reasons[0] = json!({ "Code": "TransactionConflict", "Message": "injected" });
                Ok(exception(400, "TransactionCanceledException", json!({ "CancellationReasons": reasons })))
            }
            Some(Fault::Conflict) => Ok(exception(400, "TransactionConflictException", json!({}))),
        }
    }
}

impl HttpConnector for Faults {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = operation(&request);
        let mut body = request.body().bytes().unwrap_or_default().to_vec();
        let (fault, mutant, forecast) = {
            let mut plan = self.plan();
            let number = plan.calls.len();
            plan.calls.push(operation.clone());
            let due = |(from, times, fault): (usize, usize, Fault)| {
                (from..from.saturating_add(times)).contains(&number).then_some(fault)
            };
            let forecast = plan.weather.as_mut().map(|weather| weather.next(!is_read(&operation)));
            (plan.fault.and_then(due), plan.mutant.clone(), forecast)
        };
        if let Some(mutant) = mutant {
            match mutant(&operation, serde_json::from_slice(&body).unwrap_or_default()) {
                Mutated::Send(changed) => body = changed.to_string().into_bytes(),
                Mutated::Pretend(answer) => return HttpConnectorFuture::ready(Ok(response(200, answer))),
            }
        }
        let (before, after, chance) = forecast.unwrap_or_default();
        let fault = fault.or(chance);
        let before = if fault == Some(Fault::Delay) { before + 64 } else { before };
        if before + after == 0 {
            return HttpConnectorFuture::ready(self.answer(&operation, &body, fault));
        }
        let network = self.clone();
        HttpConnectorFuture::new(async move {
            turns(before).await;
            let answer = network.answer(&operation, &body, fault);
            turns(after).await;
            answer
        })
    }
}

/// Lets other tasks run so many times.
async fn turns(count: u64) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

impl HttpClient for Faults {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
