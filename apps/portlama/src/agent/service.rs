//! `portlama agent service`, and the end of a set-up: the system keeps the agent running.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum as _};
use portlama_agent::service::{Lingering, NoManager, Person, Service, Services, service_program};
use portlama_agent::{AgentDir, AgentReport, Ask, Home, SetupStep, StepStatus, ask};
use portlama_model::AgentLabel;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::run::Way;
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
      the same as a unit of the machine, which runs without anybody signed in
  portlama agent service install --transport websocket
      from here on in a WebSocket, in a network that opens TLS connections")]
pub(super) struct InstallArguments {
    /// How frames travel from here on [default: as before].
    #[arg(long, value_enum)]
    transport: Option<Way>,
    /// Keep what is said about the agent, and make no service: root has a process of the person's
    /// do this.
    #[arg(long, hide = true, conflicts_with = "system")]
    only_keep: bool,
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
        ServiceCommand::Install(arguments) => install(&arguments, agents).await,
        ServiceCommand::Remove(whose) => remove(&whose, agents).await,
        ServiceCommand::Restart(whose) => restart(&whose, agents).await,
    }
}

/// The services that are meant, and those that may keep the same agent already.
pub(super) struct Managers {
    pub(super) services: Services,
    other: Option<Services>,
}

impl Managers {
    /// The person's own are meant.
    pub(super) fn of_person(home: &Home) -> Result<Self, NoManager> {
        let machines = || Services::of_machine(&Person::oneself().ok()?, home.path()).ok();
        Ok(Self {
            services: Services::of_person(home.path())?,
            other: machines(),
        })
    }

    /// The machine's are meant.
    pub(super) fn of_machine(person: &Person, home: &Home) -> Result<Self, NoManager> {
        Ok(Self {
            services: Services::of_machine(person, home.path())?,
            other: Services::of_another(person, home.path()).ok(),
        })
    }

    /// An agent has one service: of two, one would end and be started again for ever, because the
    /// other holds the agent's lock. The way out are these words, where the other is the
    /// machine's or the person's own.
    pub(super) fn refuse_a_second(
        &self,
        label: &AgentLabel,
        machines: &str,
        own: &str,
    ) -> Result<()> {
        let Some(other) = self.other.as_ref().filter(|other| other.has(label)) else {
            return Ok(());
        };
        let unit = other.unit(label);
        if other.are_machines() {
            bail!(
                "{unit} is the machine's: run `{}`",
                typed(machines, label, true)
            );
        }
        bail!(
            "{unit} is the person's own: run `{}` as that person",
            typed(own, label, false)
        )
    }
}

/// What to type for an agent whose service is the machine's, or the person's own.
pub(super) fn typed(words: &str, label: &AgentLabel, of_machine: bool) -> String {
    if of_machine {
        format!("sudo portlama agent {words} --system --label {label}")
    } else {
        format!("portlama agent {words} --label {label}")
    }
}

/// The services that are meant, and the agents of the person they run as.
fn meant(whose: &Whose, agents: &Agents) -> Result<(Managers, Home)> {
    if !whose.system {
        let home = agents.home.clone();
        return Ok((Managers::of_person(&home)?, home));
    }
    machine::is_root()?;
    let person = machine::person(whose.user.as_deref())?;
    let home = machine::home(agents, &person);
    Ok((Managers::of_machine(&person, &home)?, home))
}

async fn install(arguments: &InstallArguments, agents: &Agents) -> Result<ExitCode> {
    if arguments.only_keep {
        keep_transport(arguments.transport, &agents.chosen()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let whose = &arguments.whose;
    let (managers, home) = meant(whose, agents)?;
    let agent = home.choose(agents.label.as_ref())?;
    managers.refuse_a_second(agent.label(), "service install", "service remove")?;
    let services = &managers.services;
    services.can_be_told()?;
    let hint = if whose.system {
        if let Some(way) = arguments.transport {
            keep_transport_as(&machine::person(whose.user.as_deref())?, way, &home, &agent).await?;
        }
        None
    } else {
        keep_transport(arguments.transport, &agent)?;
        keep_environment(&agent)?
    };
    let mut show = |step, status| super::setup::show(step, status, agents.output);
    let mut done = keep_running(&managers, &home, &agent, &mut show).await;
    done.hints.extend(hint);
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

fn keep_transport(way: Option<Way>, agent: &AgentDir) -> Result<()> {
    if let Some(way) = way {
        agent.set_transport(SystemTime::now().into(), way.into())?;
    }
    Ok(())
}

/// As root, in a process of the person's own.
async fn keep_transport_as(person: &Person, way: Way, home: &Home, agent: &AgentDir) -> Result<()> {
    let way = way.to_possible_value();
    let way = way.as_ref().map_or("auto", |way| way.get_name());
    let label = agent.label().as_str();
    let words = [
        "service",
        "install",
        "--only-keep",
        "--transport",
        way,
        "--label",
        label,
        "--home",
    ];
    let words = words.iter().map(OsString::from);
    let mut child = machine::start_as(person, words.chain([home.path().into()]))?;
    if !child.wait().await?.success() {
        bail!("how frames travel could not be kept");
    }
    Ok(())
}

async fn remove(whose: &Whose, agents: &Agents) -> Result<ExitCode> {
    let (managers, home) = meant(whose, agents)?;
    let agent = home.choose(agents.label.as_ref())?;
    managers.refuse_a_second(agent.label(), "service remove", "service remove")?;
    let services = managers.services;
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
    let (managers, home) = meant(whose, agents)?;
    let agent = home.choose(agents.label.as_ref())?;
    managers.refuse_a_second(agent.label(), "service restart", "service restart")?;
    let services = managers.services;
    if !services.has(agent.label()) {
        let label = agent.label();
        bail!(
            "there is no service of {label}: make one with `{}`",
            typed("service install", label, services.are_machines())
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
pub(super) fn of(home: &Home, agent: &AgentDir) -> Option<Services> {
    let Managers { services, other } = Managers::of_person(home).ok()?;
    let mut both = std::iter::once(services).chain(other);
    both.find(|services| services.has(agent.label()))
}

/// What `status` and `list` tell of the service.
pub(super) async fn describe(home: &Home, agent: &AgentDir) -> Option<Value> {
    let services = of(home, agent)?;
    let mut document = json!({
        "manager": services.name(),
        "unit": services.unit(agent.label()),
        "file": services.file(agent.label()),
        "system": services.are_machines(),
    });
    let state = match services.state(agent.label()).await {
        Ok(state) => json!(state),
        Err(error) => json!({"words": error.to_string()}),
    };
    if let (Some(document), Value::Object(state)) = (document.as_object_mut(), state) {
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
    managers: &Managers,
    home: &Home,
    agent: &AgentDir,
    show: &mut (dyn FnMut(SetupStep, StepStatus) + Send),
) -> Kept {
    let (services, label) = (&managers.services, agent.label());
    let second = managers.refuse_a_second(label, "service install", "service remove");
    if let Err(second) = second {
        return Kept {
            service: Value::Null,
            hints: Vec::new(),
            error: Some(second.context(format!("agent {label} is set up"))),
        };
    }
    let mut hints = Vec::new();
    let result = write_and_load(services, home, agent, show, &mut hints).await;
    let error = result.err().map(|error| {
        error.context(format!(
            "agent {label} is set up, but its service could not be started; `{}` tries again",
            typed("service install", label, services.are_machines())
        ))
    });
    if error.is_none() {
        hints.extend(lingering(services).await);
        hints.extend(verify(agent, show).await);
    }
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
