//! What a push says: that something waits, what kind of thing, and which challenge it is. Not who, how much, or where: it
//! lies on lock screens and in the logs of others (security.md, T22, T27).

use serde_json::{Value, json};

use super::Push;
use crate::{
    challenge::Kind,
    delivery::Platform,
    messages::{Language, Messages},
};

/// What a push says: a title and a body, in the language of what it asks. The title is what the tenant calls this kind of
/// action, where it has named it.
pub fn text(push: &Push<'_>) -> (String, String) {
    let told = push.facts.map(|facts| facts.language.as_str());
    let t = Messages::new(Language::negotiate(told, ""), None);
    match push.kind {
        Kind::Notice => (t.text("push-notice-heading"), t.text("push-notice-text")),
        _ => {
            let named = push.facts.filter(|facts| facts.is_named).and_then(|facts| facts.what.clone());
            (named.unwrap_or_else(|| t.text("push-question-heading")), t.text("push-question-text"))
        }
    }
}

/// The same for a push that nobody but the device can read (RFC 8291): with the public values of the action, where the
/// tenant wants that. The lock screen of the device may still show it.
pub fn encrypted_text(push: &Push<'_>) -> (String, String) {
    let (title, body) = text(push);
    let line = push.facts.filter(|_| push.settings.shows_details).map(crate::facts::Facts::line);
    (title, line.filter(|line| !line.is_empty()).unwrap_or(body))
}

/// What SNS takes with `MessageStructure=json`: a text for the push service, itself JSON.
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html>
pub fn message(platform: Platform, push: &Push<'_>) -> Value {
    let challenge = push.challenge.as_str();
    let (title, body) = text(push);
    // A notice has no buttons, and waits for a quiet moment.
    let (category, interruption) = match push.kind {
        Kind::Notice => ("COUNTERSIGN_NOTICE", "active"),
        _ => ("COUNTERSIGN_CHALLENGE", "time-sensitive"),
    };
    let message = match platform {
        // Apple: Generating a remote notification; `time-sensitive` breaks through a focus.
        Platform::Apns | Platform::ApnsSandbox => json!({
            "aps": {
                "alert": {"title": title, "body": body},
                "category": category,
                "interruption-level": interruption,
                "sound": "default",
            },
            "challengeId": challenge,
        }),
        // Firebase: REST Resource projects.messages, as SNS wraps it:
        // https://docs.aws.amazon.com/sns/latest/dg/sns-fcm-v1-payloads.html
        Platform::Gcm => json!({"fcmV1Message": {"message": {
            "notification": {"title": title, "body": body},
            "data": {"challengeId": challenge},
            "android": {"priority": "high", "ttl": format!("{}s", push.seconds), "collapse_key": challenge},
        }}}),
    };
    json!({ "default": body, platform.name(): message.to_string() })
}

/// How long the push service keeps it, and that a second one takes the place of the first.
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-ttl.html>
pub fn attributes(platform: Platform, push: &Push<'_>) -> Vec<(String, String)> {
    let name = platform.name();
    let ttl = (format!("AWS.SNS.MOBILE.{name}.TTL"), push.seconds.to_string());
    if platform == Platform::Gcm {
        return vec![ttl];
    }
    // <https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html>,
    // "APNs headers"; the names are the same for the sandbox.
    let apns = |header: &str, value: &str| (format!("AWS.SNS.MOBILE.APNS.{header}"), value.to_owned());
    vec![ttl, apns("PUSH_TYPE", "alert"), apns("PRIORITY", "10"), apns("COLLAPSE_ID", push.challenge.as_str())]
}
