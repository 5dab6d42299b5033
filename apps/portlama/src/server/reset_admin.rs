//! `portlama server reset-admin`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use portlama_control::reset_admin::reset_admin;
use portlama_control::{Clock as _, SystemClock};
use serde_json::json;

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
    let (fingerprint, is_running) = match running {
        Some(done) => (done.ca_fingerprint, true),
        None => (at_rest(dir, output).with_context(failed)?, false),
    };
    report(dir, &fingerprint, is_running, output);
    Ok(ExitCode::SUCCESS)
}

fn at_rest(dir: &Path, output: Output) -> Result<String> {
    let made = reset_admin(dir, SystemClock.now())?;
    if let Some(error) = made.not_audited {
        output.note(format_args!(
            "warning: the admin was reset, but the audit does not say so: {:#}",
            anyhow::Error::from(error)
        ));
    }
    Ok(made.ca_fingerprint.to_string())
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
