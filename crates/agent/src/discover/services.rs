//! The services that are known by name: data, and nothing else.
//!
//! The first 17 are the reference's list. Those after them are no apps: they are there so that
//! nobody puts them on the Internet by mistake.

use portlama_model::HostHeader;
use serde::Serialize;

/// What kind of service it is, as filters of lists name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Models and what talks to them.
    Ai,
    /// Tools of developers.
    Dev,
    /// Figures and alarms.
    Monitoring,
    /// Films, music and the home.
    Media,
    /// Stores of data.
    Database,
    /// Parts of the machine.
    System,
}

/// What a service's answer shows of it. Case does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The page's title begins so.
    Title(&'static str),
    /// The answer has a header of this name.
    Header(&'static str),
    /// The header `server` begins so.
    Server(&'static str),
    /// An answer that is no page holds this near its beginning.
    Text(&'static str),
}

/// One known service.
#[derive(Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in commands, and the host name that is proposed for it.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Its kind.
    pub category: Category,
    /// Where it listens unless it was told otherwise, the most usual first.
    pub ports: &'static [u16],
    /// Names of its program or, where an interpreter runs it, of its script, module or folder.
    pub programs: &'static [&'static str],
    /// Names of its container images, without registry, owner and tag.
    pub images: &'static [&'static str],
    /// What its answer shows of it.
    pub marks: &'static [Mark],
    /// Whether it speaks HTTP.
    pub http: bool,
    /// Which host name it must be asked for: some refuse every name but localhost.
    pub host: HostHeader,
    /// Why it is not meant to be exposed.
    pub unfit: Option<&'static str>,
}

impl Service {
    const fn app(
        id: &'static str,
        name: &'static str,
        category: Category,
        port: &'static [u16],
    ) -> Self {
        Self {
            id,
            name,
            category,
            ports: port,
            programs: &[],
            images: &[],
            marks: &[],
            http: true,
            host: HostHeader::Public,
            unfit: None,
        }
    }

    const fn store(id: &'static str, name: &'static str, ports: &'static [u16]) -> Self {
        Self::app(id, name, Database, ports).not_http(NO_STORE)
    }

    const fn system(id: &'static str, name: &'static str, ports: &'static [u16]) -> Self {
        Self::app(id, name, System, ports).not_http(NO_PART)
    }

    const fn programs(mut self, programs: &'static [&'static str]) -> Self {
        self.programs = programs;
        self
    }

    const fn images(mut self, images: &'static [&'static str]) -> Self {
        self.images = images;
        self
    }

    const fn marks(mut self, marks: &'static [Mark]) -> Self {
        self.marks = marks;
        self
    }

    const fn local_host(mut self) -> Self {
        self.host = HostHeader::Local;
        self
    }

    const fn unfit(mut self, why: &'static str) -> Self {
        self.unfit = Some(why);
        self
    }

    const fn not_http(mut self, why: &'static str) -> Self {
        self.http = false;
        self.unfit(why)
    }
}

const NO_STORE: &str = "a database: browsers do not speak its protocol, and its data belong to \
                        the apps that use it";
const NO_PART: &str = "a part of this machine that browsers do not speak to";
const OPEN_STORE: &str = "a database that asks nobody for a password";

use Category::{Ai, Database, Dev, Media, Monitoring, System};
use Mark::{Header, Server, Text, Title};

/// All of them.
pub static SERVICES: &[Service] = &[
    Service::app("ollama", "Ollama", Ai, &[11434])
        .programs(&["ollama"])
        .images(&["ollama"])
        .marks(&[Text("Ollama is running")])
        .local_host(),
    Service::app("comfyui", "ComfyUI", Ai, &[8188])
        .programs(&["comfyui"])
        .images(&["comfyui"])
        .marks(&[Title("ComfyUI")]),
    Service::app("lm-studio", "LM Studio", Ai, &[1234]).programs(&["lm studio", "lm-studio"]),
    Service::app("sd-webui", "Stable Diffusion WebUI", Ai, &[7860])
        .programs(&["webui.py", "stable-diffusion-webui"])
        .images(&["stable-diffusion-webui"])
        .marks(&[Title("Stable Diffusion")]),
    Service::app("open-webui", "Open WebUI", Ai, &[3000, 8080])
        .programs(&["open-webui", "open_webui"])
        .images(&["open-webui"])
        .marks(&[Title("Open WebUI")]),
    Service::app("localai", "LocalAI", Ai, &[8080])
        .programs(&["local-ai"])
        .images(&["localai", "local-ai"])
        .marks(&[Title("LocalAI")]),
    Service::app("jupyter", "Jupyter", Dev, &[8888])
        .programs(&["jupyter", "jupyterlab", "ipykernel_launcher"])
        .images(&["base-notebook", "scipy-notebook", "datascience-notebook"])
        .marks(&[Title("Jupyter")])
        .local_host(),
    Service::app("vscode-server", "VS Code Server", Dev, &[8080])
        .programs(&["code-server"])
        .images(&["code-server"])
        .marks(&[Title("code-server")]),
    Service::app("n8n", "n8n", Dev, &[5678])
        .programs(&["n8n"])
        .images(&["n8n"])
        .marks(&[Title("n8n")]),
    Service::app("grafana", "Grafana", Monitoring, &[3000])
        .programs(&["grafana", "grafana-server"])
        .images(&["grafana", "grafana-oss", "grafana-enterprise"])
        .marks(&[Title("Grafana")]),
    Service::app("home-assistant", "Home Assistant", Media, &[8123])
        .programs(&["hass", "homeassistant"])
        .images(&["home-assistant", "homeassistant"])
        .marks(&[Title("Home Assistant")]),
    Service::app("plex", "Plex", Media, &[32400])
        .programs(&["plex media server"])
        .images(&["plex", "pms-docker"])
        .marks(&[Header("x-plex-protocol")]),
    Service::app("minio", "MinIO", Database, &[9000, 9001])
        .programs(&["minio"])
        .images(&["minio"])
        .marks(&[Title("MinIO"), Server("MinIO")]),
    Service::store("postgresql", "PostgreSQL", &[5432])
        .programs(&["postgres", "postmaster"])
        .images(&["postgres", "postgis", "timescaledb", "pgvector"]),
    Service::store("redis", "Redis", &[6379])
        .programs(&["redis-server", "valkey-server"])
        .images(&["redis", "valkey"]),
    Service::store("mongodb", "MongoDB", &[27017])
        .programs(&["mongod", "mongos"])
        .images(&["mongo", "mongodb"]),
    Service::app("elasticsearch", "Elasticsearch", Database, &[9200])
        .programs(&["elasticsearch", "opensearch"])
        .images(&["elasticsearch", "opensearch"])
        .marks(&[Text("You Know, for Search"), Header("x-elastic-product")])
        .unfit(OPEN_STORE),
    // No apps.
    Service::store("mysql", "MySQL or MariaDB", &[3306, 33060])
        .programs(&["mysqld", "mariadbd"])
        .images(&["mysql", "mariadb"]),
    Service::store("memcached", "memcached", &[11211])
        .programs(&["memcached"])
        .images(&["memcached"]),
    Service::system("ssh", "SSH", &[22]).programs(&["sshd", "dropbear"]),
    Service::system("smtp", "Mail", &[25, 465, 587]).programs(&["exim4", "postfix"]),
    Service::system("dns", "DNS", &[53, 5355]).programs(&[
        "systemd-resolve",
        "systemd-resolved",
        "dnsmasq",
        "named",
        "unbound",
    ]),
    Service::system("smb", "Windows shares", &[139, 445]).programs(&["smbd"]),
    Service::system("nfs", "NFS", &[111, 2049]).programs(&["rpcbind", "rpc.mountd", "rpc.statd"]),
    Service::system("rdp", "Remote desktop", &[3389]).programs(&["xrdp", "gnome-remote-desktop"]),
    Service::system("vnc", "VNC", &[5900, 5901]).programs(&["x11vnc", "xvnc", "vncserver"]),
    Service::app("cups", "Printers", System, &[631])
        .programs(&["cupsd"])
        .marks(&[Title("Home - CUPS"), Server("CUPS")])
        .unfit("the printers' settings of this machine"),
    Service::app("docker-api", "Docker's own API", System, &[2375, 2376])
        .programs(&["dockerd"])
        .marks(&[Header("docker-experimental"), Server("Docker")])
        .unfit("whoever reaches Docker is root on this machine"),
    Service::app("portlama", "Portlama", System, &[])
        .programs(&["portlama"])
        .unfit("Portlama itself"),
];

/// The service of that id or name, in any case.
#[must_use]
pub fn service(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| {
        service.id.eq_ignore_ascii_case(name) || service.name.eq_ignore_ascii_case(name)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portlama_model::Subdomain;

    use super::*;

    #[test]
    fn ids_are_host_names_and_unique() {
        let ids: BTreeSet<_> = SERVICES.iter().map(|service| service.id).collect();
        assert_eq!(ids.len(), SERVICES.len());
        for id in ids {
            let name: Subdomain = id.parse().expect(id);
            assert!(!name.is_reserved() && !name.has_agent_prefix(), "{id}");
        }
    }

    #[test]
    fn what_browsers_do_not_speak_is_not_meant_to_be_exposed() {
        for service in SERVICES {
            assert!(service.http || service.unfit.is_some(), "{}", service.id);
            assert!(service.http || service.marks.is_empty(), "{}", service.id);
        }
    }

    #[test]
    fn names_are_compared_in_lower_case() {
        for service in SERVICES {
            for word in service.programs.iter().chain(service.images) {
                assert_eq!(*word, word.to_ascii_lowercase(), "{}", service.id);
            }
        }
    }

    #[test]
    fn a_service_is_found_by_either_name() {
        let found = service("Home assistant").expect("known");
        assert_eq!(found.id, "home-assistant");
        assert_eq!(service("home-assistant"), Some(found));
        assert_eq!(service("nothing"), None);
    }
}
