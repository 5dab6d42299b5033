//! `portlama server uninstall`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;
use portlama_host::install::{
    MANIFEST, Progress, Remainder, RemovalOptions, STATE_DIR, Step, prepare_removal, take_back,
};
use serde_json::json;

use super::steps::{report, show, with_last_line};
use crate::output::Output;

/// Takes back what `server install` added to this machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Packages and the hardening of SSH stay unless `--all` is given. It asks first; run it again when it
was cut short.

Examples:
  portlama server uninstall --dry-run
      what would go, and what would stay
  portlama server uninstall
      the server, its data and its user
  portlama server uninstall --keep-data
      all but /etc/portlama: another `server install` goes on with it
  portlama server uninstall --all --yes
      everything, without a question")]
pub(crate) struct UninstallArguments {
    /// Leave /etc/portlama, with its authority, users, sites and certificates.
    #[arg(long)]
    keep_data: bool,
    /// Remove the packages, too, and the hardening of SSH.
    #[arg(long)]
    all: bool,
    /// Don't ask.
    #[arg(long)]
    yes: bool,
    /// Look, say what would go and what would stay, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Looks, asks, takes back, and says what stays.
pub(crate) fn run(arguments: &UninstallArguments, output: Output) -> Result<ExitCode> {
    let done = tokio::task::block_in_place(|| uninstall(arguments, output));
    with_last_line(done, output).map(|()| ExitCode::SUCCESS)
}

fn uninstall(arguments: &UninstallArguments, output: Output) -> Result<()> {
    let options = RemovalOptions {
        keep_data: arguments.keep_data,
        all: arguments.all,
    };
    let (facts, steps, remains) = prepare_removal(options)?;
    if arguments.dry_run {
        show(&steps, output);
        show_remains(&remains, output);
        return Ok(());
    }
    if steps.is_empty() {
        output.note(format_args!(
            "nothing is to be taken back: {MANIFEST} is not there, and it says what an \
             installation added"
        ));
        show_end(&remains, output);
        return Ok(());
    }
    if !arguments.yes {
        ask(&steps, options, output)?;
    }
    let mut watch = |progress: Progress<'_>| report(&progress, output);
    take_back(&facts, &steps, &mut watch)?;
    show_end(&remains, output);
    Ok(())
}

/// Names what cannot be had back, and goes on by a yes only.
fn ask(steps: &[Step], options: RemovalOptions, output: Output) -> Result<()> {
    if !output.can_ask() {
        bail!("nothing was changed: give `--yes` where nobody can be asked");
    }
    output.note("This takes Portlama off this machine:");
    output.note("  - visitors and agents reach nothing through it any more");
    if steps.iter().any(|step| step.key == "state") {
        output.note(format_args!(
            "  - {STATE_DIR} is removed, with its authority, users, sites and certificates. \
             Only a backup brings them back: `portlama server backup`"
        ));
    }
    if steps.iter().any(|step| step.key == "firewall") {
        output.note("  - the firewall is as it was before: its rules for Portlama go");
    }
    if options.all {
        output.note(
            "  - SSH takes passwords again if it did before, and fail2ban no longer guards it",
        );
    }
    if !output.confirm("`--dry-run` shows every step. Go on?")? {
        bail!("nothing was changed");
    }
    Ok(())
}

fn show_end(remains: &[Remainder], output: Output) {
    if output.is_json() {
        output.document(&json!({ "event": "complete", "remains": listed(remains) }));
        return;
    }
    show_remains(remains, output);
}

fn show_remains(remains: &[Remainder], output: Output) {
    if output.is_json() {
        output.document(&json!({ "event": "remains", "remains": listed(remains) }));
        return;
    }
    if !remains.is_empty() {
        output.data("stays");
    }
    for left in remains {
        output.data(format_args!("  {}: {}", left.what, left.why));
    }
}

fn listed(remains: &[Remainder]) -> Vec<serde_json::Value> {
    let one = |left: &Remainder| json!({ "what": left.what, "why": left.why });
    remains.iter().map(one).collect()
}
