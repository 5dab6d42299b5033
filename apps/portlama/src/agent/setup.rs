//! `portlama agent setup`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use clap::Args;
use portlama_agent::service::NoManager;
use portlama_agent::{
    Credential, Home, KeyStoreKind, SetUp, SetupRequest, SetupSecret, SetupStep, StepStatus,
    TokenError, parse_fingerprint,
};
use portlama_api::client::PanelUrl;
use portlama_model::{AgentLabel, CaFingerprint, Secret};
use portlama_pki::{ClientFile, MAX_CLIENT_FILE_BYTES};
use portlama_tunnel::Transport;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::run::Way;
use super::service::{self, Kept, Managers, Whose};
use super::{Agents, machine, proxy};
use crate::output::Output;
use crate::secret::read_secret;

/// Holds the token where neither a person nor a pipe gives it.
const TOKEN_VARIABLE: &str = "PORTLAMA_ENROLLMENT_TOKEN";
/// Holds the password of a P12 file where neither a person nor a pipe gives it.
const PASSWORD_VARIABLE: &str = "PORTLAMA_P12_PASSWORD";

/// What is read of the set-up in a process of another person, bytes: about forty lines.
const MAX_EVENT_BYTES: u64 = 1024 * 1024;

/// Arguments of `portlama agent setup`.
#[derive(Debug, Args)]
#[command(after_help = "\
The token comes from the environment variable PORTLAMA_ENROLLMENT_TOKEN, else from standard
input, else it is asked for. It is never an argument, because those can be seen by others. The
same holds for the password of a P12 file and PORTLAMA_P12_PASSWORD.

Where the system runs services, it keeps the agent running from here on: systemd as your own
unit, or with --system as one of the machine; launchd on macOS.

Examples:
  portlama agent setup --panel-url https://198.51.100.23:9292
      asks for the token that the panel shows under Certificates
  portlama agent setup --panel-url https://panel.example.org --label attic < token.txt
      the same from a file, under a name of your own on this machine
  portlama agent setup --panel-url https://198.51.100.23:9292 --p12 attic.p12
      with the file of an agent that the panel made; asks for its password
  portlama agent setup --panel-url https://198.51.100.23:9292 --key-store system
      keeps the key in the credential store of the desktop, for an agent that runs when
      somebody is signed in
  sudo portlama agent setup --system --panel-url https://panel.example.org
      the agent is yours, and a unit of the machine keeps it running
  portlama agent setup --no-service --panel-url https://panel.example.org
      in a container, whose own command is `portlama agent run`")]
pub(super) struct SetupArguments {
    /// The server's panel, https://HOST or https://HOST:PORT.
    #[arg(long, value_name = "URL")]
    panel_url: PanelUrl,
    /// The fingerprint of the server's certificate authority; needed with a bare token only.
    #[arg(long, value_name = "HEX", value_parser = parse_fingerprint)]
    fingerprint: Option<CaFingerprint>,
    /// The file of an agent that the panel made, instead of a token.
    #[arg(long, value_name = "FILE", conflicts_with = "fingerprint")]
    p12: Option<PathBuf>,
    /// Where the private key is kept: in a `file` that you alone can read, or in the credential
    /// store of the `system` [default: file; on macOS system].
    #[arg(long, value_name = "STORE", default_value_t, hide_default_value = true)]
    key_store: KeyStoreKind,
    /// Allow every port of this machine at once, not one by one.
    #[arg(long)]
    allow_loopback: bool,
    /// Replace an agent of the same label without asking.
    #[arg(long)]
    force: bool,
    /// How frames travel [default: as before, else `auto`].
    #[arg(long, value_enum)]
    transport: Option<Way>,
    /// Leave it to you to keep the agent running.
    #[arg(long, conflicts_with = "system")]
    no_service: bool,
    #[command(flatten)]
    whose: Whose,
}

/// Sets the agent up.
pub(super) async fn setup(arguments: SetupArguments, agents: &Agents) -> Result<ExitCode> {
    let output = agents.output;
    let done = if arguments.whose.system {
        set_up_for_another(&arguments, agents).await
    } else {
        set_up_as_oneself(arguments, agents).await
    };
    match done {
        Ok(done) => {
            report(&done, output);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) if output.is_json() => {
            let message = format!("{error:#}");
            output.document(&json!({"event": "error", "message": message, "recoverable": false}));
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error),
    }
}

/// Returns the last line that programs read.
async fn set_up_as_oneself(arguments: SetupArguments, agents: &Agents) -> Result<Value> {
    let managers = (!arguments.no_service).then(|| own_managers(&agents.home));
    if let Some(Ok(managers)) = &managers {
        refuse_a_second(managers, &arguments, agents)?;
    }
    let done = try_to_set_up(arguments, agents).await?;
    let mut document = complete(&done);
    add_hints(&mut document, service::keep_environment(&done.agent)?);
    let kept = match managers {
        None => return Ok(document),
        Some(Ok(managers)) => {
            let mut progress = |step, status| show(step, status, agents.output);
            service::keep_running(&managers, &agents.home, &done.agent, &mut progress).await
        }
        Some(Err(none)) => {
            show(SetupStep::WriteService, StepStatus::Skipped, agents.output);
            Kept::none(&none)
        }
    };
    add(&mut document, kept)?;
    Ok(document)
}

/// The person's own, if something can be told to them from here.
fn own_managers(home: &Home) -> Result<Managers, NoManager> {
    let managers = Managers::of_person(home)?;
    managers.services.can_be_told()?;
    Ok(managers)
}

/// Before the token is spent, where it is known which agent it will be.
fn refuse_a_second(managers: &Managers, arguments: &SetupArguments, agents: &Agents) -> Result<()> {
    let Some(label) = &agents.label else {
        return Ok(());
    };
    let again = format!("setup --panel-url {}", arguments.panel_url);
    managers.refuse_a_second(label, &again, "service remove")
}

/// As root: the agent is made as the person whose it will be, by a process of the person's own,
/// and the unit by this one.
async fn set_up_for_another(arguments: &SetupArguments, agents: &Agents) -> Result<Value> {
    let whose = &arguments.whose;
    machine::is_root()?;
    if arguments.key_store != KeyStoreKind::File {
        bail!(
            "a service of the machine cannot open the credential store of a desktop: leave --key-store out"
        );
    }
    let person = machine::person(whose.user.as_deref())?;
    let home = machine::home(agents, &person);
    let managers = Managers::of_machine(&person, &home)?;
    refuse_a_second(&managers, arguments, agents)?;
    let mut words = machine::same_words(std::env::args_os().skip(1));
    words.extend(["--no-service".into(), "--json".into()]);
    if !agents.home_was_named {
        words.extend(["--home".into(), home.path().into()]);
    }
    let mut child = machine::start_as(&person, words)?;
    let stdout = child.stdout.take().context("its answer")?;
    let mut lines = BufReader::new(stdout.take(MAX_EVENT_BYTES)).lines();
    let mut document = Value::Null;
    while let Some(line) = lines.next_line().await? {
        let event: Value = serde_json::from_str(&line).context("an answer of another form")?;
        match event["event"].as_str() {
            Some("step") => show(
                serde_json::from_value(event["step"].clone())?,
                serde_json::from_value(event["status"].clone())?,
                agents.output,
            ),
            Some("error") => bail!("{}", event["message"].as_str().unwrap_or("it failed")),
            _ => document = event,
        }
    }
    child.wait().await?;
    let label = document["agent"]["label"].as_str();
    let label: AgentLabel = label.context("the set-up ended before its end")?.parse()?;
    let mut progress = |step, status| show(step, status, agents.output);
    let kept = service::keep_running(&managers, &home, &home.agent(&label), &mut progress).await;
    add(&mut document, kept)?;
    Ok(document)
}

fn add(document: &mut Value, kept: Kept) -> Result<()> {
    document["service"] = kept.service;
    add_hints(document, kept.hints);
    kept.error.map_or(Ok(()), Err)
}

fn add_hints(document: &mut Value, more: impl IntoIterator<Item = String>) {
    if let Some(hints) = document["hints"].as_array_mut() {
        hints.extend(more.into_iter().map(Value::from));
    }
}

async fn try_to_set_up(arguments: SetupArguments, agents: &Agents) -> Result<SetUp> {
    let output = agents.output;
    let replace = arguments.force || confirm_replacement(agents)?;
    let credential = match &arguments.p12 {
        Some(path) => Credential::File(Box::new(open_file(path, output)?)),
        None => Credential::Token(read_token(arguments.fingerprint.as_ref(), output)?),
    };
    let proxy = proxy()?.and_then(|proxy| proxy.on_the_way_to(arguments.panel_url.host()));
    let request = SetupRequest {
        panel: arguments.panel_url,
        credential,
        key_store: arguments.key_store,
        label: agents.label.clone(),
        replace,
        allow_loopback: arguments.allow_loopback,
        transport: arguments.transport.map(Transport::from),
        proxy,
    };
    let mut progress = |step, status| show(step, status, output);
    let now = SystemTime::now().into();
    Ok(Box::pin(portlama_agent::setup(
        &agents.home,
        request,
        now,
        &mut progress,
    ))
    .await?)
}

/// Whether the person at the terminal lets an agent of the same label be replaced.
fn confirm_replacement(agents: &Agents) -> Result<bool> {
    let Some(label) = &agents.label else {
        return Ok(false);
    };
    if !agents.home.agent(label).exists() || !agents.output.can_ask() {
        return Ok(false);
    }
    let question = format!("An agent called {label} is set up already. Replace it?");
    if !agents.output.confirm(question)? {
        bail!("nothing was changed");
    }
    Ok(true)
}

fn read_token(
    fingerprint: Option<&CaFingerprint>,
    output: Output,
) -> Result<SetupSecret, anyhow::Error> {
    let text = read_secret("Enrolment token", TOKEN_VARIABLE, output)?;
    SetupSecret::parse(text.expose(), fingerprint).map_err(|error| match error {
        TokenError::Missing => {
            anyhow::anyhow!("{error}, and give it on standard input or in {TOKEN_VARIABLE}")
        }
        other => other.into(),
    })
}

fn open_file(path: &Path, output: Output) -> Result<ClientFile> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| {
            // One octet more than is taken, which tells that there are more.
            let limit = MAX_CLIENT_FILE_BYTES as u64 + 1;
            file.take(limit).read_to_end(&mut bytes)
        })
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    let name = format!("Password of {}", path.display());
    let password = read_secret(&name, PASSWORD_VARIABLE, output)?;
    let password = Secret::new(password.expose().trim_end_matches(['\r', '\n']));
    ClientFile::open(&bytes, &password)
        .with_context(|| format!("`{}` cannot be used", path.display()))
}

pub(super) fn show(step: SetupStep, status: StepStatus, output: Output) {
    if output.is_json() {
        output.document(&json!({"event": "step", "step": step, "status": status}));
        return;
    }
    match status {
        StepStatus::Running => {}
        StepStatus::Complete => output.note(format_args!("✓ {}", step.title())),
        StepStatus::Skipped => output.note(format_args!("- {}: later", step.title())),
        StepStatus::Failed => output.note(format_args!("✗ {}", step.title())),
    }
}

fn complete(done: &SetUp) -> Value {
    let SetUp {
        agent,
        config,
        hints,
    } = done;
    json!({
        "event": "complete",
        "agent": {
            "label": config.label,
            "agentLabel": config.agent_label,
            "panelUrl": config.panel_url,
            "authMethod": config.auth_method,
            "caFingerprint": config.ca_fingerprint,
            "domain": config.domain,
            "tunnelServer": config.tunnel_server,
            "directory": agent.path(),
        },
        "hints": hints,
        "service": null,
    })
}

fn report(document: &Value, output: Output) {
    if output.is_json() {
        output.document(document);
        return;
    }
    let hints = document["hints"].as_array().into_iter().flatten();
    for hint in hints.filter_map(Value::as_str) {
        output.note(format_args!("note: {hint}"));
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    output.data(format_args!(
        "agent {} is set up in {}",
        text(&document["agent"]["label"]),
        text(&document["agent"]["directory"])
    ));
    if document["service"].is_null() {
        output.note("next: `portlama agent run`, and `portlama agent expose PORT`");
    } else {
        output.note(format_args!(
            "{} keeps {} running; next: `portlama agent expose PORT`",
            text(&document["service"]["manager"]),
            text(&document["service"]["unit"])
        ));
    }
}
