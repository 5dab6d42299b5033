//! A TCP connection to the panel, directly or through a proxy.

use std::time::Duration;

use portlama_dial::{ConnectError, ProxyUrl, connect, connect_through, is_loopback};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{ClientError, PanelUrl};

/// How long making a connection may take, names, proxy and all.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to the panel; loopback is never looked for behind a proxy.
pub(super) async fn dial(
    url: &PanelUrl,
    proxy: Option<&ProxyUrl>,
) -> Result<TcpStream, ClientError> {
    let hosts = [(url.host().to_owned(), url.port())];
    let connecting = async {
        match proxy.filter(|_| !is_loopback(url.host())) {
            None => connect(&hosts, None).await.map(|(socket, _)| socket),
            Some(proxy) => connect_through(proxy, &hosts).await,
        }
    };
    let address = url.address();
    match timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(Ok(socket)) => Ok(socket),
        Ok(Err(ConnectError::Proxy { reason, .. })) => Err(ClientError::Proxy { address, reason }),
        Ok(Err(source)) => Err(ClientError::Unreachable { address, source }),
        Err(_) => Err(ClientError::TimedOut {
            address,
            seconds: CONNECT_TIMEOUT.as_secs(),
        }),
    }
}
