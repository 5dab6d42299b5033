//! Judging the certificates that a client presents.

use portlama_model::{AgentLabel, Serial, Timestamp};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::Sha256;
use crate::certificate::{CertificateError, Parsed, Purpose, Validity};

/// The most certificates looked at. Ours needs one; programs send the CA's along.
pub const MAX_CHAIN_CERTIFICATES: usize = 4;
/// The most octets of all certificates together. One with an RSA 4096 key has about 1,500.
pub const MAX_CHAIN_BYTES: usize = 16 * 1024;

/// The signatures that a certificate of ours can carry.
pub(crate) const CHAIN_ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    webpki::aws_lc_rs::ECDSA_P256_SHA256,
    webpki::aws_lc_rs::ECDSA_P256_SHA384,
    webpki::aws_lc_rs::ECDSA_P384_SHA256,
    webpki::aws_lc_rs::ECDSA_P384_SHA384,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
];

/// Why presented certificates prove nothing. For the log; the peer learns less.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No certificate.
    #[error("no certificate was presented")]
    Empty,
    /// More than [`MAX_CHAIN_CERTIFICATES`] or [`MAX_CHAIN_BYTES`].
    #[error(
        "more than {MAX_CHAIN_CERTIFICATES} certificates or {MAX_CHAIN_BYTES} octets were presented"
    )]
    TooLarge,
    /// The first certificate cannot be read.
    #[error("the certificate cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// Its extended key usage is not exactly clientAuth.
    #[error("the certificate is not for clients alone")]
    Purpose,
    /// It has no common name, several, or one that is no text.
    #[error("the certificate has not exactly one common name")]
    CommonName,
    /// There is no moment at which both it and the CA hold.
    #[error("the certificate never holds together with the certificate authority")]
    NeverValid,
    /// It was not signed by our CA.
    #[error("the certificate was not issued by this certificate authority: {0}")]
    Issuer(#[source] webpki::Error),
}

/// The CA as the authority over clients, without its private key.
#[derive(Debug, Clone)]
pub struct ClientTrust {
    anchor: TrustAnchor<'static>,
    certificate: CertificateDer<'static>,
    validity: Validity,
}

impl ClientTrust {
    /// Trusts the clients of the CA with this certificate.
    ///
    /// # Errors
    /// When the bytes are not a certificate.
    pub fn new(ca: &CertificateDer<'_>) -> Result<Self, CertificateError> {
        let validity = Parsed::of(ca)?.validity();
        let anchor = anchor_from_trusted_cert(ca)
            .map_err(|_| CertificateError::Malformed)?
            .to_owned();
        Ok(Self {
            anchor,
            certificate: ca.clone().into_owned(),
            validity,
        })
    }

    /// The CA certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Whether the first certificate is a client certificate issued by this CA itself.
    ///
    /// This is the part of the judgement that cannot change while a connection lives, so it is
    /// done once per connection; whether the certificate holds *now* is
    /// [`VerifiedClient::is_current`], and whether it is still wanted is `access`'s question.
    /// The other certificates are not looked at: the CA has path length 0, so none can stand
    /// between it and a client.
    ///
    /// # Errors
    /// [`ChainError`] with the reason.
    pub fn verify(&self, chain: &[CertificateDer<'_>]) -> Result<VerifiedClient, ChainError> {
        let leaf = chain.first().ok_or(ChainError::Empty)?;
        check_size(chain)?;
        let parsed = Parsed::of(leaf)?;
        let serial = parsed.serial()?;
        let validity = parsed
            .validity()
            .intersection(&self.validity)
            .ok_or(ChainError::NeverValid)?;
        verify_issued(
            leaf,
            &self.anchor,
            validity.not_before,
            KeyUsage::client_auth(),
        )
        .map_err(ChainError::Issuer)?;
        if !parsed.is_only_for(Purpose::Client) {
            return Err(ChainError::Purpose);
        }
        let common_name = parsed
            .common_name()
            .ok_or(ChainError::CommonName)?
            .to_owned();
        Ok(VerifiedClient {
            subject: Subject::of(&common_name),
            common_name,
            serial,
            validity,
            digest: Sha256::of(leaf),
            key_digest: parsed.key_digest(),
        })
    }
}

/// A client certificate of our CA; made by [`ClientTrust::verify`] only.
///
/// It proves where the certificate came from, not that it holds at this moment.
#[derive(Debug, Clone)]
pub struct VerifiedClient {
    subject: Subject,
    common_name: String,
    serial: Serial,
    validity: Validity,
    digest: Sha256,
    key_digest: Sha256,
}

impl VerifiedClient {
    /// Whether the certificate and its CA hold at this moment. To be asked at every request.
    #[must_use]
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.validity.contains(now)
    }

    /// When certificate and CA hold together.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Whom the common name names.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The one common name.
    #[must_use]
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// The serial.
    #[must_use]
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// The SHA-256 of the certificate.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The SHA-256 of its public key (DER `SubjectPublicKeyInfo`).
    #[must_use]
    pub fn key_digest(&self) -> Sha256 {
        self.key_digest
    }
}

/// Whom a common name names. Names alone open nothing: the serial must be current, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Exactly `admin`.
    Admin,
    /// Exactly `agent:<label>`.
    Agent(AgentLabel),
    /// Anything else.
    Nobody,
}

impl Subject {
    /// Reads a common name; every octet counts.
    #[must_use]
    pub fn of(common_name: &str) -> Self {
        if common_name == "admin" {
            return Self::Admin;
        }
        match common_name.strip_prefix("agent:").map(str::parse) {
            Some(Ok(label)) => Self::Agent(label),
            Some(Err(_)) | None => Self::Nobody,
        }
    }
}

/// Bounds the work that strangers can ask for.
pub(crate) fn check_size(chain: &[CertificateDer<'_>]) -> Result<(), ChainError> {
    let octets: usize = chain.iter().map(|certificate| certificate.len()).sum();
    if chain.len() > MAX_CHAIN_CERTIFICATES || octets > MAX_CHAIN_BYTES {
        return Err(ChainError::TooLarge);
    }
    Ok(())
}

/// Whether the anchor itself signed the leaf, which holds at `at` and may do `usage`.
pub(crate) fn verify_issued(
    leaf: &CertificateDer<'_>,
    anchor: &TrustAnchor<'_>,
    at: Timestamp,
    usage: KeyUsage,
) -> Result<(), webpki::Error> {
    let seconds = u64::try_from(at.unix_seconds()).unwrap_or(0);
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    EndEntityCert::try_from(leaf)?
        .verify_for_usage(
            CHAIN_ALGORITHMS,
            std::slice::from_ref(anchor),
            &[],
            at,
            usage,
            None,
            None,
        )
        .map(drop)
}
