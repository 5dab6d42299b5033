//! Leaves of our own authority, and when a leaf is renewed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use portlama_model::{CertificateAuthority, Domain, Hostname, Secret, Timestamp};
use portlama_pki::{Authority, IssueError, LeafName, Validity, verify_server};
use portlama_state::FilePath;
use rustls_pki_types::{CertificateDer, ServerName};

use portlama_acme::renewal::renew_at_latest;

use super::stored::parse_pair;
use crate::HostCertificate;
use crate::http::BoxError;

/// How long a leaf of our own authority holds: 90 days, as public authorities have it, so
/// that renewal is exercised everywhere.
pub const LEAF_VALIDITY: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Who certifies host names at once. Authorities that take their time are asked by the
/// [certifier](crate::certifier), and until they have answered a host is `certificate_pending`.
pub(crate) trait HostIssuer: Send + Sync {
    /// A key and a certificate for `host`.
    fn issue(&self, host: &Hostname, now: Timestamp) -> Result<NewCertificate, BoxError>;

    /// Whether `leaf` came from here, so that another one can be had at any time.
    fn made(&self, leaf: &HostCertificate) -> bool;
}

/// Our own authority, for closed networks, tests and the demo.
pub(crate) struct InternalIssuer(pub(crate) Arc<Authority>);

impl HostIssuer for InternalIssuer {
    fn issue(&self, host: &Hostname, now: Timestamp) -> Result<NewCertificate, BoxError> {
        Ok(issue_leaf(&self.0, &[host.clone().into()], now)?)
    }

    fn made(&self, leaf: &HostCertificate) -> bool {
        is_of(leaf, &self.0)
    }
}

/// The issuer that a state asks for.
pub(crate) fn issuer_for(
    kind: CertificateAuthority,
    own: &Arc<Authority>,
) -> Option<Arc<dyn HostIssuer>> {
    match kind {
        CertificateAuthority::Internal => Some(Arc::new(InternalIssuer(own.clone()))),
        CertificateAuthority::Acme => None,
    }
}

/// A certificate that is not stored yet.
pub(crate) struct NewCertificate {
    pub(crate) certificate: Arc<HostCertificate>,
    chain_pem: String,
    key_pem: Secret,
}

impl NewCertificate {
    /// What an authority issued, as PEM.
    ///
    /// # Errors
    /// When it makes no sense.
    pub(crate) fn from_pem(chain_pem: String, key_pem: Secret) -> Result<Self, &'static str> {
        let certificate = parse_pair(chain_pem.as_bytes(), key_pem.expose().as_bytes())?;
        Ok(Self {
            certificate: Arc::new(certificate),
            chain_pem,
            key_pem,
        })
    }

    /// One whose files are so large; it certifies nothing.
    #[cfg(test)]
    pub(crate) fn of_size(bytes: usize) -> Self {
        Self {
            certificate: Arc::new(HostCertificate {
                chain: Vec::new(),
                key: rustls_pki_types::PrivatePkcs8KeyDer::from(Vec::new()).into(),
                not_before: Timestamp::UNIX_EPOCH,
                not_after: Timestamp::UNIX_EPOCH,
                fingerprint: [0; 32],
            }),
            chain_pem: " ".repeat(bytes),
            key_pem: Secret::new(""),
        }
    }

    /// The files of a host's certificate.
    pub(crate) fn host_files(&self, host: &Hostname) -> [(FilePath, Vec<u8>); 2] {
        self.files(FilePath::host_chain(host), FilePath::host_key(host))
    }

    /// How large the files are together, octets.
    pub(crate) fn stored_bytes(&self) -> usize {
        self.chain_pem.len() + self.key_pem.expose().len()
    }

    /// The files of the server's own leaf.
    pub(crate) fn own_files(&self) -> [(FilePath, Vec<u8>); 2] {
        self.files(FilePath::SELF_SIGNED_CERT, FilePath::SELF_SIGNED_KEY)
    }

    fn files(&self, chain: FilePath, key: FilePath) -> [(FilePath, Vec<u8>); 2] {
        [
            (chain, self.chain_pem.clone().into_bytes()),
            (key, self.key_pem.expose().into()),
        ]
    }
}

/// A server leaf of our authority with the authority's certificate behind it.
pub(crate) fn issue_leaf(
    authority: &Authority,
    names: &[LeafName],
    now: Timestamp,
) -> Result<NewCertificate, IssueError> {
    let pair = authority.issue_server(names, now, LEAF_VALIDITY)?;
    let leaf = pair.certificate();
    let certificate = HostCertificate {
        chain: vec![leaf.der().clone(), authority.certificate_der().clone()],
        key: pair.key_der(),
        not_before: leaf.validity().not_before,
        not_after: leaf.validity().not_after,
        fingerprint: fingerprint(leaf.der()),
    };
    Ok(NewCertificate {
        certificate: Arc::new(certificate),
        chain_pem: leaf.pem() + &authority.certificate_pem(),
        key_pem: pair.key_pem(),
    })
}

/// The names of the server's own leaf: the address, and once there is a domain the panel and
/// the tunnel.
pub(crate) fn own_names(ip: IpAddr, domain: Option<&Domain>) -> Vec<LeafName> {
    let hosts = domain
        .into_iter()
        .flat_map(|domain| [domain.panel(), domain.tunnel()]);
    std::iter::once(ip.into())
        .chain(hosts.map(LeafName::from))
        .collect()
}

/// Whether a stored leaf of our own still serves: every name on it, trusted, and with more
/// than a third of its life left.
pub(crate) fn own_leaf_serves(
    leaf: &HostCertificate,
    authority: &Authority,
    names: &[LeafName],
    now: Timestamp,
) -> bool {
    let trusted = |name: &LeafName| {
        let name = match name {
            LeafName::Host(host) => ServerName::try_from(host.as_str()),
            LeafName::Ip(ip) => Ok(ServerName::from(*ip)),
        };
        name.is_ok_and(|name| {
            verify_server(
                &leaf.chain,
                &name,
                Some(authority.certificate_der()),
                &authority.fingerprint(),
                now,
            )
            .is_ok()
        })
    };
    !needs_renewal(leaf, now) && names.iter().all(trusted)
}

/// Whether `leaf` comes from `authority`.
pub(crate) fn is_of(leaf: &HostCertificate, authority: &Authority) -> bool {
    leaf.chain.last() == Some(authority.certificate_der())
}

/// Whether a third of the life or less is left.
pub(crate) fn needs_renewal(leaf: &HostCertificate, now: Timestamp) -> bool {
    let validity = Validity {
        not_before: leaf.not_before,
        not_after: leaf.not_after,
    };
    now >= renew_at_latest(&validity)
}

pub(super) fn fingerprint(leaf: &CertificateDer<'_>) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, leaf);
    let mut octets = [0; 32];
    octets.copy_from_slice(digest.as_ref());
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day after the build: no verifier believes an earlier time.
    fn now() -> Timestamp {
        portlama_pki::build_date().plus(Duration::from_secs(24 * 60 * 60))
    }

    #[test]
    fn a_leaf_is_renewed_when_a_third_of_its_life_is_left() {
        let (authority, _) = Authority::create(now()).expect("created");
        let names = own_names([192, 0, 2, 7].into(), None);
        let leaf = issue_leaf(&authority, &names, now())
            .expect("issued")
            .certificate;
        let third = LEAF_VALIDITY / 3;
        assert!(!needs_renewal(
            &leaf,
            leaf.not_after.minus(third).minus(Duration::from_secs(1))
        ));
        assert!(needs_renewal(&leaf, leaf.not_after.minus(third)));
        assert!(needs_renewal(&leaf, leaf.not_after.plus(third)));
    }

    #[test]
    fn the_own_leaf_must_carry_every_name() {
        let (authority, _) = Authority::create(now()).expect("created");
        let domain: Domain = "lab.example.org".parse().expect("valid");
        let ip = [192, 0, 2, 7].into();
        let (without, with) = (own_names(ip, None), own_names(ip, Some(&domain)));
        let leaf = issue_leaf(&authority, &without, now())
            .expect("issued")
            .certificate;
        assert!(own_leaf_serves(&leaf, &authority, &without, now()));
        assert!(!own_leaf_serves(&leaf, &authority, &with, now()));
    }
}
