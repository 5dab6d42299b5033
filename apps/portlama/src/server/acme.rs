//! The flags that say which certificate authority is asked, and how.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use portlama_control::setup::{SetupError, check_authority};
use portlama_model::{AcmeSettings, ChallengeType, LETS_ENCRYPT_DIRECTORY};

/// How a public certificate authority is reached.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Certificate authority")]
pub(super) struct AcmeArguments {
    /// The authority's ACME directory [default: Let's Encrypt].
    #[arg(long, value_name = "URL")]
    acme_directory: Option<String>,
    /// A PEM file with the authorities that certify the directory's own address [default: the
    /// system's].
    #[arg(long, value_name = "FILE")]
    acme_ca_file: Option<PathBuf>,
    /// How names are shown to be ours.
    #[arg(long, value_name = "TYPE", value_enum)]
    acme_challenge: Option<Challenge>,
}

/// How names are shown to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Challenge {
    /// By a handshake on port 443, so that no other port must be open.
    #[value(name = "tls-alpn-01")]
    TlsAlpn01,
    /// By a DNS record; needs a DNS provider, and this version has none.
    #[value(name = "dns-01")]
    Dns01,
}

impl AcmeArguments {
    /// The settings, after a look at all that can be wrong with them.
    pub(super) fn settings(self) -> Result<AcmeSettings> {
        if self.acme_challenge == Some(Challenge::Dns01) {
            bail!(
                "`--acme-challenge dns-01` needs a DNS provider, and this version has none: leave \
                 it out, and names are shown to be yours by `tls-alpn-01` on port 443"
            );
        }
        let ca_file = self.acme_ca_file.map(|file| {
            let absolute = std::path::absolute(&file);
            let absolute = absolute.with_context(|| format!("cannot find {}", file.display()))?;
            absolute
                .into_os_string()
                .into_string()
                .ok()
                .with_context(|| format!("the name of {} is not UTF-8", file.display()))
        });
        let settings = AcmeSettings {
            directory: self
                .acme_directory
                .unwrap_or_else(|| AcmeSettings::default().directory),
            ca_file: ca_file.transpose()?,
            challenge: ChallengeType::TlsAlpn01,
        };
        if settings != AcmeSettings::default() {
            check_authority(&settings).map_err(|error| of_flag(&error))?;
        }
        Ok(settings)
    }

    /// The settings of a server that asks no authority but its own: none may be given.
    pub(super) fn unused(self) -> Result<AcmeSettings> {
        let Self {
            acme_directory,
            acme_ca_file,
            acme_challenge,
        } = self;
        if acme_directory.is_some() || acme_ca_file.is_some() || acme_challenge.is_some() {
            bail!(
                "`--acme-…` says which authority to ask, and `--certificates internal` asks none"
            );
        }
        Ok(AcmeSettings::default())
    }
}

/// Which flag is wrong, and what it takes.
fn of_flag(error: &SetupError) -> anyhow::Error {
    match error {
        SetupError::Directory(_) => anyhow!(
            "`--acme-directory`: {error}; it looks like `{LETS_ENCRYPT_DIRECTORY}`, which is asked \
             when the flag is left out"
        ),
        _ => anyhow!(
            "`--acme-ca-file`: {error}; give a PEM file of the authorities that certify the \
             directory's own address"
        ),
    }
}
