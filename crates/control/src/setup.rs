//! Making a server that does not run yet.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use portlama_model::{CaFingerprint, CertificateAuthority, Domain, Email, Serial, Timestamp};

use crate::http::BoxError;

/// What a new server is.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its public address.
    pub ip: IpAddr,
    /// The base domain; with [`CertificateAuthority::Internal`] the server is complete at once.
    pub domain: Option<Domain>,
    /// The address certificate authorities write to.
    pub email: Option<Email>,
    /// Who certifies the names visitors see.
    pub certificate_authority: CertificateAuthority,
    /// The present.
    pub now: Timestamp,
}

/// A server that was made.
#[derive(Debug, Clone)]
pub struct Initialised {
    /// What our own programs pin.
    pub ca_fingerprint: CaFingerprint,
    /// The authority's certificate.
    pub ca_path: PathBuf,
    /// The admin's certificate and key for browsers and keychains.
    pub p12_path: PathBuf,
    /// Its password.
    pub p12_password_path: PathBuf,
    /// The admin's certificate, PEM.
    pub admin_cert_path: PathBuf,
    /// The admin's key, PEM.
    pub admin_key_path: PathBuf,
    /// The admin certificate's serial.
    pub admin_serial: Serial,
}

/// Why a server was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A key or certificate could not be made.
    #[error("cannot make the certificates")]
    Certificate(#[source] BoxError),
}

/// Makes the authority, the admin's credentials and the first state in `dir`.
///
/// # Errors
/// When `dir` holds a server or something else, or cannot be written.
pub fn initialise(dir: &Path, setup: Setup) -> Result<Initialised, SetupError> {
    let _ = (dir, setup);
    Err(SetupError::Certificate("not there yet".into()))
}
