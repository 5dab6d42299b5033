//! `portlama agent site deploy`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use portlama_agent::AgentDir;
use portlama_agent::site::{self, Plan, Progress, Scan};
use portlama_api::Site;
use portlama_api::client::PanelClient;
use portlama_model::SitePath;
use serde_json::{Value, json};

use super::progress::Bar;
use super::{address, chosen, missing_right, size};
use crate::output::Output;

/// How many files a person is told by name before anything happens.
const MAX_NAMED: usize = 20;

/// Arguments of `portlama agent site deploy`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portlama agent site deploy public
      sends what is new or changed to the agent's only site
  portlama agent site deploy public --site handbook --dry-run
      says what would be sent and removed, and changes nothing
  portlama agent site deploy public --site handbook --delete
      removes what is not in the folder any more, too, without asking

Names that begin with a dot and symbolic links are left out. Visitors never see half a file; pages
appear after what they show, and files are removed last. A deploy that was interrupted goes on
from where it was when it is run again.")]
pub(in crate::agent) struct DeployArguments {
    /// The folder that the site becomes.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The site's name, host name or id [default: the agent's only site].
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Remove what is not in the folder any more. Without it a terminal is asked, and else it stays.
    #[arg(long)]
    delete: bool,
    /// Say what would happen, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Carries the command out.
pub(super) async fn deploy(
    arguments: DeployArguments,
    agent: &AgentDir,
    panel: &PanelClient,
    output: Output,
) -> Result<()> {
    let site = chosen(panel, arguments.site.as_deref()).await?;
    let scan = scan(&arguments.folder).await?;
    let remote = site::remote_entries(panel, &site).await;
    let remote = remote.map_err(|error| explained(error, "sites:read"))?;
    let mut plan = site::plan(&scan.files, &remote);
    announce(&plan, &scan, &site, output);
    let mut stays = vec![];
    if arguments.dry_run {
        would(&plan, output);
    } else {
        if !may_delete(&arguments, &plan, output)? {
            stays = keep_what_is_gone(&mut plan, output)?;
        }
        carry_out(&plan, panel, &site, output)
            .await
            .map_err(|error| explained(error, "sites:write"))
            .context("the deploy is incomplete: run it again to go on from here")?;
    }
    let url = address(&site.fqdn, agent)?;
    if output.is_json() {
        output.document(&document(&plan, &stays, &site, &url, arguments.dry_run));
    } else if arguments.dry_run {
        output.note("nothing was changed; what is removed is asked for, or needs --delete");
    } else {
        output.data(url);
    }
    Ok(())
}

async fn scan(folder: &Path) -> Result<Scan> {
    let folder = folder.to_owned();
    let scanned = tokio::task::spawn_blocking(move || site::scan(&folder)).await;
    Ok(scanned.context("looking through the folder failed")??)
}

fn explained(error: site::DeployError, right: &str) -> anyhow::Error {
    match error {
        site::DeployError::Panel(error) => missing_right(error, right),
        other => other.into(),
    }
}

fn announce(plan: &Plan, scan: &Scan, site: &Site, output: Output) {
    output.note(format_args!(
        "{}: {} to send ({}), {} unchanged, {} not in the folder any more",
        site.name,
        files(plan.send.len()),
        size(plan.size()),
        plan.kept,
        plan.in_the_way.len() + plan.gone.len(),
    ));
    if scan.hidden + scan.links > 0 {
        output.note(format_args!(
            "left out: {} that begin with a dot, {} that are symbolic links",
            scan.hidden, scan.links
        ));
    }
    let removed: Vec<_> = plan.in_the_way.iter().chain(&plan.gone).collect();
    for path in removed.iter().take(MAX_NAMED) {
        output.note(format_args!("  not in the folder any more: {path}"));
    }
    if removed.len() > MAX_NAMED {
        let more = removed.len() - MAX_NAMED;
        output.note(format_args!("  and {more} more"));
    }
}

fn files(count: usize) -> String {
    match count {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}

/// Each step on a line, for people; programs get them in the document.
fn would(plan: &Plan, output: Output) {
    if output.is_json() {
        return;
    }
    let remove = |path: &SitePath| output.data(format_args!("remove {path}"));
    plan.in_the_way.iter().for_each(remove);
    for file in &plan.send {
        output.data(format_args!("send {}", file.path));
    }
    plan.gone.iter().for_each(remove);
}

/// Whether the person wants what is not in the folder removed.
fn may_delete(arguments: &DeployArguments, plan: &Plan, output: Output) -> Result<bool> {
    if arguments.delete || plan.in_the_way.is_empty() && plan.gone.is_empty() {
        return Ok(true);
    }
    Ok(output.can_ask() && output.confirm("Remove from the site what is not in the folder?")?)
}

/// Takes the removals out of the plan, and says what therefore stays.
fn keep_what_is_gone(plan: &mut Plan, output: Output) -> Result<Vec<SitePath>> {
    if let Some(path) = plan.in_the_way.first() {
        bail!(
            "`{path}` of the site is in the way of a file or folder of the same name: run with \
             --delete to have it removed"
        );
    }
    output.note("what is not in the folder stays: --delete removes it");
    Ok(std::mem::take(&mut plan.gone))
}

async fn carry_out(
    plan: &Plan,
    panel: &PanelClient,
    site: &Site,
    output: Output,
) -> Result<(), site::DeployError> {
    site::remove(panel, site, &plan.in_the_way).await?;
    if !plan.send.is_empty() {
        let all = Progress {
            files: plan.send.len(),
            octets: plan.size(),
        };
        let bar = Bar::new(all, output);
        let warning = site::send(panel, site, plan, &|step| bar.step(step)).await?;
        drop(bar);
        if let Some(warning) = warning {
            output.note(format_args!("warning: {warning}"));
        }
    }
    site::remove(panel, site, &plan.gone).await
}

/// For programs: what was done, or with `--dry-run` what would be done with `--delete`.
fn document(plan: &Plan, stays: &[SitePath], site: &Site, url: &str, dry_run: bool) -> Value {
    let sent: Vec<_> = plan.send.iter().map(|file| &file.path).collect();
    let removed: Vec<_> = plan.in_the_way.iter().chain(&plan.gone).collect();
    json!({
        "site": site.name, "url": url, "dryRun": dry_run, "sent": sent, "octets": plan.size(),
        "removed": removed, "stays": stays, "unchanged": plan.kept,
    })
}
