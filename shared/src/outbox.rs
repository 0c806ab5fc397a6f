//! Where pushes wait to be sent: a queue of AWS, or one in the process that keeps its rules.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_sqs::{
    Client,
    config::Builder,
    error::{ProvideErrorMetadata, SdkError},
    types::{Message as SqsMessage, QueueAttributeName, SendMessageBatchRequestEntry},
};
use tokio::sync::Notify;

use crate::{clock::Timestamp, delivery::Delivery, error::Error, store::cause::cause};

/// A closed enum, because a queue of AWS has no emulator in process.
pub enum Outbox {
    /// Nothing is sent from here.
    None,
    Sqs {
        client: Client,
        url: String,
    },
    Local(LocalQueue),
}

impl Outbox {
    pub fn sqs(config: impl Into<Builder>, url: impl Into<String>) -> Self {
        Self::Sqs { client: Client::from_conf(config.into().build()), url: url.into() }
    }

    /// Takes all messages, at most ten, in one call; 503 where none was taken. For each, whether it was.
    pub async fn send(&self, deliveries: &[Delivery]) -> Result<Vec<bool>, Error> {
        let bodies = deliveries.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
        let bodies = bodies.map_err(Error::internal)?;
        match self {
            Self::None => Err(Error::unavailable("this function has no queue")),
            Self::Local(queue) => {
                bodies.into_iter().for_each(|body| queue.send(body));
                Ok(vec![true; deliveries.len()])
            }
            Self::Sqs { client, url } => send_batch(client, url, bodies).await,
        }
    }
}

async fn send_batch(client: &Client, url: &str, bodies: Vec<String>) -> Result<Vec<bool>, Error> {
    let count = bodies.len();
    let mut request = client.send_message_batch().queue_url(url);
    for (index, body) in bodies.into_iter().enumerate() {
        let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body);
        request = request.entries(entry.build().map_err(Error::internal)?);
    }
    let sent = request.send().await.map_err(|error| Error::unavailable(cause(&error)))?;
    let taken = |index: usize| sent.successful().iter().any(|one| one.id() == index.to_string());
    let taken: Vec<bool> = (0..count).map(taken).collect();
    if taken.contains(&true) { Ok(taken) } else { Err(Error::unavailable("the queue took no message")) }
}

/// The queue as its consumer knows it.
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    pub fn of(config: impl Into<Builder>, url: impl Into<String>) -> Self {
        Self { client: Client::from_conf(config.into().build()), url: url.into() }
    }

    /// Shows a message again after so long. Where that fails, it comes back when its ordinary time is over.
    pub async fn show_again(&self, receipt: &str, seconds: u64) {
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        let request = self.client.change_message_visibility().queue_url(&self.url);
        if let Err(error) = request.receipt_handle(receipt).visibility_timeout(seconds).send().await {
            tracing::warn!(event = "visibility_unchanged", cause = cause(&error));
        }
    }
}

/// The queue as its operator knows it.
impl Queue {
    /// How many messages there are, about: those that wait and those that are being looked at.
    pub async fn depth(&self) -> Result<u64, Error> {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Waiting, ApproximateNumberOfMessagesNotVisible as Hidden,
        };
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = request.attribute_names(Waiting).attribute_names(Hidden).send().await.map_err(unanswered)?;
        let count = |name| answer.attributes()?.get(&name)?.parse::<u64>().ok();
        Ok(count(Waiting).unwrap_or(0) + count(Hidden).unwrap_or(0))
    }

    async fn receive(&self, seconds: i32) -> Result<Vec<SqsMessage>, Error> {
        let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
        // A short poll asks a few of the queue's machines and may miss what is there.
        let answer = request.visibility_timeout(seconds).wait_time_seconds(1).send().await.map_err(unanswered)?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// The bodies of some messages, which stay where they are.
    pub async fn peek(&self) -> Result<Vec<String>, Error> {
        Ok(self.receive(0).await?.into_iter().filter_map(|message| message.body).collect())
    }

    /// Moves all messages to another queue, and says how many so far; how many that were. Each is sent before it is
    /// deleted: one that is cut short sends some twice, and loses none.
    pub async fn move_all_to(&self, other: &Self, said: impl Fn(usize)) -> Result<usize, Error> {
        let mut moved = 0;
        loop {
            let messages = self.receive(60).await?;
            if messages.is_empty() {
                return Ok(moved);
            }
            for message in messages {
                let body = message.body.unwrap_or_default();
                other
                    .client
                    .send_message()
                    .queue_url(&other.url)
                    .message_body(body)
                    .send()
                    .await
                    .map_err(unanswered)?;
                let delete = self.client.delete_message().queue_url(&self.url);
                let delete = delete.receipt_handle(message.receipt_handle.unwrap_or_default());
                delete.send().await.map_err(unanswered)?;
                moved += 1;
            }
            said(moved);
        }
    }
}

fn unanswered<E: ProvideErrorMetadata + std::error::Error + 'static>(error: SdkError<E>) -> Error {
    Error::unavailable(cause(&error))
}

/// A queue in the process, with the rules of SQS: a message that is received is hidden for a while, and comes back
/// unless it is deleted; one that was received too often is put aside. It ends with the process: a device that was not
/// told can ask, and a challenge lives for two minutes.
#[derive(Clone, Default)]
pub struct LocalQueue(Arc<Inner>);

#[derive(Default)]
struct Inner {
    messages: Mutex<Messages>,
    arrived: Notify,
}

#[derive(Default)]
struct Messages {
    waiting: Vec<Waiting>,
    dead: Vec<String>,
    next: u64,
}

struct Waiting {
    id: u64,
    body: String,
    receives: u32,
    /// Milliseconds.
    hidden_until: i64,
}

/// A message as it is received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    id: u64,
    pub body: String,
    /// How often it has been received, this time included.
    pub receives: u32,
}

impl LocalQueue {
    /// As template.yaml has them.
    pub const VISIBILITY_SECONDS: i64 = 60;
    pub const MOST_RECEIVES: u32 = 5;
    pub const BATCH: usize = 10;

    fn with<T>(&self, what: impl FnOnce(&mut Messages) -> T) -> T {
        what(&mut self.0.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn send(&self, body: impl Into<String>) {
        self.with(|all| {
            all.next += 1;
            let (id, body) = (all.next, body.into());
            all.waiting.push(Waiting { id, body, receives: 0, hidden_until: 0 });
        });
        self.0.arrived.notify_one();
    }

    /// Up to ten messages that are not hidden; they are from now on.
    pub fn receive(&self, now: Timestamp) -> Vec<Message> {
        let now = now.as_millisecond();
        self.with(|all| {
            let over = |one: &Waiting| one.hidden_until <= now && one.receives >= Self::MOST_RECEIVES;
            let (dead, kept) = std::mem::take(&mut all.waiting).into_iter().partition(over);
            all.waiting = kept;
            all.dead.extend(Vec::<Waiting>::into_iter(dead).map(|one| one.body));
            let visible = all.waiting.iter_mut().filter(|one| one.hidden_until <= now).take(Self::BATCH);
            visible
                .map(|one| {
                    one.receives += 1;
                    one.hidden_until = now + Self::VISIBILITY_SECONDS * 1000;
                    Message { id: one.id, body: one.body.clone(), receives: one.receives }
                })
                .collect()
        })
    }

    pub fn delete(&self, message: &Message) {
        self.with(|all| all.waiting.retain(|one| one.id != message.id));
    }

    /// Shows a message again after so long, instead of after the ordinary time.
    pub fn hide(&self, message: &Message, time: Duration, now: Timestamp) {
        let until = now.as_millisecond() + i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.with(|all| {
            if let Some(one) = all.waiting.iter_mut().find(|one| one.id == message.id) {
                one.hidden_until = until;
            }
        });
    }

    /// How many wait, and how many were put aside.
    pub fn depth(&self) -> (usize, usize) {
        self.with(|all| (all.waiting.len(), all.dead.len()))
    }

    /// Sends again what was put aside; how many that were.
    pub fn redrive(&self) -> usize {
        let dead = self.with(|all| std::mem::take(&mut all.dead));
        let count = dead.len();
        dead.into_iter().for_each(|body| self.send(body));
        count
    }

    /// Resolves when a message was sent.
    pub async fn arrived(&self) {
        self.0.arrived.notified().await;
    }
}
