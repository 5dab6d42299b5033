//! What came back, checked before it is believed.

use std::collections::BTreeSet;

use portlama_model::{Secret, Timestamp};
use portlama_pki::{Validity, certificate_to_pem};
use rcgen::{KeyPair, PublicKeyData as _};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::CertificateName;

/// Certificates in a chain: a leaf, and more intermediates than any authority uses.
pub const MAX_CHAIN_CERTIFICATES: usize = 8;

/// A certificate that was checked: for exactly the name and the key that were ordered, held by
/// its chain, and valid at the time of the check.
#[derive(Debug, Clone)]
pub struct Obtained {
    /// The leaf and what leads to its authority, as PEM; nothing else stands in it.
    pub chain_pem: String,
    /// The leaf's private key (P-256, PKCS#8), as PEM.
    pub key_pem: Secret,
    /// When the leaf holds.
    pub validity: Validity,
    /// What the leaf says about who issued it.
    pub issuer: String,
}

/// Why a chain is not the one that was ordered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChainError {
    #[error("it is not a chain of certificates in PEM")]
    NotPem,
    #[error("the chain is missing: {0} certificates instead of at least two")]
    NoChain(usize),
    #[error("it has {0} certificates, more than {MAX_CHAIN_CERTIFICATES}")]
    TooLong(usize),
    #[error("its leaf cannot be read")]
    Leaf,
    #[error("it is for {0} and not for the name that was ordered")]
    WrongName(String),
    #[error("it is for another key than the one that was ordered")]
    WrongKey,
    #[error("it holds from {} to {}, and this machine's clock says {now}", .validity.not_before, .validity.not_after)]
    NotCurrent { validity: Validity, now: Timestamp },
    #[error("its certificates do not lead to one another: {0}")]
    Broken(webpki::Error),
}

/// Checks a chain for one name and one key.
pub(crate) fn check(
    chain_pem: &str,
    key: &KeyPair,
    name: &CertificateName,
    now: Timestamp,
) -> Result<Obtained, ChainError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain_pem.as_bytes())
        .take(MAX_CHAIN_CERTIFICATES + 1)
        .collect::<Result<_, _>>()
        .map_err(|_| ChainError::NotPem)?;
    let (leaf_der, intermediates, top) = match chain.as_slice() {
        [] => return Err(ChainError::NotPem),
        [_] => return Err(ChainError::NoChain(1)),
        chain if chain.len() > MAX_CHAIN_CERTIFICATES => {
            return Err(ChainError::TooLong(chain.len()));
        }
        [leaf, intermediates @ .., top] => (leaf, intermediates, top),
    };
    let (rest, leaf) = X509Certificate::from_der(leaf_der).map_err(|_| ChainError::Leaf)?;
    if !rest.is_empty() {
        return Err(ChainError::Leaf);
    }
    check_name(&leaf, name)?;
    if leaf.public_key().raw != key.subject_public_key_info() {
        return Err(ChainError::WrongKey);
    }
    let validity = Validity {
        not_before: Timestamp::from_unix_seconds(leaf.validity().not_before.timestamp()),
        not_after: Timestamp::from_unix_seconds(leaf.validity().not_after.timestamp()),
    };
    if !validity.contains(now) {
        return Err(ChainError::NotCurrent { validity, now });
    }
    check_signatures(leaf_der, intermediates, top, now)?;
    Ok(Obtained {
        chain_pem: chain.iter().map(certificate_to_pem).collect(),
        key_pem: key.serialize_pem().into(),
        validity,
        issuer: leaf.issuer().to_string(),
    })
}

/// The leaf carries the name and nothing else.
fn check_name(leaf: &X509Certificate<'_>, name: &CertificateName) -> Result<(), ChainError> {
    let names = leaf
        .subject_alternative_name()
        .map_err(|_| ChainError::Leaf)?;
    let found: BTreeSet<String> = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .map(|name| match name {
            GeneralName::DNSName(name) => name.to_ascii_lowercase(),
            other => other.to_string(),
        })
        .collect();
    if found == BTreeSet::from([name.to_string()]) {
        return Ok(());
    }
    let shown: Vec<String> = found.into_iter().take(4).collect();
    Err(ChainError::WrongName(format!("`{}`", shown.join("`, `"))))
}

/// Each certificate is signed by the next, for servers, at `now`. Whether browsers trust the
/// last one is theirs to say.
fn check_signatures(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    top: &CertificateDer<'_>,
    now: Timestamp,
) -> Result<(), ChainError> {
    let seconds = u64::try_from(now.unix_seconds()).unwrap_or(0);
    let anchor = anchor_from_trusted_cert(top).map_err(ChainError::Broken)?;
    EndEntityCert::try_from(leaf)
        .map_err(ChainError::Broken)?
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &[anchor],
            intermediates,
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)),
            KeyUsage::server_auth(),
            None,
            None,
        )
        .map_err(ChainError::Broken)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::CertificateParams;

    fn judge(chain_pem: &str, key: &KeyPair) -> Result<Obtained, ChainError> {
        let name = "app.example.org".parse().expect("a name");
        check(
            chain_pem,
            key,
            &name,
            Timestamp::from_unix_seconds(1_900_000_000),
        )
    }

    #[test]
    fn a_chain_has_bounds() {
        let key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(vec!["app.example.org".to_owned()])
            .and_then(|params| params.self_signed(&key))
            .expect("a certificate");
        let of = |count| judge(&leaf.pem().repeat(count), &key).expect_err("not a chain");
        assert_eq!(of(0), ChainError::NotPem);
        assert_eq!(of(1), ChainError::NoChain(1));
        let most = MAX_CHAIN_CERTIFICATES;
        assert_eq!(of(most + 1), ChainError::TooLong(most + 1));
    }

    proptest! {
        #[test]
        fn no_octets_from_outside_are_believed_or_panic(
            text in ".{0,200}",
            octets in proptest::collection::vec(any::<u8>(), 0..200),
            place in any::<proptest::sample::Index>(),
        ) {
            let key = KeyPair::generate().expect("a key");
            prop_assert!(judge(&text, &key).is_err());
            let wrapped = certificate_to_pem(&CertificateDer::from(octets.as_slice()));
            prop_assert!(judge(&wrapped.repeat(2), &key).is_err());
            // A real certificate with one octet turned over.
            let leaf = CertificateParams::new(vec!["app.example.org".to_owned()])
                .and_then(|params| params.self_signed(&key))
                .expect("a certificate");
            let mut turned = leaf.der().to_vec();
            let at = place.index(turned.len());
            turned[at] ^= 0xff;
            let pem = certificate_to_pem(&CertificateDer::from(turned)) + &leaf.pem();
            prop_assert!(judge(&pem, &key).is_err());
        }
    }
}
