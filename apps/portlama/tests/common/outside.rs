//! What stands around a server and its agents: names, a certificate authority, the admin's and
//! a visitor's computer. All of them are the test itself.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use portlama_testkit::machine::{Lab, Machine};
use portlama_testkit::{Answer, Curl, Pebble, PebbleOptions, fresh_totp_code};
use serde_json::{Value, json};

pub(crate) const DOMAIN: &str = "lab.test";

/// Names that all lead to one address, and an authority that certifies them.
pub(crate) struct Outside(Pebble);

impl Outside {
    /// Starts both, and lets the test look its names up there.
    pub(crate) fn open(lab: &Lab) -> Result<Self> {
        lab.look_names_up(Lab::ADDRESS)?;
        let options = PebbleOptions {
            reached_at: Some(Lab::ADDRESS),
            tls_port: 443,
            ..PebbleOptions::default()
        };
        let pebble = Pebble::start(options)?;
        Ok(Self(pebble.context("install the package pebble")?))
    }

    /// Lets every name lead there.
    pub(crate) fn lead_to(&self, address: Ipv4Addr) -> Result<()> {
        self.0.lead_to(address)
    }

    /// Lets these names alone lead there.
    pub(crate) fn lead(&self, names: &[String], address: Ipv4Addr) -> Result<()> {
        names
            .iter()
            .try_for_each(|name| self.0.add_a(name, &[address]))
    }

    /// Hands the authority's address to a machine, and gives the options of an installation that
    /// asks it.
    pub(crate) fn options_for(&self, machine: &Machine<'_>) -> Result<String> {
        machine.look_names_up(Lab::ADDRESS)?;
        let ca_file = "/root/authority.pem";
        machine.copy_in(&self.0.ca_file(), ca_file, 0o644)?;
        let directory = self.0.directory();
        Ok(format!(
            "--acme-directory {directory} --acme-ca-file {ca_file}"
        ))
    }

    /// A visitor who trusts this authority alone.
    pub(crate) fn visitor(&self, name: &str) -> Result<Visitor> {
        let folder = computer(name)?;
        let root = folder.join("root.pem");
        std::fs::write(&root, self.0.root_pem()?)?;
        Ok(Visitor { folder, root })
    }
}

/// The admin, with what the installation showed.
pub(crate) struct Admin {
    folder: PathBuf,
}

impl Admin {
    /// Takes the admin's file to the computer of this name and opens it with its password.
    pub(crate) fn new(computer_name: &str, p12: &Path, password: &str) -> Result<Self> {
        let folder = computer(computer_name)?;
        let read = |what: &[&str], file: &str| -> Result<()> {
            let output = Command::new("openssl")
                .args(["pkcs12", "-noenc", "-passin", "env:P12_PASSWORD", "-in"])
                .arg(p12)
                .args(what)
                .arg("-out")
                .arg(folder.join(file))
                .env("P12_PASSWORD", password)
                .output()?;
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "openssl pkcs12: {said}");
            Ok(())
        };
        read(&["-clcerts", "-nokeys"], "admin.crt")?;
        read(&["-nocerts"], "admin.key")?;
        read(&["-cacerts", "-nokeys"], "ca.crt")?;
        Ok(Self { folder })
    }

    /// The server's own authority.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    fn curl(&self) -> Curl {
        let file = |name: &str| self.folder.join(name);
        Curl::new(&file("ca.crt"))
            .identity(&file("admin.crt"), &file("admin.key"))
            .options(["--connect-timeout", "2", "--max-time", "60"])
    }

    /// Asks the server at an address; the answer whatever its status.
    pub(crate) fn ask(&self, at: Ipv4Addr, path: &str) -> Result<Answer> {
        self.curl().send(&api(at, path))
    }

    /// What the server at an address says.
    pub(crate) fn get(&self, at: Ipv4Addr, path: &str) -> Result<Value> {
        said(self.ask(at, path)?)
    }

    /// Tells the server at an address to do something; the answer whatever its status.
    pub(crate) fn tell(&self, at: Ipv4Addr, path: &str, body: &Value) -> Result<Answer> {
        self.curl().json("POST", body).send(&api(at, path))
    }

    /// The same, which must succeed.
    pub(crate) fn post(&self, at: Ipv4Addr, path: &str, body: &Value) -> Result<Value> {
        said(self.tell(at, path, body)?)
    }
}

fn api(at: Ipv4Addr, path: &str) -> String {
    format!("https://{at}:9292/api/{path}")
}

fn said(answer: Answer) -> Result<Value> {
    if !(200..300).contains(&answer.status) {
        bail!("{}: {} {}", answer.url, answer.status, answer.text());
    }
    answer.json()
}

/// What somebody signs in with.
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) totp_uri: String,
    /// A code is good once.
    pub(crate) last_code: Option<String>,
}

/// Somebody with a browser of their own.
pub(crate) struct Visitor {
    folder: PathBuf,
    root: PathBuf,
}

impl Visitor {
    /// Opens a page of a host and follows where it leads.
    pub(crate) fn open(&self, host: &str, limit: Duration) -> Result<Answer> {
        let limit = limit.as_secs_f64().to_string();
        self.browser()
            .follow()
            .options(["--max-time", &limit])
            .send(&format!("https://{host}.{DOMAIN}/"))
    }

    /// Signs in with password and one-time code.
    pub(crate) fn sign_in(&self, account: &mut Account) -> Result<()> {
        let portal = |path: &str| format!("https://auth.{DOMAIN}/api/{path}");
        let Account {
            username, password, ..
        } = account;
        let first = json!({ "username": username, "password": password });
        let first = self.browser().json("POST", &first);
        said(first.send(&portal("firstfactor"))?)?;
        let code = fresh_totp_code(&account.totp_uri, account.last_code.as_deref())?;
        let second = self.browser().json("POST", &json!({ "token": code }));
        account.last_code = Some(code);
        said(second.send(&portal("secondfactor/totp"))?).map(drop)
    }

    fn browser(&self) -> Curl {
        Curl::new(&self.root).jar(&self.folder.join("cookies"))
    }
}

/// A folder that goes with the lab.
fn computer(name: &str) -> Result<PathBuf> {
    let folder = Path::new("/run/computers").join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
