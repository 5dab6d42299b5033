//! Certificates in the form that rustls shows.

use std::sync::Arc;

use portlama_control::{HostCertificate, PrepareError};
use portlama_model::Hostname;
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;

/// Makes a certificate ready to be shown.
///
/// # Errors
/// When the key cannot be used or is another certificate's.
pub(crate) fn certified_key(
    certificate: &HostCertificate,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, PrepareError> {
    let failed = |reason: String| PrepareError { host: None, reason };
    let key = provider
        .key_provider
        .load_private_key(certificate.key.clone_key())
        .map_err(|e| failed(format!("its private key cannot be used: {e}")))?;
    let certified = CertifiedKey::new(certificate.chain.clone(), key);
    certified.keys_match().map_err(|e| {
        failed(format!(
            "certificate and private key do not belong together: {e}"
        ))
    })?;
    Ok(Arc::new(certified))
}

/// Checks that a certificate is for `host`.
///
/// # Errors
/// When it is for other names, or cannot be read.
pub(crate) fn check_covers(certified: &CertifiedKey, host: &Hostname) -> Result<(), PrepareError> {
    let failed = |reason: String| PrepareError {
        host: Some(host.clone()),
        reason,
    };
    let leaf = certified
        .end_entity_cert()
        .map_err(|e| failed(e.to_string()))?;
    let leaf = ParsedCertificate::try_from(leaf)
        .map_err(|e| failed(format!("its certificate cannot be read: {e}")))?;
    let name = ServerName::try_from(host.as_str()).map_err(|e| failed(e.to_string()))?;
    verify_server_name(&leaf, &name)
        .map_err(|_| failed("its certificate is for other names".to_owned()))
}
