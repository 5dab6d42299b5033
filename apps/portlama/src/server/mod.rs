//! `portlama server`: the side with the public address.

mod acme;
mod at_rest;
mod auth_host;
mod backup;
mod carriers;
mod doors;
mod helper;
mod inherited;
mod init;
mod install;
mod installed;
mod keys;
mod listen;
mod local;
mod meter;
mod new_server;
mod reset_admin;
mod restore;
mod run;
mod status;
mod steps;
mod uninstall;
mod upgrade;

use std::process::ExitCode;

use clap::Subcommand;

use crate::output::Output;

pub(crate) use init::InitArguments;
pub(crate) use reset_admin::ResetAdminArguments;
pub(crate) use run::RunArguments;
pub(crate) use status::StatusArguments;

/// The server on the machine with the public address.
#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// Make a new server in a state directory: its authority, the admin's certificate, its state.
    Init(InitArguments),
    /// Make a serving, hardened server of this machine, as root.
    Install(install::InstallArguments),
    /// Carry one order of the server out, as root. systemd starts it.
    #[command(hide = true)]
    Helper,
    /// Do one thing as the owner of a state directory whose server does not run.
    #[command(hide = true)]
    AtRest(at_rest::AtRestArguments),
    /// Replace an installed server by another version, and back when that does not serve, as root.
    Upgrade(upgrade::UpgradeArguments),
    /// Take back what `install` added to this machine, as root.
    Uninstall(uninstall::UninstallArguments),
    /// Serve a state directory until SIGINT or SIGTERM.
    Run(RunArguments),
    /// Say how the server is.
    Status(StatusArguments),
    /// Make an encrypted copy of everything, or check one; the server may run.
    Backup(backup::BackupArguments),
    /// Bring a server back from a backup, on this machine or another.
    Restore(restore::RestoreArguments),
    /// Make a new admin certificate, when every other way in is lost.
    ResetAdmin(ResetAdminArguments),
}

/// Carries the command out.
pub(crate) async fn run(command: ServerCommand, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        ServerCommand::Init(arguments) => init::init(arguments, output),
        ServerCommand::Helper => helper::run(output).await,
        ServerCommand::AtRest(arguments) => at_rest::run(arguments, output).await,
        ServerCommand::Install(arguments) => install::run(arguments, output).await,
        ServerCommand::ResetAdmin(arguments) => reset_admin::run(&arguments, output).await,
        ServerCommand::Backup(arguments) => backup::run(arguments, output).await,
        ServerCommand::Restore(arguments) => restore::run(arguments, output).await,
        ServerCommand::Status(arguments) => status::run(&arguments, output).await,
        ServerCommand::Upgrade(arguments) => upgrade::run(&arguments, output),
        ServerCommand::Uninstall(arguments) => uninstall::run(&arguments, output),
        ServerCommand::Run(arguments) => run::run(arguments, output).await,
    }
}
