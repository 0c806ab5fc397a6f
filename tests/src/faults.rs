//! A network that fails on command, between the SDK and the embedded store. What the emulator never shows of
//! itself (contention, throttling, lost acknowledgements, stale reads) happens here, and so do the seeded mutants
//! of the store: a mutant changes a request on its way, as a mistake in the store would.

use std::{
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
    /// A replica that is `lag` writes behind, which answers reads that do not ask for consistency.
    replica: Option<Replica>,
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
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}],
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

    fn carry_out(&self, operation: &str, body: &[u8]) -> HttpResponse {
        let is_read = matches!(operation, "GetItem" | "BatchGetItem" | "Query");
        if is_read && !asks_for_consistency(body) {
            let mut plan = self.plan();
            plan.inconsistent_reads += 1;
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

/// `ConsistentRead` of a read, or of the one table of a batch.
fn asks_for_consistency(body: &[u8]) -> bool {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let of_batch = request["RequestItems"]
        .as_object()
        .is_some_and(|tables| tables.values().all(|table| table["ConsistentRead"] == true));
    request["ConsistentRead"] == true || of_batch
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

impl HttpConnector for Faults {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = operation(&request);
        let mut body = request.body().bytes().unwrap_or_default().to_vec();
        let (fault, mutant) = {
            let mut plan = self.plan();
            let number = plan.calls.len();
            plan.calls.push(operation.clone());
            let due =
                |(from, times, fault): (usize, usize, Fault)| (from..from + times).contains(&number).then_some(fault);
            (plan.fault.and_then(due), plan.mutant.clone())
        };
        if let Some(mutant) = mutant {
            match mutant(&operation, serde_json::from_slice(&body).unwrap_or_default()) {
                Mutated::Send(changed) => body = changed.to_string().into_bytes(),
                Mutated::Pretend(answer) => return HttpConnectorFuture::ready(Ok(response(200, answer))),
            }
        }
        match fault {
            None => HttpConnectorFuture::ready(Ok(self.carry_out(&operation, &body))),
            Some(Fault::DropBefore) => HttpConnectorFuture::ready(Err(lost())),
            Some(Fault::DropAfter) => {
                self.carry_out(&operation, &body);
                HttpConnectorFuture::ready(Err(lost()))
            }
            Some(Fault::ErrorBefore) => {
                HttpConnectorFuture::ready(Ok(exception(500, "InternalServerError", json!({}))))
            }
            Some(Fault::ErrorAfter) => {
                self.carry_out(&operation, &body);
                HttpConnectorFuture::ready(Ok(exception(500, "InternalServerError", json!({}))))
            }
            Some(Fault::Throttle) => {
                HttpConnectorFuture::ready(Ok(exception(400, "ProvisionedThroughputExceededException", json!({}))))
            }
            Some(Fault::Conflict) if operation == "TransactWriteItems" => {
                let request: Value = serde_json::from_slice(&body).unwrap_or_default();
                let writes = request["TransactItems"].as_array().map_or(0, Vec::len);
                let mut reasons = vec![json!({ "Code": "None" }); writes];
                reasons[0] = json!({ "Code": "TransactionConflict", "Message": "injected" });
                let more = json!({ "CancellationReasons": reasons });
                HttpConnectorFuture::ready(Ok(exception(400, "TransactionCanceledException", more)))
            }
            Some(Fault::Conflict) => {
                HttpConnectorFuture::ready(Ok(exception(400, "TransactionConflictException", json!({}))))
            }
            Some(Fault::Delay) => {
                let network = self.clone();
                HttpConnectorFuture::new(async move {
                    for _ in 0..64 {
                        tokio::task::yield_now().await;
                    }
                    Ok(network.carry_out(&operation, &body))
                })
            }
        }
    }
}

impl HttpClient for Faults {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
