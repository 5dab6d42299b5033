//! Containers, by the socket of Docker or of what speaks as it does (Podman, Colima, rootless).

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::probe::exchange;
use super::text::shown;

/// The largest list of containers that is read, octets: more than 1,000 containers.
pub const MAX_LIST_BYTES: usize = 4 * 1024 * 1024;
/// The Engine API's list of running containers, in whichever version Docker speaks.
const REQUEST: &str = "GET /containers/json HTTP/1.0\r\nHost: docker\r\nConnection: close\r\n\r\n";

/// A running container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Container {
    /// The first twelve characters of its id, as Docker shows it.
    pub id: String,
    /// Its name, fit for a terminal.
    pub name: String,
    /// Its image, fit for a terminal.
    pub image: String,
    /// Its TCP ports that this machine has, each once.
    pub ports: BTreeSet<PublishedPort>,
}

/// A port of a container that is a port of this machine, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedPort {
    /// On this machine.
    pub host_port: u16,
    /// In the container.
    pub container_port: u16,
    /// Whether it is reached on loopback, and not on one other address alone.
    #[serde(skip)]
    pub on_loopback: bool,
}

/// What Docker had to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Containers {
    /// Those that run, by name.
    pub list: Vec<Container>,
    /// Why there may be more.
    pub hint: Option<String>,
}

/// Where Docker is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Docker {
    sockets: Vec<PathBuf>,
    hint: Option<String>,
}

impl Docker {
    /// Docker at this socket.
    #[must_use]
    pub fn at(socket: impl Into<PathBuf>) -> Self {
        Self {
            sockets: vec![socket.into()],
            hint: None,
        }
    }

    /// Where Docker is by the values of `DOCKER_HOST`, `XDG_RUNTIME_DIR` and `HOME`; empty ones
    /// are none. Without `DOCKER_HOST` these are the usual places.
    #[must_use]
    pub fn from_environment(
        docker_host: Option<&str>,
        runtime_dir: Option<&Path>,
        home: Option<&Path>,
    ) -> Self {
        match docker_host.filter(|host| !host.is_empty()) {
            Some(host) => match host.strip_prefix("unix://") {
                Some(path) => Self::at(path),
                None => Self {
                    sockets: Vec::new(),
                    hint: Some(
                        "DOCKER_HOST names no socket of this machine (unix://…): \
                         containers are not listed"
                            .to_owned(),
                    ),
                },
            },
            None => Self {
                sockets: usual_places(runtime_dir, home),
                hint: None,
            },
        }
    }

    /// The containers that run. The first socket that answers counts; without Docker there are
    /// none.
    pub async fn containers(&self, patience: Duration) -> Containers {
        let mut hint = self.hint.clone();
        for socket in &self.sockets {
            let error = match timeout(patience, ask(socket)).await {
                Ok(Ok(list)) => return Containers { list, hint: None },
                Ok(Err(error)) => error,
                Err(_) => io::ErrorKind::TimedOut.into(),
            };
            hint = hint.or_else(|| way_out(socket, &error));
        }
        Containers {
            list: Vec::new(),
            hint,
        }
    }
}

fn usual_places(runtime_dir: Option<&Path>, home: Option<&Path>) -> Vec<PathBuf> {
    let below = |dir: Option<&Path>, name: &str| {
        dir.filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(name))
    };
    [
        Some(PathBuf::from("/var/run/docker.sock")),
        below(runtime_dir, "docker.sock"),
        below(home, ".docker/run/docker.sock"),
        below(home, ".colima/default/docker.sock"),
        below(runtime_dir, "podman/podman.sock"),
        Some(PathBuf::from("/run/podman/podman.sock")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Nothing is said about a Docker that is not there.
fn way_out(socket: &Path, error: &io::Error) -> Option<String> {
    let socket = socket.display();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => None,
        io::ErrorKind::PermissionDenied => Some(format!(
            "Docker's socket {socket} is not open to this user: its containers are listed as \
             plain ports; `sudo portlama agent discover` names them"
        )),
        io::ErrorKind::TimedOut => Some(format!(
            "Docker at {socket} did not answer in time: its containers are listed as plain \
             ports; --thorough waits longer"
        )),
        _ => Some(format!(
            "the containers at {socket} cannot be listed: {error}"
        )),
    }
}

async fn ask(socket: &Path) -> io::Result<Vec<Container>> {
    let mut stream = UnixStream::connect(socket).await?;
    let mut octets = Vec::new();
    exchange(&mut stream, REQUEST, &mut octets, |octets| {
        octets.len() > MAX_LIST_BYTES
    })
    .await?;
    if octets.len() > MAX_LIST_BYTES {
        return Err(io::Error::other(format!(
            "the list is longer than {MAX_LIST_BYTES} octets"
        )));
    }
    read_containers(&octets)
}

/// The containers in Docker's whole answer, head and body, by name.
///
/// # Errors
/// When it is not HTTP, not 200, or not the list that the Engine API describes.
pub fn read_containers(answer: &[u8]) -> io::Result<Vec<Container>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let end = match head.parse(answer) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) | Err(_) => {
            return Err(io::Error::other("the answer is not HTTP"));
        }
    };
    if head.code != Some(200) {
        let status = head.code.unwrap_or_default();
        return Err(io::Error::other(format!("the answer has status {status}")));
    }
    let body = answer.get(end..).unwrap_or_default();
    let list: Vec<Described> = serde_json::from_slice(body)
        .map_err(|error| io::Error::other(format!("the list is not understood: {error}")))?;
    let mut containers: Vec<_> = list.into_iter().map(Container::from).collect();
    containers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(containers)
}

/// The members that count of `ContainerSummary` in the Engine API.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    id: String,
    #[serde(default)]
    names: Option<Vec<String>>,
    #[serde(default)]
    image: String,
    #[serde(default)]
    ports: Option<Vec<DescribedPort>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribedPort {
    #[serde(default, rename = "IP")]
    ip: String,
    private_port: u16,
    #[serde(default)]
    public_port: Option<u16>,
    #[serde(default)]
    r#type: String,
}

impl From<Described> for Container {
    fn from(described: Described) -> Self {
        let id: String = described.id.chars().take(12).collect();
        let id = shown(&id).unwrap_or_default();
        let names = described.names.unwrap_or_default();
        let name = names.first().map(|name| name.trim_start_matches('/'));
        Self {
            name: name.and_then(shown).unwrap_or_else(|| id.clone()),
            id,
            image: shown(&described.image).unwrap_or_default(),
            ports: published(described.ports.unwrap_or_default()),
        }
    }
}

/// Publishing over IPv4 and IPv6 counts once, and loopback wins.
fn published(ports: Vec<DescribedPort>) -> BTreeSet<PublishedPort> {
    let tcp = ports.into_iter().filter(|port| port.r#type == "tcp");
    let all: Vec<_> = tcp
        .filter_map(|port| {
            let ip: Option<IpAddr> = port.ip.parse().ok();
            Some(PublishedPort {
                host_port: port.public_port.filter(|port| *port > 0)?,
                container_port: port.private_port,
                on_loopback: ip.is_none_or(|ip| ip.is_unspecified() || ip.is_loopback()),
            })
        })
        .collect();
    let elsewhere_only = |port: &&PublishedPort| {
        port.on_loopback
            || !all
                .iter()
                .any(|other| other.on_loopback && other.host_port == port.host_port)
    };
    all.iter().filter(elsewhere_only).copied().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(body: &str) -> Vec<u8> {
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{body}").into_bytes()
    }

    #[test]
    fn a_published_port_is_listed_once_and_udp_and_closed_ones_are_not() {
        let body = r#"[{"Id":"0123456789abcdef","Names":["/photos"],"Image":"x/photos:1","State":"running","Ports":[
            {"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
            {"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
            {"IP":"192.168.1.5","PrivatePort":81,"PublicPort":8081,"Type":"tcp"},
            {"IP":"0.0.0.0","PrivatePort":53,"PublicPort":53,"Type":"udp"},
            {"PrivatePort":9000,"Type":"tcp"}]},
            {"Id":"ff","Names":null,"Image":"","Ports":null}]"#;
        let list = read_containers(&answer(body)).expect("understood");
        assert_eq!(
            (list[0].name.as_str(), list[1].name.as_str()),
            ("ff", "photos")
        );
        assert_eq!(list[1].id, "0123456789ab");
        let ports: Vec<_> = list[1]
            .ports
            .iter()
            .map(|port| (port.host_port, port.container_port, port.on_loopback))
            .collect();
        assert_eq!(ports, [(8080, 80, true), (8081, 81, false)]);
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for bad in [
            b"nonsense".to_vec(),
            b"HTTP/1.1 403 Forbidden\r\n\r\n[]".to_vec(),
            answer("{}"),
            answer("[{}]"),
            answer(r#"[{"Id":"a","Ports":[{"PrivatePort":99999}]}]"#),
        ] {
            assert!(read_containers(&bad).is_err());
        }
    }

    #[test]
    fn the_environment_says_where_docker_is() {
        let usual = Docker::from_environment(None, Some(Path::new("/run/user/1")), None);
        assert_eq!(usual.sockets[0], Path::new("/var/run/docker.sock"));
        assert!(
            usual
                .sockets
                .contains(&"/run/user/1/podman/podman.sock".into())
        );
        let named = Docker::from_environment(Some("unix:///a/b.sock"), None, None);
        assert_eq!(named, Docker::at("/a/b.sock"));
        let far = Docker::from_environment(Some("tcp://10.0.0.1:2375"), None, None);
        assert!(far.sockets.is_empty() && far.hint.is_some());
    }

    proptest! {
        #[test]
        fn never_panics(octets in prop::collection::vec(any::<u8>(), 0..200), http in any::<bool>()) {
            let mut all = if http { answer("[") } else { vec![] };
            all.extend(octets);
            let _ = read_containers(&all);
        }
    }
}
