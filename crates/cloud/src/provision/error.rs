//! Why no server came of it.

use std::time::Duration;

use portlama_api::client::ClientError;
use portlama_credentials::CredentialError;
use portlama_files::FileError;

use super::Step;
use crate::binary::BinaryError;
use crate::digitalocean::DigitalOceanError;
use crate::registry::RegistryError;
use crate::ssh::SshError;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// Somebody wants no server any more.
    #[error("stopped")]
    Cancelled,
    /// There is only one turn.
    #[error("another server is being made or cleared away (`{}` is locked): wait until that is done", .0.display())]
    Busy(std::path::PathBuf),
    /// The token is good for something else.
    #[error("the token does not fit: {0}")]
    Token(String),
    /// DigitalOcean.
    #[error(transparent)]
    DigitalOcean(#[from] DigitalOceanError),
    /// The program to install.
    #[error(transparent)]
    Binary(#[from] BinaryError),
    /// It does not start.
    #[error("the droplet has not both started and got an address within {} s", .0.as_secs_f32())]
    NotUp(Duration),
    /// It went another way.
    #[error("the droplet was switched off or taken away while it started")]
    WentAway,
    /// The machine itself.
    #[error(transparent)]
    Ssh(#[from] SshError),
    /// It does not let us in.
    #[error("no SSH within {} s (is there a firewall between here and the droplet?): {last}", .limit.as_secs_f32())]
    NoSsh {
        /// How long was tried.
        limit: Duration,
        /// How the last try ended.
        #[source]
        last: SshError,
    },
    /// The installation said no.
    #[error("{}", installation(.message, .last))]
    Installation {
        /// Its own words.
        message: String,
        /// Its last lines.
        last: Vec<String>,
    },
    /// What it brought is not what was asked for.
    #[error("what the server brought back is not usable: {0}")]
    Credentials(String),
    /// The panel does not answer the admin.
    #[error("the panel does not answer the admin within {} s: {last}", .limit.as_secs_f32())]
    NoPanel {
        /// How long was tried.
        limit: Duration,
        /// How the last try ended.
        #[source]
        last: Box<ClientError>,
    },
    /// A file here.
    #[error(transparent)]
    File(#[from] FileError),
    /// The list of servers.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The credential store.
    #[error(transparent)]
    Credential(#[from] CredentialError),
}

fn installation(message: &str, last: &[String]) -> String {
    let mut text = message.to_owned();
    for line in last {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text
}

impl ProvisionError {
    /// What the person can do about it, beside trying again.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::DigitalOcean(error) => error.advice(),
            _ => None,
        }
    }
}

/// The end of a provisioning that made no server. Everything that can be known to be left is
/// named; nothing else is.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.message())]
pub struct Failure {
    /// Where it failed.
    pub step: Step,
    /// Why.
    #[source]
    pub error: ProvisionError,
    /// What could not be taken away again, one line each.
    pub left: Vec<String>,
}

impl Failure {
    /// For people: which part failed, why, and the way out.
    #[must_use]
    pub fn message(&self) -> String {
        let error = with_sources(&self.error);
        let advice = self.error.advice();
        let advice = advice.map(|advice| format!(" ({advice})"));
        let title = failed(self.step);
        format!("{title}: {error}{}", advice.unwrap_or_default())
    }
}

/// An error with what it came from, where its own text does not say it.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    text
}

fn failed(step: Step) -> &'static str {
    match step {
        Step::ValidateToken => "Token validation failed",
        Step::GenerateSshKey | Step::UploadSshKey => "Preparing the SSH key failed",
        Step::CreateDroplet => "Droplet creation failed",
        Step::WaitDroplet => "Waiting for boot failed",
        Step::WaitSsh => "SSH connection failed",
        Step::InstallPortlama => "Installation failed",
        Step::RetrieveCredentials => "Retrieving the credentials failed",
        Step::EnrollAdmin => "Enrolling the admin failed",
        Step::SaveRegistry => "Saving the server failed",
        Step::Cleanup => "Cleaning up failed",
    }
}
