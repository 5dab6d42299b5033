//! TLS towards the server, as the tunnel's connector takes it.

use std::sync::Arc;

use portlama_pki::tls::PinnedVerifier;
use portlama_tunnel::WebSocketConfig;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;

use crate::identity::Identity;
use crate::trust::{self, PinnedOrPlatform};

/// TLS 1.3 with the agent's certificate, to the pinned authority's server and no other.
pub(crate) fn carrier(identity: &Identity) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(trust::provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(pinned(identity))
        .with_client_auth_cert(identity.chain(), identity.key().to_der())?;
    // A resumed session would skip the look at the certificates.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// TLS to whatever ends it on the way. The agent's certificate is not shown there: it proves
/// itself inside, to the server alone.
pub(crate) fn websocket(identity: &Identity) -> Result<WebSocketConfig, rustls::Error> {
    let outer = Arc::new(PinnedOrPlatform::new(pinned(identity)));
    let mut config = ClientConfig::builder_with_provider(trust::provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(outer)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(WebSocketConfig {
        tls: Arc::new(config),
        chain: identity.chain(),
        key: trust::provider()
            .key_provider
            .load_private_key(identity.key().to_der())?,
        server: pinned(identity),
    })
}

fn pinned(identity: &Identity) -> Arc<dyn ServerCertVerifier> {
    Arc::new(PinnedVerifier::new(
        identity.fingerprint().clone(),
        Some(identity.authority().clone()),
        trust::provider(),
    ))
}
