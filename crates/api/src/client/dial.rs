//! A TCP connection to a name, directly or through a proxy.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::url::bracketed;
use super::{ClientError, Proxy};

/// How long making a connection may take, names, proxy and all.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer of a proxy to CONNECT, octets. Real ones are a few lines.
pub const MAX_PROXY_ANSWER_BYTES: usize = 8 * 1024;

/// Connects to `host:port`.
///
/// Names below `.localhost` are loopback without asking anybody (RFC 6761 §6.3), and loopback is
/// never looked for behind a proxy. Other names are tried at all their addresses in turn.
///
/// # Errors
/// [`ClientError::Unreachable`], [`ClientError::TimedOut`] or [`ClientError::Proxy`].
pub async fn dial(host: &str, port: u16, proxy: Option<&Proxy>) -> Result<TcpStream, ClientError> {
    let address = format!("{}:{port}", bracketed(host));
    let connecting = async {
        match proxy.filter(|_| !is_loopback(host)) {
            None => direct(host, port)
                .await
                .map_err(|source| ClientError::Unreachable {
                    address: address.clone(),
                    source,
                }),
            Some(proxy) => through(proxy, &address).await,
        }
    };
    let stream =
        timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| ClientError::TimedOut {
                address: address.clone(),
                seconds: CONNECT_TIMEOUT.as_secs(),
            })??;
    // Requests and frames are written whole; waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn direct(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses(host, port).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![(ip, port).into()]);
    }
    if is_localhost(host) {
        return Ok(vec![
            (Ipv4Addr::LOCALHOST, port).into(),
            (Ipv6Addr::LOCALHOST, port).into(),
        ]);
    }
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

fn is_loopback(host: &str) -> bool {
    is_localhost(host) || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// RFC 9110 §9.3.6.
async fn through(proxy: &Proxy, address: &str) -> Result<TcpStream, ClientError> {
    let refused = |reason: String| ClientError::Proxy {
        address: address.to_owned(),
        reason,
    };
    let mut stream = direct(&proxy.host, proxy.port)
        .await
        .map_err(|error| refused(format!("the proxy itself is unreachable: {error}")))?;
    stream
        .write_all(connect_request(proxy, address).as_bytes())
        .await
        .map_err(|error| refused(error.to_string()))?;
    let status = proxy_status(&mut stream).await.map_err(refused)?;
    if (200..300).contains(&status) {
        Ok(stream)
    } else {
        Err(refused(format!("status {status}")))
    }
}

fn connect_request(proxy: &Proxy, address: &str) -> String {
    let authorization = match &proxy.credentials {
        None => String::new(),
        Some(user) => format!(
            "Proxy-Authorization: Basic {}\r\n",
            STANDARD.encode(user.expose())
        ),
    };
    format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n{authorization}\r\n")
}

/// Reads the head of the answer and not an octet more: what follows belongs to TLS.
async fn proxy_status(stream: &mut TcpStream) -> Result<u16, String> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_PROXY_ANSWER_BYTES {
            return Err("its answer is too long".to_owned());
        }
        head.push(stream.read_u8().await.map_err(|error| error.to_string())?);
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut answer = httparse::Response::new(&mut headers);
    match answer.parse(&head) {
        Ok(httparse::Status::Complete(_)) => answer.code.ok_or_else(|| "no status".to_owned()),
        Ok(httparse::Status::Partial) | Err(_) => Err("its answer is not HTTP".to_owned()),
    }
}
