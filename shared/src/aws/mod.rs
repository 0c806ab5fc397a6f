//! The AWS clients of a function: one HTTP client under all of them, and everything they need straight from the
//! environment, because a cold start pays for each profile file, trust store and provider chain that is looked at.

use std::{env, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::{rt::sleep::TokioSleep, time::SystemTimeSource};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, app_name::AppName, region::Region, sdk_config::SharedHttpClient};

use crate::config::{ConfigError, Environment};

/// The certificate authorities of AWS's endpoints (https://www.amazontrust.com/repository/). The machine's own store
/// of some 140 takes 4 ms to read. `AWS_CA_BUNDLE` names a file with others, for an endpoint of one's own.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// A connection that is not made within this time is tried anew.
const CONNECT: Duration = Duration::from_secs(1);
/// DynamoDB and KMS answer in milliseconds: what takes longer than this counts as lost, and is asked again.
const ATTEMPT: Duration = Duration::from_secs(2);
/// All attempts of one call: below API Gateway's and the function's own limit, so that the caller gets a 503.
const OPERATION: Duration = Duration::from_secs(5);

/// Where AWS is and who calls it, from the variables that Lambda sets.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
}

impl Aws {
    /// Reads `AWS_REGION`, the credentials, `AWS_ENDPOINT_URL`, `AWS_MAX_ATTEMPTS` and `AWS_CA_BUNDLE`.
    pub fn from_env(environment: &mut Environment) -> Result<Self, ConfigError> {
        let region = env::var("AWS_REGION").or_else(|_| env::var("AWS_DEFAULT_REGION")).unwrap_or_default();
        if region.is_empty() {
            environment.missing("AWS_REGION");
        }
        let key_id = environment.needed("AWS_ACCESS_KEY_ID");
        let secret = environment.needed("AWS_SECRET_ACCESS_KEY");
        let token = environment.optional("AWS_SESSION_TOKEN");
        let attempts = environment.optional("AWS_MAX_ATTEMPTS").and_then(|n| n.parse().ok()).unwrap_or(3);
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(key_id, secret, token, None, "env")))
            .http_client(http_client(environment)?)
            .sleep_impl(TokioSleep::new())
            .time_source(SystemTimeSource::new())
            .retry_config(RetryConfig::standard().with_max_attempts(attempts))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT)
                    .operation_attempt_timeout(ATTEMPT)
                    .operation_timeout(OPERATION)
                    .build(),
            );
        config.set_endpoint_url(environment.optional("AWS_ENDPOINT_URL"));
        // CloudTrail, and the recorder of the tests, tell by the user agent which function called.
        let name = environment.optional("AWS_LAMBDA_FUNCTION_NAME").and_then(|name| AppName::new(name).ok());
        config.set_app_name(name);
        Ok(Self { config: config.build() })
    }

    /// The configuration for the client of one service; `AWS_ENDPOINT_URL_<SERVICE>` goes before the common one.
    pub fn of(&self, service: &str) -> SdkConfig {
        match env::var(format!("AWS_ENDPOINT_URL_{service}")).ok().filter(|url| !url.is_empty()) {
            Some(url) => self.config.clone().into_builder().endpoint_url(url).build(),
            None => self.config.clone(),
        }
    }
}

fn http_client(environment: &Environment) -> Result<SharedHttpClient, ConfigError> {
    let mut roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    if let Some(path) = environment.optional("AWS_CA_BUNDLE") {
        let bundle = std::fs::read(&path);
        let bundle = bundle.map_err(|error| ConfigError::new(format!("cannot read AWS_CA_BUNDLE {path}: {error}")))?;
        roots = roots.with_pem_certificate(bundle);
    }
    let context = TlsContext::builder().with_trust_store(roots).build();
    let context = context.map_err(|error| ConfigError::new(format!("AWS_CA_BUNDLE: {error}")))?;
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context).build_https())
}
