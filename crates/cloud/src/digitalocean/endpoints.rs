//! Where DigitalOcean is asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// The API.
const API: &str = "https://api.digitalocean.com";
/// The host that tells what a token may: the vendor's own command line asks it, too.
const CONSOLE: &str = "https://cloud.digitalocean.com";

/// The addresses, and who certifies them.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// `https://host[:port]` of the API.
    pub api: String,
    /// `https://host[:port]` of the console, where a token is looked up.
    pub console: String,
    /// A file with the only authorities to believe, instead of the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            api: API.to_owned(),
            console: CONSOLE.to_owned(),
            ca_file: None,
        }
    }
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub enum EndpointsError {
    /// Authorities could not be read.
    #[error("cannot read the certificate authorities in `{}`: {reason}", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The system has none.
    #[error(
        "this machine has no certificate authorities (install the package ca-certificates): {0}"
    )]
    NoAuthorities(String),
    /// TLS itself.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl Endpoints {
    /// Reads the authorities. This reads files, so it blocks.
    pub(super) fn tls(&self) -> Result<Arc<ClientConfig>, EndpointsError> {
        let roots = match &self.ca_file {
            Some(path) => roots_of_file(path)?,
            None => roots_of_system()?,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

fn roots_of_file(path: &Path) -> Result<RootCertStore, EndpointsError> {
    let failed = |reason: String| EndpointsError::CaFile {
        path: path.to_owned(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| failed(error.to_string()))?;
    }
    match roots.is_empty() {
        false => Ok(roots),
        true => Err(failed("it has no certificate".to_owned())),
    }
}

fn roots_of_system() -> Result<RootCertStore, EndpointsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    match roots.is_empty() {
        false => Ok(roots),
        true => {
            let reasons: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
            Err(EndpointsError::NoAuthorities(reasons.join("; ")))
        }
    }
}
