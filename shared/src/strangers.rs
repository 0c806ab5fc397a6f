//! Admitting who may begin a question, or make a link, without having been asked for it: a browser, an app, a device.

use std::time::Duration;

use crate::{
    app::{App, TenantContext},
    clock::Timestamp,
    error::Error,
    metrics::{Counter, count},
    source::{Source, TOTAL, Window},
};

/// Takes a place in the source's budget. 429 with Retry-After where it has begun too much; and, while strangers
/// together begin too much for the tenant, where it is one that was not seen before.
pub async fn admit(app: &App, tenant: &TenantContext, source: &Source, now: Timestamp) -> Result<(), Error> {
    let (store, window) = (app.store().tenant(tenant.id()), Window::of(now));
    if !store.spend_begin(source, window).await? {
        count(Counter::ChallengesRefused);
        return Err(later(window, now));
    }
    if !source.is_stranger() {
        return Ok(());
    }
    let total = store.count_begin(window).await?;
    if total <= TOTAL {
        return Ok(());
    }
    count(Counter::ChallengesFlooded);
    if total == TOTAL + 1 {
        tracing::warn!(event = "challenges_flooded", tenant = %tenant.id(), "strangers begin too much; new sources wait");
    }
    match store.is_known(source, now).await? {
        true => Ok(()),
        false => Err(later(window, now)),
    }
}

fn later(window: Window, now: Timestamp) -> Error {
    let wait = (window.end() - now.as_second()).max(1).unsigned_abs();
    Error::TooManyRequests { retry_after: Duration::from_secs(wait) }
}
