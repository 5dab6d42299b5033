//! What was found: sockets and containers put together, named and put in order. Pure.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use portlama_model::{HostHeader, Subdomain};

use super::docker::Container;
use super::identify::{KnownBy, Signs, Speaks, identify, is_stand_in, known_before_asking};
use super::probe::{Probed, on_loopback};
use super::services::Service;
use super::sockets::{Listener, Process};
use crate::target::{Target, TargetHost};

/// A service that listens on this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Where the agent would reach it.
    pub target: Target,
    /// Where it listens.
    pub address: SocketAddr,
    /// Whose it is, where that can be seen.
    pub process: Option<Process>,
    /// The container behind it.
    pub container: Option<Container>,
    /// What it speaks.
    pub speaks: Speaks,
    /// The title of its page, fit for a terminal.
    pub title: Option<String>,
    /// Which known service it is, and by what it was recognised.
    pub service: Option<(&'static Service, KnownBy)>,
}

impl Found {
    fn new(target: Target, address: SocketAddr) -> Self {
        Self {
            target,
            address,
            process: None,
            container: None,
            speaks: Speaks::NotAsked,
            title: None,
            service: None,
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.target.port()
    }

    /// What people call it; `None` when nothing is known but that it listens.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let service = self.service.map(|(service, _)| service.name.to_owned());
        service.or_else(|| {
            self.container
                .as_ref()
                .map(|container| container.name.clone())
        })
    }

    /// Why it is not meant to be exposed; `None` when it may well be.
    #[must_use]
    pub fn unfit(&self) -> Option<&'static str> {
        match (self.service, self.speaks) {
            (Some((service, _)), _) if service.unfit.is_some() => service.unfit,
            (_, Speaks::Ssh | Speaks::Other) => Some("it does not speak HTTP, as browsers do"),
            _ => None,
        }
    }

    /// Which host name it must be asked for.
    #[must_use]
    pub fn host_header(&self) -> HostHeader {
        self.service
            .map_or(HostHeader::Public, |(service, _)| service.host)
    }

    /// A host name for it: what it is called, else `app-<port>`.
    #[must_use]
    pub fn proposed_name(&self) -> Subdomain {
        let service = self.service.map(|(service, _)| service.id.to_owned());
        let container = || {
            self.container
                .as_ref()
                .map(|container| container.name.clone())
        };
        let process = || {
            let process = self
                .process
                .as_ref()
                .filter(|process| !is_stand_in(process));
            process.map(|process| process.name.clone())
        };
        let name = service
            .or_else(container)
            .or_else(process)
            .unwrap_or_default();
        host_name(&name).unwrap_or_else(|| app_name(self.port()))
    }

    /// Whether it is better not asked: it is known to be no app.
    pub(super) fn is_better_left_alone(&self) -> bool {
        let known = known_before_asking(self.signs(None));
        known.is_some_and(|(service, _)| !service.http)
    }

    /// Takes in what it said.
    pub(super) fn complete(&mut self, probed: &Probed) {
        self.speaks = probed.speaks;
        self.service = identify(self.signs(probed.answer.as_ref()));
        self.title = probed
            .answer
            .as_ref()
            .and_then(|answer| answer.title.clone());
    }

    fn signs<'a>(&'a self, answer: Option<&'a super::answer::Answer>) -> Signs<'a> {
        let container = self.container.as_ref();
        Signs {
            port: self.port(),
            process: self.process.as_ref(),
            image: container.map(|container| container.image.as_str()),
            speaks: self.speaks,
            answer,
        }
    }

    fn rank(&self) -> u8 {
        match (self.unfit(), self.speaks.is_web(), self.name()) {
            (None, true, Some(_)) => 0,
            (None, true, None) => 1,
            (None, false, Some(_)) => 2,
            (None, false, None) => 3,
            (Some(_), ..) => 4,
        }
    }
}

/// The name for an app of which nothing but the port is known.
#[must_use]
pub fn app_name(port: u16) -> Subdomain {
    let name = format!("app-{port}").parse();
    name.expect("letters, a hyphen and digits are a label")
}

/// A text as a label that a tunnel may have: small letters, everything else a hyphen.
fn host_name(text: &str) -> Option<Subdomain> {
    let hyphened = text
        .to_ascii_lowercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let words: Vec<&str> = hyphened
        .split('-')
        .filter(|word| !word.is_empty())
        .collect();
    let label: String = words.join("-").chars().take(63).collect();
    let name: Subdomain = label.trim_end_matches('-').parse().ok()?;
    (!name.is_reserved() && !name.has_agent_prefix()).then_some(name)
}

/// Sockets and the containers behind them, each place once. What listens on an address that is
/// never forwarded to is left out.
pub(super) fn put_together(listeners: Vec<Listener>, containers: &[Container]) -> Vec<Found> {
    let mut places: BTreeMap<(u16, String), Found> = BTreeMap::new();
    for listener in listeners {
        let Some(target) = target_of(listener.address) else {
            continue;
        };
        let place = (target.port(), target.to_string());
        let found = places
            .entry(place)
            .or_insert_with(|| Found::new(target, listener.address));
        if listener.address.is_ipv4() && found.address.is_ipv6() {
            found.address = listener.address;
        }
        found.process = found.process.take().or(listener.process);
    }
    for container in containers {
        add_container(&mut places, container);
    }
    let mut found: Vec<_> = places
        .values()
        .filter(|one| !is_second(one, &places))
        .cloned()
        .collect();
    found.sort_by_key(Found::port);
    found
}

/// Docker forwards a port with a process of its own, or in the kernel without any socket.
fn add_container(places: &mut BTreeMap<(u16, String), Found>, container: &Container) {
    for port in &container.ports {
        let behind = |found: &Found| {
            found.port() == port.host_port && found.process.as_ref().is_none_or(is_stand_in)
        };
        let mut known = false;
        for found in places.values_mut().filter(|found| behind(found)) {
            found.container = Some(container.clone());
            known = true;
        }
        let target = Target::localhost(port.host_port);
        let place = (port.host_port, target.to_string());
        if !known && port.on_loopback && !places.contains_key(&place) {
            let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port.host_port);
            let found = Found {
                container: Some(container.clone()),
                ..Found::new(target, address)
            };
            places.insert(place, found);
        }
    }
}

fn target_of(listening: SocketAddr) -> Option<Target> {
    let ip = listening.ip().to_canonical();
    let here = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        std::net::Ipv6Addr::LOCALHOST.into(),
    ];
    if ip.is_unspecified() || here.contains(&ip) {
        return Some(Target::localhost(listening.port()));
    }
    SocketAddr::new(ip, listening.port())
        .to_string()
        .parse()
        .ok()
}

/// The same process on the same port under another address of this machine.
fn is_second(found: &Found, places: &BTreeMap<(u16, String), Found>) -> bool {
    let here = Target::localhost(found.port());
    let first = places.get(&(found.port(), here.to_string()));
    *found.target.host() != TargetHost::Localhost
        && first.is_some_and(|first| first.process == found.process)
}

/// Where it can be asked for its page.
pub(super) fn place_to_ask(found: &Found) -> Option<SocketAddr> {
    on_loopback(found.address).filter(|_| !found.is_better_left_alone())
}

/// Apps first, the known ones before the others, and last what is no app.
pub(super) fn in_order(found: &mut [Found]) {
    found.sort_by_key(|one| {
        (
            one.rank(),
            one.name().map(|name| name.to_lowercase()),
            one.port(),
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::PublishedPort;

    fn process(pid: u32, name: &str) -> Process {
        Process {
            pid,
            name: name.to_owned(),
            command: vec![name.to_owned()],
        }
    }

    fn listener(address: &str, process: Option<Process>) -> Listener {
        Listener {
            address: address.parse().expect("an address"),
            process,
        }
    }

    fn container(name: &str, image: &str, port: u16) -> Container {
        let published = PublishedPort {
            host_port: port,
            container_port: 80,
            on_loopback: true,
        };
        Container {
            id: "0123456789ab".to_owned(),
            name: name.to_owned(),
            image: image.to_owned(),
            ports: [published].into(),
        }
    }

    fn targets(found: &[Found]) -> Vec<String> {
        found.iter().map(|one| one.target.to_string()).collect()
    }

    #[test]
    fn one_service_on_many_addresses_is_found_once() {
        let app = || Some(process(7, "app"));
        let found = put_together(
            vec![
                listener("[::]:8400", app()),
                listener("0.0.0.0:8400", app()),
                listener("192.168.1.5:8400", app()),
                listener("192.168.1.5:9000", Some(process(8, "other"))),
                listener("127.0.0.53:53", None),
                listener("[fe80::1]:546", None),
            ],
            &[],
        );
        assert_eq!(
            targets(&found),
            ["127.0.0.53:53", "localhost:8400", "192.168.1.5:9000"]
        );
        assert_eq!(
            found[1].address,
            "0.0.0.0:8400".parse().expect("an address")
        );
    }

    #[test]
    fn a_container_belongs_to_its_port_with_or_without_a_socket() {
        let found = put_together(
            vec![
                listener("0.0.0.0:8080", Some(process(9, "docker-proxy"))),
                listener("0.0.0.0:8082", Some(process(10, "nginx"))),
            ],
            &[
                container("photos", "x/photos", 8080),
                container("films", "x/films", 8081),
                container("stale", "x/stale", 8082),
            ],
        );
        assert_eq!(
            targets(&found),
            ["localhost:8080", "localhost:8081", "localhost:8082"]
        );
        let names: Vec<_> = found.iter().map(|one| one.name()).collect();
        assert_eq!(
            names,
            [Some("photos".to_owned()), Some("films".to_owned()), None]
        );
    }

    #[test]
    fn names_are_proposed_from_what_is_known() {
        let propose = |process_name: &str, container_name: Option<&str>| {
            let mut found = Found::new(
                Target::localhost(8400),
                "0.0.0.0:8400".parse().expect("address"),
            );
            found.process = Some(process(7, process_name));
            found.container = container_name.map(|name| container(name, "x/y", 8400));
            found.proposed_name().to_string()
        };
        assert_eq!(propose("Photo_Prism", None), "photo-prism");
        assert_eq!(propose("python3", None), "app-8400");
        assert_eq!(propose("docker-proxy", Some("my.films_1")), "my-films-1");
        assert_eq!(propose("www", None), "app-8400");
        assert_eq!(propose("agent-x", None), "app-8400");
        assert_eq!(propose("---", None), "app-8400");
    }

    #[test]
    fn databases_are_left_alone_and_not_meant_to_be_exposed() {
        let mut found = put_together(vec![listener("0.0.0.0:5432", None)], &[]).remove(0);
        assert_eq!(place_to_ask(&found), None);
        found.complete(&Probed::NOT_ASKED);
        assert_eq!(found.name().as_deref(), Some("PostgreSQL"));
        assert!(found.unfit().is_some());
    }

    #[test]
    fn apps_come_first_and_what_is_none_last() {
        let mut found = put_together(
            ["22", "8400", "8401", "11434"]
                .map(|port| listener(&format!("0.0.0.0:{port}"), None))
                .into(),
            &[],
        );
        let http = Probed {
            speaks: Speaks::Http,
            answer: Some(crate::discover::Answer::default()),
        };
        for one in &mut found {
            let probed = if one.port() > 8400 {
                &http
            } else {
                &Probed::NOT_ASKED
            };
            one.complete(probed);
        }
        in_order(&mut found);
        let ports: Vec<_> = found.iter().map(Found::port).collect();
        assert_eq!(ports, [11434, 8401, 8400, 22]);
    }
}
