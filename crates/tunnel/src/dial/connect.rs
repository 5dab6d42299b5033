//! TCP to the first address that answers.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::DialError;
use super::resolve::resolve;
use crate::limits::{ATTEMPT_DELAY, CONNECT_TIMEOUT};
use crate::tune_carrier;

/// Connects to any of the hosts, in order; at last to the address that was good before, for
/// the day when names do not resolve or lead astray.
pub(super) async fn to_any(
    hosts: &[(String, u16)],
    last_good: Option<SocketAddr>,
) -> Result<(TcpStream, SocketAddr), DialError> {
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
    Err(failure.unwrap_or_else(|| DialError::Resolve {
        host: String::new(),
        reason: "no address is configured".to_owned(),
    }))
}

/// Starts with the first address and adds the next after a moment; the first that answers
/// wins (RFC 8305 §5).
async fn race(addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), DialError> {
    let mut attempts = JoinSet::new();
    let mut waiting = addresses.iter().copied();
    let mut failure = None;
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(async move { (address, connect(address).await) });
        }
        let more = waiting.len() > 0;
        tokio::select! {
            biased;
            Some(attempt) = attempts.join_next() => match attempt {
                Ok((address, Ok(socket))) => return Ok((socket, address)),
                Ok((address, Err(reason))) => {
                    failure = Some(DialError::Connect { address, reason });
                }
                // A connecting task neither panics nor is aborted while it is awaited.
                Err(_) => {}
            },
            () = sleep(ATTEMPT_DELAY), if more => {}
            else => {}
        }
        if attempts.is_empty() && waiting.len() == 0 {
            return Err(failure.unwrap_or(DialError::Timeout("server")));
        }
    }
}

pub(super) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    tune_carrier(&socket)?;
    Ok(socket)
}
