//! `portlama server install`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use portlama_control::Doors as _;
use portlama_host::install::{
    self, Facts, HTTPS_PORT, Options, PANEL_PORT, Progress, STATE_DIR, Step, Work,
};
use portlama_pki::{ca_fingerprint, certificate_from_pem};
use serde_json::{Value, json};

use super::doors::OwnDoors;
use super::init::own_address;
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
      a machine behind the address translation of its provider")]
pub(crate) struct InstallArguments {
    /// The address under which visitors reach this machine [default: this machine's own].
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
    /// Look, say what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Looks, refuses or installs, waits until the server answers, and says how to go on.
pub(crate) async fn run(arguments: InstallArguments, output: Output) -> Result<ExitCode> {
    let result = install(arguments, output).await;
    if let Err(error) = &result
        && output.is_json()
    {
        output.document(&json!({
            "event": "error",
            "message": format!("{error:#}"),
            "recoverable": true,
        }));
    }
    result.map(|()| ExitCode::SUCCESS)
}

async fn install(arguments: InstallArguments, output: Output) -> Result<()> {
    let begun = Instant::now();
    let options = Options { ip: arguments.ip };
    let look = || install::prepare(&options, own_address());
    let (facts, steps) = tokio::task::block_in_place(look)?;
    if arguments.dry_run {
        show(&steps, output);
        return Ok(());
    }
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
    output.note(format_args!(
        "installed in {:.1?}, {packages:.1?} of it for packages",
        begun.elapsed()
    ));
    finish(&facts, ip, output)
}

fn show(steps: &[Step], output: Output) {
    if output.is_json() {
        let plan: Vec<_> = steps.iter().map(planned).collect();
        output.document(&json!({ "event": "plan", "steps": plan }));
        return;
    }
    for step in steps {
        output.data(step.title);
        match &step.work {
            Work::Nothing => output.data("  nothing to do"),
            Work::Skip(why) => output.data(format_args!("  skipped: {why}")),
            Work::Do(actions) => {
                for action in actions {
                    output.data(format_args!("  {}", action.describe()));
                }
            }
        }
    }
}

fn planned(step: &Step) -> Value {
    match &step.work {
        Work::Nothing => json!({ "step": step.key, "actions": [] }),
        Work::Skip(why) => json!({ "step": step.key, "actions": [], "skipped": why }),
        Work::Do(actions) => {
            let actions: Vec<_> = actions.iter().map(install::Action::describe).collect();
            json!({ "step": step.key, "actions": actions })
        }
    }
}

fn report(progress: &Progress<'_>, output: Output) {
    let event =
        |step: &Step, status: &str| json!({ "event": "step", "step": step.key, "status": status });
    if output.is_json() {
        output.document(&match progress {
            Progress::Begun(step) => event(step, "running"),
            Progress::Failed(step) => event(step, "failed"),
            Progress::Says(step, text) => {
                json!({ "event": "note", "step": step.key, "message": text })
            }
            Progress::Done(step, _) => match &step.work {
                Work::Skip(why) => {
                    json!({ "event": "step", "step": step.key, "status": "skipped", "reason": why })
                }
                work => json!({
                    "event": "step",
                    "step": step.key,
                    "status": "complete",
                    "changed": matches!(work, Work::Do(_)),
                }),
            },
        });
        return;
    }
    match progress {
        Progress::Begun(step) if matches!(step.work, Work::Do(_)) => {
            output.note(format_args!("{} …", step.title));
        }
        Progress::Begun(_) => {}
        Progress::Failed(step) => output.note(format_args!("{}: failed", step.title)),
        Progress::Says(_, text) => output.note(format_args!("  {text}")),
        Progress::Done(step, took) => output.note(match &step.work {
            Work::Nothing => format!("{}: as it should be", step.title),
            Work::Skip(why) => format!("{}: skipped, {why}", step.title),
            Work::Do(_) => format!("{}: done in {took:.1?}", step.title),
        }),
    }
}

fn address(facts: &Facts, options: &Options) -> Result<IpAddr> {
    let known = facts.state.server.or(options.ip).or(facts.address);
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

/// The one place where the password of the admin's file is shown, right after it was made.
fn finish(facts: &Facts, ip: IpAddr, output: Output) -> Result<()> {
    let panel = format!("https://{}", SocketAddr::new(ip, PANEL_PORT));
    let pki = Path::new(STATE_DIR).join("pki");
    let (p12, password) = (pki.join("client.p12"), pki.join(".p12-password"));
    if output.is_json() {
        output.document(&json!({
            "event": "complete",
            "server": {
                "ip": ip,
                "panelUrl": panel,
                "p12Path": p12,
                "p12PasswordPath": password,
            },
        }));
        return Ok(());
    }
    output.data(format_args!("panel         {panel}"));
    output.data(format_args!("admin         {}", p12.display()));
    if facts.state.server.is_some() {
        output.data(format_args!("its password  in {}", password.display()));
        return Ok(());
    }
    let secret = std::fs::read_to_string(&password).context("the password is not there")?;
    output.data(format_args!("its password  {}", secret.trim()));
    output.note("next: import the admin file into your browser, then open the panel");
    Ok(())
}
