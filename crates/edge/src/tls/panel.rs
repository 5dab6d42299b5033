//! The panel zone, and the panels of agents: TLS 1.3 only, a client certificate may be presented, nothing is resumed.

use std::sync::Arc;

use portlama_model::HostService;
use portlama_pki::ClientTrust;
use portlama_pki::tls::{ClientCertificate, ClientVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};

use super::{ALPN_API, ALPN_H2, ALPN_HTTP_1_1};
use crate::table::Shared;

/// Makes the configuration of the panel zone. Any certificate passes the handshake with its
/// key proven, so that a bad one gets a page instead of an alert; it is judged at every
/// request. A resumed session would carry yesterday's certificate, so there are none.
pub(crate) fn panel_config(
    provider: Arc<CryptoProvider>,
    trust: ClientTrust,
    shared: Arc<Shared>,
) -> Arc<ServerConfig> {
    let verifier = ClientVerifier::new(trust, ClientCertificate::Optional, provider.clone());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .expect("the provider has suites of TLS 1.3")
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(Arc::new(PanelCertificates(shared)));
    config.alpn_protocols = vec![ALPN_H2.into(), ALPN_HTTP_1_1.into(), ALPN_API.into()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

#[derive(Debug)]
struct PanelCertificates(Arc<Shared>);

impl ResolvesServerCert for PanelCertificates {
    /// Programs that pin, and whoever came by address, see the certificate of our own
    /// authority; browsers the host's, while there is one. Panels of agents have their host's
    /// alone, as ours does not name them.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let pins = hello
            .alpn()
            .into_iter()
            .flatten()
            .any(|offer| offer == ALPN_API);
        let table = self.0.table();
        let entry = hello
            .server_name()
            .and_then(|name| table.host_spelled(name));
        let hosts = entry.and_then(|entry| entry.certificate.clone());
        match entry.map(|entry| &entry.service) {
            Some(HostService::AgentPanel(_)) => hosts.map(|certificate| certificate.key),
            _ => hosts
                .filter(|_| !pins)
                .map(|certificate| certificate.key)
                .or_else(|| self.0.own_certificate()),
        }
    }
}
