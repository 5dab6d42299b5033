//! What the demo says when all is up.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use portlama_model::Secret;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde::Serialize;
use totp_rs::{Builder, Secret as Seed};

use super::account::Account;
use super::place::Place;
use super::processes::Service;
use super::{AGENT_LABEL, DOMAIN, SUBDOMAIN};
use crate::output::Output;

/// One line of JSON, or a page of text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Always true: the line is written when everything is up.
    ready: bool,
    domain: &'static str,
    https_port: u16,
    panel_port: u16,
    panel_url: String,
    auth_url: String,
    app_url: String,
    /// The sample app without Portlama in front.
    origin_url: String,
    /// The authority of the demo's host certificates, PEM.
    ca_cert: PathBuf,
    admin_cert: PathBuf,
    admin_key: PathBuf,
    admin_p12: PathBuf,
    admin_p12_password: Secret,
    /// The authority of client certificates, PEM.
    client_ca: PathBuf,
    username: String,
    password: Secret,
    totp_uri: Secret,
    state_dir: PathBuf,
    server_pid: u32,
    agent_pid: u32,
    agent_label: &'static str,
}

impl Report {
    /// Collects what there is to say.
    pub(crate) fn new(
        place: &Place,
        account: &Account,
        https_port: u16,
        panel_port: u16,
        origin_port: u16,
        server: &Service,
        agent: &Service,
    ) -> Result<Self> {
        let password = std::fs::read_to_string(place.pki(".p12-password"))
            .context("cannot read the password of the admin's certificate")?;
        Ok(Self {
            ready: true,
            domain: DOMAIN,
            https_port,
            panel_port,
            panel_url: format!("https://127.0.0.1:{panel_port}"),
            auth_url: format!("https://auth.{DOMAIN}:{https_port}"),
            app_url: format!("https://{SUBDOMAIN}.{DOMAIN}:{https_port}/"),
            origin_url: format!("http://127.0.0.1:{origin_port}/"),
            ca_cert: place.pki("ca.crt"),
            admin_cert: place.pki("client.crt"),
            admin_key: place.pki("client.key"),
            admin_p12: place.pki("client.p12"),
            admin_p12_password: Secret::new(password.trim()),
            client_ca: place.pki("ca.crt"),
            username: account.username.clone(),
            password: account.password.clone(),
            totp_uri: account.totp_uri.clone(),
            state_dir: place.root().to_owned(),
            server_pid: server.pid(),
            agent_pid: agent.pid(),
            agent_label: AGENT_LABEL,
        })
    }

    /// Writes it for the reader there is.
    pub(crate) fn write(&self, output: Output) {
        if output.is_json() {
            output.document(self);
        } else {
            self.write_text(output);
        }
    }

    fn write_text(&self, output: Output) {
        let code = present_code(&self.totp_uri).unwrap_or_else(|_| "see the QR code".to_owned());
        output.data(format_args!(
            "
  Open        {app}
  User        {user}
  Password    {password}
  Code        {code} for the moment; scan for the next ones:
{qr}
  Admin file  {p12}
  Its secret  {p12_password}
  Panel       {panel}
              needs the admin file in the browser
  Authority   {ca}
              tell the browser to trust it, or go on past its warning
  Logs        {state}/server.log, agent.log

  Ctrl+C stops everything.",
            app = self.app_url,
            user = self.username,
            password = self.password.expose(),
            qr = qr(&self.totp_uri),
            p12 = self.admin_p12.display(),
            p12_password = self.admin_p12_password.expose(),
            panel = self.panel_url,
            ca = self.ca_cert.display(),
            state = self.state_dir.display(),
        ));
    }
}

fn present_code(uri: &Secret) -> Result<String> {
    let seed = uri
        .expose()
        .split(['?', '&'])
        .find_map(|part| part.strip_prefix("secret="));
    let seed = Seed::try_from_base32(seed.context("no secret")?)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(Builder::new()
        .with_secret(seed)
        .build()?
        .generate(now)
        .to_string())
}

/// The URI as a picture of half blocks, dark on light whatever the terminal's colours.
fn qr(uri: &Secret) -> String {
    let Ok(code) = QrCode::new(uri.expose()) else {
        return format!("  {}", uri.expose());
    };
    let picture = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build();
    picture
        .lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
