//! `portlama server init`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use portlama_control::setup::{Initialised, Setup, initialise};
use portlama_control::{Clock, SystemClock};
use portlama_model::{CertificateAuthority, DnsSettings, Domain, Email, ResolverAddress};
use serde_json::json;

use super::acme::AcmeArguments;
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
  portlama server init --acme-directory https://ca.corp.example/acme/directory --acme-ca-file corp.pem
      a server whose certificates come from an authority of your own")]
pub(crate) struct InitArguments {
    /// The directory to make the server in.
    #[arg(long, value_name = "DIR", default_value = "/etc/portlama")]
    state_dir: PathBuf,
    /// The address under which visitors reach this machine [default: this machine's own].
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
    /// The domain below which apps get their names; without it, it is chosen in the panel. With
    /// `--certificates internal` the server is then complete at once, and DNS is not looked at.
    #[arg(long)]
    domain: Option<Domain>,
    /// Where certificate authorities may write to.
    #[arg(long)]
    email: Option<Email>,
    /// A resolver to look names up at, such as 203.0.113.1 or 203.0.113.1:5353; may be given
    /// several times [default: this machine's].
    #[arg(long, value_name = "ADDRESS")]
    resolver: Vec<ResolverAddress>,
    /// Who certifies the names that visitors see.
    #[arg(long, value_enum, default_value_t = Certificates::Acme)]
    certificates: Certificates,
    #[command(flatten)]
    acme: AcmeArguments,
}

/// Who certifies host names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Certificates {
    /// A public authority by ACME, asked at the end of the set-up.
    Acme,
    /// This server's own authority: for closed networks and trials.
    Internal,
}

impl From<Certificates> for CertificateAuthority {
    fn from(certificates: Certificates) -> Self {
        match certificates {
            Certificates::Acme => Self::Acme,
            Certificates::Internal => Self::Internal,
        }
    }
}

/// Makes the server and says where its keys lie.
pub(crate) fn init(arguments: InitArguments, output: Output) -> Result<ExitCode> {
    let acme = match arguments.certificates {
        Certificates::Acme => arguments.acme.settings()?,
        Certificates::Internal => arguments.acme.unused()?,
    };
    let ip = match arguments.ip {
        Some(ip) => ip,
        None => own_address().context("cannot find this machine's address: give it with `--ip`")?,
    };
    let made = initialise(
        &arguments.state_dir,
        Setup {
            ip,
            domain: arguments.domain,
            email: arguments.email,
            certificate_authority: arguments.certificates.into(),
            acme,
            dns: DnsSettings {
                resolvers: arguments.resolver,
            },
            now: SystemClock.now(),
        },
    )
    .with_context(|| format!("cannot make a server in {}", arguments.state_dir.display()))?;
    report(&made, &arguments.state_dir, output);
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

/// The address this machine would send from. No packet is sent: connecting a datagram
/// socket only asks the routing table. The peer is a documentation address (RFC 5737).
pub(super) fn own_address() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(("192.0.2.1", 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified()).then_some(address)
}
