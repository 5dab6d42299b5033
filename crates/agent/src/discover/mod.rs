//! What runs on this machine and may want a host name.
//!
//! [`Sockets`] tells who listens; [`Docker`] names the containers; each service on loopback is
//! asked once for its page; and [`identify()`] says which service it is, from the table in
//! `services.rs`. Parsers and decisions are pure; the rest reads and waits, no longer than a
//! [`Patience`]. No other program is run.

mod answer;
mod docker;
mod found;
mod identify;
#[cfg(target_os = "macos")]
mod macos;
mod probe;
mod proc_net;
#[cfg(target_os = "linux")]
mod procfs;
mod services;
mod sockets;
mod text;

use std::io;

pub use answer::{Answer, MAX_PAGE_BYTES, Reading, read_answer};
pub use docker::{Container, Containers, Docker, MAX_LIST_BYTES, PublishedPort, read_containers};
pub use found::{Found, app_name};
pub use identify::{KnownBy, Signs, Speaks, identify};
pub use probe::{PROBES_AT_ONCE, Patience, Probed, on_loopback, probe_all};
pub use proc_net::{TcpEntry, command_line, listening_sockets, socket_inode};
pub use services::{Category, Mark, SERVICES, Service, service};
pub use sockets::{Listener, Process, Sockets, SystemSockets};
pub use text::MAX_SHOWN_CHARACTERS;

use crate::target::{Target, TargetHost};

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    /// Each service once: apps first, and last what is not meant to be exposed.
    pub found: Vec<Found>,
    /// What keeps the list from being whole, with the way out.
    pub hints: Vec<String>,
}

/// What is looked for. What is not looked for is not asked for its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Everything.
    All,
    /// What listens on these ports.
    Ports(Vec<u16>),
    /// What people call so. Everything is asked only where nothing is known by that name before.
    Called(String),
}

/// Looks for services.
///
/// # Errors
/// When the system does not tell who listens.
pub async fn discover(
    sockets: impl Sockets + Send + 'static,
    docker: &Docker,
    wanted: &Wanted,
    patience: Patience,
) -> io::Result<Discovery> {
    let (listeners, containers) = tokio::join!(
        tokio::task::spawn_blocking(move || sockets.listening()),
        docker.containers(patience.docker),
    );
    let listeners = listeners.map_err(io::Error::other)??;
    let mut found = found::put_together(listeners, &containers.list);
    for one in &mut found {
        one.complete(&Probed::NOT_ASKED);
    }
    let mut discovery = Discovery {
        found,
        hints: containers.hint.into_iter().collect(),
    };
    discovery.keep(wanted);
    discovery.hints.extend(unowned(&discovery.found));
    discovery.ask(patience).await;
    Ok(discovery)
}

/// What root cannot see belongs to no process of this machine, and nobody can help it.
fn unowned(found: &[Found]) -> Option<String> {
    let unknown = |one: &&Found| one.process.is_none() && one.container.is_none();
    let whose = match found.iter().filter(unknown).count() {
        _ if rustix::process::geteuid().is_root() => return None,
        0 => return None,
        1 => "1 service belongs to another user: what it is is".to_owned(),
        count => format!("{count} services belong to other users: what they are is"),
    };
    Some(format!(
        "{whose} told by port and answer; `sudo portlama agent discover` names the process"
    ))
}

impl Discovery {
    fn keep(&mut self, wanted: &Wanted) {
        match wanted {
            Wanted::All => {}
            Wanted::Ports(ports) => self.found.retain(|one| ports.contains(&one.port())),
            Wanted::Called(name) if self.called(name).is_some() => {
                self.found.retain(|one| is_called(one, name));
            }
            Wanted::Called(_) => {}
        }
    }

    async fn ask(&mut self, patience: Patience) {
        let places = self.found.iter().filter_map(found::place_to_ask);
        let asked = probe_all(places, patience).await;
        for one in &mut self.found {
            if let Some(probed) = found::place_to_ask(one).and_then(|place| asked.get(&place)) {
                one.complete(probed);
            }
        }
        found::in_order(&mut self.found);
    }

    /// What people mean by `name`: a known service's id or name, a container's or a process'.
    /// Where several fit, the service's own port, then what speaks HTTP, then the lowest port.
    #[must_use]
    pub fn called(&self, name: &str) -> Option<&Found> {
        let wanted = service(name);
        let usual = |port| wanted.is_some_and(|service| service.ports.contains(&port));
        let called = self.found.iter().filter(|found| is_called(found, name));
        called.min_by_key(|found| (!usual(found.port()), !found.speaks.is_web(), found.port()))
    }

    /// What listens at `target`. A service that has its port on one address of this machine only
    /// is found for `localhost`, too.
    #[must_use]
    pub fn at(&self, target: &Target) -> Option<&Found> {
        let here = *target.host() == TargetHost::Localhost;
        let same = |found: &&Found| found.target == *target;
        let elsewhere = |found: &&Found| here && found.port() == target.port();
        let mut all = self.found.iter();
        all.clone().find(same).or_else(|| all.find(elsewhere))
    }
}

fn is_called(found: &Found, name: &str) -> bool {
    let known = found.service.map(|(service, _)| service);
    let container = found.container.as_ref().map(|container| &container.name);
    let process = found.process.as_ref().map(|process| &process.name);
    known.is_some_and(|known| service(name) == Some(known))
        || [container, process]
            .into_iter()
            .flatten()
            .any(|own| own.eq_ignore_ascii_case(name))
}
