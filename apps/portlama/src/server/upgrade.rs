//! `portlama server upgrade`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use portlama_control::{Clock as _, SystemClock};
use portlama_host::install::PANEL_PORT;
use portlama_host::release;
use portlama_host::upgrade::{self, Outcome, Place, Request, Step, UPGRADE_UNIT, UpgradeError};
use portlama_model::{ReleaseSource, ReleaseVersion};
use portlama_pki::{ca_fingerprint, certificate_from_pem};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::backup::compact;
use super::doors::OwnDoors;
use crate::output::Output;

/// How long the server may take to answer one question.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// Replaces an installed server by another version, and puts the present one and its state back
/// when that does not serve.
#[derive(Debug, Args)]
#[command(after_help = "\
The signature must lie beside the file, as FILE.minisig. `--to` fetches both, from where `releases`
of panel.json says, or `--from`; nothing but the signature is believed. The state is copied before, visitors wait
for a moment while the program is replaced, and the new version is watched for ten seconds. If it
does not serve, the previous program and the copied state come back by themselves, and this fails.

Examples:
  portlama server upgrade --file ./portlama-1.2.3-x86_64-linux
      a release that was downloaded
  portlama server upgrade --to 1.2.3
      the same, fetched from where this server's releases are
  portlama server upgrade --to 1.2.3 --from 'https://releases.example.org/v{version}'
      fetched from there
  portlama server upgrade --file ./portlama-1.2.2-x86_64-linux --allow-downgrade
      back to an older version, if that understands the present state")]
pub(crate) struct UpgradeArguments {
    /// The release, with its signature beside it.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["to", "apply", "resume", "swap"])]
    file: Option<PathBuf>,
    /// The version to fetch.
    #[arg(long, value_name = "VERSION", conflicts_with = "file")]
    to: Option<ReleaseVersion>,
    /// The folder of a release, an https address in which `{version}` stands for the version
    /// [default: `releases.url` of panel.json].
    #[arg(long, value_name = "URL", requires = "to")]
    from: Option<String>,
    /// Take an older or the same version, too.
    #[arg(long)]
    allow_downgrade: bool,
    /// What `portlama-upgrade.service` does.
    #[arg(long, hide = true, group = "unit")]
    apply: bool,
    /// What `portlama-upgrade-resume.service` does.
    #[arg(long, hide = true, group = "unit")]
    resume: bool,
    /// What `portlama-swap.service` does.
    #[arg(long, hide = true, group = "unit")]
    swap: bool,
}

/// Stages the release, orders the upgrade and follows it; or does a unit's part.
pub(crate) fn run(arguments: &UpgradeArguments, output: Output) -> Result<ExitCode> {
    let place = Place::installed();
    let done = block_in_place(|| match arguments {
        UpgradeArguments { apply: true, .. } => apply(&place, output),
        UpgradeArguments { resume: true, .. } => resume(&place, output),
        UpgradeArguments { swap: true, .. } => {
            upgrade::swap(&place)?;
            Ok(ExitCode::SUCCESS)
        }
        _ => order(&place, arguments, output),
    });
    if let Err(error) = &done
        && output.is_json()
    {
        output.document(&json!({
            "event": "error",
            "message": format!("{error:#}"),
            "recoverable": true,
        }));
    }
    done
}

fn order(place: &Place, arguments: &UpgradeArguments, output: Output) -> Result<ExitCode> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "this needs root: run it with sudo"
    );
    ensure!(
        upgrade::is_installed(),
        "{UPGRADE_UNIT} is not here: `portlama server install` brings it; a server that was set up by \
         hand is upgraded by hand (replace its program, restart it)"
    );
    ensure!(
        place.program.exists(),
        "{} is not here: a program that came in a package is upgraded by the next one, \
         `apt install ./portlama_….deb`",
        place.program.display()
    );
    let mut watch = |step: Step| show_step(step, output);
    if let Some(outcome) = upgrade::end_earlier(place, &mut watch)? {
        output.note(format_args!(
            "an earlier upgrade was cut short and is ended: {}",
            sentence(&outcome)
        ));
    }
    let installed = upgrade::installed_version(place)?;
    let request = Request {
        allow_downgrade: arguments.allow_downgrade,
    };
    let claim = match (&arguments.to, &arguments.file) {
        (Some(version), _) => {
            upgrade::may_replace(&installed, version, request.allow_downgrade)
                .map_err(UpgradeError::Refused)?;
            let fetched = fetch(place, version, arguments.from.as_deref(), output)?;
            let claim = upgrade::stage(place, &fetched, &installed, request);
            // What is staged is a copy.
            let _ = std::fs::remove_dir_all(place.fetched());
            claim?
        }
        (None, Some(file)) => upgrade::stage(place, file, &installed, request)?,
        (None, None) => bail!("name a release with `--file`, or a version with `--to`"),
    };
    output.note(format_args!(
        "version {} is signed by a key of ours",
        claim.version
    ));
    let outcome = upgrade::order(place, &mut watch)?;
    finish(&outcome, output)
}

/// Fetches a release into a folder of root's.
fn fetch(
    place: &Place,
    version: &ReleaseVersion,
    from: Option<&str>,
    output: Output,
) -> Result<PathBuf> {
    let source = source(place, from)?;
    if output.is_json() {
        output.document(&json!({ "event": "step", "step": "fetch", "status": "running" }));
    } else {
        output.note(format_args!("Fetch version {version} …"));
    }
    let mut shown = 0;
    let mut progress = |so_far: u64, all: Option<u64>| {
        let Some(part) = all.and_then(|all| (so_far * 10).checked_div(all)) else {
            return;
        };
        if part > shown && !output.is_json() {
            shown = part;
            output.note(format_args!("  {} %", part * 10));
        }
    };
    let folder = place.fetched();
    let fetched = release::fetch(&source, version, &folder, &mut progress);
    Ok(tokio::runtime::Handle::current().block_on(fetched)?)
}

fn source(place: &Place, from: Option<&str>) -> Result<ReleaseSource> {
    let panel: Value = serde_json::from_str(&of_state(place, "panel.json")?)?;
    let settings = match panel.get("releases") {
        Some(settings) => Some(ReleaseSource::deserialize(settings).context(
            "`releases` of panel.json is not understood: it has `url`, and `caFile` if need be",
        )?),
        None => None,
    };
    match (from, settings) {
        (Some(url), settings) => Ok(ReleaseSource {
            url: url.to_owned(),
            ca_file: settings.and_then(|settings| settings.ca_file),
        }),
        (None, Some(settings)) => Ok(settings),
        (None, None) => bail!(
            "this server does not know where releases are: say it with `--from URL`, or set \
             `releases.url` in {}/panel.json; `--file` takes one that was downloaded",
            place.state.display()
        ),
    }
}

fn of_state(place: &Place, name: &str) -> Result<String> {
    let path = place.state.join(name);
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn finish(outcome: &Outcome, output: Output) -> Result<ExitCode> {
    if !outcome.upgraded {
        bail!("{}", sentence(outcome));
    }
    if output.is_json() {
        let mut document = json!({ "event": "complete" });
        if let (Value::Object(all), Ok(Value::Object(more))) =
            (&mut document, serde_json::to_value(outcome))
        {
            all.extend(more);
        }
        output.document(&document);
    } else {
        output.data(sentence(outcome));
    }
    Ok(ExitCode::SUCCESS)
}

fn sentence(outcome: &Outcome) -> String {
    let version = |version: &Option<ReleaseVersion>| {
        version
            .as_ref()
            .map_or("unknown".to_owned(), ToString::to_string)
    };
    let (from, to) = (version(&outcome.from), version(&outcome.to));
    let reason = outcome.reason.as_deref().unwrap_or("nobody said why");
    match (outcome.upgraded, &outcome.snapshot, &outcome.to) {
        (true, Some(snapshot), _) => {
            format!("version {to} serves; the state of {from} is kept in {snapshot}")
        }
        (true, None, _) => format!("version {to} serves"),
        (false, Some(snapshot), _) => {
            format!(
                "version {from} is back, with its state of before (kept in {snapshot}; what was changed or revoked since is undone): {reason}"
            )
        }
        (false, None, Some(_)) => format!("version {from} stays: {reason}"),
        (false, None, None) => reason.to_owned(),
    }
}

fn show_step(step: Step, output: Output) {
    if output.is_json() {
        output.document(&json!({ "event": "step", "step": step, "status": "running" }));
    } else {
        output.note(format_args!("{} …", step.title()));
    }
}

fn apply(place: &Place, output: Output) -> Result<ExitCode> {
    let installed = env!("CARGO_PKG_VERSION").parse()?;
    // Sorts after the names of earlier versions, which wrote dates with dashes.
    let now = compact(SystemClock.now());
    let outcome = upgrade::apply(place, &installed, &now, &from_outside(place))?;
    finish(&outcome, output)
}

fn resume(place: &Place, output: Output) -> Result<ExitCode> {
    // Ended is ended, whichever version serves.
    if let Some(outcome) = upgrade::resume(place, &from_outside(place))? {
        output.note(sentence(&outcome));
    }
    Ok(ExitCode::SUCCESS)
}

/// A request to the panel through its port, over TLS that our own authority certifies.
fn from_outside(place: &Place) -> impl Fn() -> Result<String, String> {
    let place = place.clone();
    move || {
        let doors = doors(&place).map_err(|error| format!("{error:#}"))?;
        let asked = tokio::time::timeout(ANSWER_LIMIT, doors.version(doors.panel[0]));
        match tokio::runtime::Handle::current().block_on(asked) {
            Ok(answer) => answer.map_err(|error| format!("the panel does not answer: {error}")),
            Err(_) => Err(format!(
                "the panel does not answer within {} s",
                ANSWER_LIMIT.as_secs()
            )),
        }
    }
}

/// The server's ports, as its state says now.
fn doors(place: &Place) -> Result<OwnDoors> {
    let panel: Value = serde_json::from_str(&of_state(place, "panel.json")?)?;
    let ip: IpAddr = panel["ip"].as_str().context("no address")?.parse()?;
    let authority = ca_fingerprint(&certificate_from_pem(&of_state(place, "pki/ca.crt")?)?)?;
    Ok(OwnDoors {
        https: vec![],
        panel: vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), PANEL_PORT)],
        ip,
        panel_port: PANEL_PORT,
        authority,
    })
}
