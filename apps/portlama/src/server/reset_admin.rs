//! `portlama server reset-admin`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use portlama_control::reset_admin::reset_admin;
use portlama_control::{Clock as _, SystemClock};
use serde_json::json;

use crate::output::Output;

/// Makes a new admin certificate for a stopped server.
#[derive(Debug, Args)]
#[command(after_help = "\
Every admin certificate there was is revoked, and two-factor sign-in to the panel is off afterwards.
The server must not run: stop it first (`systemctl stop 'portlama.*'`, or Ctrl-C where it runs).

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

/// Makes the certificate and says where it lies.
pub(crate) fn run(arguments: &ResetAdminArguments, output: Output) -> Result<ExitCode> {
    let dir = &arguments.state_dir;
    let made = reset_admin(dir, SystemClock.now())
        .with_context(|| format!("cannot reset the admin of {}", dir.display()))?;
    if let Some(error) = made.not_audited {
        output.note(format_args!(
            "warning: the admin was reset, but the audit does not say so: {:#}",
            anyhow::Error::from(error)
        ));
    }
    if output.is_json() {
        output.document(&json!({
            "caFingerprint": made.ca_fingerprint,
            "adminCert": made.admin_cert_path,
            "adminKey": made.admin_key_path,
            "adminP12": made.p12_path,
            "adminP12PasswordFile": made.p12_password_path,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    output.data(format_args!("admin         {}", made.p12_path.display()));
    output.data(format_args!(
        "its password  in {}",
        made.p12_password_path.display()
    ));
    output.note(format_args!(
        "every other admin certificate is revoked, and two-factor sign-in to the panel is off; \
         next: start the server, then import the admin file into your browser"
    ));
    Ok(ExitCode::SUCCESS)
}
