//! The seams to what carries out decisions: the data plane, the tunnels, the challenges.

use std::pin::Pin;
use std::sync::Arc;

use portlama_model::{Desired, HostMap, Hostname, Origin, Timestamp, TunnelKey};
use portlama_tunnel::{OpenError, TunnelStream};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A boxed future that may cross threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What serves visitors. A change is prepared, which may fail, and activated, which cannot;
/// in between lies the durable commit.
pub trait DataPlane: Send + Sync {
    /// Makes everything ready that `desired` needs, without serving it. The server's own
    /// certificate ([`Live::own_certificate`](crate::Live::own_certificate)) may be another one
    /// than at the call before.
    ///
    /// # Errors
    /// When a host cannot be served, for example because its certificate and key differ.
    fn prepare(
        &self,
        desired: Arc<Desired>,
        certificates: &Arc<HostCertificates>,
    ) -> Result<Box<dyn Activation>, PrepareError>;
}

/// A change that only waits to be switched on. Dropping it changes nothing.
pub trait Activation: Send {
    /// Serves the change. Cuts no connection but those it forbids.
    fn activate(self: Box<Self>);
}

/// Why a data plane cannot serve what is desired.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", host.as_ref().map(|h| format!("`{h}`: ")).unwrap_or_default())]
pub struct PrepareError {
    /// The host it fails on, when it is one.
    pub host: Option<Hostname>,
    /// What is wrong, for the admin.
    pub reason: String,
}

/// The certificates of hosts that have one. A host of `Desired` that is absent here waits
/// for its certificate.
pub type HostCertificates = HostMap<Arc<HostCertificate>>;

/// A certificate chain, leaf first, and the leaf's key.
#[derive(Debug)]
pub struct HostCertificate {
    /// The leaf and what leads to its authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key.
    pub key: PrivateKeyDer<'static>,
    /// When the leaf begins.
    pub not_before: Timestamp,
    /// When the leaf ends.
    pub not_after: Timestamp,
    /// SHA-256 of the leaf, to tell a renewed one from its predecessor.
    pub fingerprint: [u8; 32],
}

/// Opens a way through a tunnel.
pub trait Upstreams: Send + Sync {
    /// Opens a stream to the service behind `target`. When it fails, nothing of a request was
    /// delivered, so that trying again is safe.
    fn open<'a>(
        &'a self,
        target: &'a TunnelKey,
        origin: Origin,
    ) -> BoxFuture<'a, Result<TunnelStream, OpenError>>;
}

/// The server's own listeners, as seen from outside of them.
pub trait Doors: Send + Sync {
    /// Opens a connection to each and waits for an answer; says what did not answer, for the
    /// admin.
    fn knock(&self) -> BoxFuture<'_, Result<(), String>>;
}

/// Certificates that answer a challenge of a certificate authority (RFC 8737).
pub trait ChallengeStore: Send + Sync {
    /// The answer to a TLS-ALPN-01 challenge for `name` that is open at this moment.
    fn tls_alpn(&self, name: &Hostname) -> Option<Arc<ChallengeCertificate>>;
}

/// The self-signed certificate that answers one challenge.
#[derive(Debug)]
pub struct ChallengeCertificate {
    /// The certificate with the `acmeIdentifier` extension.
    pub certificate: CertificateDer<'static>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}
