//! What every test of this crate begins with.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use portlama_model::{AgentLabel, Timestamp};
use portlama_pki::{
    AdmittedKey, AgentKey, Authority, IssuedCertificate, ParsedRequest, build_date,
};
use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair};

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A present after the build date, whenever that was, on a whole second.
pub(crate) fn now() -> Timestamp {
    build_date().plus(30 * DAY)
}

pub(crate) fn authority() -> Authority {
    Authority::create(now()).unwrap().0
}

pub(crate) fn label(text: &str) -> AgentLabel {
    text.parse().unwrap()
}

pub(crate) fn admitted(authority: &Authority, key: &AgentKey) -> AdmittedKey {
    let request = key.request(&label("attic")).unwrap();
    ParsedRequest::parse(&request)
        .unwrap()
        .admit(authority, &BTreeSet::new())
        .unwrap()
}

/// An agent's certificate and its key.
pub(crate) fn agent(authority: &Authority) -> (IssuedCertificate, AgentKey) {
    let key = AgentKey::generate().unwrap();
    let admitted = admitted(authority, &key);
    (
        authority
            .sign_agent(&label("attic"), &admitted, now())
            .unwrap(),
        key,
    )
}

/// Something that signs with the authority's own key, for certificates that our code would
/// never issue.
pub(crate) fn rogue_issuer(authority: &Authority) -> Issuer<'static, KeyPair> {
    let key = KeyPair::from_pem(authority.key_pem().expose()).unwrap();
    Issuer::from_ca_cert_der(authority.certificate_der(), key).unwrap()
}

/// The parameters of a certificate with these common names, holding for a year.
pub(crate) fn params(common_names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for name in common_names {
        params.distinguished_name.push(DnType::CommonName, *name);
    }
    params.not_before = now().minus(DAY).to_offset_date_time();
    params.not_after = now().plus(365 * DAY).to_offset_date_time();
    params
}

pub(crate) fn oid_text(extension: &x509_parser::extensions::X509Extension<'_>) -> String {
    extension.oid.to_id_string()
}
