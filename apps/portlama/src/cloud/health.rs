//! `portlama cloud health`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use portlama_cloud::ServerLabel;
use portlama_cloud::health::{self, Health};
use portlama_cloud::registry::ServerEntry;
use serde_json::{Value, json};
use uuid::Uuid;

use super::place::Place;
use crate::output::{Output, table};
use crate::signals::asked_to_stop;

/// Exit code when a server is not well.
const OFFLINE: u8 = 3;

/// Arguments of `portlama cloud health`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit code: 0 all are well, 3 one is not, 1 anything else.

Examples:
  portlama cloud health
      all servers
  portlama cloud health home --json
      one, for programs
  portlama cloud health --watch
      all of them every 30 seconds, until Ctrl-C")]
pub(super) struct HealthArguments {
    /// The server [default: all].
    label: Option<String>,
    /// Go on asking, and write a line for each answer.
    #[arg(long)]
    watch: bool,
}

/// Asks servers how they are.
pub(super) async fn health(arguments: &HealthArguments, place: &Place) -> Result<ExitCode> {
    let servers = place.home.registry().read()?;
    let servers = match &arguments.label {
        Some(label) => vec![servers.get(label)?.clone()],
        None => servers.iter().cloned().collect(),
    };
    if servers.is_empty() {
        place.output.note("there is no server yet");
    }
    match arguments.watch {
        true => watch(servers, place.output).await,
        false => Ok(ask_once(&servers, place.output).await),
    }
}

async fn ask_once(servers: &[ServerEntry], output: Output) -> ExitCode {
    let states = join_all(servers.iter().map(health::check)).await;
    let told: Vec<_> = servers.iter().zip(&states).collect();
    if output.is_json() {
        let documents = told
            .iter()
            .map(|(server, state)| document(&server.label, state));
        output.document(&documents.collect::<Vec<_>>());
    } else {
        let rows = told.iter().map(|(server, state)| row(&server.label, state));
        for line in table(&rows.collect::<Vec<_>>()) {
            output.data(line);
        }
    }
    let is_online = |state: &Health| matches!(state, Health::Online { .. });
    match states.iter().all(is_online) {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(OFFLINE),
    }
}

async fn watch(servers: Vec<ServerEntry>, output: Output) -> Result<ExitCode> {
    let labels = servers
        .iter()
        .map(|server| (server.id, server.label.clone()));
    let labels: BTreeMap<Uuid, ServerLabel> = labels.collect();
    let mut states = health::watch(servers, health::INTERVAL);
    let telling = async {
        while let Some((id, state)) = states.next().await {
            let Some(label) = labels.get(&id) else {
                continue;
            };
            match output.is_json() {
                true => output.document(&document(label, &state)),
                false => output.data(row(label, &state).join("  ")),
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = telling => ended,
        stopped = asked_to_stop(false) => stopped,
    }?;
    Ok(ExitCode::SUCCESS)
}

fn document(label: &ServerLabel, state: &Health) -> Value {
    let mut document = json!({ "label": label });
    if let (Some(members), Value::Object(state)) = (document.as_object_mut(), json!(state)) {
        members.extend(state);
    }
    document
}

fn row(label: &ServerLabel, state: &Health) -> Vec<String> {
    let (word, more) = match state {
        Health::Online { version } => ("online", version),
        Health::Offline { reason } => ("offline", reason),
    };
    vec![label.to_string(), word.to_owned(), more.clone()]
}
