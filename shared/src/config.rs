//! What a process is told by its environment.

use std::path::PathBuf;

/// Configuration of a function, from environment variables.
#[derive(Clone, Debug)]
pub struct Config {
    /// `COUNTERSIGN_TABLE`: the DynamoDB table.
    pub table: String,
    /// `COUNTERSIGN_PUBLIC_URL`: the origin that end users reach the hosted pages at, without a slash at its end.
    /// Links are made from it alone, never from a request's Host header.
    pub public_url: String,
    /// `COUNTERSIGN_KEYRING`: the file with the master keys.
    pub keyring: PathBuf,
    /// `COUNTERSIGN_LISTEN`: where a plain process listens.
    pub listen: String,
}

/// Configuration that cannot be used; one line that names every variable to set.
#[derive(Debug, thiserror::Error)]
#[error("set {} in the environment", .0.join(", "))]
pub struct MissingVariables(Vec<&'static str>);

impl Config {
    /// Reads the environment; fails with the names of all that is missing.
    pub fn from_env() -> Result<Self, MissingVariables> {
        let mut missing = Vec::new();
        let mut read = |name: &'static str| {
            std::env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| {
                missing.push(name);
                String::new()
            })
        };
        let config = Self {
            table: read("COUNTERSIGN_TABLE"),
            public_url: read("COUNTERSIGN_PUBLIC_URL").trim_end_matches('/').to_owned(),
            keyring: read("COUNTERSIGN_KEYRING").into(),
            listen: std::env::var("COUNTERSIGN_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into()),
        };
        if missing.is_empty() { Ok(config) } else { Err(MissingVariables(missing)) }
    }
}
