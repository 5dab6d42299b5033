//! A WebSocket through the whole path.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

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
    let tls = tokio_rustls::TlsConnector::from(Arc::new(client_config(&demo.ready.ca_cert)?));
    let tls = tls
        .connect(ServerName::try_from(host.clone())?, tcp)
        .await?;
    let mut request =
        format!("wss://{host}:{}{path}", demo.ready.https_port).into_client_request()?;
    if let Some(jar) = jar {
        let cookies = cookies_of(&std::fs::read_to_string(demo.file(jar))?, &host);
        request.headers_mut().insert("cookie", cookies.parse()?);
    }
    match tokio_tungstenite::client_async(request, tls).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
            bail!("status {}", response.status().as_u16())
        }
        Err(error) => Err(error).context("no WebSocket"),
    }
}

fn client_config(ca_certificate: &Path) -> Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_certificate)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
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
