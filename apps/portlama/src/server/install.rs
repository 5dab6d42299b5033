//! `portlama server install`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use portlama_control::Doors as _;
use portlama_host::install::{self, Facts, HTTPS_PORT, Options, PANEL_PORT, Progress, STATE_DIR};
use portlama_pki::{ca_fingerprint, certificate_from_pem};

use super::doors::OwnDoors;
use super::init::own_address;
use super::installed;
use super::new_server::NewServerArguments;
use super::steps::{report, show, with_last_line};
use crate::output::Output;

/// How long the new server may take until it answers at its own ports.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(100);

/// Makes a serving, hardened server of this machine: Debian 12 or Ubuntu 24.04, as root.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is changed when the machine is not fit. Run it again whenever you like: what is as it should
be stays untouched, and what was cut short is completed.

Examples:
  portlama server install --dry-run
      what would be done
  portlama server install
      a machine that has its public address itself
  portlama server install --ip 198.51.100.23
      a machine behind the address translation of its provider
  portlama server install --domain example.com --email me@example.com
      the panel goes on with the DNS records of that domain
  portlama server install --json --admin-csr admin.csr
      for a program: the admin's key stays with whoever made the request, and the last line holds
      the signed certificate")]
pub(crate) struct InstallArguments {
    // First, because headings of the others hold for what comes after them.
    /// Look, say what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: NewServerArguments,
}

/// Looks, refuses or installs, waits until the server answers, and says how to go on.
pub(crate) async fn run(arguments: InstallArguments, output: Output) -> Result<ExitCode> {
    let done = install(arguments, output).await;
    with_last_line(done, output).map(|()| ExitCode::SUCCESS)
}

async fn install(arguments: InstallArguments, output: Output) -> Result<()> {
    let begun = Instant::now();
    let options = Options {
        ip: arguments.server.ip,
        server: arguments.server.read()?,
    };
    let look = || install::prepare(&options, own_address());
    let (facts, steps) = tokio::task::block_in_place(look)?;
    if arguments.dry_run {
        show(&steps, output);
        return Ok(());
    }
    let is_new = facts.state.server.is_none();
    let mut packages = Duration::ZERO;
    let mut watch = |progress: Progress<'_>| {
        if let Progress::Done(step, took) = &progress
            && step.key == "packages"
        {
            packages = *took;
        }
        report(&progress, output);
    };
    tokio::task::block_in_place(|| install::carry_out(&facts, &steps, &mut watch))?;
    let ip = address(&facts, &options)?;
    answers(ip).await?;
    let took = begun.elapsed();
    output.note(format_args!(
        "installed in {took:.1?}: {packages:.1?} for packages, {:.1?} for the rest",
        took.saturating_sub(packages)
    ));
    installed::show(ip, is_new, output)
}

fn address(facts: &Facts, options: &Options) -> Result<IpAddr> {
    let there = facts.state.server.as_ref().map(|server| server.ip);
    let known = there.or(options.ip).or(facts.address);
    known.context("the server has no address")
}

/// Waits until the server answers at both ports, with a certificate of its authority.
async fn answers(ip: IpAddr) -> Result<()> {
    let ca = std::fs::read_to_string(Path::new(STATE_DIR).join("pki/ca.crt"))
        .context("the server has no authority")?;
    let everywhere = |port| vec![SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)];
    let doors = OwnDoors {
        https: everywhere(HTTPS_PORT),
        panel: everywhere(PANEL_PORT),
        ip,
        panel_port: PANEL_PORT,
        authority: ca_fingerprint(&certificate_from_pem(&ca)?)?,
    };
    let mut last = "it says nothing".to_owned();
    let knocking = async {
        while let Err(why) = doors.knock().await {
            last = why;
            tokio::time::sleep(PAUSE).await;
        }
    };
    let answered = tokio::time::timeout(ANSWER_LIMIT, knocking).await;
    answered.map_err(|_| {
        anyhow!("the server does not answer: {last}; `journalctl -u portlama` says more")
    })
}
