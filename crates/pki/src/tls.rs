//! The verdicts of this crate as rustls asks for them.
//!
//! Both verifiers check the peer's handshake signature with the provider they are given: that
//! is the proof that the peer holds the private key.

use std::sync::Arc;

use portlama_model::{CaFingerprint, Timestamp};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};

use crate::certificate::Parsed;
use crate::{ChainError, ClientTrust, ServerChainError, verify_server};

/// Believes the servers of one pinned authority and no others.
#[derive(Debug)]
pub struct PinnedVerifier {
    pinned: CaFingerprint,
    known_ca: Option<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl PinnedVerifier {
    /// Pins the authority. `known_ca` is its certificate where the client has it; without it
    /// the server must send it.
    #[must_use]
    pub fn new(
        pinned: CaFingerprint,
        known_ca: Option<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        Self {
            pinned,
            known_ca,
            provider,
        }
    }
}

impl ServerCertVerifier for PinnedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = joined(end_entity, intermediates);
        verify_server(
            &chain,
            server_name,
            self.known_ca.as_ref(),
            &self.pinned,
            timestamp(now),
        )
        .map(|()| ServerCertVerified::assertion())
        .map_err(server_error)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// What a listener demands of its clients in the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificate {
    /// One may be presented, and *any* is let through with its key proven: it is judged after
    /// the handshake with [`ClientTrust::verify`], so that a bad one gets a page instead of an
    /// alert.
    Optional,
    /// One must be presented that [`ClientTrust`] verifies and that holds. It is judged again
    /// at every request all the same.
    Required,
}

/// Asks clients for certificates.
///
/// With [`ClientCertificate::Optional`] a completed handshake proves possession of a key and
/// nothing else.
#[derive(Debug)]
pub struct ClientVerifier {
    trust: ClientTrust,
    demand: ClientCertificate,
    hints: Vec<DistinguishedName>,
    provider: Arc<CryptoProvider>,
}

impl ClientVerifier {
    /// Asks for certificates of this authority, and tells clients its name, so that a browser
    /// offers the right one.
    #[must_use]
    pub fn new(
        trust: ClientTrust,
        demand: ClientCertificate,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        let hints = Parsed::of(trust.certificate())
            .map(|ca| DistinguishedName::from(ca.x509.subject().as_raw().to_vec()))
            .into_iter()
            .collect();
        Self {
            trust,
            demand,
            hints,
            provider,
        }
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.demand == ClientCertificate::Required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.demand == ClientCertificate::Required {
            let client = self
                .trust
                .verify(&joined(end_entity, intermediates))
                .map_err(client_error)?;
            if !client.is_current(timestamp(now)) {
                return Err(CertificateError::Expired.into());
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // webpki reads version 3 alone. `openssl x509 -req` makes version 1 unless told
        // otherwise, and its owner is to get the page, too.
        let parsed = Parsed::of(cert).map_err(|_| Error::from(CertificateError::BadEncoding))?;
        verify_tls13_signature_with_raw_key(
            message,
            &SubjectPublicKeyInfoDer::from(parsed.x509.public_key().raw),
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn joined<'a>(
    leaf: &'a CertificateDer<'_>,
    others: &'a [CertificateDer<'_>],
) -> Vec<CertificateDer<'a>> {
    std::iter::once(leaf)
        .chain(others)
        .map(|certificate| CertificateDer::from(certificate.as_ref()))
        .collect()
}

fn timestamp(now: UnixTime) -> Timestamp {
    Timestamp::from_unix_seconds(i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
}

/// Keeps the whole reason; rustls still sends a fitting alert.
fn server_error(error: ServerChainError) -> Error {
    CertificateError::Other(OtherError(Arc::new(error))).into()
}

fn client_error(error: ChainError) -> Error {
    match error {
        ChainError::Issuer(_) => CertificateError::UnknownIssuer.into(),
        ChainError::Purpose => CertificateError::InvalidPurpose.into(),
        ChainError::Certificate(_) => CertificateError::BadEncoding.into(),
        ChainError::Empty
        | ChainError::TooLarge
        | ChainError::CommonName
        | ChainError::NeverValid => CertificateError::Other(OtherError(Arc::new(error))).into(),
    }
}
