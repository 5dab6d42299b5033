//! What is to be done, as a function of what is so.

use std::net::IpAddr;

use super::facts::Facts;
use super::new_server::NewServer;
use super::program::Program;
use super::steps;
use super::uninstall::TakeBack;

/// What the operator wants.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The address under which visitors reach this machine.
    pub ip: Option<IpAddr>,
    /// What else the new server is.
    pub server: NewServer,
}

/// A step of the way, in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name for programs.
    pub key: &'static str,
    /// What it brings, for people.
    pub title: &'static str,
    /// What it takes.
    pub work: Work,
}

/// What a step takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// All is as it should be.
    Nothing,
    /// It is left out, and why.
    Skip(String),
    /// This, in this order.
    Do(Vec<Action>),
}

/// One change of the machine. Each can be done again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Install packages.
    Packages(Vec<&'static str>),
    /// Make the system user `portlama`.
    User,
    /// Copy this very program to its place.
    Program,
    /// Make the server's state.
    State {
        /// Its address.
        ip: IpAddr,
        /// What else it is.
        server: Box<NewServer>,
    },
    /// Put a file of ours in place.
    File {
        /// Where.
        path: &'static str,
        /// Its whole text.
        text: String,
    },
    /// Take a file away that an earlier installation made.
    Remove(&'static str),
    /// Put the drop-in of sshd in place, and take it away again when sshd refuses it.
    SshDropIn(String),
    /// Add a rule to the firewall.
    FirewallRule(String),
    /// Switch the firewall on.
    EnableFirewall,
    /// Take something back that an installation added.
    TakeBack(TakeBack),
    /// Run a program.
    Run(Program),
    /// Tell the operator.
    Say(String),
}

impl Action {
    pub(super) fn run(line: &str) -> Self {
        Self::Run(Program::new(line))
    }

    /// What it does, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Packages(names) => format!("install {}", names.join(", ")),
            Self::User => "make the system user portlama, who cannot sign in".to_owned(),
            Self::Program => format!("copy this program to {}", super::PROGRAM),
            Self::State { ip, .. } => format!("make a server for {ip} in {}", super::STATE_DIR),
            Self::File { path, .. } => format!("write {path}"),
            Self::Remove(path) => format!("remove {path}"),
            Self::SshDropIn(_) => {
                format!("write {}, checked by `sshd -t`", steps::ssh::DROP_IN)
            }
            Self::FirewallRule(rule) => format!("run `{rule}`"),
            Self::EnableFirewall => "switch ufw on".to_owned(),
            Self::TakeBack(what) => what.describe(),
            Self::Run(program) => format!("run `{}`", program.line()),
            Self::Say(text) => text.clone(),
        }
    }
}

/// All steps in their order: what could lock the operator out comes late, and each such step
/// makes its way out first.
#[must_use]
pub fn plan(facts: &Facts, options: &Options) -> Vec<Step> {
    let step = |key, title, work: fn(&Facts) -> Work| Step {
        key,
        title,
        work: work(facts),
    };
    let mut steps = vec![
        step("packages", "Packages", steps::packages::work),
        step("user", "User portlama", steps::user::work),
        step("program", "Program", steps::program::work),
        Step {
            key: "state",
            title: "Authority, admin certificate, state",
            work: steps::state::work(facts, options),
        },
        step("units", "Service and socket", steps::units::work),
        step("helper", "Root's helper", steps::helper::work),
        step("kernel", "Kernel settings", steps::kernel::work),
        step("swap", "Swap", steps::swap::work),
        step("ssh", "SSH server", steps::ssh::work),
        step("firewall", "Firewall", steps::firewall::work),
        step("fail2ban", "Bans for SSH", steps::fail2ban::work),
        step("bans", "Bans for the server", steps::bans::work),
    ];
    let due = steps::start::is_due(&steps);
    steps.push(Step {
        key: "start",
        title: "Start",
        work: steps::start::work(facts, due),
    });
    steps
}

impl Facts {
    /// Whether an earlier run began this step and did not end it.
    pub(super) fn is_under_way(&self, key: &str) -> bool {
        self.manifest.under_way.as_deref() == Some(key)
    }

    /// Whether a file has this text.
    pub(super) fn has_file(&self, path: &str, text: &str) -> bool {
        self.files.get(path).is_some_and(|there| there == text)
    }

    /// The work of a step that is one file and what makes the system read it.
    pub(super) fn one_file(
        &self,
        key: &str,
        path: &'static str,
        text: &str,
        then: Vec<Action>,
    ) -> Work {
        if self.has_file(path, text) && !self.is_under_way(key) {
            return Work::Nothing;
        }
        let text = text.to_owned();
        let file = Action::File { path, text };
        Work::Do([file].into_iter().chain(then).collect())
    }
}
