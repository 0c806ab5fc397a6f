//! Platform applications of SNS, made of the credentials that a push service gives out.

use aws_sdk_sns::{Client, config::Builder, error::ProvideErrorMetadata};

use crate::{delivery::Platform, error::Error, store::cause::cause};

/// What a push service knows its customer by.
pub enum Credential {
    /// Token-based, as Apple recommends: <https://docs.aws.amazon.com/sns/latest/dg/sns-apple-authentication-methods.html>
    Apple { signing_key: String, key_id: String, team_id: String, bundle_id: String },
    /// FCM v1: <https://docs.aws.amazon.com/sns/latest/dg/sns-fcm-authentication-methods.html>
    Firebase { service_account: String },
}

impl Credential {
    fn attributes(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Firebase { service_account } => vec![("PlatformCredential", service_account)],
            Self::Apple { signing_key, key_id, team_id, bundle_id } => vec![
                ("PlatformCredential", signing_key),
                ("PlatformPrincipal", key_id),
                ("ApplePlatformTeamID", team_id),
                ("ApplePlatformBundleID", bundle_id),
            ],
        }
    }
}

/// Makes the platform application of this name, or gives it the new credentials; its ARN. 400 with SNS's own words where
/// it does not take them.
pub async fn create(
    config: impl Into<Builder>,
    platform: Platform,
    name: &str,
    credential: &Credential,
) -> Result<String, Error> {
    let sns = Client::from_conf(config.into().build());
    let mut request = sns.create_platform_application().name(name).platform(platform.name());
    for (attribute, value) in credential.attributes() {
        request = request.attributes(attribute, value);
    }
    let made = request.send().await.map_err(|error| match error.message() {
        Some(message) => Error::Invalid(message.to_owned()),
        None => Error::unavailable(cause(&error)),
    })?;
    let arn = made.platform_application_arn().unwrap_or_default().to_owned();
    // One of that name that exists is given back as it is: the credentials of a second call are set then.
    let mut update = sns.set_platform_application_attributes().platform_application_arn(&arn);
    for (attribute, value) in credential.attributes() {
        update = update.attributes(attribute, value);
    }
    update.send().await.map_err(|error| Error::unavailable(cause(&error)))?;
    Ok(arn)
}
