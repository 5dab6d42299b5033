//! `portlama cloud add`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use portlama_agent::parse_fingerprint;
use portlama_cloud::ServerLabel;
use portlama_cloud::adopt::{self, Candidate};
use portlama_model::CaFingerprint;

use super::list::document;
use super::place::{Place, now};
use crate::output::Output;

/// Arguments of `portlama cloud add`.
#[derive(Debug, Args)]
#[command(after_help = "\
The server's authority is remembered, so that nobody else can answer for it later. Whether it is
the right one only a comparison tells: `portlama server status` on the server, or its panel under
Certificates, shows the same fingerprint.

Examples:
  portlama cloud add https://203.0.113.42:9292 --label shed
      shows the fingerprint, and asks
  portlama cloud add https://203.0.113.42:9292 --fingerprint HEX
      in a script: takes the server with this fingerprint and no other")]
pub(super) struct AddArguments {
    /// The server's panel, https://HOST or https://HOST:PORT; a public address.
    url: String,
    /// What the server is called in the list [default: from its host].
    #[arg(long)]
    label: Option<ServerLabel>,
    /// The fingerprint of the server's certificate authority.
    #[arg(long, value_name = "HEX", value_parser = parse_fingerprint)]
    fingerprint: Option<CaFingerprint>,
    /// Do not ask: believe whoever answers now.
    #[arg(long, conflicts_with = "fingerprint")]
    yes: bool,
}

/// Takes a server up. Its admin's certificate stays where it is.
pub(super) async fn add(arguments: &AddArguments, place: &Place) -> Result<ExitCode> {
    let output = place.output;
    let candidate = adopt::look(&arguments.url).await?;
    compare(arguments, &candidate, output)?;
    let label = arguments.label.clone();
    let label = label.unwrap_or_else(|| candidate.default_label());
    let entry = candidate.entry(label, now());
    let registry = place.home.registry();
    registry.change(|servers| servers.add(entry.clone()))?;
    if output.is_json() {
        output.document(&document(&entry));
    } else {
        output.data(format_args!("{} is in the list", entry.label));
        output.note(format_args!("next: `portlama cloud use {}`", entry.label));
    }
    Ok(ExitCode::SUCCESS)
}

fn compare(arguments: &AddArguments, candidate: &Candidate, output: Output) -> Result<()> {
    let seen = &candidate.fingerprint;
    if let Some(expected) = &arguments.fingerprint {
        if expected != seen {
            bail!("the server there has another authority: its fingerprint is {seen}");
        }
        return Ok(());
    }
    if candidate.version.is_none() {
        output.note("warning: it answers, but does not say that it is well");
    }
    if arguments.yes {
        return Ok(());
    }
    if !output.can_ask() {
        bail!("nobody is there to compare the fingerprint {seen}: give it with --fingerprint");
    }
    output.note(format_args!("fingerprint  {seen}"));
    if !output.confirm("Is this what the server itself shows?")? {
        bail!("the server was not added");
    }
    Ok(())
}
