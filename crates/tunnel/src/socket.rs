//! Socket options of carriers and of connections within a machine.

use std::io;

use socket2::SockRef;
use tokio::net::TcpStream;

use crate::limits::UNSENT_BYTES;

/// Prepares a carrier's TCP connection: no delay of small frames, and few unsent octets in the
/// kernel, where small frames cannot overtake bulk.
///
/// # Errors
/// When the socket is gone. An option that the system does not know is left alone.
pub fn tune_carrier(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = SockRef::from(socket).set_tcp_notsent_lowat(UNSENT_BYTES);
    if socket.peer_addr()?.ip().to_canonical().is_loopback() {
        prefer_loss_based_control(socket);
    }
    Ok(())
}

/// Prepares a connection to a service on this machine.
///
/// # Errors
/// When the socket is gone.
pub fn tune_local(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    if socket.peer_addr()?.ip().to_canonical().is_loopback() {
        prefer_loss_based_control(socket);
    }
    Ok(())
}

/// Where BBR is the default it paces loopback to half its speed (measured). A system that
/// does not allow the others keeps its default.
fn prefer_loss_based_control(socket: &TcpStream) {
    #[cfg(target_os = "linux")]
    {
        let socket = SockRef::from(socket);
        let _ = socket
            .set_tcp_congestion(b"cubic")
            .or_else(|_| socket.set_tcp_congestion(b"reno"));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = socket;
}
