//! macOS: `libproc`, by way of the crate `listeners`, so that no unsafe code stands here.

use std::io;

use listeners::{Protocol, SocketState};

use super::sockets::{Listener, Process, Sockets};

/// The kernel's table of processes and their descriptors. It tells the path of a program, not
/// its arguments.
#[derive(Debug, Clone, Copy, Default)]
pub struct LibProc;

impl Sockets for LibProc {
    fn listening(&self) -> io::Result<Vec<Listener>> {
        let all = listeners::get_all().map_err(|error| io::Error::other(error.to_string()))?;
        let listening = all.into_iter().filter(|socket| {
            socket.protocol == Protocol::TCP && socket.state == SocketState::Listen
        });
        let listener = |socket: listeners::Listener| Listener {
            address: socket.socket,
            process: Some(Process {
                pid: socket.process.pid,
                name: socket.process.name,
                command: vec![socket.process.path],
            }),
        };
        Ok(listening.map(listener).collect())
    }
}
