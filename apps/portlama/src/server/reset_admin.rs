//! `portlama server reset-admin`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use portlama_control::logs::plain;
use serde_json::json;

use super::at_rest::{MAX_REASON_BYTES, Task, ask_owner};
use super::local::{Ask, ResetDone, ask};
use crate::output::Output;

/// Makes a new admin certificate.
#[derive(Debug, Args)]
#[command(after_help = "\
Every admin certificate there was is revoked, and two-factor sign-in to the panel is off afterwards.
The server may run meanwhile: it then does it itself, and nobody else is cut off.

Examples:
  portlama server reset-admin
      the server in /etc/portlama
  portlama server reset-admin --state-dir ./try
      a trial")]
pub(crate) struct ResetAdminArguments {
    /// The directory made by `portlama server init`.
    #[arg(long, value_name = "DIR", default_value = "/etc/portlama")]
    state_dir: PathBuf,
}

/// Lets the running server make the certificate, or makes it; says where it lies.
pub(crate) async fn run(arguments: &ResetAdminArguments, output: Output) -> Result<ExitCode> {
    let dir = &arguments.state_dir;
    let failed = || format!("cannot reset the admin of {}", dir.display());
    let running = ask::<ResetDone>(dir, Ask::ResetAdmin)
        .await
        .with_context(failed)?;
    let (done, is_running) = match running {
        Some(done) => (done, true),
        None => (at_rest(dir).await.with_context(failed)?, false),
    };
    if let Some(why) = done.not_audited {
        output.note(format_args!(
            "warning: the admin was reset, but the audit does not say so: {}",
            plain(&why, MAX_REASON_BYTES)
        ));
    }
    report(dir, &done.ca_fingerprint, is_running, output);
    Ok(ExitCode::SUCCESS)
}

async fn at_rest(dir: &Path) -> Result<ResetDone> {
    let (done, kept) = ask_owner(dir, Task::ResetAdmin).await?;
    // The server may be started at once.
    kept.give_back().await;
    Ok(done)
}

fn report(dir: &Path, ca_fingerprint: &str, is_running: bool, output: Output) {
    let pki = dir.join("pki");
    let (p12, password) = (pki.join("client.p12"), pki.join(".p12-password"));
    if output.is_json() {
        output.document(&json!({
            "caFingerprint": ca_fingerprint,
            "adminCert": pki.join("client.crt"),
            "adminKey": pki.join("client.key"),
            "adminP12": p12,
            "adminP12PasswordFile": password,
        }));
        return;
    }
    output.data(format_args!("admin         {}", p12.display()));
    output.data(format_args!("its password  in {}", password.display()));
    let next = match is_running {
        true => "next: import the admin file into your browser",
        false => "next: start the server, then import the admin file into your browser",
    };
    output.note(format_args!(
        "every other admin certificate is revoked, and two-factor sign-in to the panel is off; {next}"
    ));
}
