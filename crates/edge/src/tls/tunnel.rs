//! The tunnel zone: TLS 1.3 only, a client certificate of our authority, nothing is resumed.

use std::sync::Arc;

use portlama_pki::ClientTrust;
use portlama_pki::tls::{ClientCertificate, ClientVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};

use super::ALPN_TUNNEL;
use crate::table::Shared;

/// Makes the configuration of the tunnel zone.
pub(crate) fn tunnel_config(
    provider: Arc<CryptoProvider>,
    trust: ClientTrust,
    shared: Arc<Shared>,
) -> Arc<ServerConfig> {
    let verifier = ClientVerifier::new(trust, ClientCertificate::Required, provider.clone());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .expect("the provider has suites of TLS 1.3")
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(OwnCertificate(shared)));
    config.alpn_protocols = vec![ALPN_TUNNEL.into()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

#[derive(Debug)]
struct OwnCertificate(Arc<Shared>);

impl ResolvesServerCert for OwnCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.own_certificate()
    }
}
