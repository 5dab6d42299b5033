//! `portlama cloud remove`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use portlama_cloud::destroy::forget;
use portlama_cloud::registry::ServerEntry;
use serde_json::json;

use super::place::Place;
use crate::output::Output;

/// Arguments of `portlama cloud remove`.
#[derive(Debug, Args)]
#[command(after_help = "\
The admin's certificate and its password go from here, and nothing happens to the server: it
keeps running, and a droplet keeps costing money. `portlama cloud destroy` ends it.

Examples:
  portlama cloud remove home
      after a question
  portlama cloud remove home --yes
      in a script")]
pub(super) struct RemoveArguments {
    /// The server; `portlama cloud list` shows those there are.
    label: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Forgets a server.
pub(super) async fn remove(arguments: &RemoveArguments, place: &Place) -> Result<ExitCode> {
    let server = place.server(Some(&arguments.label))?;
    if !arguments.yes {
        ask(&server, place.output)?;
    }
    place.explained(forget(&place.home, &place.credentials, &server).await)?;
    let output = place.output;
    if output.is_json() {
        output.document(&json!({"removed": server.label, "wasActive": server.active}));
        return Ok(ExitCode::SUCCESS);
    }
    output.data(format_args!(
        "{} is out of the list; the server keeps running",
        server.label
    ));
    if server.active {
        output.note("no server is active now: `portlama cloud use LABEL` chooses one");
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(server: &ServerEntry, output: Output) -> Result<()> {
    if !output.can_ask() {
        bail!(
            "nobody is there to ask whether {} should go from the list: add --yes",
            server.label
        );
    }
    if let Some(droplet) = server.droplet() {
        output.note(format_args!(
            "The droplet {droplet} keeps running and costs money: `portlama cloud destroy {}` ends it.",
            server.label
        ));
    }
    if !output.confirm(format_args!(
        "Take {} out of the list, with the admin's certificate?",
        server.label
    ))? {
        bail!("nothing was changed");
    }
    Ok(())
}
