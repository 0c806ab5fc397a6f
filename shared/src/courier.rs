//! Who carries a delivery to a phone.

use aws_sdk_sns::{Client, config::Builder, error::DisplayErrorContext};
use serde_json::{Value, json};

use crate::{
    delivery::{Delivery, Platform},
    error::Error,
};

/// Closed, because push services have no emulator in process.
pub enum Courier {
    /// SNS platform endpoints (APNs, FCM).
    Sns(Client),
}

impl Courier {
    pub fn sns(config: impl Into<Builder>) -> Self {
        Self::Sns(Client::from_conf(config.into().build()))
    }

    /// Sends a push. 503 where it was not taken: the message then comes back by its queue.
    pub async fn send(&self, delivery: &Delivery) -> Result<(), Error> {
        match self {
            Self::Sns(client) => {
                let request = client.publish().target_arn(&delivery.target).message_structure("json");
                let sent = request.message(payload(delivery).to_string()).send().await;
                sent.map(|_| ()).map_err(|error| Error::unavailable(DisplayErrorContext(&error).to_string()))
            }
        }
    }
}

/// What SNS takes with `MessageStructure=json`: a text for each push service, each itself JSON.
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html>
fn payload(delivery: &Delivery) -> Value {
    const TITLE: &str = "Is it you?";
    const BODY: &str = "Open the app to approve or deny a sign-in.";
    let challenge = &delivery.challenge_id;
    let (name, message) = match delivery.platform {
        Platform::Apns | Platform::ApnsSandbox => {
            let name = if delivery.platform == Platform::Apns { "APNS" } else { "APNS_SANDBOX" };
            (
                name,
                json!({"aps": {"alert": {"title": TITLE, "body": BODY}, "sound": "default"}, "challengeId": challenge}),
            )
        }
        Platform::Gcm => (
            "GCM",
            json!({"fcmV1Message": {"message": {
                "notification": {"title": TITLE, "body": BODY},
                "data": {"challengeId": challenge},
                "android": {"priority": "high"},
            }}}),
        ),
    };
    json!({ "default": BODY, name: message.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_a_text_for_the_one_service_and_names_the_challenge_alone() {
        for (platform, name) in [("APNS", "APNS"), ("APNS_SANDBOX", "APNS_SANDBOX"), ("GCM", "GCM")] {
            let body = json!({"version": 1, "tenantId": "acme", "challengeId": "c-1", "platform": platform,
                "userAuthenticatorId": "9a72e348-954a-4204-80e1-43a7273dc979", "target": "arn:aws:sns:x", "expiresAt": 9});
            let payload = payload(&Delivery::parse(&body.to_string()).unwrap());
            let message: Value = serde_json::from_str(payload[name].as_str().unwrap()).unwrap();
            assert!(message.to_string().contains("c-1"), "{message}");
            assert!(!payload.to_string().contains("acme") && !payload.to_string().contains("9a72e348"), "{payload}");
        }
    }
}
