//! `portlama agent expose`: from a service on this machine to its URL.

mod plan;
mod wait;

use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use portlama_agent::discover::{Discovery, Found, Patience, Speaks, Wanted, app_name, service};
use portlama_agent::{AgentDir, Target, TargetError, TargetHost, panel_of};
use portlama_api::client::{ClientError, PanelClient};
use portlama_api::{NewTunnel, Tunnel, TunnelChange, TunnelStatus};
use portlama_model::{AccessMode, Capability, HostHeader, OriginScheme, Subdomain};
use serde_json::{Value, json};

use self::plan::{Plan, Step, Wish};
use self::wait::wait_until_served;
use super::discover::{look, service_name};
use super::tunnel::{Access, Scheme, status, url};
use super::{Agents, proxy, reload};
use crate::output::Output;

/// Exit code of a tunnel that is made and does not serve yet.
const NOT_SERVING: u8 = 3;

/// Arguments of `portlama agent expose`.
#[derive(Debug, Args)]
#[command(after_help = "\
The URL goes to standard output, everything else to standard error. Running it twice changes
nothing more. Exit code: 0 the URL serves, 3 it is made and does not serve yet, 1 anything else.

Examples:
  portlama agent expose ollama
      https://ollama.<domain>, for signed-in visitors, whatever port it has here
  portlama agent expose 8400 --as wiki
      https://wiki.<domain> leads to localhost:8400
  portlama agent expose nas.local:5000 --as nas
      a service on another machine at home")]
pub(super) struct ExposeArguments {
    /// A service as `portlama agent discover` calls it, a container, a process, a port of this
    /// machine, or HOST:PORT.
    #[arg(value_name = "NAME|PORT|HOST:PORT")]
    what: What,
    /// The name below the server's domain [default: the service's].
    #[arg(long = "as", value_name = "NAME")]
    name: Option<Subdomain>,
    /// Who may visit [default: authenticated].
    #[arg(long, value_enum)]
    access: Option<Access>,
    /// How the service is spoken to [default: as it answers].
    #[arg(long, value_enum)]
    origin_scheme: Option<Scheme>,
}

/// What is to be exposed.
#[derive(Debug, Clone)]
enum What {
    At(Target),
    Called(String),
}

impl FromStr for What {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        match text.parse() {
            Ok(target) => Ok(Self::At(target)),
            Err(TargetError::Form(_)) if is_name(text) => Ok(Self::Called(text.to_owned())),
            Err(error) => Err(error),
        }
    }
}

fn is_name(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && !text.contains(':')
}

/// Gives a service a host name.
pub(super) async fn expose(arguments: ExposeArguments, agents: &Agents) -> Result<ExitCode> {
    let output = agents.output;
    let agent = agents.chosen()?;
    let (target, found) = find(&arguments.what).await?;
    judge(&target, found.as_ref(), output)?;
    let panel = panel_of(&agent, proxy()?.as_ref())?;
    let own = agent.config()?.agent_label;
    let wish = Wish {
        proposed: proposed_name(&target, found.as_ref()),
        target,
        name: arguments.name.clone(),
    };
    let tunnels = panel.tunnels().await?;
    let plan = plan::plan(wish, &tunnels, &own, &agent.allowed().read()?)?;
    let new = |name| new_tunnel(name, &plan, &arguments, found.as_ref());

    let was_allowed = allow(&agent, &plan)?;
    let running = reload(&agent, output).await;
    let tunnel = match &plan.step {
        Step::Keep(tunnel) => Ok(Tunnel::clone(tunnel)),
        Step::SwitchOn(tunnel) => switch_on(tunnel, &panel).await,
        Step::Make(name) => panel.create_tunnel(&new(name.clone())).await,
    };
    let tunnel = match tunnel {
        Ok(tunnel) => tunnel,
        Err(error) => return refused(error, &plan, was_allowed, &agent, output).await,
    };
    let tunnel = wait_until_served(tunnel, &panel, &agent, running, output).await?;
    tell(&tunnel, &plan, &agent, output)
}

async fn find(what: &What) -> Result<(Target, Option<Found>)> {
    match what {
        What::At(target) if *target.host() == TargetHost::Localhost => {
            let ports = Wanted::Ports(vec![target.port()]);
            let discovery = look(&ports, Patience::THOROUGH).await?;
            let found = discovery.at(target).cloned();
            let target = found.as_ref().map_or(target, |found| &found.target);
            Ok((target.clone(), found))
        }
        What::At(target) => Ok((target.clone(), None)),
        What::Called(name) => {
            let wanted = Wanted::Called(name.clone());
            let discovery = look(&wanted, Patience::THOROUGH).await?;
            let found = discovery.called(name).cloned();
            let found = found.ok_or_else(|| not_found(name, &discovery))?;
            Ok((found.target.clone(), Some(found)))
        }
    }
}

fn not_found(name: &str, discovery: &Discovery) -> anyhow::Error {
    let there: Vec<_> = discovery
        .found
        .iter()
        .filter(|found| found.unfit().is_none() && found.name().is_some())
        .map(|found| format!("{} ({})", service_name(found), found.port()))
        .collect();
    let what = match service(name) {
        Some(service) => format!(
            "{} does not run on this machine, as far as can be seen",
            service.name
        ),
        None => format!("nothing called `{name}` listens on this machine"),
    };
    let there = match there.as_slice() {
        [] => String::new(),
        there => format!("; there is {}", there.join(", ")),
    };
    anyhow!(
        "{what}{there}. `portlama agent discover` shows everything; a port will do, too: `portlama agent expose PORT`"
    )
}

/// Refuses what is no app, and says what is not certain.
fn judge(target: &Target, found: Option<&Found>, output: Output) -> Result<()> {
    let Some(found) = found else {
        if *target.host() == TargetHost::Localhost {
            output.note(format_args!("nothing listens at {target} yet"));
        }
        return Ok(());
    };
    if let Some(why) = found.unfit() {
        bail!(
            "{} at {target} is not meant to be exposed: {why}. `portlama agent tunnel add NAME PORT` does it nevertheless",
            service_name(found)
        );
    }
    if found.speaks == Speaks::Silent {
        output.note(format_args!(
            "{target} takes connections and does not answer yet"
        ));
    }
    Ok(())
}

fn proposed_name(target: &Target, found: Option<&Found>) -> Subdomain {
    found.map_or_else(|| app_name(target.port()), Found::proposed_name)
}

fn new_tunnel(
    name: Subdomain,
    plan: &Plan<'_>,
    arguments: &ExposeArguments,
    found: Option<&Found>,
) -> NewTunnel {
    let answers_https = found.is_some_and(|found| found.speaks == Speaks::Https);
    let here = !matches!(plan.target.host(), TargetHost::Name(_));
    let scheme = match arguments.origin_scheme {
        Some(scheme) => scheme.into(),
        None if answers_https => OriginScheme::Https,
        None => OriginScheme::Http,
    };
    NewTunnel {
        access_mode: arguments.access.map(AccessMode::from),
        description: found.and_then(Found::name),
        origin_scheme: scheme,
        host_header: found.map_or(HostHeader::Public, Found::host_header),
        // Between agent and service is nobody, and no authority certifies `localhost`.
        origin_tls_verify: !(answers_https && here),
        ..NewTunnel::app(name, plan.port)
    }
}

/// Allows the port at home, and says whether it was so before.
fn allow(agent: &AgentDir, plan: &Plan<'_>) -> Result<bool> {
    let Plan { port, target, .. } = plan;
    let was_there = agent.allowed().change(|list| {
        let was_there = list.entries().any(|(p, t)| p == *port && t == target);
        list.allow(*port, target.clone());
        was_there
    })?;
    Ok(was_there)
}

async fn switch_on(tunnel: &Tunnel, panel: &PanelClient) -> Result<Tunnel, ClientError> {
    let change = TunnelChange {
        enabled: Some(true),
        ..TunnelChange::default()
    };
    panel.change_tunnel(tunnel.id, &change).await
}

/// Without the right the port stays allowed, so that the admin's part is all that is missing.
/// After any other refusal things are as they were.
async fn refused(
    error: ClientError,
    plan: &Plan<'_>,
    was_allowed: bool,
    agent: &AgentDir,
    output: Output,
) -> Result<ExitCode> {
    let Plan { target, step, .. } = plan;
    let port = plan.port;
    if lacks_the_right(&error) {
        let name = step.name();
        let label = agent.config()?.agent_label;
        bail!(
            "agent {label} may not make tunnels. The admin, in the panel: either Certificates, Agents, {label}: give it `{}`, and run this command again; or Tunnels: make `{name}` for agent {label} with port {port}. Here all is done: {port} → {target} is allowed",
            Capability::TunnelsWrite.as_str()
        );
    }
    if !was_allowed {
        agent.allowed().change(|list| list.forget(port))?;
        reload(agent, output).await;
    }
    let about_the_name = matches!(error.status(), Some(400 | 409)) && matches!(step, Step::Make(_));
    let error = anyhow!(error);
    if about_the_name {
        return Err(error).context("the server refused; --as NAME chooses another name");
    }
    Err(error)
}

fn lacks_the_right(error: &ClientError) -> bool {
    let ClientError::Api { status: 403, body } = error else {
        return false;
    };
    let required = body
        .details
        .as_ref()
        .and_then(|details| details.get("required"));
    required.and_then(Value::as_str) == Some(Capability::TunnelsWrite.as_str())
}

fn tell(tunnel: &Tunnel, plan: &Plan<'_>, agent: &AgentDir, output: Output) -> Result<ExitCode> {
    let url = url(tunnel, agent)?;
    let serves = tunnel.status == TunnelStatus::Serving;
    if output.is_json() {
        output.document(&json!({
            "url": url,
            "serving": serves,
            "made": matches!(plan.step, Step::Make(_)),
            "target": plan.target.to_string(),
            "tunnel": tunnel,
        }));
    } else {
        output.data(&url);
    }
    let who = match tunnel.access_mode {
        Some(AccessMode::Public) => "everybody",
        Some(AccessMode::Authenticated) => "signed-in visitors",
        Some(AccessMode::Restricted) | None => "visitors with a grant",
    };
    if serves {
        output.note(format_args!("it leads to {} and serves {who}", plan.target));
        return Ok(ExitCode::SUCCESS);
    }
    output.note(format_args!("it does not serve yet: {}", status(tunnel)));
    if tunnel.status == TunnelStatus::AgentOffline {
        output.note("start the agent with `portlama agent run`");
    }
    Ok(ExitCode::from(NOT_SERVING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_a_port_and_a_place_are_told_apart() {
        let what = |text: &str| text.parse::<What>();
        assert!(matches!(what("ollama"), Ok(What::Called(name)) if name == "ollama"));
        assert!(matches!(what("LM Studio"), Ok(What::Called(_))));
        assert!(matches!(what("8400"), Ok(What::At(target)) if target == Target::localhost(8400)));
        assert!(matches!(what("nas.local:5000"), Ok(What::At(_))));
        for bad in ["", "0", "70000", "nas:", "169.254.169.254:80", "http://nas"] {
            assert!(what(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_there_is_called_by_its_name_with_a_way_out() {
        let nothing = Discovery::default();
        let known = not_found("comfyui", &nothing).to_string();
        assert!(known.starts_with("ComfyUI does not run"), "{known}");
        let unknown = not_found("photos", &nothing).to_string();
        assert!(
            unknown.contains("`photos`") && unknown.contains("discover"),
            "{unknown}"
        );
    }
}
