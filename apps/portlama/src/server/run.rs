//! `portlama server run`: the phases of a server's life.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use portlama_control::logs::PartLogs;
use portlama_control::{Clock as _, Control, DataPlane, Settings, Surroundings, SystemClock};
use portlama_control_socket::ControlSocket;
use portlama_edge::limits::SHUTDOWN_GRACE;
use portlama_edge::{Edge, EdgeConfig, Parts};
use portlama_host::Host;
use portlama_model::{OnboardingStatus, ResolverAddress};
use portlama_panel::Panel;
use portlama_portal::Portal;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::auth_host::AuthHost;
use super::carriers::Carriers;
use super::doors::OwnDoors;
use super::inherited::Inherited;
use super::local::{Local, own_socket};
use crate::output::Output;
use crate::signals;

/// How long agents stay away from a server that stops: a restart takes about as long, and who is
/// earlier waits in its sockets.
const COME_BACK_AFTER: Duration = Duration::from_millis(300);
/// How long WebSockets may go on after the last answer has ended: their clients come back by
/// themselves, and others wait for the next server.
const SOCKET_GRACE: Duration = Duration::from_millis(500);

/// Serves a state directory until SIGINT or SIGTERM.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portlama server run
      serve /etc/portlama on the ports 443 and 9292
  portlama server run --state-dir ./try --https-port 8443 --panel-port 9292 --listen 127.0.0.1
      serve a trial on loopback, without root")]
pub(crate) struct RunArguments {
    /// The directory made by `portlama server init`.
    #[arg(long, value_name = "DIR", default_value = "/etc/portlama")]
    state_dir: PathBuf,
    /// The port for visitors, sign-in and agents; 0 lets the system choose.
    #[arg(long, value_name = "N", default_value_t = 443)]
    https_port: u16,
    /// The port on which the panel answers under the bare address; 0 lets the system choose.
    #[arg(long, value_name = "N", default_value_t = 9292)]
    panel_port: u16,
    /// An address to listen on; may be given several times [default: all addresses].
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<IpAddr>,
    /// A resolver to look names up at, such as 203.0.113.1 or 203.0.113.1:5353; may be given
    /// several times [default: `dns.resolvers` of panel.json, else this machine's].
    #[arg(long, value_name = "ADDRESS")]
    resolver: Vec<ResolverAddress>,
    /// Stop when standard input closes, so that the server ends with the program that started it.
    #[arg(long)]
    stop_with_stdin: bool,
}

/// Binds, starts, serves, waits, drains.
pub(crate) async fn run(arguments: RunArguments, output: Output) -> Result<ExitCode> {
    let since = SystemClock.now();
    let logs = Arc::new(PartLogs::new(since));
    let _log = crate::logging::start_server(Arc::clone(&logs));
    let _file_size_limit = signals::survive_file_size_limit()?;
    let mut sockets = Inherited::take()?;
    let (https, https_port) = sockets.or_listen(&arguments.listen, arguments.https_port)?;
    let (panel, panel_port) = sockets.or_listen(&arguments.listen, arguments.panel_port)?;
    sockets.none_left()?;
    let settings = Settings {
        https_port,
        panel_port,
        resolvers: arguments.resolver.clone(),
        dns_provider: None,
    };

    let edge_cell: OnceLock<Arc<Edge>> = OnceLock::new();
    let control = Control::start(
        &arguments.state_dir,
        settings,
        Arc::new(SystemClock),
        |live| {
            let edge = Edge::new(
                live,
                EdgeConfig {
                    https_port,
                    panel_port,
                    sites_dir: arguments.state_dir.join("sites"),
                },
            );
            let plane: Arc<dyn DataPlane> = Arc::clone(edge_cell.get_or_init(|| edge)) as _;
            plane
        },
    )
    .await
    .with_context(|| format!("cannot serve {}", arguments.state_dir.display()))?;
    control.attach(Surroundings {
        machine: Arc::new(Host::detect()),
        logs,
    });
    let edge = Arc::clone(
        edge_cell
            .get()
            .context("control started without a data plane")?,
    );
    let panel_room = Arc::new(Panel::new(Arc::clone(&control)));
    edge.attach(Parts {
        upstreams: control.upstreams(),
        panel: Arc::clone(&panel_room) as _,
        portal: Arc::new(AuthHost {
            portal: Portal::new(Arc::clone(&control)),
            panel: panel_room,
        }),
        carriers: Arc::new(Carriers::new(Arc::clone(&control))),
        visits: Arc::clone(&control) as _,
        challenges: Some(control.challenges()),
    });

    let (https_at, panel_at) = (local_addresses(&https)?, local_addresses(&panel)?);
    let listening = [&https_at[..], &panel_at].concat();
    control.attach_doors(Arc::new(OwnDoors {
        https: https_at,
        panel: panel_at,
        ip: control.live().desired().ip,
        panel_port,
        authority: control.ca_fingerprint(),
    }));

    let shutdown = CancellationToken::new();
    let tasks = TaskTracker::new();
    for listener in https {
        tasks.spawn(Arc::clone(&edge).serve_https(listener, shutdown.clone()));
    }
    for listener in panel {
        tasks.spawn(Arc::clone(&edge).serve_panel(listener, shutdown.clone()));
    }
    let local = Local {
        control: Arc::clone(&control),
        state_dir: arguments.state_dir.canonicalize()?,
        since,
        listening,
    };
    match ControlSocket::bind(&own_socket(&arguments.state_dir)) {
        Ok(socket) => {
            tasks.spawn(socket.serve(Arc::new(local), shutdown.clone()));
        }
        Err(error) => warn!(
            %error,
            "`portlama server status`, `backup` and `reset-admin` will not reach this server: its control socket cannot be made"
        ),
    }
    tasks.close();
    announce(&arguments, https_port, panel_port, output);
    say_what_is_left(&control, &arguments, panel_port, output);

    signals::asked_to_stop(arguments.stop_with_stdin).await?;
    drain(&control, &edge, shutdown, &tasks).await;
    Ok(ExitCode::SUCCESS)
}

fn announce(arguments: &RunArguments, https_port: u16, panel_port: u16, output: Output) {
    info!(
        https_port,
        panel_port,
        "serving {}",
        arguments.state_dir.display()
    );
    if output.is_json() {
        output.document(&json!({
            "ready": true,
            "httpsPort": https_port,
            "panelPort": panel_port,
        }));
    }
}

fn local_addresses(listeners: &[TcpListener]) -> Result<Vec<SocketAddr>> {
    let addresses = listeners.iter().map(TcpListener::local_addr);
    addresses
        .collect::<Result<_, _>>()
        .context("a listener has no address")
}

/// A server whose set-up is not complete serves nobody: its owner is told where to go on.
fn say_what_is_left(control: &Control, arguments: &RunArguments, panel_port: u16, output: Output) {
    let desired = control.live().desired();
    if desired.onboarding == OnboardingStatus::Completed {
        return;
    }
    let panel = SocketAddr::new(desired.ip, panel_port);
    let text = format!(
        "the set-up is not complete: open https://{panel} with {}",
        admins_proof(&arguments.state_dir.join("pki")),
    );
    info!("{text}");
    if !output.is_json() {
        output.data(text);
    }
}

/// What the admin shows to the panel. Where their key was made elsewhere (`--admin-csr`) there is
/// no P12.
fn admins_proof(pki: &Path) -> String {
    let p12 = pki.join("client.p12");
    if p12.exists() {
        let password = pki.join(".p12-password");
        format!(
            "{} (its password is in {})",
            p12.display(),
            password.display()
        )
    } else {
        let certificate = pki.join("client.crt");
        format!(
            "the certificate {} and the key it was made for",
            certificate.display()
        )
    }
}

/// No new work is begun. Answers that are under way may end within the grace period; then agents
/// are told to come back, and what is left (WebSockets) is cut. A second signal ends the wait.
async fn drain(
    control: &Arc<Control>,
    edge: &Edge,
    shutdown: CancellationToken,
    tasks: &TaskTracker,
) {
    info!("stopping: no new connections; open answers may end");
    shutdown.cancel();
    control.close_logs();
    tokio::select! {
        ended = timeout(SHUTDOWN_GRACE, edge.visits_ended()) => {
            if ended.is_err() {
                info!("cutting answers that outlived the grace");
            }
        }
        _ = signals::asked_to_stop(false) => warn!("stopping at once"),
    }
    control.hub().shutdown(COME_BACK_AFTER, SOCKET_GRACE).await;
    edge.cut();
    tasks.wait().await;
    control.shutdown().await;
    info!("stopped");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_admin_is_pointed_to_files_that_exist() -> Result<()> {
        let pki = tempfile::tempdir()?;
        let without = admins_proof(pki.path());
        assert!(
            without.contains("client.crt") && !without.contains(".p12"),
            "{without}"
        );
        std::fs::write(pki.path().join("client.p12"), "")?;
        let with = admins_proof(pki.path());
        assert!(
            with.contains("client.p12") && with.contains(".p12-password"),
            "{with}"
        );
        Ok(())
    }
}
