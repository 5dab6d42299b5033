//! The agent as a service: kept running by the system, from the start of the machine or of the
//! session on.
//!
//! A [`ServiceManager`] says how one system wants it, in text and in orders, and does nothing.
//! [`Services`] writes the file, gives the orders and asks how the service is.

mod launchd;
mod orders;
mod person;
mod program;
mod services;
mod systemd;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use portlama_model::AgentLabel;
use serde::Serialize;

pub use launchd::Launchd;
pub use orders::{MAX_SERVICE_WORDS_BYTES, ORDER_TIMEOUT, Order, Said, ServiceError};
pub use person::{Person, PersonError};
pub use program::{ServiceProgram, service_program};
pub use services::{Lingering, NoManager, Services};
pub use systemd::Systemd;

/// An agent that is to run as a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The agent.
    pub label: AgentLabel,
    /// The program, absolute.
    pub program: PathBuf,
    /// The directory that holds the agents of the person, absolute.
    pub home: PathBuf,
    /// Variables that the program needs, such as `HTTPS_PROXY`. No secrets: services are shown to
    /// everybody on the machine.
    pub environment: BTreeMap<String, String>,
}

impl Service {
    /// The program and its arguments.
    fn command(&self, extra: &[&str]) -> Result<Vec<String>, CannotStand> {
        let mut words = vec![
            text_of("the program's path", &self.program)?,
            "agent".to_owned(),
            "run".to_owned(),
            "--label".to_owned(),
            self.label.to_string(),
            "--home".to_owned(),
            text_of("the path of the agents' directory", &self.home)?,
        ];
        words.extend(extra.iter().map(|word| (*word).to_owned()));
        Ok(words)
    }

    /// The variables, each of a form that every manager takes.
    fn variables(&self) -> Result<Vec<(&str, &str)>, CannotStand> {
        let mut variables = Vec::new();
        for (name, value) in &self.environment {
            plain("the name of a variable", name)?;
            variables.push((name.as_str(), plain("the value of a variable", value)?));
        }
        Ok(variables)
    }
}

/// Something that cannot be written into the definition of a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot stand in a service: {value:?}; choose one without {forbidden}")]
pub struct CannotStand {
    what: &'static str,
    value: String,
    forbidden: &'static str,
}

fn text_of(what: &'static str, path: &Path) -> Result<String, CannotStand> {
    match path.to_str() {
        Some(text) => plain(what, text).map(str::to_owned),
        None => Err(CannotStand {
            what,
            value: path.to_string_lossy().into_owned(),
            forbidden: "bytes that are no text",
        }),
    }
}

/// Lines and keys are what definitions are made of, so nothing may bring its own.
fn plain<'text>(what: &'static str, text: &'text str) -> Result<&'text str, CannotStand> {
    let forbidden = |letter: char| letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}');
    if text.contains(forbidden) {
        return Err(CannotStand {
            what,
            value: text.to_owned(),
            forbidden: "control characters",
        });
    }
    Ok(text)
}

/// How a service is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceState {
    /// The manager knows it.
    pub loaded: bool,
    /// It starts by itself.
    pub enabled: bool,
    /// It runs.
    pub running: bool,
    /// Its process.
    pub pid: Option<u32>,
    /// What the manager calls its state, such as `active (running)`.
    pub words: String,
}

/// How one system wants its services. Everything here is pure; the orders are carried out by
/// [`Services`].
pub trait ServiceManager: Debug + Send + Sync {
    /// What it is, for people.
    fn name(&self) -> &'static str;

    /// What it calls the agent's service.
    fn unit(&self, label: &AgentLabel) -> String;

    /// Where the definition of the agent's service stands.
    fn file(&self, label: &AgentLabel) -> PathBuf;

    /// The definition.
    ///
    /// # Errors
    /// When a path or a value cannot be written into one.
    fn render(&self, service: &Service) -> Result<String, CannotStand>;

    /// What stands in every definition of this manager's person for an agent below `home`, and in
    /// none of another person or of another home.
    ///
    /// # Errors
    /// When the path cannot be written into a definition.
    fn marks(&self, home: &Path) -> Result<Vec<String>, CannotStand>;

    /// Makes the manager run what the file says, in place of what ran before.
    fn load(&self, label: &AgentLabel) -> Vec<Order>;

    /// Starts it, or starts it anew.
    fn restart(&self, label: &AgentLabel) -> Vec<Order>;

    /// Ends it and lets it not start again. The file is still there.
    fn unload(&self, label: &AgentLabel) -> Vec<Order>;

    /// Lets the manager forget it. The file is gone.
    fn forget(&self, label: &AgentLabel) -> Vec<Order>;

    /// Asks how it is.
    fn ask(&self, label: &AgentLabel) -> Order;

    /// Reads the answer.
    fn state(&self, answer: &Said) -> ServiceState;

    /// The arguments by which `journalctl` shows its log; `None` where logs are files.
    fn journal(&self, label: &AgentLabel) -> Option<Vec<String>>;
}

#[cfg(test)]
mod contract;
