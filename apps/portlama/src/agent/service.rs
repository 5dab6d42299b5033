//! `portlama agent service`, and the end of a set-up: the system keeps the agent running.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use portlama_agent::service::{Lingering, NoManager, Person, Service, Services, service_program};
use portlama_agent::{AgentDir, AgentReport, Ask, Home, SetupStep, StepStatus, ask};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Agents, machine};

/// How long a service that was started may take to be connected, before the set-up ends without
/// it: it goes on trying by itself.
const CONNECT_PATIENCE: Duration = Duration::from_secs(20);
/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(100);

const REMOVE_EXAMPLES: &str = "\
Examples:
  portlama agent service remove
      the current agent's; the agent itself stays set up, for `portlama agent run`
  sudo portlama agent service remove --system --label attic
      a unit of the machine";

const RESTART_EXAMPLES: &str = "\
Examples:
  portlama agent service restart
      the current agent's
  sudo portlama agent service restart --system --label attic
      a unit of the machine";

/// The service of the agent.
#[derive(Debug, Subcommand)]
pub(super) enum ServiceCommand {
    /// Let the system keep the agent running, also after a restart of the machine.
    Install(InstallArguments),
    /// Stop the agent, and let it not start again by itself.
    #[command(after_help = REMOVE_EXAMPLES)]
    Remove(Whose),
    /// Start the agent, or start it anew.
    #[command(after_help = RESTART_EXAMPLES)]
    Restart(Whose),
}

/// Arguments of `portlama agent service install`.
#[derive(Debug, Args)]
#[command(after_help = "\
On Linux this is a unit of your own systemd, in ~/.config/systemd/user; on macOS an agent of
launchd, in ~/Library/LaunchAgents. With --system, as root, it is a unit of the machine that runs
as the person whose agent it is.

Examples:
  portlama agent service install
      the current agent, as yourself
  sudo portlama agent service install --system
      the same as a unit of the machine, which runs without anybody signed in")]
pub(super) struct InstallArguments {
    #[command(flatten)]
    whose: Whose,
}

/// Whose service is meant.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Whose {
    /// The machine's service, not your own; as root.
    #[arg(long)]
    pub(super) system: bool,
    /// With --system: the person whose agent it is [default: who called sudo].
    #[arg(long, value_name = "NAME", requires = "system")]
    pub(super) user: Option<String>,
}

/// Carries the command out.
pub(super) async fn run(command: ServiceCommand, agents: &Agents) -> Result<ExitCode> {
    match command {
        ServiceCommand::Install(arguments) => install(&arguments.whose, agents).await,
        ServiceCommand::Remove(whose) => remove(&whose, agents).await,
        ServiceCommand::Restart(whose) => restart(&whose, agents).await,
    }
}

/// The services that are meant, and the agents of the person they run as.
fn meant(whose: &Whose, agents: &Agents) -> Result<(Services, Home)> {
    if !whose.system {
        return Ok((Services::of_person()?, agents.home.clone()));
    }
    machine::is_root()?;
    let person = machine::person(whose.user.as_deref())?;
    Ok((
        Services::of_machine(&person)?,
        machine::home(agents, &person),
    ))
}

async fn install(whose: &Whose, agents: &Agents) -> Result<ExitCode> {
    let (services, home) = meant(whose, agents)?;
    let agent = home.choose(agents.label.as_ref())?;
    if !whose.system {
        keep_environment(&agent)?;
    }
    let mut show = |step, status| super::setup::show(step, status, agents.output);
    let done = keep_running(&services, &home, &agent, &mut show).await;
    for hint in &done.hints {
        agents.output.note(format_args!("note: {hint}"));
    }
    if let Some(error) = done.error {
        return Err(error);
    }
    if agents.output.is_json() {
        agents
            .output
            .document(&json!({"label": agent.label(), "service": done.service}));
    } else {
        agents.output.data(format_args!(
            "{} keeps {} running",
            services.name(),
            services.unit(agent.label())
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn remove(whose: &Whose, agents: &Agents) -> Result<ExitCode> {
    let (services, home) = meant(whose, agents)?;
    let agent = home.choose(agents.label.as_ref())?;
    let removed = services.remove(agent.label()).await?;
    if agents.output.is_json() {
        agents
            .output
            .document(&json!({"label": agent.label(), "removed": removed}));
    } else if removed {
        agents.output.data(format_args!(
            "{} is stopped and gone",
            services.unit(agent.label())
        ));
    } else {
        agents.output.data(format_args!(
            "there was no {}",
            services.unit(agent.label())
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn restart(whose: &Whose, agents: &Agents) -> Result<ExitCode> {
    let (services, home) = meant(whose, agents)?;
    let agent = home.choose(agents.label.as_ref())?;
    if !services.has(agent.label()) {
        bail!(
            "there is no service of {}: make one with `portlama agent service install`",
            agent.label()
        );
    }
    services.restart(agent.label()).await?;
    let unit = services.unit(agent.label());
    if agents.output.is_json() {
        agents
            .output
            .document(&json!({"label": agent.label(), "restarted": unit}));
    } else {
        agents.output.data(format_args!("{unit} was started anew"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The service of an agent, if there is one: the person's own, or the machine's.
pub(super) fn of(agent: &AgentDir) -> Option<Services> {
    let own = Services::of_person().ok();
    let machines = || Services::of_machine(&Person::oneself().ok()?).ok();
    own.filter(|services| services.has(agent.label()))
        .or_else(|| machines().filter(|services| services.has(agent.label())))
}

/// What `status` and `list` tell of the service.
pub(super) async fn describe(agent: &AgentDir) -> Option<Value> {
    let services = of(agent)?;
    let state = services.state(agent.label()).await.ok();
    let mut document = json!({
        "manager": services.name(),
        "unit": services.unit(agent.label()),
        "file": services.file(agent.label()),
    });
    if let (Some(document), Some(Value::Object(state))) =
        (document.as_object_mut(), state.map(|state| json!(state)))
    {
        document.extend(state);
    }
    Some(document)
}

/// The service that an agent should have.
pub(super) fn wanted(home: &Home, agent: &AgentDir) -> Result<(Service, Option<String>)> {
    let program = service_program().context("the system does not tell which program this is")?;
    let service = Service {
        label: agent.label().clone(),
        program: program.path,
        home: home.path().to_owned(),
        environment: agent.config()?.service_environment,
    };
    Ok((service, program.warning))
}

/// What became of a service.
pub(super) struct Kept {
    /// For programs; `null` when there is none.
    pub(super) service: Value,
    /// What its owner should know.
    pub(super) hints: Vec<String>,
    /// Why there is none, where there could be one.
    pub(super) error: Option<anyhow::Error>,
}

impl Kept {
    pub(super) fn none(why: &NoManager) -> Self {
        Self {
            service: Value::Null,
            hints: vec![why.to_string()],
            error: None,
        }
    }
}

/// Writes the service, starts it and waits until the agent is connected.
pub(super) async fn keep_running(
    services: &Services,
    home: &Home,
    agent: &AgentDir,
    show: &mut (dyn FnMut(SetupStep, StepStatus) + Send),
) -> Kept {
    let mut hints = Vec::new();
    let result = write_and_load(services, home, agent, show, &mut hints).await;
    let error = result.err().map(|error| {
        let label = agent.label();
        error.context(format!(
            "agent {label} is set up, but its service could not be started; `portlama agent service install --label {label}` tries again"
        ))
    });
    if error.is_none() {
        hints.extend(lingering(services).await);
        hints.extend(verify(agent, show).await);
    }
    let label = agent.label();
    Kept {
        service: json!({
            "manager": services.name(),
            "unit": services.unit(label),
            "file": services.file(label),
        }),
        hints,
        error,
    }
}

async fn write_and_load(
    services: &Services,
    home: &Home,
    agent: &AgentDir,
    show: &mut (dyn FnMut(SetupStep, StepStatus) + Send),
    hints: &mut Vec<String>,
) -> Result<()> {
    show(SetupStep::WriteService, StepStatus::Running);
    let written = wanted(home, agent).and_then(|(service, warning)| {
        hints.extend(warning);
        Ok(services.write(&service)?)
    });
    show(SetupStep::WriteService, ended(written.is_ok()));
    written?;
    show(SetupStep::LoadService, StepStatus::Running);
    let loaded = services.load(agent.label()).await;
    show(SetupStep::LoadService, ended(loaded.is_ok()));
    Ok(loaded?)
}

fn ended(well: bool) -> StepStatus {
    if well {
        StepStatus::Complete
    } else {
        StepStatus::Failed
    }
}

async fn lingering(services: &Services) -> Option<String> {
    let person = Person::oneself().ok()?;
    match services.linger(&person).await {
        Lingering::NotNeeded | Lingering::Already => None,
        Lingering::Begun => Some(format!(
            "your services start with the machine from here on, without a sign-in; `loginctl disable-linger {}` takes that back",
            person.name()
        )),
        Lingering::Refused { way_out } => Some(format!(
            "the agent starts when you sign in; so that it starts with the machine, run `{way_out}`"
        )),
    }
}

/// Waits for the agent's own word that it is connected.
async fn verify(
    agent: &AgentDir,
    show: &mut (dyn FnMut(SetupStep, StepStatus) + Send),
) -> Option<String> {
    show(SetupStep::VerifyRunning, StepStatus::Running);
    let can_connect = agent
        .config()
        .is_ok_and(|config| config.tunnel_server.is_some());
    let begun = Instant::now();
    let mut said = None;
    while begun.elapsed() < CONNECT_PATIENCE {
        let asked = ask::<AgentReport>(&agent.socket_path(), Ask::Status).await;
        if let Ok(report) = asked {
            if report.connection.connected || !can_connect {
                show(SetupStep::VerifyRunning, StepStatus::Complete);
                return None;
            }
            said = Some(report.connection.last_error);
        }
        sleep(PAUSE).await;
    }
    let Some(last_error) = said else {
        show(SetupStep::VerifyRunning, StepStatus::Failed);
        return Some(
            "the agent was started and does not answer: `portlama agent logs` shows why".to_owned(),
        );
    };
    show(SetupStep::VerifyRunning, StepStatus::Skipped);
    let why = last_error
        .map(|error| format!(" ({error})"))
        .unwrap_or_default();
    Some(format!(
        "the agent runs and is not connected yet{why}; it goes on trying"
    ))
}

/// Remembers how the way out is found, for a service that does not know this shell; returns what
/// could not be remembered.
pub(super) fn keep_environment(agent: &AgentDir) -> Result<Option<String>> {
    let (environment, hint) = way_out(|name| std::env::var(name).ok());
    agent.set_service_environment(SystemTime::now().into(), environment)?;
    Ok(hint)
}

fn way_out(
    variable: impl Fn(&str) -> Option<String>,
) -> (BTreeMap<String, String>, Option<String>) {
    let mut environment = BTreeMap::new();
    let mut hint = None;
    for (small, capital) in [("https_proxy", "HTTPS_PROXY"), ("no_proxy", "NO_PROXY")] {
        let Some(value) = variable(small).or_else(|| variable(capital)) else {
            continue;
        };
        if value.contains('@') {
            hint = Some(format!(
                "{capital} holds a password, which is not written into a service that others can read: give it to the service yourself"
            ));
        } else if !value.trim().is_empty() {
            environment.insert(capital.to_owned(), value);
        }
    }
    (environment, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_gets_the_proxy_and_never_its_password() {
        let shell = |name: &str| match name {
            "HTTPS_PROXY" => Some("http://proxy.example.org:3128".to_owned()),
            "no_proxy" => Some("intern.example".to_owned()),
            "NO_PROXY" => Some("other.example".to_owned()),
            _ => None,
        };
        let (environment, hint) = way_out(shell);
        assert_eq!(environment["HTTPS_PROXY"], "http://proxy.example.org:3128");
        assert_eq!(environment["NO_PROXY"], "intern.example");
        assert_eq!(hint, None);
        let secret = |name: &str| {
            (name == "HTTPS_PROXY").then(|| "http://me:hunter2@proxy.example.org:3128".to_owned())
        };
        let (environment, hint) = way_out(secret);
        assert!(environment.is_empty());
        let hint = hint.expect("a hint");
        assert!(!hint.contains("hunter2"), "{hint}");
        assert_eq!(way_out(|_| Some(" ".to_owned())).0, BTreeMap::new());
    }
}
