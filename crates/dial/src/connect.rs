//! TCP to the first address that answers.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::ConnectError;
use crate::resolve::resolve;

/// How long one address may take to accept a TCP connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause between starting connections to two addresses of one name (RFC 8305 §5).
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to any of the hosts, in order; at last to the address that was good before, for
/// the day when names do not resolve or lead astray. Small writes are sent at once.
///
/// # Errors
/// The failure of the last host.
pub async fn connect(
    hosts: &[(String, u16)],
    last_good: Option<SocketAddr>,
) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let mut failure = None;
    for (host, port) in hosts {
        let reached = match resolve(host, *port).await {
            Ok(addresses) => race(&addresses).await,
            Err(error) => Err(error),
        };
        match reached {
            Ok(connected) => return Ok(connected),
            Err(error) => failure = Some(error),
        }
    }
    if let Some(address) = last_good
        && let Ok(connected) = race(&[address]).await
    {
        return Ok(connected);
    }
    Err(failure.unwrap_or(ConnectError::NoAddress))
}

/// Starts with the first address and adds the next after a moment; the first that answers
/// wins (RFC 8305 §5).
async fn race(addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let mut attempts = JoinSet::new();
    let mut waiting = addresses.iter().copied();
    let mut failure = None;
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(async move { (address, reach(address).await) });
        }
        let more = waiting.len() > 0;
        tokio::select! {
            biased;
            Some(attempt) = attempts.join_next() => match attempt {
                Ok((address, Ok(socket))) => return Ok((socket, address)),
                Ok((address, Err(reason))) => {
                    failure = Some(ConnectError::Connect { address, reason });
                }
                // A connecting task neither panics nor is aborted while it is awaited.
                Err(_) => {}
            },
            () = sleep(ATTEMPT_DELAY), if more => {}
            else => {}
        }
        if attempts.is_empty() && waiting.len() == 0 {
            return Err(failure.unwrap_or(ConnectError::NoAddress));
        }
    }
}

async fn reach(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    // Requests and frames are written whole; waiting to fill a packet only delays them.
    socket.set_nodelay(true)?;
    Ok(socket)
}
