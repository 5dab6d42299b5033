//! Certificates of hosts: who issues them, where they are kept, when they are renewed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use portlama_model::{CertificateAuthority, Desired, Domain, Hostname, Secret, Timestamp};
use portlama_pki::{Authority, IssueError, LeafName, verify_server};
use portlama_state::{Commit, FilePath, StateDir, StateError};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::http::BoxError;
use crate::{HostCertificate, HostCertificates};

/// How long a leaf of our own authority holds: 90 days, as public authorities have it, so
/// that renewal is exercised everywhere.
pub const LEAF_VALIDITY: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// The part of a leaf's life that is left when it is renewed: a third, time for a month of
/// failing attempts.
pub const RENEW_AT_FRACTION_LEFT: u32 = 3;

/// Who certifies host names at once. Authorities that take their time fill the gap later:
/// without an issuer a host waits and is shown as `certificate_pending`.
pub(crate) trait HostIssuer: Send + Sync {
    /// A key and a certificate for `host`.
    fn issue(&self, host: &Hostname, now: Timestamp) -> Result<NewCertificate, BoxError>;
}

/// Our own authority, for closed networks, tests and the demo.
pub(crate) struct InternalIssuer(pub(crate) Arc<Authority>);

impl HostIssuer for InternalIssuer {
    fn issue(&self, host: &Hostname, now: Timestamp) -> Result<NewCertificate, BoxError> {
        Ok(issue_leaf(&self.0, &[host.clone().into()], now)?)
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
    /// The files of a host's certificate.
    pub(crate) fn host_files(&self, host: &Hostname) -> [(FilePath, Vec<u8>); 2] {
        self.files(FilePath::host_chain(host), FilePath::host_key(host))
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

/// Whether a third of the life or less is left.
pub(crate) fn needs_renewal(leaf: &HostCertificate, now: Timestamp) -> bool {
    let life = leaf.not_after.since(leaf.not_before);
    leaf.not_after.since(now) <= life / RENEW_AT_FRACTION_LEFT
}

/// The certificates that `desired` needs: those that are there and good, and new ones where
/// an issuer can make them. A host that is in neither waits.
pub(crate) struct Provision {
    pub(crate) certificates: HostCertificates,
    new: Vec<(Hostname, NewCertificate)>,
    /// Hosts that are gone, whose keys are ours to throw away: a public authority's
    /// certificate is kept, because getting another one is rationed.
    gone: Vec<Hostname>,
}

impl Provision {
    pub(crate) fn of(
        desired: &Desired,
        present: &HostCertificates,
        issuer: Option<&dyn HostIssuer>,
        now: Timestamp,
    ) -> Result<Self, (Hostname, BoxError)> {
        let mut provision = Self {
            certificates: HostCertificates::new(),
            new: Vec::new(),
            gone: Vec::new(),
        };
        if issuer.is_some() {
            let gone = present
                .keys()
                .filter(|host| !desired.hosts.contains_key(*host));
            provision.gone = gone.cloned().collect();
        }
        for host in desired.hosts.keys() {
            let found = present
                .get(host)
                .filter(|leaf| !needs_renewal(leaf, now) || issuer.is_none());
            let certificate = match (found, issuer) {
                (Some(found), _) => found.clone(),
                (None, None) => continue,
                (None, Some(issuer)) => {
                    let new = issuer
                        .issue(host, now)
                        .map_err(|error| (host.clone(), error))?;
                    let certificate = new.certificate.clone();
                    provision.new.push((host.clone(), new));
                    certificate
                }
            };
            provision.certificates.insert(host.clone(), certificate);
        }
        Ok(provision)
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_stored(&self) -> bool {
        self.new.is_empty() && self.gone.is_empty()
    }

    /// Adds the files of the new certificates, and takes out those of hosts that are gone.
    pub(crate) fn write_into(&self, mut commit: Commit) -> Commit {
        for (host, new) in &self.new {
            for (path, bytes) in new.host_files(host) {
                commit = commit.write(&path, bytes);
            }
        }
        for host in &self.gone {
            commit = commit
                .remove(&FilePath::host_chain(host))
                .remove(&FilePath::host_key(host));
        }
        commit
    }
}

/// Reads the stored certificates of these hosts. One that cannot be read is left out and
/// logged, so that an issuer makes a new one.
pub(crate) fn load(
    dir: &StateDir,
    hosts: impl Iterator<Item = Hostname>,
) -> Result<HostCertificates, StateError> {
    let mut certificates = HostCertificates::new();
    for host in hosts {
        match load_pair(
            dir,
            &FilePath::host_chain(&host),
            &FilePath::host_key(&host),
        )? {
            Some(Ok(certificate)) => {
                certificates.insert(host, Arc::new(certificate));
            }
            Some(Err(problem)) => {
                tracing::warn!(%host, problem, "the stored certificate cannot be used");
            }
            None => {}
        }
    }
    Ok(certificates)
}

/// A stored chain and key: `None` when one of them is missing, `Err` when they make no sense.
pub(crate) fn load_pair(
    dir: &StateDir,
    chain: &FilePath,
    key: &FilePath,
) -> Result<Option<Result<HostCertificate, &'static str>>, StateError> {
    let (Some(chain), Some(key)) = (dir.read(chain)?, dir.read(key)?) else {
        return Ok(None);
    };
    Ok(Some(parse_pair(&chain, &key)))
}

fn parse_pair(chain: &[u8], key: &[u8]) -> Result<HostCertificate, &'static str> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|_| "the chain is not PEM")?;
    let leaf = chain.first().ok_or("the chain holds no certificate")?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| "the key is not PEM")?;
    let (_, parsed) =
        X509Certificate::from_der(leaf).map_err(|_| "the leaf is not a certificate")?;
    let validity = parsed.validity();
    Ok(HostCertificate {
        not_before: Timestamp::from_unix_seconds(validity.not_before.timestamp()),
        not_after: Timestamp::from_unix_seconds(validity.not_after.timestamp()),
        fingerprint: fingerprint(leaf),
        key,
        chain,
    })
}

fn fingerprint(leaf: &CertificateDer<'_>) -> [u8; 32] {
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

    #[test]
    fn a_stored_pair_comes_back_as_it_was_issued() {
        let (authority, _) = Authority::create(now()).expect("created");
        let names = own_names([192, 0, 2, 7].into(), None);
        let new = issue_leaf(&authority, &names, now()).expect("issued");
        let [(_, chain), (_, key)] = new.own_files();
        let back = parse_pair(&chain, &key).expect("parses");
        assert_eq!(back.chain, new.certificate.chain);
        assert_eq!(back.key, new.certificate.key);
        assert_eq!(back.not_after, new.certificate.not_after);
        assert!(parse_pair(b"no", &key).is_err());
        assert!(parse_pair(&chain, b"no").is_err());
    }
}
