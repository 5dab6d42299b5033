//! TLS for the fakes: a certificate for `localhost` by an authority of their own.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

/// An authority that signs itself.
pub(crate) fn issuer(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(authority_params(name), key).expect("an authority")
}

/// What makes a certificate an authority's.
pub(crate) fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params
}

/// What a server at `localhost` shows, PEM.
pub struct LocalhostPems {
    /// Its certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
    /// The authority that certifies it.
    pub authority: String,
}

/// A new certificate for `localhost` by an authority of this name.
///
/// # Panics
/// When there is no chance to make keys from.
#[must_use]
pub fn localhost_pems(name: &str) -> LocalhostPems {
    let (authority, key, leaf) = localhost(name);
    LocalhostPems {
        certificate: leaf.pem(),
        key: key.serialize_pem(),
        authority: authority.pem(),
    }
}

fn localhost(name: &str) -> (CertifiedIssuer<'static, KeyPair>, KeyPair, Certificate) {
    let authority = issuer(name);
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["localhost".to_owned()])
        .expect("a name")
        .signed_by(&key, &authority)
        .expect("a leaf");
    (authority, key, leaf)
}

/// TLS for `localhost`, and the authority that certifies it, PEM.
pub(crate) fn local_tls(name: &str) -> (TlsAcceptor, String) {
    let (authority, key, leaf) = localhost(name);
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("a certificate");
    (TlsAcceptor::from(Arc::new(config)), authority.pem())
}
