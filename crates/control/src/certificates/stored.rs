//! Certificates as they lie in the state directory.

use portlama_model::{Hostname, Timestamp};
use portlama_state::{FilePath, StateDir, StateError};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::leaf::fingerprint;
use crate::HostCertificate;

/// The stored certificate that `host` shows: its own, or that of the name above it when it is a
/// wildcard that covers `host`.
///
/// # Errors
/// With what is wrong with its own.
pub(crate) fn load_host(
    dir: &StateDir,
    host: &Hostname,
) -> Result<Option<HostCertificate>, String> {
    let own = load_folder(dir, host);
    if let Ok(None) = own
        && let Some((_, above)) = host.as_str().split_once('.')
        && let Ok(above) = above.parse()
        && let Ok(Some(wildcard)) = load_folder(dir, &above)
        && covers(&wildcard, host)
    {
        return Ok(Some(wildcard));
    }
    own
}

/// The certificate in the folder of that name.
pub(crate) fn load_folder(
    dir: &StateDir,
    name: &Hostname,
) -> Result<Option<HostCertificate>, String> {
    match load_pair(dir, &FilePath::host_chain(name), &FilePath::host_key(name)) {
        Ok(Some(found)) => found.map(Some).map_err(str::to_owned),
        Ok(None) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether the leaf names `host`, itself or by a wildcard (RFC 9525 §6.3).
pub(crate) fn covers(leaf: &HostCertificate, host: &Hostname) -> bool {
    let Some((_, parsed)) = leaf
        .chain
        .first()
        .and_then(|der| X509Certificate::from_der(der).ok())
    else {
        return false;
    };
    let names = parsed.subject_alternative_name().ok().flatten();
    names.is_some_and(|names| {
        let mut names = names.value.general_names.iter();
        names.any(|name| matches!(name, GeneralName::DNSName(name) if name_covers(name, host)))
    })
}

fn name_covers(name: &str, host: &Hostname) -> bool {
    match name.strip_prefix("*.") {
        None => name.eq_ignore_ascii_case(host.as_str()),
        Some(above) => host
            .as_str()
            .split_once('.')
            .is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(above)),
    }
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

/// When the first certificate of a PEM file ends; `None` when there is none to read.
pub(crate) fn end_of(pem: &[u8]) -> Option<Timestamp> {
    let leaf = CertificateDer::from_pem_slice(pem).ok()?;
    let (_, parsed) = X509Certificate::from_der(&leaf).ok()?;
    let end = parsed.validity().not_after.timestamp();
    Some(Timestamp::from_unix_seconds(end))
}

pub(super) fn parse_pair(chain: &[u8], key: &[u8]) -> Result<HostCertificate, &'static str> {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use portlama_pki::Authority;

    use super::*;
    use crate::certificates::{issue_leaf, own_names};

    /// A day after the build: no verifier believes an earlier time.
    fn now() -> Timestamp {
        portlama_pki::build_date().plus(Duration::from_secs(24 * 60 * 60))
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

    #[test]
    fn a_wildcard_covers_one_label_and_not_its_own_name() {
        let host = |text: &str| text.parse::<Hostname>().expect("valid");
        let (app, deep, base) = ("a.example.org", "a.b.example.org", "example.org");
        assert!(name_covers("*.Example.org", &host(app)));
        assert!(name_covers("A.example.org", &host(app)));
        assert!(!name_covers("*.example.org", &host(deep)));
        assert!(!name_covers("*.example.org", &host(base)));
        assert!(!name_covers("*.org", &host(app)));
    }
}
