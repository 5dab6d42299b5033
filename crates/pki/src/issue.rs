//! What the authority issues: names, purposes and validity of each kind of certificate.

use std::net::IpAddr;
use std::time::Duration;

use portlama_model::{AgentLabel, Hostname, Secret, Serial, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::certificate::Validity;
use crate::{Authority, Sha256, certificate_to_pem};

/// How far back `notBefore` lies, so that a peer whose clock is slow believes a fresh
/// certificate.
pub const BACKDATE: Duration = Duration::from_secs(5 * 60);
/// How long admin and agent certificates hold: 730 days, as in earlier installations.
pub const CLIENT_VALIDITY: Duration = Duration::from_secs(730 * DAY_SECONDS);
/// The longest life of a server leaf: 397 days, the most that Apple's clients accept when
/// [`BACKDATE`] counts, too.
pub const MAX_SERVER_VALIDITY: Duration = Duration::from_secs(397 * DAY_SECONDS);
/// The most names on one server leaf. The panel needs three.
pub const MAX_LEAF_NAMES: usize = 16;

pub(crate) const DAY_SECONDS: u64 = 24 * 60 * 60;

/// Octets of a serial: 126 random bits, beyond the 64 that the CA/Browser Forum asks for.
const SERIAL_BYTES: usize = 16;
/// The longest common name (RFC 5280 appendix A.1, `ub-common-name`), characters.
const MAX_COMMON_NAME: usize = 64;
const ORGANIZATION: &str = "Portlama";

/// Why the authority did not issue. The fault is on the server's side.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The present lies outside the life of the CA's own certificate.
    #[error(
        "the certificate authority holds from {} to {} and the clock says {now}: correct the clock, or make a new authority with `portlama server init`",
        .authority.not_before, .authority.not_after
    )]
    OutsideAuthority {
        /// When the CA holds.
        authority: Validity,
        /// The present.
        now: Timestamp,
    },
    /// A server leaf for no name, or for more than [`MAX_LEAF_NAMES`].
    #[error("a server certificate needs 1 to {MAX_LEAF_NAMES} names, {count} were given")]
    Names {
        /// How many were given.
        count: usize,
    },
    /// The cryptographic library failed.
    #[error("making the certificate failed")]
    Crypto(#[from] rcgen::Error),
    /// No randomness.
    #[error("the system gives no random numbers")]
    Random,
    /// The PKCS#12 file could not be made.
    #[error("making the PKCS#12 file failed")]
    Pkcs12(#[source] p12_keystore::error::Error),
}

/// A name that a server leaf speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeafName {
    /// A DNS name.
    Host(Hostname),
    /// An IP address.
    Ip(IpAddr),
}

impl From<Hostname> for LeafName {
    fn from(host: Hostname) -> Self {
        Self::Host(host)
    }
}

impl From<IpAddr> for LeafName {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}

impl std::fmt::Display for LeafName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(host) => host.fmt(f),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

/// A certificate that was just signed.
#[derive(Debug, Clone)]
pub struct IssuedCertificate {
    der: CertificateDer<'static>,
    serial: Serial,
    validity: Validity,
    key_digest: Sha256,
}

impl IssuedCertificate {
    /// The certificate.
    #[must_use]
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// The certificate as PEM text.
    #[must_use]
    pub fn pem(&self) -> String {
        certificate_to_pem(&self.der)
    }

    /// The serial.
    #[must_use]
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// When it holds.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The SHA-256 of its public key: what must be remembered when it is revoked, so that the
    /// key is not certified again.
    #[must_use]
    pub fn key_digest(&self) -> Sha256 {
        self.key_digest
    }
}

/// A certificate and the private key that was made for it.
#[derive(Debug)]
pub struct IssuedKeyPair {
    certificate: IssuedCertificate,
    key: KeyPair,
}

impl IssuedKeyPair {
    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &IssuedCertificate {
        &self.certificate
    }

    /// The private key as PKCS#8 PEM text.
    #[must_use]
    pub fn key_pem(&self) -> Secret {
        Secret::new(self.key.serialize_pem())
    }

    /// The private key as rustls takes it.
    #[must_use]
    pub fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    pub(crate) fn pkcs8(&self) -> &[u8] {
        self.key.serialized_der()
    }
}

impl Authority {
    /// Makes a key and the admin's certificate (`CN=admin`, clientAuth only) for it.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue_admin(&self, now: Timestamp) -> Result<IssuedKeyPair, IssueError> {
        let key = KeyPair::generate()?;
        let certificate = self.issue_admin_for_key(&key, now)?;
        Ok(IssuedKeyPair { certificate, key })
    }

    /// Signs the admin's certificate for a key that stays in the admin's hardware.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn sign_admin(
        &self,
        key: &crate::AdmittedKey,
        now: Timestamp,
    ) -> Result<IssuedCertificate, IssueError> {
        self.issue_admin_for_key(key.key(), now)
    }

    /// Signs an agent's certificate (`CN=agent:<label>`, clientAuth only) for a key that stays
    /// with the agent.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn sign_agent(
        &self,
        label: &AgentLabel,
        key: &crate::AdmittedKey,
        now: Timestamp,
    ) -> Result<IssuedCertificate, IssueError> {
        self.sign_client(&label.common_name(), key.key(), now)
    }

    /// Makes a key and an agent's certificate for it (agents that get a P12 file).
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue_agent(
        &self,
        label: &AgentLabel,
        now: Timestamp,
    ) -> Result<IssuedKeyPair, IssueError> {
        let key = KeyPair::generate()?;
        let certificate = self.sign_client(&label.common_name(), &key, now)?;
        Ok(IssuedKeyPair { certificate, key })
    }

    /// Makes a key and a server leaf (serverAuth only) for these names. `validity` is cut to
    /// [`MAX_SERVER_VALIDITY`] and to the CA's own end.
    ///
    /// # Errors
    /// [`IssueError::Names`] for none or too many names, or as the others.
    pub fn issue_server(
        &self,
        names: &[LeafName],
        now: Timestamp,
        validity: Duration,
    ) -> Result<IssuedKeyPair, IssueError> {
        let (Some(first), true) = (names.first(), names.len() <= MAX_LEAF_NAMES) else {
            return Err(IssueError::Names { count: names.len() });
        };
        let common_name = Some(first.to_string())
            .filter(|name| name.len() <= MAX_COMMON_NAME)
            .unwrap_or_else(|| "Portlama server".to_owned());
        let mut params = leaf_params(&common_name, ExtendedKeyUsagePurpose::ServerAuth);
        params.subject_alt_names = names.iter().map(alt_name).collect::<Result<_, _>>()?;
        let key = KeyPair::generate()?;
        let certificate = self.sign(params, &key, now, validity.min(MAX_SERVER_VALIDITY))?;
        Ok(IssuedKeyPair { certificate, key })
    }

    fn issue_admin_for_key(
        &self,
        key: &impl PublicKeyData,
        now: Timestamp,
    ) -> Result<IssuedCertificate, IssueError> {
        self.sign_client("admin", key, now)
    }

    fn sign_client(
        &self,
        common_name: &str,
        key: &impl PublicKeyData,
        now: Timestamp,
    ) -> Result<IssuedCertificate, IssueError> {
        let params = leaf_params(common_name, ExtendedKeyUsagePurpose::ClientAuth);
        self.sign(params, key, now, CLIENT_VALIDITY)
    }

    pub(crate) fn sign(
        &self,
        mut params: CertificateParams,
        key: &impl PublicKeyData,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<IssuedCertificate, IssueError> {
        let own = self.validity();
        let validity = validity_from(now, lifetime)
            .intersection(&own)
            .filter(|both| both.not_after > now)
            .ok_or(IssueError::OutsideAuthority {
                authority: own,
                now,
            })?;
        let serial = random_serial()?;
        set_validity(&mut params, validity);
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        let certificate = params.signed_by(key, self.issuer())?;
        Ok(IssuedCertificate {
            der: certificate.into(),
            serial: Serial::from_be_bytes(&serial).expect("16 octets that do not begin with zero"),
            validity,
            key_digest: Sha256::of(&key.subject_public_key_info()),
        })
    }
}

/// The parameters of a new CA certificate (`CN=Portlama CA`, CA:TRUE, pathLen 0).
pub(crate) fn ca_params(
    now: Timestamp,
    lifetime: Duration,
) -> Result<CertificateParams, IssueError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject("Portlama CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(SerialNumber::from_slice(&random_serial()?));
    set_validity(&mut params, validity_from(now, lifetime));
    Ok(params)
}

fn leaf_params(common_name: &str, purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject(common_name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    params
}

fn subject(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name.push(DnType::OrganizationName, ORGANIZATION);
    name
}

fn alt_name(name: &LeafName) -> Result<SanType, rcgen::Error> {
    Ok(match name {
        LeafName::Host(host) => SanType::DnsName(host.as_str().try_into()?),
        LeafName::Ip(ip) => SanType::IpAddress(*ip),
    })
}

/// Whole seconds, because X.509 has no smaller ones (RFC 5280 §4.1.2.5).
fn validity_from(now: Timestamp, lifetime: Duration) -> Validity {
    let now = Timestamp::from_unix_seconds(now.unix_seconds());
    let not_before = now.minus(BACKDATE);
    Validity {
        not_before,
        not_after: not_before.plus(lifetime),
    }
}

fn set_validity(params: &mut CertificateParams, validity: Validity) {
    params.not_before = validity.not_before.to_offset_date_time();
    params.not_after = validity.not_after.to_offset_date_time();
}

/// Random, positive, and without a leading zero octet, so that the DER and the text agree.
fn random_serial() -> Result<[u8; SERIAL_BYTES], IssueError> {
    let mut serial = [0; SERIAL_BYTES];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| IssueError::Random)?;
    serial[0] = serial[0] & 0x7F | 0x40;
    Ok(serial)
}
