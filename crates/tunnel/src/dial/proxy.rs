//! HTTP CONNECT (RFC 9110 §9.3.6).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::DialError;
use super::connect::to_any;
use crate::ProxyUrl;
use crate::limits::{HANDSHAKE_TIMEOUT, MAX_PROXY_ANSWER_BYTES};

/// Connects to the first of the hosts that the proxy connects to; the proxy resolves names.
pub(super) async fn connect_through(
    proxy: &ProxyUrl,
    hosts: &[(String, u16)],
) -> Result<TcpStream, DialError> {
    let mut failure = DialError::Timeout("proxy");
    for (host, port) in hosts {
        let (mut socket, _) = to_any(&[(proxy.host.clone(), proxy.port)], None).await?;
        match timeout(HANDSHAKE_TIMEOUT, ask(&mut socket, proxy, host, *port)).await {
            Ok(Ok(())) => return Ok(socket),
            Ok(Err(reason)) => {
                failure = DialError::Proxy {
                    host: proxy.host.clone(),
                    reason,
                }
            }
            Err(_) => failure = DialError::Timeout("proxy"),
        }
    }
    Err(failure)
}

async fn ask(
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
        Some(b"200") => Ok(()),
        Some(b"407") => Err("it wants other credentials (407)".to_owned()),
        Some(status) => Err(format!("it answered {}", String::from_utf8_lossy(status))),
        None => Err("it does not speak HTTP".to_owned()),
    }
}

/// Reads up to the empty line and not an octet more: what follows belongs to the tunnel.
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
