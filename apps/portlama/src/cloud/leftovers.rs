//! `portlama cloud leftovers`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use portlama_cloud::digitalocean::DigitalOcean;
use portlama_cloud::provision::{Found, Recovery};
use serde_json::json;

use super::place::Place;
use crate::output::Output;

/// Arguments of `portlama cloud leftovers`.
#[derive(Debug, Args)]
#[command(after_help = "\
What `portlama cloud create` makes is written down before it is asked for. So when the machine
dies in the middle, its droplet is found here, and removed before it costs more. Servers that are
in the list are never touched.

Examples:
  portlama cloud leftovers
      shows what was left, and removes it after a question
  portlama cloud leftovers --yes
      in a script")]
pub(super) struct LeftoversArguments {
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// Shows what there is, and removes it.
pub(super) async fn leftovers(arguments: &LeftoversArguments, place: &Place) -> Result<ExitCode> {
    if place.home.operations().all()?.is_empty() {
        report(&[], place.output);
        return Ok(ExitCode::SUCCESS);
    }
    let digitalocean = place.digitalocean().await?;
    let removed = clear(&digitalocean, place, arguments.yes).await?;
    report(&removed, place.output);
    Ok(ExitCode::SUCCESS)
}

fn report(removed: &[String], output: Output) {
    if output.is_json() {
        output.document(&json!({ "removed": removed }));
        return;
    }
    match removed {
        [] => output.data("nothing was left behind"),
        removed => {
            output.data("removed");
            for line in removed {
                output.data(format_args!("  - {line}"));
            }
        }
    }
}

/// Removes what processes that died have left, after a question; gives back what that was.
pub(super) async fn clear(
    digitalocean: &DigitalOcean,
    place: &Place,
    is_agreed: bool,
) -> Result<Vec<String>> {
    let means = place.means(digitalocean);
    let recovery = Recovery::begin(&means)?;
    let found = recovery.look().await?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    if !is_agreed {
        ask(&found, place.output)?;
    }
    let (mut removed, mut left) = (Vec::new(), Vec::new());
    for one in found {
        let lines = one.describe();
        let remains = recovery.take_away(one).await;
        match remains.is_empty() {
            true => removed.extend(lines),
            false => left.extend(remains),
        }
    }
    if !left.is_empty() {
        bail!("this could not be removed: {}", left.join("; "));
    }
    Ok(removed)
}

fn ask(found: &[Found], output: Output) -> Result<()> {
    output.note("A set-up that came to no end has left this:");
    for one in found {
        let operation = &one.operation;
        output.note(format_args!(
            "{}, begun {}",
            operation.label, operation.begun
        ));
        for line in one.describe() {
            output.note(format_args!("  - {line}"));
        }
    }
    if !output.can_ask() {
        bail!("nobody is there to ask whether it should be removed: add --yes");
    }
    if !output.confirm("Remove it?")? {
        bail!("nothing was removed: what is left may cost money");
    }
    Ok(())
}
