//! The certificate authority: made once, loaded at every start.

use std::time::Duration;

use portlama_model::{CaFingerprint, Secret, Timestamp};
use rcgen::{Issuer, KeyPair, PublicKeyData};
use rustls_pki_types::CertificateDer;

use crate::certificate::{Parsed, Validity};
use crate::issue::{DAY_SECONDS, IssueError, ca_params};
use crate::public_key::PublicKey;
use crate::{
    CertificateError, ClientTrust, Sha256, UnacceptableKey, certificate_from_pem,
    certificate_to_pem,
};

/// How long a new CA holds: ten years. It is never rotated by itself.
pub const CA_VALIDITY: Duration = Duration::from_secs(3650 * DAY_SECONDS);

/// Why a stored authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The certificate does not parse.
    #[error("the certificate of the authority (ca.crt) cannot be read")]
    Certificate(#[from] CertificateError),
    /// The certificate is not a CA's.
    #[error("the certificate of the authority (ca.crt) does not allow signing certificates")]
    NotAnAuthority,
    /// The private key does not parse or is of another kind.
    #[error(
        "the private key of the authority (ca.key) cannot be read: it must be an unencrypted PEM key, ECDSA or RSA"
    )]
    Key(#[source] rcgen::Error),
    /// The key is too weak or of another kind.
    #[error("the private key of the authority (ca.key) is not acceptable")]
    UnacceptableKey(#[from] UnacceptableKey),
    /// Key and certificate do not belong together, or the certificate's names are of a kind
    /// that cannot be repeated in what it issues.
    #[error("the authority's key (ca.key) and certificate (ca.crt) do not belong together")]
    Mismatch,
    /// A new authority could not be made.
    #[error("making the certificate authority failed")]
    Create(#[from] IssueError),
}

/// The two files of a new authority.
#[derive(Debug)]
pub struct CaFiles {
    /// `ca.crt`, mode 0644.
    pub certificate_pem: String,
    /// `ca.key`, mode 0600.
    pub key_pem: Secret,
}

/// The certificate authority with its private key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    key_pem: Secret,
    key_digest: Sha256,
    validity: Validity,
}

impl Authority {
    /// Makes a new authority with an ECDSA P-256 key, good for [`CA_VALIDITY`].
    ///
    /// # Errors
    /// [`AuthorityError::Create`] when the cryptographic library fails.
    pub fn create(now: Timestamp) -> Result<(Self, CaFiles), AuthorityError> {
        let key = KeyPair::generate().map_err(IssueError::from)?;
        let params = ca_params(now, CA_VALIDITY)?;
        let certificate = params.self_signed(&key).map_err(IssueError::from)?;
        let files = CaFiles {
            certificate_pem: certificate_to_pem(certificate.der()),
            key_pem: Secret::new(key.serialize_pem()),
        };
        let authority = Self::load(&files.certificate_pem, &files.key_pem)?;
        Ok((authority, files))
    }

    /// Loads an authority from its two PEM texts. RSA keys of earlier installations are
    /// accepted. Whether the two belong together is proven by issuing and verifying a
    /// certificate that is thrown away.
    ///
    /// # Errors
    /// [`AuthorityError`] naming the file at fault.
    pub fn load(certificate_pem: &str, key_pem: &Secret) -> Result<Self, AuthorityError> {
        let certificate = certificate_from_pem(certificate_pem)?;
        let parsed = Parsed::of(&certificate)?;
        PublicKey::of(parsed.x509.public_key())?;
        if !may_sign(&parsed) {
            return Err(AuthorityError::NotAnAuthority);
        }
        let (key_digest, validity) = (parsed.key_digest(), parsed.validity());
        let key = KeyPair::from_pem(key_pem.expose()).map_err(AuthorityError::Key)?;
        if Sha256::of(&key.subject_public_key_info()) != key_digest {
            return Err(AuthorityError::Mismatch);
        }
        let issuer =
            Issuer::from_ca_cert_der(&certificate, key).map_err(|_| CertificateError::Malformed)?;
        let authority = Self {
            issuer,
            certificate,
            key_pem: key_pem.clone(),
            key_digest,
            validity,
        };
        authority.prove()?;
        Ok(authority)
    }

    /// The CA certificate.
    #[must_use]
    pub fn certificate_der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The CA certificate as PEM text.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        certificate_to_pem(&self.certificate)
    }

    /// The private key as PEM text.
    #[must_use]
    pub fn key_pem(&self) -> &Secret {
        &self.key_pem
    }

    /// What our own programs pin: the SHA-256 of the CA's public key.
    #[must_use]
    pub fn fingerprint(&self) -> CaFingerprint {
        CaFingerprint::from_digest(*self.key_digest.as_bytes())
    }

    /// When the CA's certificate holds.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// What verifies the certificates of this authority's clients.
    #[must_use]
    pub fn client_trust(&self) -> ClientTrust {
        ClientTrust::new(&self.certificate).expect("load verified a client with this certificate")
    }

    pub(crate) fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    pub(crate) fn key_digest(&self) -> Sha256 {
        self.key_digest
    }

    fn prove(&self) -> Result<(), AuthorityError> {
        let probe = self.issue_admin(self.validity.not_before)?;
        ClientTrust::new(&self.certificate)?
            .verify(&[probe.certificate().der().clone()])
            .map(drop)
            .map_err(|_| AuthorityError::Mismatch)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("fingerprint", &self.key_digest)
            .finish_non_exhaustive()
    }
}

fn may_sign(ca: &Parsed<'_>) -> bool {
    let signs = match ca.x509.key_usage() {
        Ok(Some(usage)) => usage.value.key_cert_sign(),
        Ok(None) => true,
        Err(_) => false,
    };
    ca.x509.is_ca() && signs
}
