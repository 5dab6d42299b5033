//! `portlama cloud credentials`.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::place::Place;

/// Arguments of `portlama cloud credentials`.
#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal only, so that no log, file or pipe holds the password.

Examples:
  portlama cloud credentials home
      the file for the browser, and its password")]
pub(super) struct CredentialsArguments {
    /// The server [default: the active one].
    label: Option<String>,
}

/// Shows path and password to a person.
pub(super) async fn show(arguments: &CredentialsArguments, place: &Place) -> Result<ExitCode> {
    if place.output.is_json() || !std::io::stdout().is_terminal() {
        bail!(
            "the password is shown on a terminal only; programs ask the credential store for the service {} and the account that is the server's id",
            portlama_cloud::SERVER_SERVICE
        );
    }
    let server = place.server(arguments.label.as_deref())?;
    let path = server.p12_path.as_ref().with_context(|| {
        format!(
            "no certificate of {} is kept here: it was added by hand",
            server.label
        )
    })?;
    let password = place.explained(place.credentials.password(server.id).await)?;
    let password = password.with_context(|| {
        format!(
            "the credential store has no password for {} (service {}, account {})",
            server.label,
            portlama_cloud::SERVER_SERVICE,
            server.id
        )
    })?;
    place
        .output
        .data(format_args!("certificate  {}", path.display()));
    place
        .output
        .data(format_args!("password     {}", password.expose()));
    Ok(ExitCode::SUCCESS)
}
