//! The TLS certificate for addresses off loopback: the person's own, or one made here.

mod own;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_rustls::rustls::CertificateError::{Expired, ExpiredContext};
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, RootCertStore};

use crate::config;
use crate::files::text;

pub use own::CERTIFICATE_FILE;

/// Maximum size of a certificate or key file, in bytes.
const PEM_MAX: u64 = 1 << 20;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Only one of the two settings is set.
    #[error("tls.certificate and tls.key go together: set both, or neither to have a certificate made")]
    Half,
    /// A file cannot be read.
    #[error("{path}: {reason}; {mend}")]
    File { path: String, reason: String, mend: &'static str },
    /// The certificate and the key do not match, or their kind is not supported.
    #[error("{path}: {reason}; tls.key must be the private key of the first certificate in tls.certificate")]
    Pair {
        /// The certificate's file.
        path: String,
        /// The error of rustls.
        reason: String,
    },
    /// No certificate could be made.
    #[error(
        "a certificate cannot be made for tls.names: {0}; names are like mecris.example, addresses like 192.0.2.7"
    )]
    Own(String),
}

/// The cryptography provider.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Reads the configured files, or makes a certificate in the data directory if none are configured. Blocks.
///
/// # Errors
/// [`CertificateError`].
pub fn certified(settings: &config::Tls, data_dir: &Path) -> Result<CertifiedKey, CertificateError> {
    let (path, chain, key) = match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => {
            (certificate.display().to_string(), read(certificate)?, read_key(key)?)
        }
        (None, None) => {
            let own = own::load_or_make(data_dir, &settings.names)?;
            (data_dir.join(CERTIFICATE_FILE).display().to_string(), own.chain, own.key)
        }
        _ => return Err(CertificateError::Half),
    };
    let wrong = |reason: String| CertificateError::Pair { path: path.clone(), reason };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(format!("no certificates in PEM ({error})")))?;
    if chain.is_empty() {
        return Err(wrong("it holds no certificate in PEM".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|error| wrong(format!("the key's file holds no private key in PEM ({error})")))?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| wrong(error.to_string()))
}

fn read(path: &Path) -> Result<String, CertificateError> {
    text::read_up_to(path, PEM_MAX).map_err(|error| CertificateError::File {
        path: path.display().to_string(),
        reason: error.to_string(),
        mend: "tls.certificate and tls.key name files in PEM that this user can read",
    })
}

/// Rejects a key that everyone can read. A group may read it: many systems share certificate keys that way.
fn read_key(path: &Path) -> Result<String, CertificateError> {
    let key = read(path)?;
    let is_open = std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o007 != 0);
    if is_open {
        return Err(CertificateError::File {
            path: path.display().to_string(),
            reason: "everybody on this machine may read the private key".to_owned(),
            mend: "chmod o= it, and think about whether it is still a secret",
        });
    }
    Ok(key)
}

/// Whether a certificate has expired at a moment, as far as can be determined.
#[must_use]
pub fn is_over(certified: &CertifiedKey, at: Timestamp) -> bool {
    // It is validated against the last certificate of its own chain: whether to trust that one is up to the
    // clients.
    let (mut roots, chain) = (RootCertStore::empty(), &certified.cert);
    let anchored = chain.last().is_some_and(|last| roots.add(last.clone()).is_ok());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let (true, Ok(verifier), Ok(name)) = (anchored, verifier, ServerName::try_from("localhost")) else {
        return false;
    };
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at.as_second().max(0).unsigned_abs()));
    let between = chain.get(1..).unwrap_or_default();
    let verified = verifier.verify_server_cert(&chain[0], between, &name, &[], at);
    matches!(verified, Err(rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. })))
}
