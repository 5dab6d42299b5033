//! `portlama agent`: the side behind the router.

mod allowed;
mod discover;
mod expose;
mod key;
mod list;
mod logs;
mod machine;
mod run;
mod service;
mod setup;
mod site;
mod status;
mod tunnel;
mod uninstall;
mod update;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use portlama_agent::{AgentDir, Ask, AskError, Home, ProxySettings, Reloaded, ask};
use portlama_model::AgentLabel;

use crate::output::{Output, table};

/// The agent on the machine behind the router.
#[derive(Debug, Args)]
pub(crate) struct AgentCommand {
    /// The agent that is meant, where there are several [default: the current one].
    #[arg(long, global = true, value_name = "LABEL")]
    label: Option<AgentLabel>,
    /// The directory that holds the agents of this machine [default: ~/.portlama].
    #[arg(long, global = true, value_name = "DIR", env = "PORTLAMA_HOME")]
    home: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make this machine an agent of a server, with a token or a file from its panel.
    Setup(setup::SetupArguments),
    /// Keep the tunnel up until SIGINT or SIGTERM.
    Run(run::RunArguments),
    /// Say how the running agent is; exit code 3 when it is not connected.
    #[command(after_help = status::EXAMPLES)]
    Status,
    /// Find the services of this machine that could have a host name.
    Discover(discover::DiscoverArguments),
    /// Give a service of this machine a host name, and print its URL.
    Expose(expose::ExposeArguments),
    /// Make, list and remove tunnels.
    #[command(subcommand)]
    Tunnel(tunnel::TunnelCommand),
    /// List static sites, and send a folder to one.
    #[command(subcommand)]
    Site(site::SiteCommand),
    /// Show the certificate and where its key is kept; renew the one, move the other.
    Key(key::KeyArguments),
    /// Let the server reach a service at home. Nothing is reachable unless it is allowed.
    Allow(allowed::AllowArguments),
    /// Shut a tunnel port again; its open connections end at once.
    Deny(allowed::DenyArguments),
    /// List what the server may reach.
    #[command(after_help = allowed::LIST_EXAMPLES)]
    Allowed,
    /// List the agents of this machine.
    #[command(after_help = list::EXAMPLES)]
    List,
    /// Choose the agent that is meant when no --label is given.
    Switch(list::SwitchArguments),
    /// Show the agent's log.
    Logs(logs::LogsArguments),
    /// Go by what the server has now, and by a program or service that was replaced.
    #[command(after_help = update::EXAMPLES)]
    Update,
    /// Let the system keep the agent running, or not.
    #[command(subcommand)]
    Service(service::ServiceCommand),
    /// Take the agent away: its service, its certificate at the server, its files.
    Uninstall(uninstall::UninstallArguments),
}

/// Carries the command out.
pub(crate) async fn run(command: AgentCommand, output: Output) -> Result<ExitCode> {
    let home_was_named = command.home.is_some();
    let agents = Agents {
        home: home(command.home)?,
        home_was_named,
        label: command.label,
        output,
    };
    match command.action {
        Action::Setup(arguments) => setup::setup(arguments, &agents).await,
        Action::Run(arguments) => run::run(arguments, &agents).await,
        Action::Status => status::status(&agents).await,
        Action::Discover(arguments) => discover::discover(arguments, &agents).await,
        Action::Expose(arguments) => expose::expose(arguments, &agents).await,
        Action::Tunnel(command) => tunnel::run(command, &agents).await,
        Action::Site(command) => site::run(command, &agents).await,
        Action::Key(arguments) => key::key(arguments, &agents).await,
        Action::Allow(arguments) => allowed::allow(arguments, &agents).await,
        Action::Deny(arguments) => allowed::deny(arguments, &agents).await,
        Action::Allowed => allowed::list(&agents),
        Action::List => list::list(&agents).await,
        Action::Switch(arguments) => list::switch(&arguments, &agents),
        Action::Logs(arguments) => logs::logs(arguments, &agents).await,
        Action::Update => update::update(&agents).await,
        Action::Service(command) => service::run(command, &agents).await,
        Action::Uninstall(arguments) => uninstall::uninstall(arguments, &agents).await,
    }
}

fn home(given: Option<PathBuf>) -> Result<Home> {
    match given.filter(|path| !path.as_os_str().is_empty()) {
        Some(path) => {
            let path = std::path::absolute(&path)
                .with_context(|| format!("`{}` is no path", path.display()))?;
            Ok(Home::at(path))
        }
        None => Home::of_user().context("this user has no home directory: name one with --home"),
    }
}

/// What every command needs to know.
struct Agents {
    home: Home,
    /// Whether the caller said where.
    home_was_named: bool,
    label: Option<AgentLabel>,
    output: Output,
}

impl Agents {
    /// The agent that is meant.
    fn chosen(&self) -> Result<AgentDir> {
        Ok(self.home.choose(self.label.as_ref())?)
    }
}

/// The proxy of the environment. The spellings in small letters win, as in curl.
fn proxy() -> Result<Option<ProxySettings>> {
    let variable = |small: &str, capital: &str| {
        std::env::var(small)
            .or_else(|_| std::env::var(capital))
            .unwrap_or_default()
    };
    ProxySettings::parse(
        &variable("https_proxy", "HTTPS_PROXY"),
        &variable("no_proxy", "NO_PROXY"),
    )
    .context("the environment variable HTTPS_PROXY cannot be used")
}

/// Tells a running agent to go by its changed list at once, and says whether there is one.
async fn reload(agent: &AgentDir, output: Output) -> bool {
    let answer = ask::<Reloaded>(&agent.socket_path(), Ask::Reload).await;
    match &answer {
        Ok(Reloaded { cut: 0 }) => output.note("the running agent goes by it now"),
        Ok(Reloaded { cut: 1 }) => {
            output.note("the running agent goes by it now; 1 open connection was ended")
        }
        Ok(Reloaded { cut }) => {
            output.note(format_args!(
                "the running agent goes by it now; {cut} open connections were ended"
            ));
        }
        Err(AskError::NotRunning) => {
            output.note("the agent is not running: it will go by it when it starts")
        }
        Err(error) => output.note(format_args!(
            "a running agent goes by it within a second ({error})"
        )),
    }
    !matches!(answer, Err(AskError::NotRunning))
}
