//! Who listens on this machine: the seam to the operating system.

use std::io;
use std::net::SocketAddr;

use super::text::shown;

/// A process that owns a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its name as the system knows it; Linux cuts it at 15 octets.
    pub name: String,
    /// Its program and arguments, where they can be read. Arguments may hold passwords: they
    /// are matched and never shown.
    pub command: Vec<String>,
}

impl Process {
    /// The name, fit for a terminal.
    #[must_use]
    pub fn shown_name(&self) -> String {
        shown(&self.name).unwrap_or_else(|| "?".to_owned())
    }
}

/// A listening TCP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whose it is; absent when it is another user's and the system does not tell.
    pub process: Option<Process>,
}

/// What an operating system tells about its listening sockets.
pub trait Sockets {
    /// All listening TCP sockets, over IPv4 and IPv6. This blocks for as long as it takes to
    /// read the table of processes.
    ///
    /// # Errors
    /// When the system does not give its table away.
    fn listening(&self) -> io::Result<Vec<Listener>>;
}

/// The sockets of this system.
#[cfg(target_os = "linux")]
pub type SystemSockets = super::procfs::ProcFs;
/// The sockets of this system.
#[cfg(target_os = "macos")]
pub type SystemSockets = super::macos::LibProc;

/// What every implementation must do, on whichever system the tests run.
#[cfg(test)]
mod contract {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn of_port(sockets: &impl Sockets, port: u16) -> Vec<Listener> {
        let mut all = sockets.listening().expect("the system tells");
        all.retain(|listener| listener.address.port() == port);
        all
    }

    fn is_ours(listener: &Listener) -> bool {
        let process = listener.process.as_ref().expect("our own is told");
        let name = std::env::current_exe().expect("a program");
        let name = name.file_name().expect("a name").to_string_lossy();
        process.pid == std::process::id() && name.starts_with(&*process.name)
    }

    #[test]
    fn a_listening_socket_is_told_with_its_owner() {
        let sockets = SystemSockets::default();
        for host in ["127.0.0.1", "0.0.0.0", "[::1]", "[::]"] {
            let Ok(listener) = TcpListener::bind(format!("{host}:0")) else {
                assert!(host.starts_with('['), "only IPv6 may be missing: {host}");
                continue;
            };
            let address = listener.local_addr().expect("bound");
            let found = of_port(&sockets, address.port());
            assert_eq!(found.len(), 1, "{host}: {found:?}");
            assert_eq!(found[0].address, address);
            assert!(is_ours(&found[0]), "{host}: {found:?}");
        }
    }

    #[test]
    fn a_connection_is_no_listener_and_a_closed_one_is_gone() {
        let sockets = SystemSockets::default();
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("bound");
        let visitor = TcpStream::connect(address).expect("connected");
        let visitor_port = visitor.local_addr().expect("bound").port();
        assert!(of_port(&sockets, visitor_port).is_empty());
        drop(listener);
        assert!(of_port(&sockets, address.port()).is_empty());
    }
}
