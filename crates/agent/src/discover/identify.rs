//! Which service it is. Pure.

use serde::Serialize;

use super::answer::Answer;
use super::services::{Mark, SERVICES, Service};
use super::sockets::Process;

/// What comes after the part of a name that counts: `jupyter-lab`, `webui.py`, `postgres:`.
const NAME_ENDS: [char; 4] = ['-', '.', '_', ':'];
/// Linux cuts the name of a process here (`TASK_COMM_LEN`, less its end).
const MAX_NAME_BYTES: usize = 15;
/// Programs that run others: what they run stands in their arguments.
const INTERPRETERS: [&str; 7] = ["python", "node", "java", "ruby", "php", "deno", "bun"];
/// Programs that listen for others: what is behind them is not told by their name.
const FORWARDERS: [&str; 8] = [
    "docker-proxy",
    "rootlessport",
    "rootlesskit",
    "pasta",
    "slirp4netns",
    "com.docker.backend",
    "limactl",
    "ssh",
];

/// By what a service was recognised, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// The process that listens.
    Process,
    /// The image of its container.
    Image,
    /// What it answers.
    Answer,
    /// Its port alone: probably.
    Port,
}

/// What a service speaks, as far as it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaks {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SSH.
    Ssh,
    /// It answered, in another protocol.
    Other,
    /// It said nothing in time.
    Silent,
    /// It was not asked.
    NotAsked,
}

impl Speaks {
    /// Whether browsers speak it.
    #[must_use]
    pub fn is_web(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

/// What is known of a listening port.
#[derive(Debug, Clone, Copy)]
pub struct Signs<'a> {
    /// The port.
    pub port: u16,
    /// Who listens.
    pub process: Option<&'a Process>,
    /// The image of the container behind it.
    pub image: Option<&'a str>,
    /// What it speaks.
    pub speaks: Speaks,
    /// What it answered.
    pub answer: Option<&'a Answer>,
}

/// The service that the signs point to, and the surest of them.
#[must_use]
pub fn identify(signs: Signs<'_>) -> Option<(&'static Service, KnownBy)> {
    let by = |by| move |service| (service, by);
    known_before_asking(signs)
        .filter(|(_, sign)| *sign != KnownBy::Port)
        .or_else(|| by_answer(signs.speaks, signs.answer?).map(by(KnownBy::Answer)))
        .or_else(|| by_port(signs).map(by(KnownBy::Port)))
}

/// The same without an answer: whether it is better not to ask at all.
#[must_use]
pub(super) fn known_before_asking(signs: Signs<'_>) -> Option<(&'static Service, KnownBy)> {
    let by = |by| move |service| (service, by);
    signs
        .process
        .and_then(by_process)
        .map(by(KnownBy::Process))
        .or_else(|| by_image(signs.image?).map(by(KnownBy::Image)))
        .or_else(|| by_port(signs).map(by(KnownBy::Port)))
}

fn by_process(process: &Process) -> Option<&'static Service> {
    let words = names_of(process);
    SERVICES.iter().find(|service| {
        let mut programs = service.programs.iter();
        programs.any(|program| words.iter().any(|word| is_named(word, program)))
    })
}

/// The names by which a process may be known: its own, its program's, and under an interpreter
/// the parts of its arguments' paths. An editor that has a service's file open is none of them.
fn names_of(process: &Process) -> Vec<String> {
    let program = process
        .command
        .first()
        .map(String::as_str)
        .unwrap_or_default();
    let mut names = vec![
        process.name.to_ascii_lowercase(),
        last_part(program).to_ascii_lowercase(),
    ];
    if names
        .iter()
        .any(|name| starts_with_any(name, &INTERPRETERS))
    {
        let parts = process
            .command
            .iter()
            .skip(1)
            .flat_map(|word| word.split('/'));
        names.extend(parts.map(str::to_ascii_lowercase));
    }
    names.retain(|name| !name.is_empty());
    names
}

fn is_forwarder(process: &Process) -> bool {
    FORWARDERS.contains(&process.name.to_ascii_lowercase().as_str())
}

/// Whether the name of a process says nothing about what it serves.
pub(super) fn is_stand_in(process: &Process) -> bool {
    is_forwarder(process) || starts_with_any(&process.name.to_ascii_lowercase(), &INTERPRETERS)
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn starts_with_any(name: &str, beginnings: &[&str]) -> bool {
    beginnings
        .iter()
        .any(|beginning| name.starts_with(beginning))
}

fn is_named(word: &str, program: &str) -> bool {
    let cut = word.len() == MAX_NAME_BYTES && program.starts_with(word);
    cut || word
        .strip_prefix(program)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(NAME_ENDS))
}

fn by_image(image: &str) -> Option<&'static Service> {
    let without_digest = image.split('@').next().unwrap_or(image);
    let name = last_part(without_digest)
        .split(':')
        .next()
        .unwrap_or_default();
    let name = name.to_ascii_lowercase();
    SERVICES
        .iter()
        .find(|service| service.images.contains(&name.as_str()))
}

fn by_answer(speaks: Speaks, answer: &Answer) -> Option<&'static Service> {
    let begins = |text: &str, mark: &str| {
        text.get(..mark.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(mark))
    };
    let shows = |mark: &Mark| match mark {
        Mark::Title(mark) => answer
            .title
            .as_deref()
            .is_some_and(|title| begins(title, mark)),
        Mark::Server(mark) => begins(&answer.server, mark),
        Mark::Header(name) => answer.headers.iter().any(|header| header == name),
        Mark::Text(mark) => answer.text.contains(mark),
    };
    SERVICES
        .iter()
        .filter(|_| speaks.is_web())
        .find(|service| service.marks.iter().any(shows))
}

/// A port alone counts where nothing contradicts it: whoever listens is not visible or stands
/// for another, the protocol fits, and no other service has the same port.
fn by_port(signs: Signs<'_>) -> Option<&'static Service> {
    if signs.speaks == Speaks::Ssh {
        return SERVICES.iter().find(|service| service.id == "ssh");
    }
    if !signs.process.is_none_or(is_forwarder) || signs.image.is_some() {
        return None;
    }
    let fits = |service: &&Service| match signs.speaks {
        Speaks::Http | Speaks::Https => service.http,
        Speaks::Other | Speaks::Ssh => !service.http,
        Speaks::Silent | Speaks::NotAsked => true,
    };
    let mut known = SERVICES
        .iter()
        .filter(|service| service.ports.contains(&signs.port));
    let first = known.next().filter(fits)?;
    known.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, command: &str) -> Process {
        Process {
            pid: 7,
            name: name.to_owned(),
            command: command.split(' ').map(str::to_owned).collect(),
        }
    }

    const NOTHING: Signs<'static> = Signs {
        port: 4000,
        process: None,
        image: None,
        speaks: Speaks::NotAsked,
        answer: None,
    };

    fn id(signs: Signs<'_>) -> Option<(&'static str, KnownBy)> {
        identify(signs).map(|(service, by)| (service.id, by))
    }

    #[test]
    fn a_process_is_known_by_its_program_or_its_script() {
        for (name, command, expected) in [
            ("ollama", "/usr/local/bin/ollama serve", Some("ollama")),
            (
                "python3.12",
                "python3 /home/a/ComfyUI/main.py",
                Some("comfyui"),
            ),
            ("python3", "python3 webui.py --port 7860", Some("sd-webui")),
            (
                "jupyter-lab",
                "/usr/bin/python3 /usr/bin/jupyter-lab",
                Some("jupyter"),
            ),
            ("node", "node /usr/local/bin/n8n start", Some("n8n")),
            (
                "node",
                "/usr/lib/code-server/lib/node /usr/lib/code-server",
                Some("vscode-server"),
            ),
            (
                "python3",
                "python3 -m homeassistant",
                Some("home-assistant"),
            ),
            (
                "Plex Media Serv",
                "/usr/lib/plexmediaserver/Plex",
                Some("plex"),
            ),
            (
                "java",
                "java -cp /usr/share/elasticsearch/lib",
                Some("elasticsearch"),
            ),
            ("postgres", "postgres: writer", Some("postgresql")),
            ("redis-server", "redis-server *:6379", Some("redis")),
            (
                "systemd-resolve",
                "/lib/systemd/systemd-resolved",
                Some("dns"),
            ),
            ("sshd", "sshd: /usr/sbin/sshd -D", Some("ssh")),
            ("grafana", "grafana server", Some("grafana")),
            // Whoever merely has the word in an argument is somebody else.
            ("vim", "vim /etc/grafana-server/n8n", None),
            ("less", "less ollama", None),
            ("minioconsole", "minioconsole", None),
            ("python3", "python3 app.py", None),
        ] {
            let process = process(name, command);
            let signs = Signs {
                process: Some(&process),
                ..NOTHING
            };
            assert_eq!(
                id(signs),
                expected.map(|id| (id, KnownBy::Process)),
                "{command}"
            );
        }
    }

    #[test]
    fn an_image_is_known_whatever_its_registry_and_tag() {
        for (image, expected) in [
            ("ollama/ollama", Some("ollama")),
            ("ghcr.io/open-webui/open-webui:main", Some("open-webui")),
            ("localhost:5000/postgres:16@sha256:00ff", Some("postgresql")),
            ("example/my-postgres-backup", None),
            ("sha256:00ff", None),
        ] {
            let signs = Signs {
                image: Some(image),
                port: 5432,
                ..NOTHING
            };
            assert_eq!(
                id(signs),
                expected.map(|id| (id, KnownBy::Image)),
                "{image}"
            );
        }
    }

    #[test]
    fn an_answer_decides_where_two_services_share_a_port() {
        let grafana = Answer {
            title: Some("grafana".to_owned()),
            ..Answer::default()
        };
        let signs = Signs {
            port: 3000,
            speaks: Speaks::Http,
            ..NOTHING
        };
        assert_eq!(id(signs), None);
        let asked = Signs {
            answer: Some(&grafana),
            ..signs
        };
        assert_eq!(id(asked), Some(("grafana", KnownBy::Answer)));
        let other = Answer {
            title: Some("My Grafana".to_owned()),
            ..Answer::default()
        };
        assert_eq!(
            id(Signs {
                answer: Some(&other),
                ..signs
            }),
            None
        );
    }

    #[test]
    fn a_port_alone_counts_where_nothing_contradicts_it() {
        let by_port = |signs| {
            id(signs).map(|(id, by)| {
                assert_eq!(by, KnownBy::Port);
                id
            })
        };
        let postgres = Signs {
            port: 5432,
            ..NOTHING
        };
        assert_eq!(by_port(postgres), Some("postgresql"));
        assert_eq!(
            by_port(Signs {
                speaks: Speaks::Http,
                ..postgres
            }),
            None
        );
        let ollama = Signs {
            port: 11434,
            speaks: Speaks::Http,
            ..NOTHING
        };
        assert_eq!(by_port(ollama), Some("ollama"));
        assert_eq!(
            by_port(Signs {
                speaks: Speaks::Other,
                ..ollama
            }),
            None
        );
        let mine = process("python3", "python3 app.py");
        assert_eq!(
            by_port(Signs {
                process: Some(&mine),
                ..ollama
            }),
            None
        );
        let proxy = process("docker-proxy", "docker-proxy -host-port 11434");
        assert_eq!(
            by_port(Signs {
                process: Some(&proxy),
                ..ollama
            }),
            Some("ollama")
        );
        assert_eq!(
            by_port(Signs {
                speaks: Speaks::Ssh,
                ..NOTHING
            }),
            Some("ssh")
        );
    }
}
