//! `portlama demo`: the whole system on this machine, through the doors that everybody uses.
//!
//! It starts `portlama server init`, `server run`, `agent setup` and `agent run` as processes
//! of this binary and does the admin's part over the panel API. Nothing in server or agent
//! knows that it is a demo.

mod account;
mod place;
mod processes;
mod report;
mod sample_app;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use tracing::debug;

use self::account::{Account, Admin};
use self::place::Place;
use self::processes::{Service, one_shot};
use self::report::Report;
use self::sample_app::SampleApp;
use crate::output::Output;
use crate::signals;

/// The domain of the demo: names below `.localhost` are this machine (RFC 6761 §6.3).
const DOMAIN: &str = "portlama.localhost";
/// The label below it at which the sample app appears.
const SUBDOMAIN: &str = "hello";
/// The name of the demo's agent.
const AGENT_LABEL: &str = "demo";
/// How long the parts may take to come up; they need about a second.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Shows the whole system on this machine: server, agent, a sample app, a user, a tunnel.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portlama demo
      shows everything at https://hello.portlama.localhost:8443/
  portlama demo --port 0 --json
      on free ports; one line of JSON when all is up
  portlama demo --state-dir ./demo
      keeps its state, and goes on with it the next time")]
pub(crate) struct DemoArguments {
    /// The port for https; 0 takes free ports for everything.
    #[arg(long, value_name = "N", default_value_t = 8443)]
    port: u16,
    /// The port of the panel [default: 9292, or a free one with `--port 0`].
    #[arg(long, value_name = "N")]
    panel_port: Option<u16>,
    /// Where the state is kept and found again [default: a temporary directory].
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

/// Starts everything, reports, and stays until it is asked to stop.
pub(crate) async fn run(arguments: DemoArguments, output: Output) -> Result<ExitCode> {
    let place = Place::take(arguments.state_dir.clone())?;
    let app = SampleApp::start(place.kept().map(|kept| kept.origin_port)).await?;
    let stop = signals::asked_to_stop(false);
    tokio::pin!(stop);
    let started = tokio::select! {
        asked = &mut stop => { asked?; return Ok(ExitCode::SUCCESS) }
        started = start(&arguments, &place, &app, output) => started?,
    };
    let Started {
        mut server,
        mut agent,
        report,
    } = started;
    report.write(output);
    let supervised = tokio::select! {
        asked = &mut stop => asked,
        failed = server.supervise() => failed,
        failed = agent.supervise() => failed,
    };
    if !output.is_json() {
        output.note("stopping");
    }
    agent.stop().await;
    server.stop().await;
    supervised.map(|()| ExitCode::SUCCESS)
}

struct Started {
    server: Service,
    agent: Service,
    report: Report,
}

async fn start(
    arguments: &DemoArguments,
    place: &Place,
    app: &SampleApp,
    output: Output,
) -> Result<Started> {
    let progress = |what: &str| {
        if !output.is_json() {
            output.note(format_args!("· {what}"));
        }
    };
    if place.kept().is_none() {
        progress("making a server: authority, admin certificate, state");
        make_server(place).await?;
    }
    progress("starting the server");
    let (mut server, ports) = start_server(arguments, place).await?;
    let admin = Admin::new(place, ports.panel)?;
    let account = match place.kept() {
        Some(kept) => kept.account.clone(),
        None => {
            progress("creating a user, enrolling an agent");
            let prepared = prepare(place, &admin, ports).await;
            server.or_its_end(prepared)?
        }
    };
    progress("starting the agent");
    let agent = start_agent(place)?;
    progress("opening a tunnel to the sample app");
    admin.tunnel_to(SUBDOMAIN, app.port()).await?;
    place.keep(&account, ports.https, ports.panel, app.port())?;
    let report = Report::new(
        place,
        &account,
        ports.https,
        ports.panel,
        app.port(),
        &server,
        &agent,
    )?;
    debug!("the demo is up");
    Ok(Started {
        server,
        agent,
        report,
    })
}

async fn make_server(place: &Place) -> Result<()> {
    let arguments = [
        "server",
        "init",
        "--ip",
        "127.0.0.1",
        "--certificates",
        "internal",
        "--domain",
        DOMAIN,
    ];
    one_shot(
        place,
        &arguments,
        &["--state-dir".as_ref(), place.server().as_os_str()],
        None,
    )
    .await
    .context("cannot make the demo's server")
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    https: u16,
    panel: u16,
}

async fn start_server(arguments: &DemoArguments, place: &Place) -> Result<(Service, Ports)> {
    let wanted = wanted_ports(arguments, place);
    let command = |ports: Ports| {
        let mut words: Vec<std::ffi::OsString> = ["server", "run", "--json", "--stop-with-stdin"]
            .map(Into::into)
            .to_vec();
        words.extend(["--state-dir".into(), place.server().into()]);
        words.extend(["--https-port".into(), ports.https.to_string().into()]);
        words.extend(["--panel-port".into(), ports.panel.to_string().into()]);
        for address in place::loopback_addresses() {
            words.extend(["--listen".into(), address.to_string().into()]);
        }
        words
    };
    let mut server = Service::start("server", command(wanted), place.log("server"))?;
    let line = server.ready_line(START_LIMIT).await?;
    let port = |name: &str| {
        let port = line.get(name).and_then(serde_json::Value::as_u64);
        port.and_then(|port| u16::try_from(port).ok())
            .with_context(|| format!("the server did not say its `{name}`"))
    };
    let ports = Ports {
        https: port("httpsPort")?,
        panel: port("panelPort")?,
    };
    // A server that is started again must be found at the same place.
    server.restart_as(command(ports));
    Ok((server, ports))
}

/// A kept demo comes back on its ports unless others are asked for.
fn wanted_ports(arguments: &DemoArguments, place: &Place) -> Ports {
    let kept = place.kept();
    let free = arguments.port == 0;
    let https = if free {
        kept.map_or(0, |k| k.https_port)
    } else {
        arguments.port
    };
    let panel = match (arguments.panel_port, kept) {
        (Some(port), _) => port,
        (None, Some(kept)) if free || kept.https_port == https => kept.panel_port,
        (None, _) => {
            if free {
                0
            } else {
                9292
            }
        }
    };
    Ports { https, panel }
}

async fn prepare(place: &Place, admin: &Admin, ports: Ports) -> Result<Account> {
    let account = admin.create_user().await?;
    let token = admin.enrolment_token(AGENT_LABEL).await?;
    let url = format!("https://127.0.0.1:{}", ports.panel);
    let arguments = [
        "agent",
        "setup",
        "--allow-loopback",
        "--no-service",
        "--label",
        AGENT_LABEL,
        "--panel-url",
        &url,
    ];
    one_shot(
        place,
        &arguments,
        &["--home".as_ref(), place.agent().as_os_str()],
        Some(&token),
    )
    .await
    .context("cannot set up the demo's agent")?;
    Ok(account)
}

fn start_agent(place: &Place) -> Result<Service> {
    let mut words: Vec<std::ffi::OsString> =
        ["agent", "run", "--stop-with-stdin", "--label", AGENT_LABEL]
            .map(Into::into)
            .to_vec();
    words.extend(["--home".into(), place.agent().into()]);
    Service::start("agent", words, place.log("agent"))
}
