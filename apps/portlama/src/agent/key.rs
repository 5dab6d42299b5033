//! `portlama agent key`.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use portlama_agent::{
    AgentDir, Ask, AskError, CREDENTIAL_SERVICE, KeyStoreKind, Renewed, ask, certificate_of,
    move_key,
};
use serde_json::json;

use super::Agents;
use crate::output::Output;

/// Arguments of `portlama agent key`.
#[derive(Debug, Args)]
#[command(after_help = "\
A running agent renews its certificate by itself, with a new key, 60 days before it ends.

Examples:
  portlama agent key
      where the key is kept, and until when its certificate holds
  portlama agent key --store system
      moves the key into the credential store of the desktop: an agent that starts with the
      machine then waits until somebody is signed in
  portlama agent key --store file
      moves it back into a file that you alone can read
  portlama agent key --renew
      a new key and certificate at once, without cutting a connection")]
pub(super) struct KeyArguments {
    /// Move the key into a `file`, or into the credential store of the `system`.
    #[arg(long, value_name = "STORE")]
    store: Option<KeyStoreKind>,
    /// Have the running agent renew key and certificate at once.
    #[arg(long)]
    renew: bool,
}

/// Shows the key's place and the certificate's end, after doing what was asked.
pub(super) async fn key(arguments: KeyArguments, agents: &Agents) -> Result<ExitCode> {
    let agent = agents.chosen()?;
    if let Some(kind) = arguments.store {
        move_to(&agent, kind, agents.output)?;
    }
    if arguments.renew {
        renew(&agent, agents.output).await?;
    }
    show(&agent, agents.output)?;
    Ok(ExitCode::SUCCESS)
}

fn move_to(agent: &AgentDir, kind: KeyStoreKind, output: Output) -> Result<()> {
    let moved = move_key(agent, kind, std::time::SystemTime::now().into())
        .with_context(|| format!("the key of {} was not moved", agent.label()))?;
    if !moved {
        output.note(format_args!("the key is kept there already: {kind}"));
    }
    Ok(())
}

async fn renew(agent: &AgentDir, output: Output) -> Result<()> {
    output.note("asking the server for a new certificate…");
    let answer: Result<Renewed, AskError> = ask(&agent.socket_path(), Ask::Renew).await;
    let renewed = answer.context("the running agent renews its certificate")?;
    if let Some(failure) = renewed.failure {
        bail!("{failure}");
    }
    Ok(())
}

fn show(agent: &AgentDir, output: Output) -> Result<()> {
    let kind = agent.key_store_kind()?;
    let certificate = certificate_of(agent)?;
    if output.is_json() {
        output.document(&json!({
            "label": agent.label(),
            "keyStore": kind,
            "certificateExpiresAt": certificate.expires_at,
            "certificateRenewsAt": certificate.renews_at,
            "serial": certificate.serial,
        }));
        return Ok(());
    }
    let place = match kind {
        KeyStoreKind::File => agent.path().join("client.key").display().to_string(),
        KeyStoreKind::System => {
            format!("the system's credential store, service {CREDENTIAL_SERVICE}")
        }
    };
    output.data(format_args!("key          {place}"));
    output.data(format_args!(
        "certificate  {}, ends at {}, renewed by itself at {}",
        certificate.serial, certificate.expires_at, certificate.renews_at
    ));
    Ok(())
}
