//! `portlama agent uninstall`.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use portlama_agent::service::{ServiceError, Services};
use portlama_agent::{AgentDir, ChooseError, Home, ProxySettings, remove_agent, revoke};
use portlama_model::AgentLabel;
use serde::Serialize;
use serde_json::json;

use super::service::{Managers, Whose};
use super::{Agents, machine, proxy};
use crate::output::Output;

/// Arguments of `portlama agent uninstall`.
#[derive(Debug, Args)]
#[command(after_help = "\
The service is stopped and removed, the server revokes the agent's certificate at once, and the
agent's directory goes. Files of the desktop program and other agents stay. The agent's tunnels
stay at the server.

Examples:
  portlama agent uninstall
      the only agent of this machine, after a question
  portlama agent uninstall --label attic --yes
      one of several, in a script
  sudo portlama agent uninstall --system
      an agent that is a service of the machine")]
pub(super) struct UninstallArguments {
    /// All agents of this machine.
    #[arg(long)]
    all: bool,
    /// Leave the certificate valid at the server; it goes from here all the same.
    #[arg(long)]
    keep_cert: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    whose: Whose,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Complete,
    Skipped,
    Warning,
    Failed,
}

/// A step that was done, or not.
#[derive(Debug, Serialize)]
struct Step {
    step: &'static str,
    status: Status,
    detail: Option<String>,
}

impl Step {
    fn new(step: &'static str, status: Status, detail: impl Into<Option<String>>) -> Self {
        Self {
            step,
            status,
            detail: detail.into(),
        }
    }
}

/// Takes agents away.
pub(super) async fn uninstall(arguments: UninstallArguments, agents: &Agents) -> Result<ExitCode> {
    if arguments.whose.system {
        return uninstall_for_another(&arguments, agents).await;
    }
    let labels = meant(&arguments, &agents.home, agents.label.as_ref())?;
    confirm(&arguments, &labels, agents.output)?;
    let proxy = proxy()?;
    let mut is_whole = true;
    let mut documents = Vec::new();
    for label in labels {
        let agent = agents.home.agent(&label);
        let steps = take_away(&arguments, &agents.home, &agent, proxy.as_ref()).await;
        is_whole &= steps.iter().all(|step| step.status != Status::Failed);
        if !agents.output.is_json() {
            show(&label, &steps, agents.output);
        }
        documents.push(json!({"label": label, "steps": steps}));
    }
    if agents.output.is_json() {
        agents.output.document(&json!({"agents": documents}));
    }
    Ok(if is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Which agents. The current one is no answer where there are several: what is gone is gone.
fn meant(
    arguments: &UninstallArguments,
    home: &Home,
    label: Option<&AgentLabel>,
) -> Result<Vec<AgentLabel>> {
    let known = home.registry()?.labels();
    match (label, known.as_slice()) {
        (Some(_), _) if arguments.all => bail!("--all and --label contradict each other"),
        // One that was half removed is still there in part.
        (Some(label), known) if known.contains(label) || home.agent(label).path().exists() => {
            Ok(vec![label.clone()])
        }
        (Some(label), _) => Err(ChooseError::Unknown {
            label: label.clone(),
            home: home.path().to_owned(),
            known,
        }
        .into()),
        (None, []) => Err(ChooseError::None {
            home: home.path().to_owned(),
        }
        .into()),
        (None, [_]) => Ok(known),
        (None, _) if arguments.all => Ok(known),
        (None, _) => Err(ChooseError::Several { known }.into()),
    }
}

fn confirm(arguments: &UninstallArguments, labels: &[AgentLabel], output: Output) -> Result<()> {
    if arguments.yes {
        return Ok(());
    }
    let names: Vec<_> = labels.iter().map(AgentLabel::as_str).collect();
    if !output.can_ask() {
        bail!(
            "nobody is there to ask whether {} should go: add --yes",
            names.join(", ")
        );
    }
    let question = format!(
        "Take {} away, with its key? Its certificate will be revoked.",
        names.join(", ")
    );
    if !output.confirm(question)? {
        bail!("nothing was changed");
    }
    Ok(())
}

/// Each step is tried whatever became of the one before, but for the files of an agent that runs
/// on.
async fn take_away(
    arguments: &UninstallArguments,
    home: &Home,
    agent: &AgentDir,
    proxy: Option<&ProxySettings>,
) -> Vec<Step> {
    let mut steps = vec![stop(home, agent).await];
    if steps[0].status == Status::Failed {
        return steps;
    }
    if let Err(running) = agent.lock()
        && agent.path().exists()
    {
        let way_out = format!("{running}: stop it first; nothing else was changed");
        steps.push(Step::new("remove_files", Status::Failed, way_out));
        return steps;
    }
    steps.push(end_certificate(arguments, agent, proxy).await);
    steps.push(remove_key(agent));
    steps.push(match remove_agent(home, agent) {
        Ok(()) => Step::new("remove_files", Status::Complete, None),
        Err(error) => Step::new(
            "remove_files",
            Status::Failed,
            format!("{:#}", anyhow::Error::from(error)),
        ),
    });
    steps
}

async fn stop(home: &Home, agent: &AgentDir) -> Step {
    const STEP: &str = "remove_service";
    let Ok(managers) = Managers::of_person(home) else {
        return Step::new(STEP, Status::Skipped, "there is none".to_owned());
    };
    if let Err(way_out) = managers.refuse_a_second(agent.label(), "uninstall", "uninstall") {
        return Step::new(STEP, Status::Failed, way_out.to_string());
    }
    removed(&managers.services, agent).await
}

async fn removed(services: &Services, agent: &AgentDir) -> Step {
    const STEP: &str = "remove_service";
    match services.remove(agent.label()).await {
        Ok(true) => Step::new(STEP, Status::Complete, services.unit(agent.label())),
        // One of the same name may be another's.
        Ok(false) | Err(ServiceError::Anothers { .. }) => {
            Step::new(STEP, Status::Skipped, "there is none".to_owned())
        }
        Err(error) => Step::new(
            STEP,
            Status::Failed,
            format!("{:#}", anyhow::Error::from(error)),
        ),
    }
}

async fn end_certificate(
    arguments: &UninstallArguments,
    agent: &AgentDir,
    proxy: Option<&ProxySettings>,
) -> Step {
    const STEP: &str = "revoke_certificate";
    if arguments.keep_cert {
        return Step::new(STEP, Status::Skipped, "--keep-cert".to_owned());
    }
    match revoke(agent, proxy).await {
        Ok(()) => Step::new(STEP, Status::Complete, None),
        Err(error) => {
            let way_out = format!(
                "the server did not revoke it ({error}): revoke {} in the panel under Certificates",
                agent
                    .config()
                    .map_or_else(|_| agent.label().clone(), |config| config.agent_label)
            );
            Step::new(STEP, Status::Warning, way_out)
        }
    }
}

/// A key in the desktop's credential store outlives the agent's directory.
fn remove_key(agent: &AgentDir) -> Step {
    const STEP: &str = "remove_credential";
    match agent.remove_keys() {
        Ok(()) => Step::new(STEP, Status::Complete, None),
        Err(error) => Step::new(
            STEP,
            Status::Warning,
            format!("the key is where it was ({:#})", anyhow::Error::from(error)),
        ),
    }
}

fn show(label: &AgentLabel, steps: &[Step], output: Output) {
    for step in steps {
        let title = match step.step {
            "remove_service" => "Stopping and removing the service",
            "revoke_certificate" => "Revoking the certificate at the server",
            "remove_credential" => "Removing the key",
            _ => "Removing the agent's files",
        };
        let mark = match step.status {
            Status::Complete => "✓",
            Status::Skipped => "-",
            Status::Warning => "!",
            Status::Failed => "✗",
        };
        let detail = step
            .detail
            .as_ref()
            .map(|text| format!(": {text}"))
            .unwrap_or_default();
        output.note(format_args!("{mark} {title}{detail}"));
    }
    if steps.iter().all(|step| step.status != Status::Failed) {
        output.data(format_args!("agent {label} is gone"));
    }
}

/// As root: the unit goes by this process, everything else by one of the person's own.
async fn uninstall_for_another(
    arguments: &UninstallArguments,
    agents: &Agents,
) -> Result<ExitCode> {
    machine::is_root()?;
    let person = machine::person(arguments.whose.user.as_deref())?;
    let home = machine::home(agents, &person);
    let services = Services::of_machine(&person, home.path())?;
    let labels = meant(arguments, &home, agents.label.as_ref())?;
    confirm(arguments, &labels, agents.output)?;
    for label in &labels {
        let step = removed(&services, &home.agent(label)).await;
        if step.status == Status::Failed {
            bail!("{}", step.detail.unwrap_or_default());
        }
    }
    let mut words = machine::same_words(std::env::args_os().skip(1));
    words.push(OsString::from("--yes"));
    if agents.output.is_json() {
        words.push("--json".into());
    }
    if !agents.home_was_named {
        words.extend(["--home".into(), home.path().into()]);
    }
    let mut child = machine::start_as(&person, words)?;
    let mut stdout = child.stdout.take().context("its answer")?;
    tokio::io::copy(&mut stdout, &mut tokio::io::stdout()).await?;
    let status = child.wait().await?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
