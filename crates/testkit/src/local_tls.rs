//! TLS for the fakes: a certificate for `localhost` by an authority of their own.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
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

/// TLS for `localhost`, and the authority that certifies it, PEM.
pub(crate) fn local_tls(name: &str) -> (TlsAcceptor, String) {
    let authority = issuer(name);
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["localhost".to_owned()])
        .expect("a name")
        .signed_by(&key, &authority)
        .expect("a leaf");
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
