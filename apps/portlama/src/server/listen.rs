//! Sockets to listen on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that may wait to be accepted; the kernel cuts it to `net.core.somaxconn`.
pub(crate) const LISTEN_BACKLOG: i32 = 4096;

/// Listens on a port of every address given, or of all addresses of both families.
/// With port 0 the system chooses one, the same for all addresses.
pub(crate) fn listen(addresses: &[IpAddr], port: u16) -> Result<(Vec<TcpListener>, u16)> {
    let everywhere = [
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    ];
    let chosen = if addresses.is_empty() {
        &everywhere[..]
    } else {
        addresses
    };
    let mut port = port;
    let mut listeners = Vec::new();
    for address in chosen {
        match listen_on(SocketAddr::new(*address, port)) {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                listeners.push(listener);
            }
            // A machine without IPv6 still serves IPv4.
            Err(error) if addresses.is_empty() && is_missing_family(&error) => {}
            Err(error) => {
                return Err(error).with_context(|| explain(*address, port));
            }
        }
    }
    anyhow::ensure!(
        !listeners.is_empty(),
        "this machine has neither IPv4 nor IPv6"
    );
    Ok((listeners, port))
}

fn explain(address: IpAddr, port: u16) -> String {
    format!(
        "cannot listen on port {port} of {address}: choose another port, or stop the program that has it"
    )
}

fn is_missing_family(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::AddrNotAvailable | std::io::ErrorKind::Unsupported
    ) || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn listen_on(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restarted server takes its port again while old connections linger.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(LISTEN_BACKLOG)?;
    TcpListener::from_std(socket.into())
}
