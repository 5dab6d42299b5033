//! A WebSocket through the whole path.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;

use crate::Demo;

/// A WebSocket of a visitor.
pub type VisitorSocket = WebSocketStream<TlsStream<TcpStream>>;

/// Opens a WebSocket at a host below the demo's domain with the cookies of a jar.
///
/// # Errors
/// The status, when the server answers with another one than 101.
pub async fn open_websocket(
    demo: &Demo,
    subdomain: &str,
    path: &str,
    jar: Option<&str>,
) -> Result<VisitorSocket> {
    let host = format!("{subdomain}.{}", demo.ready.domain);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, demo.ready.https_port));
    let tcp = TcpStream::connect(address).await?;
    let tls = tokio_rustls::TlsConnector::from(Arc::new(
        trusting(&demo.ready.ca_cert)?.with_no_client_auth(),
    ));
    let tls = tls
        .connect(ServerName::try_from(host.clone())?, tcp)
        .await?;
    let mut request =
        format!("wss://{host}:{}{path}", demo.ready.https_port).into_client_request()?;
    if let Some(jar) = jar {
        let cookies = cookies_of(&std::fs::read_to_string(demo.file(jar))?, &host);
        request.headers_mut().insert("cookie", cookies.parse()?);
    }
    upgrade(request, tls).await
}

/// How a WebSocket of the panel is opened.
#[derive(Debug, Default, Clone, Copy)]
pub struct PanelSocket<'a> {
    /// Certificate and key of the one who opens it; nobody when absent.
    pub identity: Option<(&'a Path, &'a Path)>,
    /// The page that opens it; a program when absent.
    pub origin: Option<&'a str>,
    /// How much the system takes in while the test does not read, bytes; its default when absent.
    pub receive_buffer: Option<u32>,
}

impl<'a> PanelSocket<'a> {
    /// As the admin's program opens it.
    #[must_use]
    pub fn of_admin(demo: &'a Demo) -> Self {
        Self {
            identity: Some((&demo.ready.admin_cert, &demo.ready.admin_key)),
            ..Self::default()
        }
    }

    /// Opens the WebSocket at `/api/<path>`.
    ///
    /// # Errors
    /// The status, when the server answers with another one than 101.
    pub async fn open(&self, demo: &Demo, path: &str) -> Result<VisitorSocket> {
        self.open_at(&demo.api(path), &demo.ready.ca_cert).await
    }

    /// Opens the WebSocket at an `https:` address of a server that this authority certifies: on
    /// the machine with this address, else on loopback.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_at(&self, url: &str, ca_certificate: &Path) -> Result<VisitorSocket> {
        let url = url.replacen("https:", "wss:", 1);
        let mut request = url.into_client_request()?;
        let host = request.uri().host().context("a host")?.to_owned();
        let port = request.uri().port_u16().context("a port")?;
        if let Some(origin) = self.origin {
            request.headers_mut().insert("origin", origin.parse()?);
        }
        let tcp = TcpSocket::new_v4()?;
        if let Some(bytes) = self.receive_buffer {
            tcp.set_recv_buffer_size(bytes)?;
        }
        let machine = host.parse().unwrap_or(Ipv4Addr::LOCALHOST);
        let tcp = tcp.connect((machine, port).into()).await?;
        let roots = trusting(ca_certificate)?;
        let config = match self.identity {
            None => roots.with_no_client_auth(),
            Some((certificate, key)) => roots.with_client_auth_cert(
                vec![CertificateDer::from_pem_file(certificate)?],
                PrivateKeyDer::from_pem_file(key)?,
            )?,
        };
        let tls = tokio_rustls::TlsConnector::from(Arc::new(config));
        upgrade(
            request,
            tls.connect(ServerName::try_from(host)?, tcp).await?,
        )
        .await
    }
}

fn trusting(
    ca_certificate: &Path,
) -> Result<rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_certificate)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots))
}

async fn upgrade(request: Request, tls: TlsStream<TcpStream>) -> Result<VisitorSocket> {
    match tokio_tungstenite::client_async(request, tls).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
            bail!("status {}", response.status().as_u16())
        }
        Err(error) => Err(error).context("no WebSocket"),
    }
}

/// The cookies for one host in curl's (Netscape's) file format.
fn cookies_of(jar: &str, host: &str) -> String {
    jar.lines()
        .map(|line| line.strip_prefix("#HttpOnly_").unwrap_or(line))
        .filter_map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [domain, _, _, _, _, name, value] = fields.as_slice() else {
                return None;
            };
            (*domain == host).then(|| format!("{name}={value}"))
        })
        .collect::<Vec<_>>()
        .join("; ")
}
