//! `portlama server init`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use portlama_control::setup::{Initialised, InitialisedForRequest};
use portlama_control::{Clock, SystemClock};
use portlama_host::install::MadeServer;
use serde_json::json;

use super::new_server::NewServerArguments;
use crate::output::Output;

/// Makes a new server. Nothing outside the state directory is touched and no root is needed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portlama server init --state-dir /etc/portlama --ip 198.51.100.23
      a fresh server: start it, open the panel and choose the domain there
  portlama server init --state-dir ./try --certificates internal
      the same for a closed network, certified by the server itself
  portlama server init --state-dir ./try --domain lab.test --certificates internal
      a complete server for a closed network; browsers must trust ./try/pki/ca.crt
  portlama server init --admin-csr admin.csr
      for a key of yours that never leaves your machine
  portlama server init --acme-directory https://ca.corp.example/acme/directory --acme-ca-file corp.pem
      a server whose certificates come from an authority of your own")]
pub(crate) struct InitArguments {
    /// The directory to make the server in.
    #[arg(long, value_name = "DIR", default_value = "/etc/portlama")]
    state_dir: PathBuf,
    #[command(flatten)]
    server: NewServerArguments,
}

/// Makes the server and says where its keys lie.
pub(crate) fn init(arguments: InitArguments, output: Output) -> Result<ExitCode> {
    let given = arguments.server.ip;
    let server = arguments.server.read()?;
    let ip = match given {
        Some(ip) => ip,
        None => own_address().context("cannot find this machine's address: give it with `--ip`")?,
    };
    let dir = &arguments.state_dir;
    let made = server.make(dir, ip, SystemClock.now());
    let made = made.with_context(|| format!("cannot make a server in {}", dir.display()))?;
    match made {
        MadeServer::WithKey(made) => report(&made, dir, output),
        MadeServer::ForRequest(made) => report_signed(&made, dir, output)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn report(made: &Initialised, state_dir: &Path, output: Output) {
    if output.is_json() {
        output.document(&json!({
            "caFingerprint": made.ca_fingerprint,
            "caCert": made.ca_path,
            "adminCert": made.admin_cert_path,
            "adminKey": made.admin_key_path,
            "adminP12": made.p12_path,
            "adminP12PasswordFile": made.p12_password_path,
        }));
        return;
    }
    output.data(format_args!("authority     {}", made.ca_path.display()));
    output.data(format_args!("fingerprint   {}", made.ca_fingerprint));
    output.data(format_args!("admin         {}", made.p12_path.display()));
    output.data(format_args!(
        "its password  in {}",
        made.p12_password_path.display()
    ));
    output.note(format_args!(
        "next: `portlama server run --state-dir {}`, then import the admin file into your browser",
        state_dir.display()
    ));
}

fn report_signed(made: &InitialisedForRequest, state_dir: &Path, output: Output) -> Result<()> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    if output.is_json() {
        output.document(&json!({
            "caFingerprint": made.ca_fingerprint,
            "caCert": made.ca_path,
            "caCertPem": read(&made.ca_path)?,
            "adminCert": made.admin_cert_path,
            "adminCertPem": read(&made.admin_cert_path)?,
        }));
        return Ok(());
    }
    output.data(format_args!("authority     {}", made.ca_path.display()));
    output.data(format_args!("fingerprint   {}", made.ca_fingerprint));
    output.data(format_args!(
        "admin         {}",
        made.admin_cert_path.display()
    ));
    output.note(format_args!(
        "next: `portlama server run --state-dir {}`, then put the admin's certificate beside its key",
        state_dir.display()
    ));
    Ok(())
}

/// The address this machine would send from. No packet is sent: connecting a datagram
/// socket only asks the routing table. The peer is a documentation address (RFC 5737).
pub(super) fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(("192.0.2.1", 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified()).then_some(address)
}
