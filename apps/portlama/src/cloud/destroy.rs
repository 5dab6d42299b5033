//! `portlama cloud destroy`.

use std::io::BufRead as _;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use portlama_cloud::destroy::{self, DestroyError, Doomed};
use portlama_cloud::digitalocean::Droplet;
use portlama_cloud::registry::ServerEntry;
use serde_json::json;

use super::place::Place;
use crate::output::Output;

/// Arguments of `portlama cloud destroy`.
#[derive(Debug, Args)]
#[command(after_help = "\
Everything on the server goes: its tunnels, users, sites and certificates. `portlama server
backup` on the server, or the panel, keeps them first. Nothing but a droplet with Portlama's own
tag is ever deleted.

Examples:
  portlama cloud destroy home
      after a question
  portlama cloud destroy home --yes
      in a script")]
pub(super) struct DestroyArguments {
    /// The server; `portlama cloud list` shows those there are.
    label: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Delete the droplet although it has neither the name nor the address of the list: the
    /// server's label once more.
    #[arg(long, value_name = "LABEL")]
    although_another: Option<String>,
}

/// Deletes the droplet, and what is kept here of it.
pub(super) async fn destroy(arguments: &DestroyArguments, place: &Place) -> Result<ExitCode> {
    let server = place.server(Some(&arguments.label))?;
    if server.droplet().is_none() {
        return Err(DestroyError::NoDroplet(server.label).into());
    }
    let digitalocean = place.digitalocean().await?;
    let means = place.means(&digitalocean);
    let doomed = destroy::look(&means, &server).await.map_err(explained)?;
    agree(arguments, &server, &doomed, place.output)?;
    let destroyed = destroy::destroy(&means, &server, &doomed).await;
    place.explained(destroyed.map_err(explained))?;
    report(&server, &doomed, place.output);
    Ok(ExitCode::SUCCESS)
}

fn agree(
    arguments: &DestroyArguments,
    server: &ServerEntry,
    doomed: &Doomed,
    output: Output,
) -> Result<()> {
    let label = &server.label;
    if let Doomed::Another(droplet) = doomed {
        return agree_to_another(arguments, server, droplet, output);
    }
    if arguments.yes {
        return Ok(());
    }
    if !output.can_ask() {
        bail!("nobody is there to ask whether {label} should be deleted: add --yes");
    }
    let question = match doomed {
        Doomed::Gone => format!(
            "The droplet of {label} is gone already. Remove it from the list, with the admin's certificate?"
        ),
        Doomed::Known(droplet) | Doomed::Another(droplet) => format!(
            "Delete the droplet `{}` with everything on it? Only a backup brings it back.",
            droplet.name
        ),
    };
    if !output.confirm(question)? {
        bail!("nothing was deleted");
    }
    Ok(())
}

/// The number in the list leads to another machine than the list describes: a yes is too little.
fn agree_to_another(
    arguments: &DestroyArguments,
    server: &ServerEntry,
    droplet: &Droplet,
    output: Output,
) -> Result<()> {
    let label = server.label.as_str();
    if arguments.although_another.as_deref() == Some(label) {
        return Ok(());
    }
    let mismatch = format!(
        "the droplet {} is called `{}` and has neither the name nor the address that the list has for {label}",
        droplet.id, droplet.name
    );
    if !output.can_ask() {
        bail!("{mismatch}: look at it, then add `--although-another {label}`");
    }
    output.note(format_args!("warning: {mismatch}"));
    output.note(format_args!("To delete it all the same, type {label}:"));
    let mut typed = String::new();
    let read = std::io::stdin().lock().read_line(&mut typed);
    read.context("cannot read the answer")?;
    if typed.trim() != label {
        bail!("nothing was deleted");
    }
    Ok(())
}

fn report(server: &ServerEntry, doomed: &Doomed, output: Output) {
    let was_gone = *doomed == Doomed::Gone;
    if output.is_json() {
        output.document(&json!({
            "destroyed": server.label,
            "droplet": server.provider_id,
            "wasGone": was_gone,
            "wasActive": server.active,
        }));
        return;
    }
    match was_gone {
        true => output.data(format_args!(
            "the droplet of {} was gone already; it is out of the list, too",
            server.label
        )),
        false => output.data(format_args!("{} is deleted", server.label)),
    }
    if server.active {
        output.note("no server is active now: `portlama cloud use LABEL` chooses one");
    }
    if let Some(domain) = &server.domain {
        output.note(format_args!(
            "the DNS records of {domain} still lead to {}: remove them where they are kept",
            server.ip
        ));
    }
}

fn explained(error: DestroyError) -> anyhow::Error {
    match error {
        DestroyError::DigitalOcean(error) => super::with_advice(error),
        other => other.into(),
    }
}
