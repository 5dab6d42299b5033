//! Whom the agent believes: the pinned authority, and where TLS is intercepted, the platform.

use std::sync::{Arc, OnceLock};

use portlama_dial::{TrustError, system_roots};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

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
    #[error(transparent)]
    NoRoots(#[from] TrustError),
    #[error("the certificate authorities of this system cannot be used: {0}")]
    Verifier(String),
}

/// Believes what the system's certificate authorities certify.
pub(crate) fn platform_verifier() -> Result<Arc<WebPkiServerVerifier>, PlatformError> {
    let roots = system_roots()?;
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
