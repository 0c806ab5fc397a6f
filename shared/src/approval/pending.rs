//! What a device signs before it asks what is pending for it (contract, C36, C37).
//!
//! Anybody who knows a public key may ask for it. So nothing of it is stored: it follows from the tenant's token key, the
//! device's key and the minute. No number of requests writes anything, and nobody takes from a device what it was given.

use data_encoding::BASE64URL_NOPAD;

use crate::{
    app::{App, TenantContext},
    clock::Timestamp,
    error::Error,
    id::length_prefixed,
    method::device::DeviceKey,
    token::SigningKey,
};

/// A message is good in the window in which it was given out and in the next: for one to two minutes.
const WINDOW_SECONDS: i64 = 60;

/// The message for this device now.
pub async fn message(app: &App, tenant: &TenantContext, device: &DeviceKey, now: Timestamp) -> Result<String, Error> {
    let keys = app.signing_keys(tenant).await?;
    // The newest key may be another one when the device asks, so every key is tried then.
    let key = keys.last().ok_or_else(|| Error::unavailable("the tenant has no token key"))?;
    Ok(of_window(key, device, window(now)))
}

/// Checks a device's signature over a message that it was given. 403 where it is over, or was given to another.
pub async fn check(
    app: &App,
    tenant: &TenantContext,
    device: &DeviceKey,
    signature: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let keys = app.signing_keys(tenant).await?;
    let signed = |window: i64| {
        keys.iter().any(|key| device.verify(of_window(key, device, window).as_bytes(), signature).is_ok())
    };
    let is_good = [window(now), window(now) - 1].into_iter().any(signed);
    is_good.then_some(()).ok_or(Error::InvalidCredential)
}

fn window(now: Timestamp) -> i64 {
    now.as_second().div_euclid(WINDOW_SECONDS)
}

fn of_window(key: &SigningKey, device: &DeviceKey, window: i64) -> String {
    // No token begins like this, because tokens are text.
    let said = length_prefixed(&[b"countersign/pending", device.fingerprint().as_bytes(), &window.to_be_bytes()]);
    format!("countersign/pending/{}", BASE64URL_NOPAD.encode(&key.seal(&said)))
}
