//! A browser's push subscription: where its push service takes messages for it, and what they are encrypted for
//! (W3C Push API, `PushSubscription.toJSON()`).

use data_encoding::{BASE64URL, BASE64URL_NOPAD};
use serde::Deserialize;
use url::{Host, Url};

use crate::error::Error;

/// The push services of the browsers in use. A message goes to no other address. Otherwise whoever enrols a browser
/// could make the function `deliver` call any address, also inside the customer's network.
const SERVICES: [&str; 4] = ["fcm.googleapis.com", "push.services.mozilla.com", "notify.windows.com", "push.apple.com"];

/// A subscription that may be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub endpoint: Url,
    /// The browser's key: a point of P-256, uncompressed (RFC 8291, section 3.1).
    pub p256dh: [u8; 65],
    /// The secret that both sides know (RFC 8291, section 3.2).
    pub auth: [u8; 16],
}

#[derive(Deserialize)]
struct Json {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let decoded = [BASE64URL_NOPAD, BASE64URL].iter().find_map(|spelling| spelling.decode(text.as_bytes()).ok())?;
    decoded.try_into().ok()
}

impl Subscription {
    /// Reads the JSON of a subscription; `more` are origins that the operator allows beside the known services. 400 with
    /// what to change where it is none, or is one of a service that is not known.
    pub fn parse(text: &str, more: &[String]) -> Result<Self, Error> {
        let wrong = || {
            Error::invalid(
                "pushToken of a browser is JSON.stringify(subscription) of pushManager.subscribe(): endpoint, keys.p256dh \
                 and keys.auth.",
            )
        };
        let Json { endpoint, keys } = serde_json::from_str(text).map_err(|_| wrong())?;
        let p256dh: [u8; 65] = bytes(&keys.p256dh).filter(|point: &[u8; 65]| point[0] == 4).ok_or_else(wrong)?;
        let auth = bytes(&keys.auth).ok_or_else(wrong)?;
        let endpoint = Url::parse(&endpoint).map_err(|_| wrong())?;
        if !endpoint.username().is_empty() || endpoint.password().is_some() || !is_known(&endpoint, more) {
            return Err(Error::invalid("pushToken: the endpoint is at no push service that is known here."));
        }
        Ok(Self { endpoint, p256dh, auth })
    }
}

fn is_known(endpoint: &Url, more: &[String]) -> bool {
    let origin = endpoint.origin().ascii_serialization();
    let is_service = |host: &str| {
        let of = |service: &str| host == service || host.strip_suffix(service).is_some_and(|rest| rest.ends_with('.'));
        SERVICES.into_iter().any(of)
    };
    let known = matches!(endpoint.host(), Some(Host::Domain(host)) if is_service(host));
    (endpoint.scheme() == "https" && endpoint.port().is_none() && known) || more.contains(&origin)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The keys of RFC 8291, appendix A.
    fn with(endpoint: &str) -> String {
        let (p256dh, auth) = (
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "BTBZMqHH6r4Tts7J_aSIgg",
        );
        json!({"endpoint": endpoint, "expirationTime": null, "keys": {"p256dh": p256dh, "auth": auth}}).to_string()
    }

    #[test]
    fn messages_go_to_known_services_alone() {
        let more = ["http://127.0.0.1:9999".to_owned()];
        for good in [
            "https://fcm.googleapis.com/fcm/send/abc",
            "https://updates.push.services.mozilla.com/wpush/v2/abc",
            "https://db5p.notify.windows.com/w/?token=abc",
            "https://web.push.apple.com/abc",
            "http://127.0.0.1:9999/push/1",
        ] {
            assert!(Subscription::parse(&with(good), &more).is_ok(), "{good}");
        }
        for bad in [
            "http://fcm.googleapis.com/a",
            "https://fcm.googleapis.com:8443/a",
            "https://fcm.googleapis.com.example.com/a",
            "https://evilfcm.googleapis.com.evil/a",
            "https://notfcm.googleapis.comm/a",
            "https://xpush.apple.com/a",
            "https://user:word@fcm.googleapis.com/a",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/a",
            "https://localhost/a",
            "http://127.0.0.1:9998/push/1",
            "https://127.0.0.1:9999/push/1",
            "file:///etc/passwd",
            "//fcm.googleapis.com/a",
            "",
        ] {
            assert!(Subscription::parse(&with(bad), &more).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_subscription_is_refused() {
        let good = with("https://fcm.googleapis.com/a");
        for (from, to) in [
            ("endpoint", "endpoin"),
            ("BCVxsr7N", "BCVxsr7"),
            ("BCVxsr7N", "CCVxsr7N"),
            ("BTBZMqHH6r4T", "BTBZMqHH6r"),
            ("p256dh", "p256"),
        ] {
            assert!(Subscription::parse(&good.replace(from, to), &[]).is_err(), "{from}");
        }
        for text in ["", "{}", "null", "[]", "a-token"] {
            assert!(Subscription::parse(text, &[]).is_err(), "{text}");
        }
    }
}
