//! Listening sockets that systemd opened (`sd_listen_fds(3)`): the server needs no right to bind
//! low ports, and while it restarts the connections wait in the kernel instead of being refused.

use std::net::{IpAddr, TcpListener as StdListener};

use anyhow::{Context, Result, bail, ensure};
use listenfd::ListenFd;
use rustix::io::{FdFlags, fcntl_setfd};
use socket2::SockRef;
use tokio::net::TcpListener;

use super::listen::listen;

/// Sockets that were there before the server, until somebody takes them.
pub(crate) struct Inherited {
    listeners: Vec<StdListener>,
}

impl Inherited {
    /// Takes the sockets that systemd hands to this process, none when it hands none.
    pub(crate) fn take() -> Result<Self> {
        let mut handed = ListenFd::from_env();
        let mut listeners = Vec::new();
        for index in 0..handed.len() {
            let listener = handed.take_tcp_listener(index).with_context(|| {
                format!("socket {index} of the socket unit is not one that listens on TCP")
            })?;
            listeners.extend(listener);
        }
        for listener in &listeners {
            // Programs that the server starts have no business with them.
            fcntl_setfd(listener, FdFlags::CLOEXEC)?;
        }
        Ok(Self { listeners })
    }

    /// The sockets of this port, or own ones where none were handed over.
    pub(crate) fn or_listen(
        &mut self,
        addresses: &[IpAddr],
        port: u16,
    ) -> Result<(Vec<TcpListener>, u16)> {
        let mut taken = Vec::new();
        for listener in std::mem::take(&mut self.listeners) {
            if listener.local_addr()?.port() == port {
                taken.push(usable(listener)?);
            } else {
                self.listeners.push(listener);
            }
        }
        if taken.is_empty() {
            return listen(addresses, port);
        }
        ensure!(
            addresses.is_empty(),
            "systemd listens on port {port}: leave `--listen` out, and give addresses in the socket unit"
        );
        Ok((taken, port))
    }

    /// Refuses sockets that nobody took: connections to them would wait for ever.
    pub(crate) fn none_left(&self) -> Result<()> {
        let Some(left) = self.listeners.first() else {
            return Ok(());
        };
        bail!(
            "the socket unit listens on {}, which the server does not serve: its `ListenStream=` must name the server's ports",
            left.local_addr()?
        )
    }
}

fn usable(listener: StdListener) -> Result<TcpListener> {
    let address = listener.local_addr()?;
    // Visitors of IPv4 would come under addresses of IPv6, which no rule about networks expects.
    ensure!(
        address.is_ipv4() || SockRef::from(&listener).only_v6()?,
        "the socket of {address} takes IPv4 as well: set `BindIPv6Only=ipv6-only` in the socket unit"
    );
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).context("cannot serve a socket of systemd")
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket, Type};

    use super::*;

    fn open() -> StdListener {
        StdListener::bind("127.0.0.1:0").expect("bound")
    }

    #[tokio::test]
    async fn takes_the_sockets_of_a_port_and_leaves_none_unserved() {
        let (https, other) = (open(), open());
        let port = https.local_addr().expect("an address").port();
        let mut handed = Inherited {
            listeners: vec![other, https],
        };
        let (taken, same) = handed.or_listen(&[], port).expect("taken");
        assert_eq!(same, port);
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].local_addr().expect("an address").port(), port);
        let refused = handed.none_left().expect_err("one is left");
        assert!(refused.to_string().contains("ListenStream"), "{refused}");
    }

    #[tokio::test]
    async fn refuses_a_socket_on_which_ipv4_would_look_like_ipv6() {
        let socket = Socket::new(Domain::IPV6, Type::STREAM, None).expect("a socket");
        socket.set_only_v6(false).expect("set");
        let address: std::net::SocketAddr = "[::]:0".parse().expect("an address");
        socket.bind(&address.into()).expect("bound");
        socket.listen(1).expect("listens");
        let listener = StdListener::from(socket);
        let port = listener.local_addr().expect("an address").port();
        let mut handed = Inherited {
            listeners: vec![listener],
        };
        let refused = handed.or_listen(&[], port).expect_err("both families");
        assert!(refused.to_string().contains("BindIPv6Only"), "{refused}");
    }
}
