//! Whether the server answers on its own ports, asked from outside through real sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use portlama_api::Health;
use portlama_api::client::ALPN;
use portlama_control::{BoxFuture, Doors};
use portlama_model::CaFingerprint;
use portlama_pki::tls::PinnedVerifier;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How much of the panel's answer is read, octets: head and body have less than one.
const MAX_HEALTH_BYTES: u64 = 8 * 1024;

/// The listeners of this process.
pub(crate) struct OwnDoors {
    /// Where visitors, sign-in and agents arrive.
    pub(crate) https: Vec<SocketAddr>,
    /// Where the panel answers under the bare address.
    pub(crate) panel: Vec<SocketAddr>,
    /// The address the panel is known by.
    pub(crate) ip: IpAddr,
    /// The port of it.
    pub(crate) panel_port: u16,
    /// The authority of the panel's certificate.
    pub(crate) authority: CaFingerprint,
}

impl Doors for OwnDoors {
    fn knock(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            for door in &self.panel {
                self.version(reachable(*door))
                    .await
                    .map_err(|why| format!("the panel does not answer at {door}: {why}"))?;
            }
            for door in &self.https {
                self.greet(reachable(*door)).await.map_err(|why| {
                    format!("the port for visitors does not answer at {door}: {why}")
                })?;
            }
            Ok(())
        })
    }
}

impl OwnDoors {
    /// What the server says its version is (`GET /api/health`), over TLS that our own authority
    /// certifies.
    pub(super) async fn version(&self, door: SocketAddr) -> std::io::Result<String> {
        let tcp = TcpStream::connect(door).await?;
        let connector = self.connector()?;
        let mut tls = connector.connect(ServerName::from(self.ip), tcp).await?;
        let host = SocketAddr::new(self.ip, self.panel_port);
        let request =
            format!("GET /api/health HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        tls.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        tls.take(MAX_HEALTH_BYTES)
            .read_to_string(&mut answer)
            .await?;
        let healthy = answer.starts_with("HTTP/1.1 200");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        match serde_json::from_str::<Health>(body) {
            Ok(health) if healthy && health.status == "ok" => Ok(health.version),
            _ => Err(std::io::Error::other(
                "it answers, but not that all is well",
            )),
        }
    }

    /// Sees that a TLS server is there. Before the set-up is complete no name is served, and an
    /// alert that says so is an answer, too.
    async fn greet(&self, door: SocketAddr) -> std::io::Result<()> {
        let tcp = TcpStream::connect(door).await?;
        let greeted = self
            .connector()?
            .connect(ServerName::from(self.ip), tcp)
            .await;
        match greeted {
            Err(error) if !is_alert(&error) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn connector(&self) -> std::io::Result<TlsConnector> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = PinnedVerifier::new(self.authority.clone(), None, Arc::clone(&provider));
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(std::io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec(), b"http/1.1".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

fn is_alert(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(inner, Some(rustls::Error::AlertReceived(_)))
}

/// Who listens everywhere is asked at loopback.
fn reachable(door: SocketAddr) -> SocketAddr {
    let ip = match door.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, door.port())
}
