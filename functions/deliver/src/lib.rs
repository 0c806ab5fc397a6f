//! Deliver: one message of the delivery queue is one push to one device.

use std::{process::ExitCode, time::Duration};

use countersign_core::{
    app::App,
    challenge::{Challenge, State},
    clock::Timestamp,
    courier::{Courier, Push, Refusal},
    delivery::{Delivery, Outcome},
    error::Error,
    metrics::{Counter, count},
    outbox::LocalQueue,
    store::{Addressed, Recipient},
};
use futures_util::future::join_all;

/// A challenge is written some milliseconds after its messages were sent (design.md, "Enqueue, then commit"). It is
/// read this often before the message goes back to the queue.
const READS: u32 = 4;
const BETWEEN_READS: Duration = Duration::from_millis(50);

/// A challenge that is not there after this time was never written: no function that writes one runs that long.
const UNWRITTEN_SECONDS: i64 = 10;

/// The function: delivers what the queue hands it until the process ends.
pub fn run() -> ExitCode {
    countersign_core::lambda::consume(deliver)
}

/// Sends what a message asks for.
///
/// `Later` gives it back to its queue for a while: the challenge is not there yet, or the push service cannot take it
/// now. An error is a message that cannot be read, or a store that does not answer: the queue gives it back by itself,
/// and puts it aside in the end. Nothing of it holds up another message.
pub async fn deliver(
    app: &App,
    courier: &Courier,
    body: &str,
    receives: u32,
    now: Timestamp,
) -> Result<Outcome, Error> {
    let delivery = Delivery::parse(body)?;
    let Delivery { tenant_id: tenant, challenge_id: challenge, .. } = &delivery;
    let dropped = |why: &str| {
        tracing::info!(event = "push_dropped", %tenant, %challenge, why);
        Ok(Outcome::Done)
    };
    if delivery.is_over(now) {
        return dropped("the challenge is over");
    }
    let Some(Addressed { challenge: found, recipient }) = read(app, &delivery).await? else {
        if now.as_second() >= delivery.enqueued_at + UNWRITTEN_SECONDS {
            return dropped("the challenge was never written");
        }
        return Ok(Outcome::Later { seconds: 1 << receives.clamp(1, 5).saturating_sub(1) });
    };
    if found.state_at(now) != State::Pending {
        return dropped("the challenge is over");
    }
    match recipient {
        Some(recipient) => send(app, courier, &delivery, &found, &recipient, receives, now).await,
        None => dropped("the device is gone"),
    }
}

async fn read(app: &App, delivery: &Delivery) -> Result<Option<Addressed>, Error> {
    let store = app.store().tenant(&delivery.tenant_id);
    for _ in 1..READS {
        let found = store.address(&delivery.challenge_id, &delivery.user_authenticator_id).await?;
        if found.is_some() {
            return Ok(found);
        }
        tokio::time::sleep(BETWEEN_READS).await;
    }
    store.address(&delivery.challenge_id, &delivery.user_authenticator_id).await
}

async fn send(
    app: &App,
    courier: &Courier,
    delivery: &Delivery,
    challenge: &Challenge,
    Recipient { device, address }: &Recipient,
    receives: u32,
    now: Timestamp,
) -> Result<Outcome, Error> {
    let Delivery { tenant_id, user_authenticator_id: id, .. } = delivery;
    let Some(tenant) = app.tenant(tenant_id).await? else { return Ok(Outcome::Done) };
    let Some(subject) = &challenge.subject else { return Ok(Outcome::Done) };
    let store = app.store().tenant(tenant_id);
    let push = Push {
        kind: challenge.kind,
        facts: challenge.context.facts.as_ref(),
        challenge: &challenge.id,
        device,
        address,
        settings: &tenant.settings().push,
        vapid: if device.is_browser() { app.web_push_key(&tenant).await? } else { None },
        now,
        seconds: challenge.expires_at.as_second() - now.as_second(),
    };
    let token = address.push_token.as_deref();
    match courier.send(&push).await {
        Ok(made) => {
            count(Counter::PushesSent);
            tracing::info!(event = "push_sent", tenant = %tenant_id, challenge = %challenge.id, authenticator = %id);
            if let (Some(endpoint), Some(token)) = (made, token) {
                store.set_endpoint(&subject.user, id, token, &endpoint).await?;
            }
            Ok(Outcome::Done)
        }
        Err(Refusal::Gone(code)) => {
            count(Counter::PushesFailed);
            tracing::warn!(event = "device_unreachable", tenant = %tenant_id, authenticator = %id, code);
            store.mark_unreachable(&subject.user, id, token, code, now).await?;
            Ok(Outcome::Done)
        }
        Err(Refusal::NotConfigured(what)) => {
            count(Counter::PushesFailed);
            tracing::error!(event = "push_not_configured", tenant = %tenant_id, what, "run `countersign push set`");
            Ok(Outcome::Done)
        }
        Err(Refusal::Later(cause)) => {
            count(Counter::PushesFailed);
            tracing::warn!(event = "push_delayed", tenant = %tenant_id, challenge = %challenge.id, cause);
            // 5, 10, 20 and 40 s: five receives outlast a minute in which the service is down.
            Ok(Outcome::Later { seconds: 5 << receives.clamp(1, 5).saturating_sub(1) })
        }
    }
}

/// Delivers what waits in a queue of the process, once; how many messages that were.
pub async fn drain(queue: &LocalQueue, app: &App, courier: &Courier) -> usize {
    let messages = queue.receive(app.now());
    // All at once, as on Lambda: one whose challenge is not written yet holds up none of its neighbours.
    join_all(messages.iter().map(async |message| {
        match deliver(app, courier, &message.body, message.receives, app.now()).await {
            Ok(Outcome::Done) => queue.delete(message),
            Ok(Outcome::Later { seconds }) => queue.hide(message, Duration::from_secs(seconds), app.now()),
            Err(error) => {
                let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                tracing::error!(event = "delivery_failed", cause);
            }
        }
    }))
    .await
    .len()
}
