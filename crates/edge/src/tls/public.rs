//! The public zone: TLS 1.2 and 1.3, no client certificates, resumption allowed.

use std::sync::Arc;

use portlama_model::HostService;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{ALPN_API, ALPN_H2, ALPN_HTTP_1_1};
use crate::table::Shared;

/// Makes the configuration of the public zone. Session tickets carry no identity here: nobody
/// presents one in the handshake, and rustls binds a ticket to its host name.
pub(crate) fn public_config(
    provider: Arc<CryptoProvider>,
    shared: Arc<Shared>,
) -> Arc<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has suites of both versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(PublicCertificates(shared)));
    config.alpn_protocols = vec![ALPN_H2.into(), ALPN_HTTP_1_1.into(), ALPN_API.into()];
    // Keys live six hours, and six more for reading: forward secrecy is delayed by no more.
    match Ticketer::new() {
        Ok(ticketer) => config.ticketer = ticketer,
        Err(error) => tracing::warn!(%error, "visitors cannot resume TLS sessions"),
    }
    Arc::new(config)
}

#[derive(Debug)]
struct PublicCertificates(Arc<Shared>);

impl ResolvesServerCert for PublicCertificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let table = self.0.table();
        let entry = table.host_spelled(hello.server_name()?)?;
        let pins = hello
            .alpn()
            .into_iter()
            .flatten()
            .any(|offer| offer == ALPN_API);
        if pins && matches!(entry.service, HostService::Tunnel) {
            return self.0.own_certificate();
        }
        entry.certificate.clone().map(|c| c.key)
    }
}
