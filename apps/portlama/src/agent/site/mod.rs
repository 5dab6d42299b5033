//! `portlama agent site`.

mod deploy;
mod progress;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use portlama_agent::{AgentDir, panel_of};
use portlama_api::Site;
use portlama_api::client::{ClientError, PanelClient};
use serde_json::json;

use super::tunnel::address;
use super::{Agents, proxy, table};
use crate::output::Output;

const LIST_EXAMPLES: &str = "\
Examples:
  portlama agent site list
      the name of each site, its URL, whether it is live, and its size
  portlama agent site list --json | jq -r '.sites[].fqdn'
      their host names";

/// Static sites that the admin gave this agent.
#[derive(Debug, Subcommand)]
pub(super) enum SiteCommand {
    /// List the sites that this agent may use.
    #[command(after_help = LIST_EXAMPLES)]
    List,
    /// Make a site what a folder is: send what is new or changed, and nothing else.
    Deploy(deploy::DeployArguments),
}

/// Carries the command out.
pub(super) async fn run(command: SiteCommand, agents: &Agents) -> Result<ExitCode> {
    let agent = agents.chosen()?;
    let panel = panel_of(&agent, proxy()?.as_ref())?;
    match command {
        SiteCommand::List => list(&agent, &panel, agents.output).await?,
        SiteCommand::Deploy(arguments) => {
            deploy::deploy(arguments, &agent, &panel, agents.output).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(agent: &AgentDir, panel: &PanelClient, output: Output) -> Result<()> {
    let sites = sites(panel).await?;
    if output.is_json() {
        output.document(&json!({"sites": sites}));
        return Ok(());
    }
    if sites.is_empty() {
        output.note(NO_SITE);
    }
    let row = |site: &Site| -> Result<Vec<String>> {
        Ok(vec![
            site.name.to_string(),
            address(&site.fqdn, agent)?,
            status(site).to_owned(),
            size(site.total_size),
        ])
    };
    let rows = sites.iter().map(row).collect::<Result<Vec<_>>>()?;
    for line in table(&rows) {
        output.data(line);
    }
    Ok(())
}

const NO_SITE: &str = "this agent has no site: in the panel, the admin gives it sites under \
                       Certificates, Agents";

async fn sites(panel: &PanelClient) -> Result<Vec<Site>> {
    panel
        .sites()
        .await
        .map_err(|error| missing_right(error, "sites:read"))
}

/// The refusal with its way out.
fn missing_right(error: ClientError, right: &str) -> anyhow::Error {
    if error.status() != Some(403) {
        return error.into();
    }
    anyhow::Error::from(error).context(format!(
        "this agent may not do that: in the panel, the admin gives it the right `{right}` and the \
         site under Certificates, Agents"
    ))
}

/// The site of this name, host or id; without one, the only site there is.
async fn chosen(panel: &PanelClient, name: Option<&str>) -> Result<Site> {
    let sites = sites(panel).await?;
    let names = || {
        let names: Vec<_> = sites.iter().map(|site| site.name.as_str()).collect();
        names.join(", ")
    };
    let Some(name) = name else {
        return match sites.as_slice() {
            [] => bail!(NO_SITE),
            [site] => Ok(site.clone()),
            _ => bail!(
                "this agent has several sites: name one with --site ({})",
                names()
            ),
        };
    };
    let wanted = |site: &&Site| {
        site.name.as_str() == name || site.fqdn.as_str() == name || site.id.to_string() == name
    };
    let found = sites.iter().find(wanted).cloned();
    found.with_context(|| match sites.as_slice() {
        [] => NO_SITE.to_owned(),
        _ => format!(
            "this agent has no site called `{name}`; it has: {}",
            names()
        ),
    })
}

fn status(site: &Site) -> &'static str {
    match (site.dns_verified, site.cert_issued) {
        (true, true) => "live",
        (true, false) => "waiting for its certificate",
        (false, _) => "DNS pending",
    }
}

/// For people.
fn size(octets: u64) -> String {
    const UNITS: [&str; 3] = ["KiB", "MiB", "GiB"];
    if octets < 1024 {
        return format!("{octets} B");
    }
    let (mut whole, mut rest, mut unit) = (octets / 1024, octets % 1024, UNITS[0]);
    for larger in &UNITS[1..] {
        if whole < 1024 {
            break;
        }
        (whole, rest, unit) = (whole / 1024, whole % 1024, larger);
    }
    format!("{whole}.{} {unit}", rest * 10 / 1024)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_in_the_unit_that_people_read() {
        for (octets, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (52_428_800, "50.0 MiB"),
            (3 << 40, "3072.0 GiB"),
        ] {
            assert_eq!(size(octets), text);
        }
    }
}
