//! What a push says: that something waits, and which challenge it is. Not who, what, or where: it lies on lock screens
//! and in the logs of others (security.md, T22, T27).

use serde_json::{Value, json};

use super::Push;
use crate::{challenge::Kind, delivery::Platform};

/// What a push of this kind says: a title and a body.
pub fn text(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Notice => {
            ("Your account", "How you confirm that it is you was changed. If it was not you, ask for help.")
        }
        _ => ("Is it you?", "Open the app to approve or deny a sign-in."),
    }
}

/// What SNS takes with `MessageStructure=json`: a text for the push service, itself JSON.
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html>
pub fn message(platform: Platform, push: &Push<'_>) -> Value {
    let challenge = push.challenge.as_str();
    let (title, body) = text(push.kind);
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
