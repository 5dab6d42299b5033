//! Certificate requests (PKCS#10, RFC 2986), of which only the public key is believed.

use std::collections::BTreeSet;

use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject;
use webpki::RawPublicKeyEntity;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use crate::public_key::PublicKey;
use crate::{Authority, Sha256, UnacceptableKey};

/// The longest request accepted, characters of PEM. One for RSA 4096 has about 1,700.
pub const MAX_CSR_CHARACTERS: usize = 8192;

/// Why a certificate request is refused. The fault is the sender's, always.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsrError {
    /// Longer than [`MAX_CSR_CHARACTERS`].
    #[error("the certificate request is longer than {MAX_CSR_CHARACTERS} characters")]
    TooLong,
    /// No PEM block `CERTIFICATE REQUEST`.
    #[error("the text holds no PEM block \"CERTIFICATE REQUEST\"")]
    NoPemBlock,
    /// More than one PEM block of whatever kind: which one counts would be a guess.
    #[error("the text holds several PEM blocks, send the certificate request alone")]
    SeveralPemBlocks,
    /// The block is not a PKCS#10 request, or bytes follow it.
    #[error("the certificate request cannot be parsed")]
    Malformed,
    /// The public key is not of a kind that is certified.
    #[error(transparent)]
    Key(#[from] UnacceptableKey),
    /// Signed with MD5, SHA-1 or an algorithm that does not fit the key.
    #[error(
        "the certificate request must be signed with its own key and SHA-256, SHA-384 or SHA-512"
    )]
    SignatureAlgorithm,
    /// The signature does not prove that the sender holds the private key.
    #[error("the signature of the certificate request does not match its public key")]
    Signature,
    /// The public key is the CA's own.
    #[error("the certificate request holds the key of the certificate authority")]
    KeyOfAuthority,
    /// The public key belongs to a revoked certificate.
    #[error("the key of this certificate request was revoked, make a new key")]
    RevokedKey,
}

/// A request that parsed, whose key is of an acceptable kind, and whose sender holds that key.
///
/// Whatever else it asks for (names, CA rights, usages) is dropped here and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedRequest {
    key: PublicKey,
}

impl ParsedRequest {
    /// Reads a request from PEM text. Cheap and bounded; needs no authority, so a request can
    /// be refused before a token is consumed.
    ///
    /// # Errors
    /// [`CsrError`] with the reason.
    pub fn parse(pem: &str) -> Result<Self, CsrError> {
        let der = only_block(pem)?;
        let Ok(([], request)) = X509CertificationRequest::from_der(&der) else {
            return Err(CsrError::Malformed);
        };
        let key = PublicKey::of(&request.certification_request_info.subject_pki)?;
        check_signature(&request, &key)?;
        Ok(Self { key })
    }

    /// The SHA-256 of the request's public key (DER `SubjectPublicKeyInfo`).
    #[must_use]
    pub fn key_digest(&self) -> Sha256 {
        self.key.digest()
    }

    /// Admits the key for signing by this authority: not the authority's own, and not one of
    /// `revoked_keys` (digests as [`key_digest`](Self::key_digest) gives them).
    ///
    /// # Errors
    /// [`CsrError::KeyOfAuthority`] or [`CsrError::RevokedKey`].
    pub fn admit(
        self,
        authority: &Authority,
        revoked_keys: &BTreeSet<Sha256>,
    ) -> Result<AdmittedKey, CsrError> {
        let digest = self.key_digest();
        if digest == authority.key_digest() {
            return Err(CsrError::KeyOfAuthority);
        }
        if revoked_keys.contains(&digest) {
            return Err(CsrError::RevokedKey);
        }
        Ok(AdmittedKey(self.key))
    }
}

/// A public key that may be certified; made by [`ParsedRequest::admit`] only.
#[derive(Debug, Clone)]
pub struct AdmittedKey(PublicKey);

impl AdmittedKey {
    pub(crate) fn key(&self) -> &PublicKey {
        &self.0
    }
}

fn only_block(pem: &str) -> Result<CertificateSigningRequestDer<'static>, CsrError> {
    // Counting characters and not octets is the contract of the API; ASCII has one each.
    if pem.len() > 4 * MAX_CSR_CHARACTERS || pem.chars().count() > MAX_CSR_CHARACTERS {
        return Err(CsrError::TooLong);
    }
    if pem.matches("-----BEGIN").count() > 1 {
        return Err(CsrError::SeveralPemBlocks);
    }
    CertificateSigningRequestDer::from_pem_slice(pem.as_bytes()).map_err(|_| CsrError::NoPemBlock)
}

fn check_signature(
    request: &X509CertificationRequest<'_>,
    key: &PublicKey,
) -> Result<(), CsrError> {
    let algorithm = key
        .verification(&request.signature_algorithm.algorithm)
        .ok_or(CsrError::SignatureAlgorithm)?;
    let info = key.info();
    RawPublicKeyEntity::try_from(&info)
        .and_then(|entity| {
            entity.verify_signature(
                algorithm,
                request.certification_request_info.raw,
                &request.signature_value.data,
            )
        })
        .map_err(|_| CsrError::Signature)
}
