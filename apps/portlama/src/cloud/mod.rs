//! `portlama cloud`: servers at DigitalOcean, and the list of servers.

mod add;
mod create;
mod credentials;
mod destroy;
mod health;
mod leftovers;
mod list;
mod open;
mod place;
mod progress;
mod regions;
mod remove;
mod token;

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};
use portlama_cloud::digitalocean::DigitalOceanError;

use crate::output::Output;
use place::PlaceArguments;

/// Servers in the cloud, and the list of all servers of this person.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portlama cloud token set
      once: asks for a token of DigitalOcean, looks at what it may, and keeps it
  portlama cloud regions
      where a server can stand, nearest first
  portlama cloud create --label home
      a server in the nearest region, in three to five minutes, for about 4 USD a month
  portlama cloud open home
      its panel, in the browser
  portlama cloud destroy home
      the end of it, and of what it costs")]
pub(crate) struct CloudCommand {
    #[command(flatten)]
    place: PlaceArguments,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Keep, look at, or forget the token for DigitalOcean.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// List where a server can stand, nearest first.
    #[command(after_help = regions::EXAMPLES)]
    Regions,
    /// Make a server at DigitalOcean.
    Create(create::CreateArguments),
    /// List the servers.
    #[command(after_help = list::EXAMPLES)]
    List,
    /// Ask servers whether they are well.
    #[command(alias = "status")]
    Health(health::HealthArguments),
    /// Choose the server that is meant when none is named.
    #[command(alias = "switch")]
    Use(list::UseArguments),
    /// Call a server something else.
    Rename(list::RenameArguments),
    /// Open a server's panel in the browser.
    Open(open::OpenArguments),
    /// Show where the admin's certificate of a server lies, and its password, on a terminal.
    Credentials(credentials::CredentialsArguments),
    /// Take up a server that stands already.
    Add(add::AddArguments),
    /// Find what a set-up that was cut short has left, and remove it after a question.
    Leftovers(leftovers::LeftoversArguments),
    /// Delete a server's droplet, with everything on it and here.
    Destroy(destroy::DestroyArguments),
    /// Take a server out of the list, with the admin's certificate here. The server keeps running.
    Remove(remove::RemoveArguments),
}

/// Carries the command out.
pub(crate) async fn run(command: CloudCommand, output: Output) -> Result<ExitCode> {
    let place = command.place.open(output)?;
    place.move_old_passwords().await;
    match command.action {
        Action::Token(command) => token::run(command, &place).await,
        Action::Regions => regions::regions(&place).await,
        Action::Create(arguments) => create::create(arguments, &place).await,
        Action::Health(arguments) => health::health(&arguments, &place).await,
        Action::Add(arguments) => add::add(&arguments, &place).await,
        Action::Leftovers(arguments) => leftovers::leftovers(&arguments, &place).await,
        Action::Destroy(arguments) => destroy::destroy(&arguments, &place).await,
        Action::List => list::list(&place),
        Action::Use(arguments) => list::use_(&arguments, &place),
        Action::Rename(arguments) => list::rename(&arguments, &place),
        Action::Open(arguments) => open::open(&arguments, &place),
        Action::Credentials(arguments) => credentials::show(&arguments, &place).await,
        Action::Remove(arguments) => remove::remove(&arguments, &place).await,
    }
}

/// An error of DigitalOcean's with what helps.
fn with_advice(error: DigitalOceanError) -> anyhow::Error {
    match error.advice() {
        Some(advice) => anyhow!("{error}; {advice}"),
        None => error.into(),
    }
}
