//! TLS between the agent and an https service at home.

use std::io;
use std::sync::{Arc, OnceLock};

use portlama_tunnel::OriginIo;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::target::TargetHost;
use crate::trust;

/// The configurations, made when the first https service is asked for: the platform's roots
/// are a megabyte that most agents never need.
#[derive(Debug, Default)]
pub(crate) struct OriginTls {
    checked: OnceLock<Arc<ClientConfig>>,
    unchecked: OnceLock<Arc<ClientConfig>>,
}

impl OriginTls {
    /// Makes the handshake. Without `verify` any certificate will do: the tunnel's owner said
    /// so for this one service, and the way leads through the owner's own network.
    pub(crate) async fn connect(
        &self,
        stream: TcpStream,
        host: &TargetHost,
        verify: bool,
    ) -> io::Result<Box<dyn OriginIo>> {
        let config = if verify {
            self.checked()?
        } else {
            self.unchecked()?
        };
        let stream = TlsConnector::from(config)
            .connect(server_name(host)?, stream)
            .await?;
        Ok(Box::new(stream))
    }

    fn checked(&self) -> io::Result<Arc<ClientConfig>> {
        make_once(&self.checked, || {
            let verifier = trust::platform_verifier().map_err(io::Error::other)?;
            client_config(verifier)
        })
    }

    fn unchecked(&self) -> io::Result<Arc<ClientConfig>> {
        make_once(&self.unchecked, || {
            client_config(Arc::new(AnyCertificate(trust::provider())))
        })
    }
}

fn make_once(
    slot: &OnceLock<Arc<ClientConfig>>,
    make: impl FnOnce() -> io::Result<ClientConfig>,
) -> io::Result<Arc<ClientConfig>> {
    if let Some(config) = slot.get() {
        return Ok(config.clone());
    }
    let config = Arc::new(make()?);
    Ok(slot.get_or_init(|| config).clone())
}

fn client_config(verifier: Arc<dyn ServerCertVerifier>) -> io::Result<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(trust::provider())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    // The edge speaks HTTP/1.1 through the tunnel.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::in_memory_sessions(16);
    Ok(config)
}

fn server_name(host: &TargetHost) -> io::Result<ServerName<'static>> {
    let name = match host {
        TargetHost::Localhost => "localhost".to_owned(),
        TargetHost::Address(address) => return Ok(ServerName::from(*address)),
        TargetHost::Name(name) => name.to_string(),
    };
    ServerName::try_from(name).map_err(io::Error::other)
}

/// Takes any certificate, but still demands that its key is there.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
