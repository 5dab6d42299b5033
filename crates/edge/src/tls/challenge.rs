//! Answers to TLS-ALPN-01 (RFC 8737): the handshake is the answer, then the connection closes.

use std::sync::Arc;

use portlama_control::{ChallengeCertificate, PrepareError};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::ALPN_ACME;

/// Makes the configuration that answers one challenge.
///
/// # Errors
/// When the key cannot be used.
pub(crate) fn challenge_config(
    provider: Arc<CryptoProvider>,
    answer: &ChallengeCertificate,
) -> Result<Arc<ServerConfig>, PrepareError> {
    let failed = |e: rustls::Error| PrepareError {
        host: None,
        reason: e.to_string(),
    };
    let key = provider
        .key_provider
        .load_private_key(answer.key.clone_key())
        .map_err(failed)?;
    // Not `with_single_cert`: that refuses the critical acmeIdentifier extension.
    let certified = CertifiedKey::new(vec![answer.certificate.clone()], key);
    let resolver: Arc<dyn ResolvesServerCert> = Arc::new(SingleCertAndKey::from(certified));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![ALPN_ACME.into()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}
