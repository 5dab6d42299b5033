//! What a server that was installed says about itself: how to get in, and what comes next.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use portlama_host::install::{PANEL_PORT, STATE_DIR};
use portlama_pki::{ca_fingerprint, certificate_from_pem};
use serde_json::{Value, json};

use crate::output::Output;

/// How the admin gets in.
enum Key {
    /// By a file with a key that was made here.
    File { p12: PathBuf, password: PathBuf },
    /// By a key that never was here.
    TheirOwn,
}

/// Everything that is said at the end.
struct Installed {
    panel: String,
    ip: IpAddr,
    fingerprint: String,
    ca: (PathBuf, String),
    admin: (PathBuf, String),
    key: Key,
}

/// Says it. The password of the admin's file is shown once, right after it was made
/// (`is_new`), and never to a program.
pub(super) fn show(ip: IpAddr, is_new: bool, output: Output) -> Result<()> {
    let installed = look(ip)?;
    if output.is_json() {
        output.document(&json!({ "event": "complete", "server": installed.to_json() }));
        return Ok(());
    }
    output.data(format_args!("panel         {}", installed.panel));
    output.data(format_args!("fingerprint   {}", installed.fingerprint));
    match &installed.key {
        Key::File { p12, password } => {
            output.data(format_args!("admin         {}", p12.display()));
            output.data(match is_new {
                true => format!("its password  {}", read(password)?.trim()),
                false => format!("its password  in {}", password.display()),
            });
        }
        Key::TheirOwn => output.data(format_args!(
            "admin         {}",
            installed.admin.0.display()
        )),
    }
    output.note(installed.next());
    Ok(())
}

fn look(ip: IpAddr) -> Result<Installed> {
    let pki = Path::new(STATE_DIR).join("pki");
    let with_text = |name: &str| -> Result<(PathBuf, String)> {
        let path = pki.join(name);
        let text = read(&path)?;
        Ok((path, text))
    };
    let ca = with_text("ca.crt")?;
    let (p12, password) = (pki.join("client.p12"), pki.join(".p12-password"));
    Ok(Installed {
        panel: format!("https://{}", SocketAddr::new(ip, PANEL_PORT)),
        ip,
        fingerprint: ca_fingerprint(&certificate_from_pem(&ca.1)?)?.to_string(),
        ca,
        admin: with_text("client.crt")?,
        key: match p12.exists() {
            true => Key::File { p12, password },
            false => Key::TheirOwn,
        },
    })
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

impl Installed {
    fn to_json(&self) -> Value {
        let mut server = json!({
            "ip": self.ip,
            "panelUrl": self.panel,
            "caFingerprint": self.fingerprint,
            "caCert": self.ca.0,
            "caCertPem": self.ca.1,
            "adminCert": self.admin.0,
            "adminCertPem": self.admin.1,
        });
        if let Key::File { p12, password } = &self.key {
            server["p12Path"] = json!(p12);
            server["p12PasswordPath"] = json!(password);
        }
        server
    }

    /// The way from here into the panel, for somebody who sees all this for the first time.
    fn next(&self) -> String {
        let mut text = "\nnext, on your own computer:\n".to_owned();
        let (theirs, after) = match &self.key {
            Key::File { p12, .. } => (p12, "import portlama-admin.p12 into your browser"),
            Key::TheirOwn => (&self.admin.0, "put the certificate beside its key"),
        };
        let extension = theirs.extension().unwrap_or_default().to_string_lossy();
        let copy = self.copy_command(theirs, &format!("portlama-admin.{extension}"));
        let _ = write!(
            text,
            "  1. {copy}\n  2. {after}\n  3. open {} (the browser warns once: only this server \
             itself vouches for the bare address)",
            self.panel
        );
        text
    }

    /// How whoever installs gets a file of root's to their computer.
    fn copy_command(&self, file: &Path, name: &str) -> String {
        let user = std::env::var("SUDO_USER").ok();
        let user = user.filter(|user| !user.is_empty() && user != "root");
        let (user, cat) = match &user {
            Some(user) => (user.as_str(), "sudo cat"),
            None => ("root", "cat"),
        };
        let (ip, file) = (self.ip, file.display());
        format!("ssh {user}@{ip} {cat} {file} > {name}")
    }
}
