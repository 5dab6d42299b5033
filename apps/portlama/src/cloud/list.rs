//! `portlama cloud list`, `use` and `rename`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use portlama_cloud::ServerLabel;
use portlama_cloud::registry::ServerEntry;
use serde_json::{Value, json};

use super::place::Place;
use crate::output::table;

pub(super) const EXAMPLES: &str = "\
Examples:
  portlama cloud list
      each server with its panel and where it stands; the active one is marked
  portlama cloud list --json | jq -r '.[].panelUrl'
      the same for programs";

/// Arguments of `portlama cloud use`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portlama cloud use home
      from here on `portlama cloud open` and all others mean it when none is named")]
pub(super) struct UseArguments {
    /// The server; `portlama cloud list` shows those there are.
    label: String,
}

/// Arguments of `portlama cloud rename`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portlama cloud rename portlama-fra1 home
      here alone: the droplet keeps its name")]
pub(super) struct RenameArguments {
    /// The server as it is called.
    label: String,
    /// As it shall be called.
    new: ServerLabel,
}

/// Lists all servers. Passwords are not among it.
pub(super) fn list(place: &Place) -> Result<ExitCode> {
    let servers = place.home.registry().read()?;
    let output = place.output;
    if output.is_json() {
        let documents: Vec<_> = servers.iter().map(document).collect();
        output.document(&documents);
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<_> = servers.iter().map(row).collect();
    if rows.is_empty() {
        output.note(
            "there is no server yet: `portlama cloud create` makes one, `portlama cloud add URL` takes one up",
        );
    }
    for line in table(&rows) {
        output.data(line);
    }
    Ok(ExitCode::SUCCESS)
}

/// A server for programs. What an older program left there in plain text stays unsaid.
pub(super) fn document(server: &ServerEntry) -> Value {
    let mut document = json!(server);
    if let Some(members) = document.as_object_mut() {
        members.shift_remove("p12Password");
    }
    document
}

fn row(server: &ServerEntry) -> Vec<String> {
    let mark = if server.active { "*" } else { " " };
    let place = match (&server.provider, &server.region) {
        (Some(provider), Some(region)) => format!("{provider} {region}"),
        (Some(provider), None) => provider.clone(),
        (None, _) => "added by hand".to_owned(),
    };
    vec![
        format!("{mark} {}", server.label),
        server.panel_url.clone(),
        place,
    ]
}

/// Makes a server the active one.
pub(super) fn use_(arguments: &UseArguments, place: &Place) -> Result<ExitCode> {
    let label = &arguments.label;
    let registry = place.home.registry();
    registry.change(|servers| servers.activate(label))?;
    if place.output.is_json() {
        place.output.document(&json!({"active": label}));
    } else {
        place
            .output
            .data(format_args!("{label} is the active server"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Calls a server something else.
pub(super) fn rename(arguments: &RenameArguments, place: &Place) -> Result<ExitCode> {
    let RenameArguments { label, new } = arguments;
    let registry = place.home.registry();
    registry.change(|servers| servers.rename(label, new.clone()))?;
    if place.output.is_json() {
        place.output.document(&json!({"label": new}));
    } else {
        place.output.data(format_args!("{label} is called {new}"));
    }
    Ok(ExitCode::SUCCESS)
}
