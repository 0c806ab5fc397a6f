//! Deliver: one message of the delivery queue is one push to one device.

use countersign_core::{
    clock::Timestamp,
    courier::Courier,
    delivery::Delivery,
    error::Error,
    metrics::{Counter, count},
};

/// Sends what a message asks for. A message that is over is dropped; one that cannot be read or sent is an error, for
/// which the queue gives it back, and in the end puts it aside (SQS: the whole batch is not held up by it).
pub async fn deliver(courier: &Courier, body: &str, now: Timestamp) -> Result<(), Error> {
    let sent = send(courier, body, now).await;
    if sent.is_err() {
        count(Counter::PushesFailed);
    }
    sent
}

async fn send(courier: &Courier, body: &str, now: Timestamp) -> Result<(), Error> {
    let delivery = Delivery::parse(body)?;
    let Delivery { tenant_id: tenant, challenge_id: challenge, .. } = &delivery;
    if delivery.is_over(now) {
        tracing::info!(event = "push_dropped", %tenant, challenge, "the challenge is over");
        return Ok(());
    }
    courier.send(&delivery).await?;
    count(Counter::PushesSent);
    tracing::info!(event = "push_sent", %tenant, challenge);
    Ok(())
}
