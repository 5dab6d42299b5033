//! Carrying out what a manager says.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use portlama_model::AgentLabel;

use super::orders::{self, ServiceError};
use super::{Launchd, Order, Person, Service, ServiceManager, ServiceState, Systemd};
use portlama_files as files;

/// Exists where systemd runs (sd_booted(3)).
const SYSTEMD: &str = "/run/systemd/system";
/// Names whose services run without a sign-in (loginctl(1), `enable-linger`).
const LINGERERS: &str = "/var/lib/systemd/linger";

/// Services of one manager.
#[derive(Debug)]
pub struct Services {
    manager: Box<dyn ServiceManager>,
    /// Whether it is the machine's.
    is_machines: bool,
    /// The directory of the agents that run as its services.
    home: PathBuf,
    /// Variables by which the programs find it, or why they cannot.
    environment: Result<Vec<(String, String)>, NoManager>,
}

/// Why there is nobody who could run a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoManager {
    /// No systemd, as in most containers.
    #[error(
        "nothing here runs services (there is no systemd, as in most containers): let whatever starts the programs of this machine run `portlama agent run`"
    )]
    NoSystemd,
    /// There is one, and this session is none of its sessions.
    #[error(
        "this session has no systemd of its own (as under su, sudo and cron): sign in by SSH or at the screen and try again, or let the agent be a service of the machine (`sudo portlama agent service install --system`), or keep `portlama agent run` running yourself"
    )]
    NoSession,
    /// The machine's own can be told by root alone.
    #[error("a service of the whole machine is root's to change: use `sudo`")]
    NotRoot,
    /// Another system.
    #[error(
        "on this system, services are not known to portlama: keep `portlama agent run` running yourself"
    )]
    OtherSystem,
    /// A system without this kind of service.
    #[error(
        "--system is for machines with systemd; on macOS the agent is a service of the person who is signed in"
    )]
    NoMachineServices,
    /// The person has no home.
    #[error("this user has no home directory")]
    NoHome,
}

/// Whether the person's services run while the person is not signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lingering {
    /// They belong to the machine, or to a system that does not know it.
    NotNeeded,
    /// They did already.
    Already,
    /// They do from here on.
    Begun,
    /// The person may not change it.
    Refused {
        /// The command that does.
        way_out: String,
    },
}

impl Services {
    /// Those of whoever runs the program, for agents below `home`. Their definitions can be read
    /// without a session; [`can_be_told`](Self::can_be_told) says whether there is one.
    ///
    /// # Errors
    /// When nothing here could ever run them.
    pub fn of_person(home: &Path) -> Result<Self, NoManager> {
        let own = std::env::home_dir().filter(|home| home.is_absolute());
        let own = own.ok_or(NoManager::NoHome)?;
        let uid = rustix::process::geteuid().as_raw();
        if cfg!(target_os = "macos") {
            return Ok(Self::with(Launchd::of_person(&own, uid), home));
        }
        on_systemd()?;
        let environment = match runtime_dir(uid) {
            Some(runtime) => {
                let runtime = runtime.to_string_lossy().into_owned();
                Ok(vec![("XDG_RUNTIME_DIR".to_owned(), runtime)])
            }
            None => Err(NoManager::NoSession),
        };
        Ok(Self {
            environment,
            ..Self::with(Systemd::of_person(&own), home)
        })
    }

    /// Those of somebody else, to look at: only a session of the person's own can change them.
    ///
    /// # Errors
    /// When nothing here could ever run them.
    pub fn of_another(person: &Person, home: &Path) -> Result<Self, NoManager> {
        on_systemd()?;
        Ok(Self {
            environment: Err(NoManager::NoSession),
            ..Self::with(Systemd::of_person(person.home()), home)
        })
    }

    /// Those of the machine, where agents below `home` run as `person`. Everybody may ask; root
    /// may change.
    ///
    /// # Errors
    /// When the machine has none.
    pub fn of_machine(person: &Person, home: &Path) -> Result<Self, NoManager> {
        if cfg!(target_os = "macos") {
            return Err(NoManager::NoMachineServices);
        }
        on_systemd()?;
        Ok(Self {
            is_machines: true,
            ..Self::with(Systemd::of_machine(person.name()), home)
        })
    }

    fn with(manager: impl ServiceManager + 'static, home: &Path) -> Self {
        Self {
            manager: Box::new(manager),
            is_machines: false,
            home: home.to_owned(),
            environment: Ok(Vec::new()),
        }
    }

    /// Whether anything but reading can be done from this session.
    ///
    /// # Errors
    /// When it cannot.
    pub fn can_be_told(&self) -> Result<(), NoManager> {
        self.environment.as_ref().map(drop).map_err(Clone::clone)
    }

    async fn tell(&self, orders: Vec<Order>) -> Result<(), ServiceError> {
        let environment = self.environment.clone()?;
        orders::carry_out(orders, &environment).await
    }

    /// What the manager is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.manager.name()
    }

    /// What it calls the service.
    #[must_use]
    pub fn unit(&self, label: &AgentLabel) -> String {
        self.manager.unit(label)
    }

    /// Where the definition is, whether it is there or not.
    #[must_use]
    pub fn file(&self, label: &AgentLabel) -> PathBuf {
        self.manager.file(label)
    }

    /// Whether it belongs to the machine.
    #[must_use]
    pub fn are_machines(&self) -> bool {
        self.is_machines
    }

    /// Whether there is a definition, and it is this person's for an agent of this home.
    #[must_use]
    pub fn has(&self, label: &AgentLabel) -> bool {
        matches!(self.definition(label), Ok(Some(_)))
    }

    /// Whether what is defined is what `service` would be.
    ///
    /// # Errors
    /// When the definition cannot be read, or made.
    pub fn is_current(&self, service: &Service) -> Result<bool, ServiceError> {
        let wanted = self.manager.render(service)?;
        Ok(self.definition(&service.label)?.as_ref() == Some(&wanted))
    }

    /// Writes the definition; says whether it was not there or another.
    ///
    /// # Errors
    /// When it cannot be written, or is another person's or home's.
    pub fn write(&self, service: &Service) -> Result<bool, ServiceError> {
        let wanted = self.manager.render(service)?;
        let changed = self.definition(&service.label)?.as_ref() != Some(&wanted);
        if changed {
            write(&self.file(&service.label), &wanted)?;
        }
        Ok(changed)
    }

    /// Lets the manager go by what is written, and starts the service, anew if it runs.
    ///
    /// # Errors
    /// When the manager refuses.
    pub async fn load(&self, label: &AgentLabel) -> Result<(), ServiceError> {
        self.tell(self.manager.load(label)).await
    }

    /// Lets the person's services start with the machine, where they would wait for a sign-in.
    pub async fn linger(&self, person: &Person) -> Lingering {
        if self.are_machines() || !cfg!(target_os = "linux") {
            return Lingering::NotNeeded;
        }
        if Path::new(LINGERERS).join(person.name()).exists() {
            return Lingering::Already;
        }
        let order = Order::new("loginctl", ["--no-ask-password", "enable-linger"]);
        match self.tell(vec![order]).await {
            Ok(()) => Lingering::Begun,
            Err(_) => Lingering::Refused {
                way_out: format!("sudo loginctl enable-linger {}", person.name()),
            },
        }
    }

    /// Starts the service, or starts it anew.
    ///
    /// # Errors
    /// When the manager refuses.
    pub async fn restart(&self, label: &AgentLabel) -> Result<(), ServiceError> {
        self.tell(self.manager.restart(label)).await
    }

    /// Stops the service and takes its definition away; says whether there was one.
    ///
    /// # Errors
    /// When the manager refuses, or the file is another person's or home's or cannot be removed.
    pub async fn remove(&self, label: &AgentLabel) -> Result<bool, ServiceError> {
        if self.definition(label)?.is_none() {
            return Ok(false);
        }
        self.tell(self.manager.unload(label)).await?;
        let path = self.file(label);
        fs::remove_file(&path).map_err(|source| ServiceError::File { path, source })?;
        self.tell(self.manager.forget(label)).await?;
        Ok(true)
    }

    /// How the service is.
    ///
    /// # Errors
    /// When the manager does not say.
    pub async fn state(&self, label: &AgentLabel) -> Result<ServiceState, ServiceError> {
        let environment = self.environment.clone()?;
        let answer = orders::run(&self.manager.ask(label), &environment).await?;
        Ok(self.manager.state(&answer))
    }

    /// The arguments by which `journalctl` shows the service's log; `None` where logs are files.
    #[must_use]
    pub fn journal(&self, label: &AgentLabel) -> Option<Vec<String>> {
        self.manager.journal(label)
    }

    fn definition(&self, label: &AgentLabel) -> Result<Option<String>, ServiceError> {
        let path = self.file(label);
        let read = files::read_text(&path).map_err(|error| match error {
            files::FileError::Read { path, source } => ServiceError::File { path, source },
            _ => ServiceError::File {
                path: path.clone(),
                source: io::ErrorKind::InvalidData.into(),
            },
        })?;
        let marks = self.manager.marks(&self.home)?;
        let is_anothers = |text: &String| !marks.iter().all(|mark| text.contains(mark));
        if read.as_ref().is_some_and(is_anothers) {
            return Err(ServiceError::Anothers { path });
        }
        Ok(read)
    }
}

fn on_systemd() -> Result<(), NoManager> {
    if !cfg!(target_os = "linux") {
        return Err(NoManager::OtherSystem);
    }
    if !Path::new(SYSTEMD).exists() {
        return Err(NoManager::NoSystemd);
    }
    Ok(())
}

/// Where the person's own systemd listens. A shell that was not signed in to, such as one of
/// cron, may not know.
fn runtime_dir(uid: u32) -> Option<PathBuf> {
    let named = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let usual = PathBuf::from(format!("/run/user/{uid}"));
    let is_ours = |runtime: &PathBuf| {
        let socket = fs::symlink_metadata(runtime.join("systemd/private"));
        socket.is_ok_and(|socket| socket.uid() == uid)
    };
    named.into_iter().chain([usual]).find(is_ours)
}

/// Puts a definition in place, whole or not at all. It is no secret, and `systemctl cat` should
/// show it to everybody.
fn write(path: &Path, text: &str) -> Result<(), ServiceError> {
    let failed = |source| ServiceError::File {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().expect("a file has a folder");
    fs::create_dir_all(folder).map_err(failed)?;
    files::write_private(path, text.as_bytes()).map_err(|error| match error {
        files::FileError::Write { path, source } => ServiceError::File { path, source },
        other => failed(io::Error::other(other)),
    })?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).map_err(failed)
}
