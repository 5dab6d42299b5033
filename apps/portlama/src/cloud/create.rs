//! `portlama cloud create`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use portlama_cloud::binary;
use portlama_cloud::digitalocean::DigitalOcean;
use portlama_cloud::provision::{Failure, Plan, Step};
use portlama_cloud::region::{Region, offering};
use portlama_cloud::registry::ServerEntry;
use portlama_cloud::{IMAGE, MONTHLY_PRICE_USD, RegionSlug, SIZE, ServerLabel};
use portlama_model::Secret;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::place::Place;
use super::progress::Show;
use super::{leftovers, regions};
use crate::output::Output;
use crate::signals::asked_to_stop;

/// Arguments of `portlama cloud create`.
#[derive(Debug, Args)]
#[command(after_help = "\
From the first step to the last nothing has to be typed, and SSH is not needed afterwards. When a
step fails, and when Ctrl-C ends it, everything that was made is removed again; what a lost
connection or a dead machine leaves, `portlama cloud leftovers` finds.

Examples:
  portlama cloud create --label home
      in the nearest region
  portlama cloud create --region fra1 --label home --dry-run
      what would be made, and what it would cost
  portlama cloud create --region fra1 --label home --yes --json
      in a script: one line of JSON an event, the last one `complete` or `error`")]
pub(super) struct CreateArguments {
    /// What the server is called in the list [default: portlama-REGION].
    #[arg(long)]
    label: Option<ServerLabel>,
    /// Where it stands; `portlama cloud regions` shows where it can [default: the nearest].
    #[arg(long)]
    region: Option<RegionSlug>,
    /// The program to put there, for Linux on x86-64 [default: this one, or the one that came
    /// with it].
    #[arg(long, value_name = "FILE")]
    server_binary: Option<PathBuf>,
    /// Show what would be made, and make nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask, neither before it costs money nor before leftovers are removed.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    token: super::token::TokenUse,
}

pub(super) async fn create(arguments: CreateArguments, place: &Place) -> Result<ExitCode> {
    let output = place.output;
    let digitalocean = place.digitalocean().await?;
    let plan = plan(&arguments, &digitalocean, place).await?;
    show(&plan, output);
    if arguments.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.yes {
        ask(output)?;
    }
    leftovers::clear(&digitalocean, place, arguments.yes).await?;
    check_store(place).await?;
    match run(&plan, &arguments.token.accepted, &digitalocean, place).await {
        Ok(server) => {
            finish(&server, output);
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => {
            report(&failure, output);
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn plan(
    arguments: &CreateArguments,
    digitalocean: &DigitalOcean,
    place: &Place,
) -> Result<Plan> {
    let region = match &arguments.region {
        Some(region) => offered(region, digitalocean).await?,
        None => nearest(digitalocean, place.output).await?,
    };
    let label = arguments.label.clone();
    let label = label.unwrap_or_else(|| ServerLabel::of_region(&region));
    place.home.registry().read()?.may_have(&label)?;
    let running = std::env::current_exe().context("this program does not know where it lies")?;
    let cache = place.home.path().join("cache");
    let binary = binary::choose(arguments.server_binary.as_deref(), &running, &cache)?;
    Ok(Plan {
        label,
        region,
        binary,
    })
}

async fn offered(region: &RegionSlug, digitalocean: &DigitalOcean) -> Result<RegionSlug> {
    let listed = digitalocean.regions().await.map_err(super::with_advice)?;
    let offered = offering(listed, SIZE)?;
    if !offered.iter().any(|offered| offered.slug == *region) {
        let slugs: Vec<_> = offered.iter().map(|region| region.slug.as_str()).collect();
        bail!(
            "{region} has no free machine of the size {SIZE}: choose one of {}",
            slugs.join(", ")
        );
    }
    Ok(region.clone())
}

async fn nearest(digitalocean: &DigitalOcean, output: Output) -> Result<RegionSlug> {
    let regions = regions::nearest_first(digitalocean, output).await?;
    match regions.first() {
        Some(Region {
            slug,
            name,
            latency_ms: Some(latency),
            ..
        }) => {
            output.note(format_args!("{name} is nearest: {latency} ms"));
            Ok(slug.clone())
        }
        _ => bail!("choose a region with --region; `portlama cloud regions` lists them"),
    }
}

fn show(plan: &Plan, output: Output) {
    if output.is_json() {
        output.document(&json!({
            "event": "plan",
            "label": plan.label,
            "region": plan.region,
            "droplet": plan.label.droplet_name(),
            "size": SIZE,
            "image": IMAGE,
            "monthlyPriceUsd": MONTHLY_PRICE_USD,
            "serverBinary": plan.binary,
            "steps": Step::ALL,
        }));
        return;
    }
    output.data("This will");
    for line in plan.describe() {
        output.data(format_args!("  - {line}"));
    }
}

fn ask(output: Output) -> Result<()> {
    if !output.can_ask() {
        bail!("nobody is there to ask whether that should cost money: add --yes");
    }
    if !output.confirm("Go on?")? {
        bail!("nothing was made");
    }
    Ok(())
}

/// The password of the admin's file will go there, once there is a machine that costs money. So
/// that is tried out before.
async fn check_store(place: &Place) -> Result<()> {
    let nobody = Uuid::nil();
    let probe = Secret::new("a trial of Portlama, to be removed");
    place.explained(place.credentials.keep_password(nobody, &probe).await)?;
    place.explained(place.credentials.forget_password(nobody).await)
}

/// Goes through the steps. The first SIGINT or SIGTERM ends it in order, the second at once.
async fn run(
    plan: &Plan,
    accepted: &[String],
    digitalocean: &DigitalOcean,
    place: &Place,
) -> Result<ServerEntry, Failure> {
    let cancel = CancellationToken::new();
    let _watch = AbortOnDropHandle::new(tokio::spawn(stop(cancel.clone(), place.output)));
    let means = place.means(digitalocean);
    let mut show = Show::new(place.output);
    let mut on_event = |event| show.event(&event);
    let made = means.provision(plan, accepted, &cancel, &mut on_event);
    Box::pin(made).await
}

async fn stop(cancel: CancellationToken, output: Output) {
    if asked_to_stop(false).await.is_err() {
        return;
    }
    cancel.cancel();
    output.note(
        "stopping: what was made is removed; once more leaves that to `portlama cloud leftovers`",
    );
    if asked_to_stop(false).await.is_ok() {
        // Like a shell's 128 and SIGINT. The journal says what there is.
        std::process::exit(130);
    }
}

fn finish(server: &ServerEntry, output: Output) {
    if output.is_json() {
        return;
    }
    output.data(format_args!(
        "{} is ready: {}",
        server.label, server.panel_url
    ));
    if let Some(path) = &server.p12_path {
        output.data(format_args!("the admin's certificate: {}", path.display()));
    }
    output.note(format_args!(
        "next: `portlama cloud credentials {0}` shows the certificate's password; take it into the browser, then `portlama cloud open {0}`",
        server.label
    ));
}

/// The events said it already on standard output; here it stands for whoever reads the other.
fn report(failure: &Failure, output: Output) {
    if output.is_json() {
        let error = json!({ "error": failure.message() });
        output.note(error);
        return;
    }
    output.note(format_args!("error: {}", failure.message()));
    if failure.left.is_empty() {
        output.note("nothing is left of it at DigitalOcean or here: try again whenever you like");
        return;
    }
    output.note("this could not be removed, and a droplet costs money:");
    for line in &failure.left {
        output.note(format_args!("  - {line}"));
    }
    output.note("`portlama cloud leftovers` tries again");
}
