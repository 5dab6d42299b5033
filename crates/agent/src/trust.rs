//! Whom the agent believes: the pinned authority, and where TLS is intercepted, the platform.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// The one cryptographic provider.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER
        .get_or_init(|| Arc::new(aws_lc_rs::default_provider()))
        .clone()
}

/// Why the platform's certificate authorities cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum PlatformError {
    #[error("this system has no list of certificate authorities (install ca-certificates){}", .0.as_deref().unwrap_or_default())]
    NoRoots(Option<String>),
    #[error("the certificate authorities of this system cannot be used: {0}")]
    Verifier(String),
}

/// Believes what the system's certificate authorities certify.
pub(crate) fn platform_verifier() -> Result<Arc<WebPkiServerVerifier>, PlatformError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let first = found.errors.first().map(|error| format!(": {error}"));
        return Err(PlatformError::NoRoots(first));
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| PlatformError::Verifier(error.to_string()))
}

/// Believes the pinned authority or, failing that, the platform's: the outer TLS of the
/// WebSocket carrier, which a middlebox may end. Frames inside are authenticated against the
/// pinned authority alone, whoever ends the TLS around them.
#[derive(Debug)]
pub(crate) struct PinnedOrPlatform {
    pinned: Arc<dyn ServerCertVerifier>,
    platform: OnceLock<Result<Arc<WebPkiServerVerifier>, PlatformError>>,
}

impl PinnedOrPlatform {
    pub(crate) fn new(pinned: Arc<dyn ServerCertVerifier>) -> Self {
        Self {
            pinned,
            platform: OnceLock::new(),
        }
    }
}

impl ServerCertVerifier for PinnedOrPlatform {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Ok(verified) = self.pinned.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        ) {
            return Ok(verified);
        }
        match self.platform.get_or_init(platform_verifier) {
            Ok(platform) => platform.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            Err(error) => Err(Error::General(error.to_string())),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.pinned.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.pinned.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.pinned.supported_verify_schemes()
    }
}
