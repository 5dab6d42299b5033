//! Which public keys Portlama certifies.

use rcgen::PublicKeyData;
use rustls_pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA,
    OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512, Oid,
};
use x509_parser::public_key::{PublicKey as ParsedKey, RSAPublicKey};
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::Sha256;

/// The shortest RSA modulus accepted, bits (NIST SP 800-57: 112 bits of strength).
pub const MIN_RSA_BITS: usize = 2048;
/// The longest RSA modulus accepted, bits: more costs time at every handshake and adds nothing.
pub const MAX_RSA_BITS: usize = 4096;
/// The smallest RSA exponent accepted (NIST SP 800-56B §6.2): below, textbook attacks live.
pub const MIN_RSA_EXPONENT: u64 = 65537;

/// Why a public key is not certified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnacceptableKey {
    /// Neither ECDSA on P-256 or P-384 nor RSA.
    #[error("the key must be ECDSA P-256, ECDSA P-384 or RSA")]
    Algorithm,
    /// An RSA modulus of another length.
    #[error("an RSA key must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, this one has {bits}")]
    RsaBits {
        /// The length of the modulus.
        bits: usize,
    },
    /// An RSA exponent that is even, below 65537, or longer than 64 bits.
    #[error("the exponent of an RSA key must be odd and at least {MIN_RSA_EXPONENT}")]
    RsaExponent,
    /// The key's bytes are not what its algorithm demands.
    #[error("the public key is malformed")]
    Malformed,
}

/// A public key of a kind that Portlama certifies.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    kind: KeyKind,
    bits: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    P256,
    P384,
    Rsa,
}

impl PublicKey {
    pub(crate) fn of(spki: &SubjectPublicKeyInfo<'_>) -> Result<Self, UnacceptableKey> {
        let kind = kind_of(spki).ok_or(UnacceptableKey::Algorithm)?;
        if spki.subject_public_key.unused_bits != 0 {
            return Err(UnacceptableKey::Malformed);
        }
        let bits = spki.subject_public_key.data.to_vec();
        match kind {
            KeyKind::P256 => check_point(&bits, 32)?,
            KeyKind::P384 => check_point(&bits, 48)?,
            KeyKind::Rsa => match spki.parsed() {
                Ok(ParsedKey::RSA(key)) => check_rsa(&key)?,
                Ok(_) | Err(_) => return Err(UnacceptableKey::Malformed),
            },
        }
        Ok(Self { kind, bits })
    }

    /// The SHA-256 of the DER `SubjectPublicKeyInfo` as it stands in certificates.
    pub(crate) fn digest(&self) -> Sha256 {
        Sha256::of(&self.subject_public_key_info())
    }

    /// The key in the form that webpki verifies with.
    pub(crate) fn info(&self) -> SubjectPublicKeyInfoDer<'static> {
        SubjectPublicKeyInfoDer::from(self.subject_public_key_info())
    }

    /// The algorithm that a signature with this key and this `AlgorithmIdentifier` uses;
    /// `None` for other keys, SHA-1 and MD5.
    pub(crate) fn verification(
        &self,
        oid: &Oid<'_>,
    ) -> Option<&'static dyn SignatureVerificationAlgorithm> {
        let algorithms: [(Oid<'static>, &'static dyn SignatureVerificationAlgorithm); 3] =
            match self.kind {
                KeyKind::P256 => [
                    (
                        OID_SIG_ECDSA_WITH_SHA256,
                        webpki::aws_lc_rs::ECDSA_P256_SHA256,
                    ),
                    (
                        OID_SIG_ECDSA_WITH_SHA384,
                        webpki::aws_lc_rs::ECDSA_P256_SHA384,
                    ),
                    (
                        OID_SIG_ECDSA_WITH_SHA512,
                        webpki::aws_lc_rs::ECDSA_P256_SHA512,
                    ),
                ],
                KeyKind::P384 => [
                    (
                        OID_SIG_ECDSA_WITH_SHA256,
                        webpki::aws_lc_rs::ECDSA_P384_SHA256,
                    ),
                    (
                        OID_SIG_ECDSA_WITH_SHA384,
                        webpki::aws_lc_rs::ECDSA_P384_SHA384,
                    ),
                    (
                        OID_SIG_ECDSA_WITH_SHA512,
                        webpki::aws_lc_rs::ECDSA_P384_SHA512,
                    ),
                ],
                KeyKind::Rsa => [
                    (
                        OID_PKCS1_SHA256WITHRSA,
                        webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
                    ),
                    (
                        OID_PKCS1_SHA384WITHRSA,
                        webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
                    ),
                    (
                        OID_PKCS1_SHA512WITHRSA,
                        webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
                    ),
                ],
            };
        algorithms
            .into_iter()
            .find(|(known, _)| known == oid)
            .map(|(_, algorithm)| algorithm)
    }
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        match self.kind {
            KeyKind::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyKind::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyKind::Rsa => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}", self.kind, self.digest())
    }
}

fn kind_of(spki: &SubjectPublicKeyInfo<'_>) -> Option<KeyKind> {
    let algorithm = &spki.algorithm;
    if algorithm.algorithm == OID_PKCS1_RSAENCRYPTION {
        return Some(KeyKind::Rsa);
    }
    if algorithm.algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY {
        return None;
    }
    let curve = algorithm.parameters.as_ref()?.as_oid().ok()?;
    if curve == OID_EC_P256 {
        Some(KeyKind::P256)
    } else if curve == OID_NIST_EC_P384 {
        Some(KeyKind::P384)
    } else {
        None
    }
}

/// Uncompressed points only (RFC 5480 §2.2), as every client of ours writes them. Whether the
/// point lies on the curve is checked where a signature is verified with it.
fn check_point(bits: &[u8], coordinate_bytes: usize) -> Result<(), UnacceptableKey> {
    if bits.len() == 1 + 2 * coordinate_bytes && bits.first() == Some(&4) {
        Ok(())
    } else {
        Err(UnacceptableKey::Malformed)
    }
}

fn check_rsa(key: &RSAPublicKey<'_>) -> Result<(), UnacceptableKey> {
    let bits = bit_length(key.modulus);
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(UnacceptableKey::RsaBits { bits });
    }
    let exponent = key
        .try_exponent()
        .map_err(|_| UnacceptableKey::RsaExponent)?;
    if exponent < MIN_RSA_EXPONENT || exponent.is_multiple_of(2) {
        return Err(UnacceptableKey::RsaExponent);
    }
    Ok(())
}

fn bit_length(octets: &[u8]) -> usize {
    let significant = octets.iter().skip_while(|octet| **octet == 0).count();
    match octets.iter().find(|octet| **octet != 0) {
        Some(first) => 8 * significant - first.leading_zeros() as usize,
        None => 0,
    }
}
