//! One binary, its roles as subcommands. Little lives here: arguments, wiring, exit codes.
#![forbid(unsafe_code)]

mod agent;
mod cloud;
mod demo;
mod logging;
mod output;
#[cfg(feature = "pages")]
mod pages;
mod part_logs;
mod secret;
mod server;
mod signals;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::output::Output;

/// Puts https://app.example.com in front of an app behind a router: a server with a public
/// address, an agent at home, and a sign-in in between.
// The text is the command's own help, which knows no markup.
#[allow(rustdoc::bare_urls)]
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    after_help = "\
Examples:
  portlama demo
      the whole system on this machine, to look at
  portlama cloud create
      a server at DigitalOcean; `portlama cloud token set` first
  portlama server init --ip 198.51.100.23 && portlama server run
      a server
  portlama agent setup --panel-url https://198.51.100.23:9292
      the machine behind the router; asks for the token that the panel shows"
)]
struct Arguments {
    /// Write data as JSON: one document, or one a line for progress.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole system on this machine, on loopback and without root.
    Demo(demo::DemoArguments),
    /// The side with the public address.
    #[command(subcommand)]
    Server(server::ServerCommand),
    /// The side behind the router.
    Agent(agent::AgentCommand),
    /// Servers at DigitalOcean, without SSH: made, looked after, removed.
    Cloud(cloud::CloudCommand),
}

fn main() -> ExitCode {
    #[cfg(feature = "pages")]
    if let Some(written) = pages::write_if_asked() {
        return written;
    }
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output.note(format_args!("error: cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(dispatch(arguments.command, output));
    // A thread that still waits for standard input must not keep the process.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(error) => {
            output.note(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(arguments) => demo::run(arguments, output).await,
        Command::Server(command) => server::run(command, output).await,
        Command::Agent(command) => agent::run(command, output).await,
        Command::Cloud(command) => cloud::run(command, output).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Each command that does something, by its words, with its help.
    fn helps(command: &mut clap::Command, words: &str) -> Vec<(String, String)> {
        let words = format!("{words} {}", command.get_name());
        let mut all = Vec::new();
        if command.has_subcommands() {
            let visible = |command: &&mut clap::Command| !command.is_hide_set();
            for command in command.get_subcommands_mut().filter(visible) {
                all.extend(helps(command, &words));
            }
        } else {
            all.push((words, command.render_long_help().to_string()));
        }
        all
    }

    #[test]
    fn every_command_shows_examples() {
        let helps = helps(&mut Arguments::command(), "");
        assert!(helps.len() > 30, "{helps:?}");
        let without = |(_, help): &&(String, String)| !help.contains("\nExamples:\n  ");
        let without: Vec<_> = helps
            .iter()
            .filter(without)
            .map(|(words, _)| words)
            .collect();
        assert_eq!(without, Vec::<&String>::new());
    }
}
