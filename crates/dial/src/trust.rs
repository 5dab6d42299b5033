//! Whom a request by HTTPS believes: the system's certificate authorities, or those in a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// Why there is nobody to believe.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TrustError {
    /// The system has no list.
    #[error("this machine has no certificate authorities (install the package ca-certificates){0}")]
    NoAuthorities(String),
    /// The file cannot be used.
    #[error("cannot read the certificate authorities in `{}`: {reason}", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// TLS itself.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// TLS that believes the authorities in a PEM file, or without one the system's. Reads files, so
/// it blocks.
///
/// # Errors
/// When there is no authority.
pub fn public_tls(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TrustError> {
    let roots = match ca_file {
        Some(path) => roots_of_file(path)?,
        None => system_roots()?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(tls))
}

/// The system's certificate authorities. Reads files, so it blocks.
///
/// # Errors
/// [`TrustError::NoAuthorities`].
pub fn system_roots() -> Result<RootCertStore, TrustError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(|error| format!(": {error}"));
        return Err(TrustError::NoAuthorities(why.unwrap_or_default()));
    }
    Ok(roots)
}

fn roots_of_file(path: &Path) -> Result<RootCertStore, TrustError> {
    let failed = |reason: String| TrustError::CaFile {
        path: path.to_owned(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| failed(error.to_string()))?;
    }
    match roots.is_empty() {
        false => Ok(roots),
        true => Err(failed("it holds no certificate".to_owned())),
    }
}
