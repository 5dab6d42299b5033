//! A throw-away authority with a server and an agent.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use portlama_pki::tls::{ClientCertificate, ClientVerifier, PinnedVerifier};
use portlama_pki::{Authority, IssuedKeyPair, LeafName};
use portlama_tunnel::WebSocketConfig;
use portlama_tunnel::ws::ServerProof;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::sign::SigningKey;
use rustls::{ClientConfig, ServerConfig};
use rustls_pki_types::CertificateDer;

pub const SERVER: &str = "tunnel.portlama.localhost";

pub struct Pki {
    pub authority: Authority,
    pub server: IssuedKeyPair,
    pub agent: IssuedKeyPair,
}

impl Pki {
    pub fn new() -> Self {
        let now = SystemTime::now().into();
        let (authority, _) = Authority::create(now).unwrap();
        let names = [LeafName::Host(SERVER.parse().unwrap())];
        let server = authority
            .issue_server(&names, now, Duration::from_secs(86_400))
            .unwrap();
        let agent = authority.issue_agent(&super::label("attic"), now).unwrap();
        Self {
            authority,
            server,
            agent,
        }
    }

    /// TLS of a server; with `mutual` it demands the agent's certificate.
    pub fn server_tls(&self, mutual: bool, alpn: &[&[u8]]) -> Arc<ServerConfig> {
        let versions = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap();
        let clients = if mutual {
            let trust = self.authority.client_trust();
            let verifier = ClientVerifier::new(trust, ClientCertificate::Required, provider());
            versions.with_client_cert_verifier(Arc::new(verifier))
        } else {
            versions.with_no_client_auth()
        };
        let mut config = clients
            .with_single_cert(self.chain(&self.server), self.server.key_der())
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }

    /// TLS of an agent that believes this authority.
    pub fn agent_tls(&self) -> Arc<ClientConfig> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(self.verifier())
            .with_client_auth_cert(self.chain(&self.agent), self.agent.key_der())
            .unwrap();
        Arc::new(config)
    }

    /// The WebSocket carrier through a middlebox of another authority.
    pub fn websocket(&self, middlebox: &Self) -> WebSocketConfig {
        WebSocketConfig {
            tls: middlebox.agent_tls(),
            chain: self.chain(&self.agent),
            key: signing_key(&self.agent),
            server: self.verifier(),
        }
    }

    pub fn server_proof(&self) -> ServerProof {
        ServerProof {
            chain: self.chain(&self.server),
            key: signing_key(&self.server),
        }
    }

    pub fn verifier(&self) -> Arc<PinnedVerifier> {
        Arc::new(PinnedVerifier::new(
            self.authority.fingerprint(),
            None,
            provider(),
        ))
    }

    pub fn chain(&self, leaf: &IssuedKeyPair) -> Vec<CertificateDer<'static>> {
        vec![
            leaf.certificate().der().clone(),
            self.authority.certificate_der().clone(),
        ]
    }
}

pub fn signing_key(pair: &IssuedKeyPair) -> Arc<dyn SigningKey> {
    provider()
        .key_provider
        .load_private_key(pair.key_der())
        .unwrap()
}

pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}
