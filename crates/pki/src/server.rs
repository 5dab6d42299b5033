//! Judging a server's certificates against the pinned authority.

use portlama_model::{CaFingerprint, Timestamp};
use rustls_pki_types::{CertificateDer, ServerName};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::ca_fingerprint;
use crate::certificate::{CertificateError, Parsed, Purpose};
use crate::client::{ChainError, check_size, verify_issued};

/// Why a server is not the one whose authority was pinned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerChainError {
    /// No certificate, or too many.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The leaf cannot be read.
    #[error("the server's certificate cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// None of the certificates is the pinned authority's.
    #[error(
        "the server does not belong to the pinned certificate authority {pinned}: check the address and the fingerprint"
    )]
    AnotherAuthority {
        /// The fingerprint that was expected.
        pinned: CaFingerprint,
    },
    /// The leaf was not signed by the pinned authority.
    #[error("the server's certificate was not issued by the pinned certificate authority: {0}")]
    Issuer(#[source] webpki::Error),
    /// The leaf has ended or has not begun.
    #[error(
        "the server's certificate does not hold at {now}: check the clock of this machine and of the server"
    )]
    NotCurrent {
        /// The time that counted.
        now: Timestamp,
    },
    /// Its extended key usage is not exactly serverAuth.
    #[error("the server's certificate is not for servers alone")]
    Purpose,
    /// The leaf is for other names.
    #[error("the server's certificate is not for {name}")]
    Name {
        /// The name that was dialled.
        name: String,
    },
}

/// When this program was built. No clock of a client is believed to be before it: machines
/// without a battery start in 1970, and they must be able to connect (and never to believe a
/// certificate that ended before the build).
#[must_use]
pub fn build_date() -> Timestamp {
    // A build script writes the digits.
    Timestamp::from_unix_seconds(env!("PORTLAMA_BUILD_EPOCH").parse().unwrap_or(0))
}

/// Whether `chain` (leaf first, as presented) is a server of the pinned authority with this
/// name. `now` counts as at least [`build_date`].
///
/// The authority's certificate is `known_ca` if its key matches the pin, else looked for among
/// the presented ones, so that a client that knows the fingerprint alone can connect.
///
/// # Errors
/// [`ServerChainError`] with the reason, to be shown to the person who connects.
pub fn verify_server(
    chain: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    known_ca: Option<&CertificateDer<'_>>,
    pinned: &CaFingerprint,
    now: Timestamp,
) -> Result<(), ServerChainError> {
    let now = now.max(build_date());
    check_size(chain)?;
    let (leaf, others) = chain.split_first().ok_or(ChainError::Empty)?;
    let parsed = Parsed::of(leaf)?;
    let ca = known_ca
        .into_iter()
        .chain(others)
        .find(|ca| ca_fingerprint(ca).as_ref() == Ok(pinned))
        .ok_or_else(|| ServerChainError::AnotherAuthority {
            pinned: pinned.clone(),
        })?;
    let anchor = anchor_from_trusted_cert(ca).map_err(ServerChainError::Issuer)?;
    if !parsed.validity().contains(now) {
        return Err(ServerChainError::NotCurrent { now });
    }
    verify_issued(leaf, &anchor, now, KeyUsage::server_auth()).map_err(ServerChainError::Issuer)?;
    if !parsed.is_only_for(Purpose::Server) {
        return Err(ServerChainError::Purpose);
    }
    EndEntityCert::try_from(leaf)
        .and_then(|leaf| leaf.verify_is_valid_for_subject_name(name))
        .map_err(|_| ServerChainError::Name {
            name: name.to_str().into_owned(),
        })
}
