//! What a process is told by its environment.

use std::{env, path::PathBuf};

/// Configuration of a function, from environment variables.
#[derive(Clone, Debug)]
pub struct Config {
    /// `COUNTERSIGN_TABLE`: the DynamoDB table.
    pub table: String,
    /// `COUNTERSIGN_PUBLIC_URL`: the origin that end users reach the hosted pages at, without a slash at its end.
    /// Links are made from it alone, never from a request's Host header.
    pub public_url: String,
    pub keys: KeySource,
    /// `COUNTERSIGN_DELIVERY_QUEUE`: URL of the queue that takes pushes, where the function asks by push.
    pub delivery_queue: Option<String>,
    /// `COUNTERSIGN_LISTEN`: where a plain process listens.
    pub listen: String,
}

/// Which keys a function uses; each has a role that allows no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keys {
    /// None: it sees API keys alone.
    None,
    /// It opens or makes user tokens.
    Tokens,
    /// It opens sealed secrets too.
    TokensAndSecrets,
}

/// Where the master keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The function uses none.
    None,
    /// `COUNTERSIGN_KEYRING`: a file, for one machine.
    File(PathBuf),
    /// `COUNTERSIGN_TOKEN_KEYS` and `COUNTERSIGN_SECRETS_KEY`: keys that never leave AWS KMS.
    Kms {
        /// ARNs of HMAC keys, newest first.
        token_keys: Vec<String>,
        /// ARN of the key that wraps each tenant's data key.
        secrets_key: Option<String>,
    },
}

/// Configuration that cannot be used; one line that says what to set.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }
}

/// The environment as it is read, and what it turned out to lack.
#[derive(Debug, Default)]
pub struct Environment {
    missing: Vec<String>,
    wrong: Vec<String>,
}

impl Environment {
    /// A variable that may be absent or empty.
    pub fn optional(&self, name: &str) -> Option<String> {
        env::var(name).ok().filter(|value| !value.is_empty())
    }
    /// A variable that must be there; empty where it is not, and noted.
    pub fn needed(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.missing(name);
            String::new()
        })
    }
    pub fn missing(&mut self, name: impl Into<String>) {
        self.missing.push(name.into());
    }
    fn wrong(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    /// All that is wrong, in one line; nothing where nothing is.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut said = Vec::new();
        if !self.missing.is_empty() {
            said.push(format!("set {} in the environment", self.missing.join(", ")));
        }
        said.extend(self.wrong.iter().cloned());
        if said.is_empty() { Ok(()) } else { Err(ConfigError(said.join("; "))) }
    }

    fn key_arn(&mut self, name: &str, arn: String) -> String {
        let parts: Vec<&str> = arn.split(':').collect();
        if !arn.is_empty() && !matches!(parts[..], ["arn", _, "kms", _, _, key] if key.starts_with("key/")) {
            self.wrong(format!("{name} is not the ARN of a KMS key (arn:aws:kms:<region>:<account>:key/<id>)"));
        }
        arn
    }

    /// The keys that a function needs: from a file where one is named, and otherwise in KMS.
    pub fn key_source(&mut self, keys: Keys) -> KeySource {
        if keys == Keys::None {
            return KeySource::None;
        }
        if let Some(file) = self.optional("COUNTERSIGN_KEYRING") {
            return KeySource::File(file.into());
        }
        let listed = self.optional("COUNTERSIGN_TOKEN_KEYS").unwrap_or_default();
        let token_keys = listed.split(',').map(str::trim).filter(|arn| !arn.is_empty()).map(str::to_owned);
        let token_keys: Vec<String> =
            token_keys.collect::<Vec<_>>().into_iter().map(|arn| self.key_arn("COUNTERSIGN_TOKEN_KEYS", arn)).collect();
        if token_keys.is_empty() {
            self.missing("COUNTERSIGN_TOKEN_KEYS (or COUNTERSIGN_KEYRING, a file)");
        }
        let secrets_key = (keys == Keys::TokensAndSecrets).then(|| {
            let arn = self.needed("COUNTERSIGN_SECRETS_KEY");
            self.key_arn("COUNTERSIGN_SECRETS_KEY", arn)
        });
        KeySource::Kms { token_keys, secrets_key }
    }
}

impl Environment {
    /// Where the keys to the push services of browsers are; nowhere is allowed, for a deployment without web push.
    pub fn web_push_key_source(&mut self) -> KeySource {
        if let Some(file) = self.optional("COUNTERSIGN_KEYRING") {
            return KeySource::File(file.into());
        }
        match self.optional("COUNTERSIGN_SECRETS_KEY") {
            None => KeySource::None,
            Some(arn) => {
                let arn = self.key_arn("COUNTERSIGN_SECRETS_KEY", arn);
                KeySource::Kms { token_keys: Vec::new(), secrets_key: Some(arn) }
            }
        }
    }
}

impl Config {
    /// Reads the environment; what it lacks is noted there.
    pub fn from_env(environment: &mut Environment, keys: Keys) -> Self {
        Self {
            table: environment.needed("COUNTERSIGN_TABLE"),
            public_url: environment.needed("COUNTERSIGN_PUBLIC_URL").trim_end_matches('/').to_owned(),
            keys: environment.key_source(keys),
            delivery_queue: environment.optional("COUNTERSIGN_DELIVERY_QUEUE"),
            listen: environment.optional("COUNTERSIGN_LISTEN").unwrap_or_else(|| "127.0.0.1:3000".into()),
        }
    }
}
