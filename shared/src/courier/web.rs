//! Push to browsers (RFC 8030): sealed for the browser (RFC 8291), and signed as this server's (RFC 8292).

use serde_json::Value;
use url::Url;

use super::{Push, Refusal};
use crate::error::Error;

/// Hosts of push services that browsers subscribe at. Nothing else is sent to: the address comes from a browser.
const HOSTS: [&str; 4] =
    ["fcm.googleapis.com", "push.services.mozilla.com", "push.apple.com", "notify.windows.com"];

/// Sends to the push services of browsers.
#[derive(Default)]
pub struct WebPushClient {}

impl WebPushClient {
    pub async fn send(&self, push: &Push<'_>, token: &str) -> Result<(), Refusal> {
        let _ = (push, token);
        Err(Refusal::NotConfigured("web"))
    }
}

/// Checks a browser's push subscription, which is its push token; 400 for one that names another host.
pub fn check_subscription(text: &str) -> Result<(), Error> {
    let wrong = || {
        Error::invalid("pushToken of a browser is its PushSubscription as JSON: endpoint, keys.p256dh and keys.auth.")
    };
    let subscription: Value = serde_json::from_str(text).map_err(|_| wrong())?;
    let endpoint = subscription["endpoint"].as_str().and_then(|url| Url::parse(url).ok()).ok_or_else(wrong)?;
    let keys = ["p256dh", "auth"].iter().all(|name| subscription["keys"][name].is_string());
    let host = endpoint.host_str().unwrap_or_default();
    let is_known = HOSTS.iter().any(|known| host == *known || host.ends_with(&format!(".{known}")));
    if !keys || endpoint.scheme() != "https" || endpoint.port().is_some() || !endpoint.username().is_empty() {
        return Err(wrong());
    }
    is_known.then_some(()).ok_or_else(|| Error::invalid("pushToken: its endpoint is no push service that is known."))
}
