//! The calls.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use portlama_dial::ProxyUrl;
use portlama_model::{AgentLabel, CaFingerprint, Capability, Username};
use portlama_pki::tls::PinnedVerifier;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::exchange::{ANSWER_TIMEOUT, Content, Exchange};
use super::{ALPN, ClientError, PanelUrl};
use crate::{
    AdminRotated, AdminRotation, Agent, AgentCapabilities, AgentConfig, AgentList, AgentRevoked,
    CapabilityChange, Certificate, CertificateList, CertificateRequest, CertificateSigned, Done,
    EnrollRequest, Enrolled, Enrollment, EnrollmentCancelled, Health, NewEnrollment, NewTunnel,
    NewUser, OnboardingState, OwnRevocation, TotpReset, Tunnel, TunnelAnswer, TunnelChange,
    TunnelList, User, UserAnswer, UserChange, UserList,
};

/// A client certificate and its key.
#[derive(Debug)]
pub struct ClientIdentity {
    /// Leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key.
    pub key: PrivateKeyDer<'static>,
}

/// A client of one panel.
pub struct PanelClient {
    exchange: Exchange,
}

impl PanelClient {
    /// A client of the panel at `url` that believes the pinned authority alone.
    ///
    /// `known_ca` is that authority's certificate where the client has it; without it the server
    /// sends it along. Without `identity` only [`health`](Self::health) and
    /// [`enroll`](Self::enroll) are answered.
    ///
    /// # Errors
    /// [`ClientError::Identity`] when certificate and key do not belong together.
    pub fn new(
        url: PanelUrl,
        pinned: CaFingerprint,
        known_ca: Option<CertificateDer<'static>>,
        identity: Option<ClientIdentity>,
    ) -> Result<Self, ClientError> {
        let tls = tls_config(pinned, known_ca, identity).map_err(ClientError::Identity)?;
        Ok(Self {
            exchange: Exchange {
                url,
                tls: Arc::new(tls),
                proxy: None,
                timeout: ANSWER_TIMEOUT,
            },
        })
    }

    /// The same through a proxy.
    #[must_use]
    pub fn with_proxy(mut self, proxy: Option<ProxyUrl>) -> Self {
        self.exchange.proxy = proxy;
        self
    }

    /// The same with another time limit for a whole call.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.exchange.timeout = timeout;
        self
    }

    /// The panel's address.
    #[must_use]
    pub fn url(&self) -> &PanelUrl {
        &self.exchange.url
    }

    /// Whether the server answers, and its version.
    ///
    /// # Errors
    /// See [`ClientError`]; so for all calls.
    pub async fn health(&self) -> Result<Health, ClientError> {
        self.get("/api/health").await
    }

    /// How far the first set-up has come.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn onboarding(&self) -> Result<OnboardingState, ClientError> {
        self.get("/api/onboarding/status").await
    }

    /// All tunnels, newest first.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn tunnels(&self) -> Result<Vec<Tunnel>, ClientError> {
        let list: TunnelList = self.get("/api/tunnels").await?;
        Ok(list.tunnels)
    }

    /// Makes a tunnel.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create_tunnel(&self, new: &NewTunnel) -> Result<Tunnel, ClientError> {
        let answer: TunnelAnswer = self.send(Method::POST, "/api/tunnels", new).await?;
        Ok(answer.tunnel)
    }

    /// Changes a tunnel.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn change_tunnel(
        &self,
        id: Uuid,
        change: &TunnelChange,
    ) -> Result<Tunnel, ClientError> {
        let path = format!("/api/tunnels/{id}");
        let answer: TunnelAnswer = self.send(Method::PATCH, &path, change).await?;
        Ok(answer.tunnel)
    }

    /// Deletes a tunnel.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn delete_tunnel(&self, id: Uuid) -> Result<(), ClientError> {
        let _: Done = self
            .bare(Method::DELETE, &format!("/api/tunnels/{id}"))
            .await?;
        Ok(())
    }

    /// What the calling agent needs to serve.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn agent_config(&self) -> Result<AgentConfig, ClientError> {
        self.get("/api/tunnels/agent-config").await
    }

    /// All users by name.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn users(&self) -> Result<Vec<User>, ClientError> {
        let list: UserList = self.get("/api/users").await?;
        Ok(list.users)
    }

    /// Makes a user.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create_user(&self, new: &NewUser) -> Result<User, ClientError> {
        let answer: UserAnswer = self.send(Method::POST, "/api/users", new).await?;
        Ok(answer.user)
    }

    /// Changes a user.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn change_user(
        &self,
        username: &Username,
        change: &UserChange,
    ) -> Result<User, ClientError> {
        let path = format!("/api/users/{username}");
        let answer: UserAnswer = self.send(Method::PUT, &path, change).await?;
        Ok(answer.user)
    }

    /// Deletes a user.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn delete_user(&self, username: &Username) -> Result<(), ClientError> {
        let _: Done = self
            .bare(Method::DELETE, &format!("/api/users/{username}"))
            .await?;
        Ok(())
    }

    /// Gives a user a new TOTP seed; the old one ends at once.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn reset_totp(&self, username: &Username) -> Result<TotpReset, ClientError> {
        self.bare(Method::POST, &format!("/api/users/{username}/reset-totp"))
            .await
    }

    /// Makes a single-use token for an agent to be.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn create_enrollment(&self, new: &NewEnrollment) -> Result<Enrollment, ClientError> {
        self.send(Method::POST, "/api/certs/agent/enroll", new)
            .await
    }

    /// Takes back the pending token of a label; says whether there was one.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn cancel_enrollment(&self, label: &AgentLabel) -> Result<bool, ClientError> {
        let path = format!("/api/certs/agent/enroll/{label}");
        let answer: EnrollmentCancelled = self.bare(Method::DELETE, &path).await?;
        Ok(answer.revoked)
    }

    /// Turns a token and a request into a certificate. Needs no certificate.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn enroll(&self, request: &EnrollRequest) -> Result<Enrolled, ClientError> {
        self.send(Method::POST, "/api/enroll", request).await
    }

    /// All agents, revoked ones included.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn agents(&self) -> Result<Vec<Agent>, ClientError> {
        let list: AgentList = self.get("/api/certs/agent").await?;
        Ok(list.agents)
    }

    /// Replaces the rights of an agent.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn set_capabilities(
        &self,
        label: &AgentLabel,
        capabilities: Vec<Capability>,
    ) -> Result<AgentCapabilities, ClientError> {
        let path = format!("/api/certs/agent/{label}/capabilities");
        self.send(Method::PATCH, &path, &CapabilityChange { capabilities })
            .await
    }

    /// Revokes an agent's certificate and ends its connections.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn revoke_agent(&self, label: &AgentLabel) -> Result<(), ClientError> {
        let path = format!("/api/certs/agent/{label}");
        let _: AgentRevoked = self.bare(Method::DELETE, &path).await?;
        Ok(())
    }

    /// All certificates that the server keeps, the first to end first.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn certificates(&self) -> Result<Vec<Certificate>, ClientError> {
        let list: CertificateList = self.get("/api/certs").await?;
        Ok(list.certs)
    }

    /// Makes a new admin certificate.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn rotate_admin(
        &self,
        rotation: &AdminRotation,
    ) -> Result<AdminRotated, ClientError> {
        self.send(Method::POST, "/api/certs/mtls/rotate", rotation)
            .await
    }

    /// Exchanges the admin's certificate for one of a key that the server never sees. The
    /// present one is dead with the answer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn upgrade_admin(
        &self,
        request: &CertificateRequest,
    ) -> Result<CertificateSigned, ClientError> {
        let path = "/api/certs/admin/upgrade-to-hardware-bound";
        self.send(Method::POST, path, request).await
    }

    /// Gets the calling agent a certificate for a new key of its own. The present one holds
    /// until the new one was used, and an hour longer; who loses the answer asks again.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn upgrade_certificate(
        &self,
        request: &CertificateRequest,
    ) -> Result<CertificateSigned, ClientError> {
        self.send(Method::POST, "/api/certs/agent/upgrade-cert", request)
            .await
    }

    /// Revokes the calling agent's own certificate: the answer is the last it gets.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn revoke_self(&self, label: AgentLabel) -> Result<(), ClientError> {
        let path = "/api/certs/agent/revoke-self";
        let revocation = OwnRevocation { label };
        let _: AgentRevoked = self.send(Method::POST, path, &revocation).await?;
        Ok(())
    }

    pub(super) async fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, ClientError> {
        self.bare(Method::GET, path).await
    }

    async fn bare<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
    ) -> Result<A, ClientError> {
        self.exchange(method, path, None).await
    }

    pub(super) async fn send<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, ClientError> {
        let body = serde_json::to_vec(body).expect("request types have text keys alone");
        self.exchange(method, path, Some(Content::json(body))).await
    }

    pub(super) async fn exchange<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Content>,
    ) -> Result<A, ClientError> {
        let answer = self.exchange.ask(method, path, body).await?;
        serde_json::from_slice(&answer)
            .map_err(|error| self.exchange.not_understood(error.to_string()))
    }
}

impl std::fmt::Debug for PanelClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PanelClient")
            .field("url", &self.exchange.url)
            .finish_non_exhaustive()
    }
}

fn tls_config(
    pinned: CaFingerprint,
    known_ca: Option<CertificateDer<'static>>,
    identity: Option<ClientIdentity>,
) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = PinnedVerifier::new(pinned, known_ca, Arc::clone(&provider));
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN.to_vec(), b"http/1.1".to_vec()];
    // Identities are judged anew on every connection.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}
