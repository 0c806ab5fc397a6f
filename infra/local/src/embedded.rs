//! dynoxide, an embeddable DynamoDB on SQLite, as the HTTP client under the ordinary aws-sdk-dynamodb: the same
//! requests and the same answers as over the network, without one.

use std::{
    fmt,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Region, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig},
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
use aws_smithy_types::{body::SdkBody, retry::ReconnectMode};
use dynoxide::{Database, DynoxideError, actions::transact_write_items::TransactWriteItemsRequest};

use crate::{ahead::Keeper, opened::Opened};

/// So long a call waits for its answer, and for its turn to write. The rest of a request still fits into five seconds, the
/// time that a call of the store in AWS may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// The same for what is done to the whole table when a server starts, such as a new index of an old table.
const PATIENCE_FOR_A_TABLE: Duration = Duration::from_secs(3600);

/// The table's name in an embedded database.
pub const TABLE: &str = "countersign";

/// An embedded database; clones share it.
#[derive(Clone)]
pub struct Embedded {
    /// Closed before what stands below.
    database: Database,
    /// The files it is kept in, where it is. SQLite may wait there for the disk, or for a lock that somebody else
    /// holds: it is taken off the threads that serve requests.
    opened: Option<Arc<Opened>>,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Embedded")
    }
}

impl Embedded {
    /// A database that ends with the process.
    pub fn memory() -> Result<Self, DynoxideError> {
        Ok(Self { database: Database::memory()?, opened: None })
    }

    /// A database in a file, made where it is missing.
    ///
    /// A killed process loses nothing that was acknowledged. A power cut may lose the last moments, but never
    /// damages the file (SQLite: WAL with synchronous=NORMAL); `durable` waits for the disk at each write instead.
    pub(crate) fn file(path: &Path, durable: bool, keeper: Keeper) -> Result<Self, DynoxideError> {
        let database = Database::new(text(path)?)?;
        if !durable {
            // The one call of dynoxide that sets synchronous=NORMAL; everything else it sets is the default.
            database.disable_bulk_loading()?;
        }
        Ok(Self { database, opened: Some(Arc::new(Opened::now(path, keeper))) })
    }

    /// See [`Opened::begin`].
    pub(crate) fn begin(&self, says_so: bool) -> rusqlite::Result<()> {
        self.opened.as_ref().map_or(Ok(()), |opened| opened.begin(says_so))
    }

    /// Ends a database in a file: nothing is written any more, and a copy of the one file has everything.
    pub fn end(&self) {
        let ended = self.opened.as_ref().map_or(Ok(()), |opened| opened.end());
        if let Err(error) = ended {
            eprintln!("countersign: the database stays in two files, which belong together: {error}");
        }
    }

    /// Writes all of it to a new file.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<(), DynoxideError> {
        self.database.vacuum_into(text(path)?)
    }

    /// Whether its table holds anything. One that cannot be read may.
    pub(crate) fn has_items(&self) -> bool {
        let one = serde_json::json!({ "TableName": TABLE, "Limit": 1 }).to_string();
        let answer = self.answer("Scan", one.as_bytes());
        let found: serde_json::Value =
            serde_json::from_slice(answer.body().bytes().unwrap_or_default()).unwrap_or_default();
        !answer.status().is_success() || found["Count"] != 0
    }

    /// Writes, in its turn where the database is in a file.
    fn write<T>(&self, until: Instant, write: impl FnOnce() -> Result<T, DynoxideError>) -> Result<T, DynoxideError> {
        let Some(opened) = &self.opened else { return write() };
        let busy = || DynoxideError::InternalServerError("another program holds the database's lock".into());
        let _turn = opened.turn(until).ok_or_else(busy)?;
        self.may_write()?;
        write().inspect_err(|error| {
            // dynoxide hands some errors of SQLite on as text alone.
            if error.to_string().contains("database is locked") {
                opened.doubt();
            }
        })
    }

    fn may_write(&self) -> Result<(), DynoxideError> {
        let why_not = self.opened.as_ref().and_then(|opened| opened.why_not());
        why_not.map_or(Ok(()), |why_not| Err(DynoxideError::InternalServerError(why_not.into())))
    }

    /// The ordinary SDK client on top of this database.
    pub fn client(&self) -> Client {
        client(self.clone())
    }

    /// Removes items whose time is over; on AWS that happens by itself.
    pub fn sweep(&self) -> Result<usize, DynoxideError> {
        self.may_write()?;
        match self.opened.as_ref() {
            // It takes a lock for each page, and everybody would wait for each.
            Some(opened) if opened.turn(Instant::now() + PATIENCE).is_none() => Ok(0),
            _ => self.database.sweep_ttl(),
        }
    }

    /// Answers one request of the DynamoDB protocol: its operation and its JSON body.
    pub fn answer(&self, operation: &str, body: &[u8]) -> HttpResponse {
        self.answer_by(Instant::now() + PATIENCE, operation, body)
    }

    /// Answers it in its turn, unless that comes too late.
    fn answer_by(&self, until: Instant, operation: &str, body: &[u8]) -> HttpResponse {
        let answered = if is_read(operation) {
            dispatch(&self.database, operation, body)
        } else {
            self.write(until, || dispatch(&self.database, operation, body))
        };
        let answered = answered.map_err(|error| match error {
            // Validation of the request's shape comes out of serde with this mark (aws-local.md, section 2, pitfall b).
            DynoxideError::SerializationException(message) => match message.strip_prefix("VALIDATION:") {
                Some(message) => DynoxideError::ValidationException(message.into()),
                None => DynoxideError::SerializationException(message),
            },
            other => other,
        });
        let (status, body) = match answered {
            Ok(body) => (200, body),
            Err(error) => (error.status_code(), error.to_json().into_bytes()),
        };
        let status = StatusCode::try_from(status).unwrap_or_else(|_| StatusCode::from(http_500()));
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
        response
    }
}

fn text(path: &Path) -> Result<&str, DynoxideError> {
    path.to_str().ok_or_else(|| DynoxideError::ValidationException("the path is not UTF-8".into()))
}

fn is_read(operation: &str) -> bool {
    ["Get", "BatchGet", "Query", "Scan", "Describe"].iter().any(|reading| operation.starts_with(reading))
}

fn is_of_the_table(operation: &str) -> bool {
    operation.ends_with("Table") || operation.ends_with("TimeToLive")
}

fn http_500() -> axum::http::StatusCode {
    axum::http::StatusCode::INTERNAL_SERVER_ERROR
}

/// The ordinary SDK client over any stand-in for the network.
pub fn client(http: impl HttpClient + 'static) -> Client {
    client_with_attempts(http, 3)
}

/// The same, sending each call at most so many times.
pub fn client_with_attempts(http: impl HttpClient + 'static, attempts: u32) -> Client {
    let retries = RetryConfig::standard()
        .with_max_attempts(attempts)
        .with_initial_backoff(Duration::from_millis(2))
        // There are none: the SDK would say at each attempt that fails that it found no connection to close.
        .with_reconnect_mode(ReconnectMode::ReuseAllConnections);
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        // Nothing is signed: there is nobody to check it.
        .allow_no_auth()
        .endpoint_url("http://embedded.invalid")
        .retry_config(retries)
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http);
    Client::from_conf(config.build())
}

fn dispatch(database: &Database, operation: &str, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
    /// Each operation that the store uses, by its name on the wire; and Scan, for whoever looks at all of it.
    macro_rules! operations {
        ($($name:literal => $method:ident),* $(,)?) => {
            match operation {
                $($name => {
                    let request = serde_json::from_slice(body)
                        .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
                    let response = database.$method(request)?;
                    serde_json::to_vec(&response).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
                })*
                other => Err(DynoxideError::ValidationException(format!("the embedded store has no {other}"))),
            }
        };
    }
    if operation == "TransactWriteItems" {
        // Dropped: dynoxide goes through every token of the last ten minutes at each call, and nothing between
        // the SDK and this function can lose an answer, which is what the token is for.
        let mut request: TransactWriteItemsRequest =
            serde_json::from_slice(body).map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
        request.client_request_token = None;
        let response = database.transact_write_items(request)?;
        return serde_json::to_vec(&response).map_err(|error| DynoxideError::InternalServerError(error.to_string()));
    }
    operations! {
        "CreateTable" => create_table,
        "DescribeTable" => describe_table,
        "UpdateTable" => update_table,
        "DescribeTimeToLive" => describe_time_to_live,
        "UpdateTimeToLive" => update_time_to_live,
        "GetItem" => get_item,
        "BatchGetItem" => batch_get_item,
        "Query" => query,
        "Scan" => scan,
        "PutItem" => put_item,
        "UpdateItem" => update_item,
        "DeleteItem" => delete_item,
    }
}

impl HttpConnector for Embedded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = operation(&request);
        let Some(body) = request.body().bytes() else {
            return HttpConnectorFuture::ready(Err(ConnectorError::user("the body streams".into())));
        };
        if let Some(opened) = self.opened.clone() {
            let (embedded, body) = (self.clone(), body.to_vec());
            return HttpConnectorFuture::new(async move {
                let patience = if is_of_the_table(&operation) { PATIENCE_FOR_A_TABLE } else { PATIENCE };
                let until = Instant::now() + patience;
                let answer = tokio::task::spawn_blocking(move || embedded.answer_by(until, &operation, &body));
                match tokio::time::timeout(patience, answer).await {
                    Ok(answer) => answer.map_err(|stopped| ConnectorError::other(stopped.into(), None)),
                    // Not as a timeout, which the SDK would try again.
                    Err(_) => {
                        opened.doubt();
                        Err(ConnectorError::other("the database did not answer in time".into(), None))
                    }
                }
            });
        }
        HttpConnectorFuture::ready(Ok(self.answer(&operation, body)))
    }
}

/// `PutItem` of `x-amz-target: DynamoDB_20120810.PutItem`.
pub fn operation(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default().to_owned()
}

impl HttpClient for Embedded {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
