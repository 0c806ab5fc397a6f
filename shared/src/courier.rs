//! Who carries a push to a device.

pub mod application;
mod payload;
pub mod web_push;

use std::sync::Arc;

use aws_sdk_sns::{
    Client,
    config::Builder,
    error::{ProvideErrorMetadata, SdkError},
    types::MessageAttributeValue,
};

use crate::{
    authenticator::Authenticator, challenge::Kind, clock::Timestamp, delivery::Platform, facts::Facts, id::ChallengeId,
    method::device::DevicePlatform, store::DeviceAddress, store::cause::cause, tenant::PushSettings,
};
use web_push::{Browsers, Vapid};

/// A push on its way.
pub struct Push<'a> {
    pub kind: Kind,
    /// What is asked, in words.
    pub facts: Option<&'a Facts>,
    pub challenge: &'a ChallengeId,
    pub device: &'a Authenticator,
    pub address: &'a DeviceAddress,
    pub settings: &'a PushSettings,
    /// The tenant's key to the push services of browsers, where the device is one.
    pub vapid: Option<Arc<Vapid>>,
    pub now: Timestamp,
    /// How long the push is of use.
    pub seconds: i64,
}

/// Why a push was not taken.
#[derive(Debug)]
pub enum Refusal {
    /// The device is no longer there, by this code.
    Gone(&'static str),
    /// The tenant has nothing by which such a device is reached.
    NotConfigured(&'static str),
    /// Busy, or down.
    Later(String),
}

/// How phones are reached, and browsers.
pub struct Courier {
    phones: Phones,
    browsers: Browsers,
}

/// A closed enum, because push services have no emulator in process.
enum Phones {
    /// SNS platform endpoints (APNs, FCM).
    Sns(Client),
    /// Says on the terminal what a phone would show.
    Console,
}

impl Courier {
    pub fn sns(config: impl Into<Builder>) -> Self {
        Self { phones: Phones::Sns(Client::from_conf(config.into().build())), browsers: Browsers::default() }
    }

    /// For one process: phones are the terminal. Browsers are really pushed to.
    pub fn console() -> Self {
        Self { phones: Phones::Console, browsers: Browsers::default() }
    }

    /// Sends a push; the ARN of the endpoint that was made for it, where one was.
    pub async fn send(&self, push: &Push<'_>) -> Result<Option<String>, Refusal> {
        let Some(token) = push.address.push_token.as_deref() else { return Err(Refusal::Gone("no_push_token")) };
        if push.device.is_browser() {
            return self.browsers.send(push, token).await.map(|()| None);
        }
        match &self.phones {
            Phones::Console => {
                say(push);
                Ok(None)
            }
            Phones::Sns(sns) => send_by_sns(sns, push, token).await,
        }
    }
}

fn say(push: &Push<'_>) {
    let name = push.device.name.as_deref().unwrap_or("a device");
    let (title, body) = payload::text(push);
    println!("\n  [push to {name}] {title} {body}\n  challenge {}\n", push.challenge);
}

/// The push service of a device, and the tenant's way to it.
fn application<'a>(push: &Push<'a>) -> Result<(Platform, &'a str), Refusal> {
    let is_ios = push.device.device.as_ref().is_some_and(|device| device.platform == DevicePlatform::Ios);
    let (wanted, what): (&[Platform], _) =
        if is_ios { (&[Platform::Apns, Platform::ApnsSandbox], "apns") } else { (&[Platform::Gcm], "fcm") };
    let found = wanted.iter().find_map(|one| Some((*one, push.settings.applications.get(one)?.as_str())));
    found.ok_or(Refusal::NotConfigured(what))
}

async fn send_by_sns(sns: &Client, push: &Push<'_>, token: &str) -> Result<Option<String>, Refusal> {
    let (platform, application) = application(push)?;
    let made = match &push.address.endpoint {
        Some(_) => None,
        None => {
            let request = sns.create_platform_endpoint().platform_application_arn(application).token(token);
            let made = request.send().await.map_err(|error| refusal(error, "invalid_push_token"))?;
            Some(made.endpoint_arn().unwrap_or_default().to_owned())
        }
    };
    let endpoint = made.as_ref().or(push.address.endpoint.as_ref()).map_or("", String::as_str);
    let mut request = sns.publish().target_arn(endpoint).message_structure("json");
    for (name, value) in payload::attributes(platform, push) {
        let text = MessageAttributeValue::builder().data_type("String").string_value(value).build();
        request = request.message_attributes(name, text.map_err(|error| Refusal::Later(error.to_string()))?);
    }
    let request = request.message(payload::message(platform, push).to_string());
    request.send().await.map_err(|error| refusal(error, "invalid_endpoint"))?;
    Ok(made)
}

/// What an error of SNS means: that the device is gone for good, or anything else, which may pass.
fn refusal<E: ProvideErrorMetadata + std::error::Error + 'static>(
    error: SdkError<E>,
    invalid: &'static str,
) -> Refusal {
    match error.code().unwrap_or_default() {
        "EndpointDisabled" | "EndpointDisabledException" => Refusal::Gone("endpoint_disabled"),
        "NotFound" | "NotFoundException" => Refusal::Gone("endpoint_not_found"),
        "InvalidParameter" | "InvalidParameterException" => Refusal::Gone(invalid),
        "PlatformApplicationDisabled" | "PlatformApplicationDisabledException" => {
            Refusal::NotConfigured("the platform application is disabled")
        }
        _ => Refusal::Later(cause(&error)),
    }
}
