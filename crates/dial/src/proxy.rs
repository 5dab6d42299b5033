//! HTTP CONNECT (RFC 9110 §9.3.6).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{ConnectError, ProxyUrl, connect};

/// How long a proxy may take to answer CONNECT: it resolves the name and connects meanwhile.
pub const PROXY_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer of a proxy to CONNECT, octets. Real ones are a few lines.
pub const MAX_PROXY_ANSWER_BYTES: usize = 8 * 1024;

/// Connects to the first of the hosts that the proxy connects to; the proxy resolves names.
///
/// # Errors
/// [`ConnectError::Proxy`] with what it said of the last host.
pub async fn connect_through(
    proxy: &ProxyUrl,
    hosts: &[(String, u16)],
) -> Result<TcpStream, ConnectError> {
    let mut failure = ConnectError::NoAddress;
    for (host, port) in hosts {
        match ask(proxy, host, *port).await {
            Ok(socket) => return Ok(socket),
            Err(reason) => {
                failure = ConnectError::Proxy {
                    host: proxy.host.clone(),
                    reason,
                }
            }
        }
    }
    Err(failure)
}

async fn ask(proxy: &ProxyUrl, host: &str, port: u16) -> Result<TcpStream, String> {
    let (mut socket, _) = connect(&[(proxy.host.clone(), proxy.port)], None)
        .await
        .map_err(|error| format!("it is not reached: {error}"))?;
    timeout(PROXY_TIMEOUT, open(&mut socket, proxy, host, port))
        .await
        .map_err(|_| "it did not answer in time".to_owned())??;
    Ok(socket)
}

async fn open(
    socket: &mut TcpStream,
    proxy: &ProxyUrl,
    host: &str,
    port: u16,
) -> Result<(), String> {
    let target = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(credentials) = &proxy.credentials {
        let encoded = STANDARD.encode(credentials.expose());
        request.push_str(&format!("Proxy-Authorization: Basic {encoded}\r\n"));
    }
    request.push_str("\r\n");
    socket
        .write_all(request.as_bytes())
        .await
        .map_err(|error| error.to_string())?;
    let answer = read_head(socket).await?;
    match status_of(&answer) {
        Some([b'2', ..]) => Ok(()),
        Some(b"407") => Err("it wants other credentials (407)".to_owned()),
        Some(status) => Err(format!("it answered {}", String::from_utf8_lossy(status))),
        None => Err("it does not speak HTTP".to_owned()),
    }
}

/// Reads up to the empty line and not an octet more: what follows belongs to TLS.
async fn read_head(socket: &mut TcpStream) -> Result<Vec<u8>, String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_PROXY_ANSWER_BYTES {
            return Err("its answer is too long".to_owned());
        }
        head.push(socket.read_u8().await.map_err(|error| error.to_string())?);
    }
    Ok(head)
}

/// The three digits of `HTTP/1.x 200 …`.
fn status_of(head: &[u8]) -> Option<&[u8]> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    let status = rest.get(2..5)?;
    (rest.get(1) == Some(&b' ') && status.iter().all(u8::is_ascii_digit)).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_from_the_first_line() {
        assert_eq!(
            status_of(b"HTTP/1.1 200 Connection established\r\n\r\n"),
            Some(&b"200"[..])
        );
        assert_eq!(status_of(b"HTTP/1.0 407\r\n\r\n"), Some(&b"407"[..]));
        assert_eq!(status_of(b"SSH-2.0-x\r\n\r\n"), None);
    }
}
