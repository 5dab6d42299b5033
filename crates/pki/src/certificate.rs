//! What a certificate says, read once into plain values.

use portlama_model::{CaFingerprint, Serial, Timestamp};
use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// Why bytes are not a certificate that Portlama can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// A PEM text holds no certificate.
    #[error("there is no PEM block \"CERTIFICATE\"")]
    NoPemBlock,
    /// Not an X.509 certificate, or bytes follow it.
    #[error("not an X.509 certificate")]
    Malformed,
    /// A serial of no or more than 20 octets (RFC 5280 §4.1.2.2).
    #[error("the serial number is empty or longer than 20 octets")]
    Serial,
}

/// A SHA-256 digest that names a certificate or a public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Of these octets.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let mut octets = [0; 32];
        octets.copy_from_slice(digest.as_ref());
        Self(octets)
    }

    /// A digest that was kept, for example in the database.
    #[must_use]
    pub fn from_bytes(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// The 32 octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// The time in which a certificate holds, both ends included, to the second as X.509 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: Timestamp,
    /// The last second.
    pub not_after: Timestamp,
}

impl Validity {
    /// Whether `now` lies inside.
    #[must_use]
    pub fn contains(&self, now: Timestamp) -> bool {
        (self.not_before.unix_seconds()..=self.not_after.unix_seconds())
            .contains(&now.unix_seconds())
    }

    /// The time in which both hold; `None` when there is no such second.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let both = Self {
            not_before: self.not_before.max(other.not_before),
            not_after: self.not_after.min(other.not_after),
        };
        (both.not_before <= both.not_after).then_some(both)
    }
}

/// The SHA-256 of a certificate's public key (DER `SubjectPublicKeyInfo`): of the CA's
/// certificate, what our own programs pin.
///
/// # Errors
/// When the bytes are not a certificate.
pub fn ca_fingerprint(certificate: &CertificateDer<'_>) -> Result<CaFingerprint, CertificateError> {
    Ok(CaFingerprint::from_digest(
        *Parsed::of(certificate)?.key_digest().as_bytes(),
    ))
}

/// A certificate whose DER was read to the last byte.
pub(crate) struct Parsed<'a> {
    pub(crate) x509: X509Certificate<'a>,
}

impl<'a> Parsed<'a> {
    pub(crate) fn of(der: &'a CertificateDer<'_>) -> Result<Self, CertificateError> {
        match X509Certificate::from_der(der) {
            Ok(([], x509)) => Ok(Self { x509 }),
            Ok(_) | Err(_) => Err(CertificateError::Malformed),
        }
    }

    pub(crate) fn serial(&self) -> Result<Serial, CertificateError> {
        Serial::from_be_bytes(self.x509.raw_serial()).map_err(|_| CertificateError::Serial)
    }

    pub(crate) fn validity(&self) -> Validity {
        let validity = self.x509.validity();
        Validity {
            not_before: Timestamp::from_unix_seconds(validity.not_before.timestamp()),
            not_after: Timestamp::from_unix_seconds(validity.not_after.timestamp()),
        }
    }

    /// The SHA-256 of the public key's `SubjectPublicKeyInfo`.
    pub(crate) fn key_digest(&self) -> Sha256 {
        Sha256::of(self.x509.public_key().raw)
    }

    /// The one common name of the subject, or `None` when there are none or several.
    pub(crate) fn common_name(&self) -> Option<&'a str> {
        let mut names = self.x509.tbs_certificate.subject.iter_common_name();
        let name = names.next()?;
        if names.next().is_some() {
            return None;
        }
        name.as_str().ok()
    }

    /// Whether the one purpose of the certificate is the given one: a client leaf proves no
    /// server and a server leaf no client.
    pub(crate) fn is_only_for(&self, purpose: Purpose) -> bool {
        let Ok(Some(extension)) = self.x509.extended_key_usage() else {
            return false;
        };
        let usage = extension.value;
        let others = usage.any
            || usage.code_signing
            || usage.email_protection
            || usage.time_stamping
            || usage.ocsp_signing
            || !usage.other.is_empty();
        let expected = match purpose {
            Purpose::Client => (true, false),
            Purpose::Server => (false, true),
        };
        !others && (usage.client_auth, usage.server_auth) == expected
    }
}

/// The side of a connection that a leaf speaks for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Client,
    Server,
}
