//! TLS with a certificate from files, which are read again when they change.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

/// A certificate with its chain, and its key: PEM files.
pub struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    shown: Mutex<Shown>,
}

struct Shown {
    config: Arc<ServerConfig>,
    /// As the files were when they were read last, for better or worse.
    seen: [Seen; 2],
}

/// What tells a file from the one that stood there before.
type Seen = Option<(SystemTime, u64, u64)>;

fn seen(path: &Path) -> Seen {
    let found = fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len(), found.ino()))
}

impl Certificate {
    /// Reads both files; what is wrong with them otherwise.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        let seen = [seen(certificate), seen(key)];
        let shown = Shown { config: config(certificate, key)?, seen };
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), shown: Mutex::new(shown) })
    }

    /// For the next handshake. Looks whether the files have changed: a certificate is renewed while the server runs. A
    /// new pair that is no good is told once, and the one before it stays.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let now = [seen(&self.certificate), seen(&self.key)];
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.seen != now {
            shown.seen = now;
            match config(&self.certificate, &self.key) {
                Ok(config) => {
                    shown.config = config;
                    tracing::info!(event = "certificate_read", "the new certificate is shown from now on");
                }
                Err(cause) => tracing::error!(event = "certificate_refused", cause, "the one before it is still shown"),
            }
        }
        shown.config.clone().into()
    }
}

fn config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, String> {
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| format!("cannot read the certificate {}: {error}", certificate.display()))?;
    if chain.is_empty() {
        return Err(format!(
            "{} holds no certificate; it is to be a PEM file with the whole chain",
            certificate.display()
        ));
    }
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| format!("cannot read the private key {}: {error}; it is to be a PEM file", key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret));
    let mut config = config
        .map_err(|error| format!("{} and {} do not go together: {error}", certificate.display(), key.display()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
