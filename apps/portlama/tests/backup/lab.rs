//! A server with things in it, and its backups.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use age::secrecy::ExposeSecret as _;
use age::x25519;
use anyhow::{Context as _, Result, ensure};
use portlama_testkit::{Answer, Curl, Server};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common;

/// Tunnels that are there before every backup.
pub(crate) const TUNNELS: usize = 8;
const PASSWORD: &str = "a few words of my own";

pub(crate) struct Lab {
    folder: TempDir,
    recipient: String,
    state: &'static str,
    server: Option<Server>,
}

/// `portlama server …` over a state directory.
pub(crate) fn portlama(arguments: &[&str], state: &Path) -> Command {
    let mut command = Command::new(common::binary());
    command.arg("server");
    let (first, rest) = arguments.split_first().expect("a command");
    command
        .arg(first)
        .arg("--json")
        .arg("--state-dir")
        .arg(state)
        .args(rest);
    command
}

/// Every file below a folder with its content's digest.
pub(crate) fn digests(folder: &Path) -> Result<BTreeMap<String, String>> {
    let output = Command::new("sh")
        .args([
            "-c",
            "find . -type f ! -name lock -print0 | sort -z | xargs -0 sha256sum",
        ])
        .current_dir(folder)
        .output()?;
    ensure!(output.status.success(), "no digests");
    let text = String::from_utf8(output.stdout)?;
    let rows = text.lines().filter_map(|line| line.split_once("  "));
    Ok(rows
        .map(|(digest, path)| (path.to_owned(), digest.to_owned()))
        .collect())
}

/// Makes a key in a file, as `age-keygen` does; its recipient.
pub(crate) fn new_key(file: &Path) -> Result<String> {
    let key = x25519::Identity::generate();
    fs::write(file, key.to_string().expose_secret())?;
    Ok(key.to_public().to_string())
}

fn document(output: &Output) -> Result<Value> {
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

impl Lab {
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        Server::init(&common::binary(), &folder.path().join("state"))?;
        let recipient = new_key(&folder.path().join("key"))?;
        Self {
            folder,
            recipient,
            state: "state",
            server: None,
        }
        .running()
    }

    fn running(mut self) -> Result<Self> {
        let server = Server::start(&common::binary(), &self.state(), &self.path("log"))?;
        self.server = Some(server);
        Ok(self)
    }

    pub(crate) fn stop(mut self) -> Result<Self> {
        if let Some(server) = self.server.take() {
            server.kill()?;
        }
        Ok(self)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, content: &[u8]) -> Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, content)?;
        Ok(path)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path(self.state)
    }

    pub(crate) fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.path("log"))?)
    }

    /// What lies beside the state under a name that begins like it.
    pub(crate) fn beside(&self) -> Result<Vec<String>> {
        let names = fs::read_dir(self.folder.path())?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let names: Result<Vec<String>> = names.collect();
        Ok(names?
            .into_iter()
            .filter(|name| name.starts_with("state."))
            .collect())
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        let asking = self.server().admin().json("POST", body);
        asking
            .options(["--max-time", "20"])
            .send(&self.server().api(path))
    }

    fn made(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self.post(path, body)?;
        ensure!(
            answer.status < 300,
            "{path}: {} {}",
            answer.status,
            answer.text()
        );
        answer.json()
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        self.server().admin().send(&self.server().api(path))?.json()
    }

    /// Tunnels, a site with files, an invitation.
    pub(crate) fn fill(&self) -> Result<()> {
        for number in 0..TUNNELS {
            let body = json!({ "subdomain": format!("before{number}"), "port": 3000 + number });
            self.made("tunnels", &body)?;
        }
        self.made("sites", &json!({ "name": "files", "type": "managed" }))?;
        for number in 0..6 {
            self.upload(&format!("before{number}"))?;
        }
        self.made(
            "invitations",
            &json!({ "username": "guest", "email": "g@example.net" }),
        )?;
        Ok(())
    }

    fn upload(&self, name: &str) -> Result<()> {
        let file = self.file(&format!("{name}.txt"), name.repeat(9000).as_bytes())?;
        let path = format!("sites/{}/files?path=pages", self.site_id()?);
        let sent = self
            .server()
            .admin()
            .upload(&file)
            .send(&self.server().api(&path))?;
        ensure!(sent.status == 200, "{}", sent.text());
        Ok(())
    }

    fn site_id(&self) -> Result<String> {
        let text = fs::read_to_string(self.state().join("sites.json"))?;
        let sites: Value = serde_json::from_str(&text)?;
        Ok(sites[0]["id"].as_str().context("a site")?.to_owned())
    }

    pub(crate) fn site_folder(&self) -> PathBuf {
        self.state()
            .join("sites")
            .join(self.site_id().expect("a site"))
    }

    /// Makes things until it is told to stop.
    pub(crate) fn write_until(&self, done: &AtomicBool) -> Result<()> {
        for number in 0.. {
            if done.load(Ordering::SeqCst) {
                break;
            }
            let name = format!("during{number}");
            self.made(
                "tunnels",
                &json!({ "subdomain": name, "port": 5000 + number }),
            )?;
            self.upload(&name)?;
        }
        Ok(())
    }

    /// A user with one-time codes; their address.
    pub(crate) fn user(&self, name: &str) -> Result<String> {
        let body = json!({
            "username": name, "displayname": name, "email": "m@example.net", "password": PASSWORD,
        });
        self.made("users", &body)?;
        let made = self.made(&format!("users/{name}/reset-totp"), &json!({}))?;
        let uri = made["totpUri"].as_str().or(made["uri"].as_str());
        Ok(uri.with_context(|| made.to_string())?.to_owned())
    }

    fn visit(&self, path: &str, jar: &str) -> (Curl, String) {
        let (curl, url) = self
            .server()
            .visitor(&self.server().ca_file(), "auth.lab.test", path);
        (curl.jar(&self.path(jar)), url)
    }

    /// Password and code; the status of the last answer.
    pub(crate) fn sign_in(&self, name: &str, code: &str, jar: &str) -> Result<u16> {
        let (curl, url) = self.visit("/api/firstfactor", jar);
        let first = json!({ "username": name, "password": PASSWORD });
        let answer = curl.json("POST", &first).send(&url)?;
        ensure!(answer.status == 200, "{}", answer.text());
        let (curl, url) = self.visit("/api/secondfactor/totp", jar);
        Ok(curl
            .json("POST", &json!({ "token": code }))
            .send(&url)?
            .status)
    }

    /// How far the session in a jar has come.
    pub(crate) fn level(&self, jar: &str) -> Result<u64> {
        let (curl, url) = self.visit("/api/state", jar);
        let answer = curl.send(&url)?;
        let state = if answer.status == 200 {
            answer.json()?
        } else {
            Value::Null
        };
        Ok(state["data"]["authentication_level"]
            .as_u64()
            .unwrap_or_default())
    }

    /// An agent whose key the server makes.
    pub(crate) fn agent(&self, label: &str) -> Result<()> {
        let body = json!({ "label": label, "capabilities": ["tunnels:read"] });
        self.made("certs/agent", &body)?;
        let keys = self.state().join("pki/agents").join(label);
        for end in ["crt", "key"] {
            fs::copy(
                keys.join(format!("client.{end}")),
                self.path(&format!("{label}.{end}")),
            )?;
        }
        Ok(())
    }

    pub(crate) fn revoke(&self, label: &str) -> Result<()> {
        let asking = self.server().admin().options(["--request", "DELETE"]);
        let answer = asking.send(&self.server().api(&format!("certs/agent/{label}")))?;
        ensure!(answer.status == 200, "{}", answer.text());
        Ok(())
    }

    /// The status that the agent's certificate gets.
    pub(crate) fn as_agent(&self, label: &str) -> Result<u16> {
        let file = |end| self.path(&format!("{label}.{end}"));
        let curl = Curl::new(&self.server().ca_file()).identity(&file("crt"), &file("key"));
        Ok(curl
            .send(&self.server().api("tunnels/agent-config"))?
            .status)
    }

    pub(crate) fn back_up(&self) -> Result<PathBuf> {
        let out = self.path("backup.age");
        let output = self.back_up_to(&out)?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let said = document(&output)?;
        ensure!(said["leftOut"] == 0, "{said}");
        Ok(out)
    }

    pub(crate) fn back_up_to(&self, out: &Path) -> Result<Output> {
        let mut command = portlama(
            &["backup", "--recipient", &self.recipient, "--out"],
            &self.state(),
        );
        Ok(command.arg(out).output()?)
    }

    pub(crate) fn verify(&self, file: &Path) -> Result<Output> {
        let mut command = portlama(&["backup", "--verify"], &self.state());
        command.arg(file).arg("--identity").arg(self.path("key"));
        Ok(command.output()?)
    }

    pub(crate) fn restoring(&self, file: &Path) -> Command {
        let mut command = portlama(&["restore"], &self.state());
        command.arg(file).arg("--identity").arg(self.path("key"));
        command
    }

    pub(crate) fn restore(&self, file: &Path, more: &[&str]) -> Result<Output> {
        Ok(self.restoring(file).args(more).output()?)
    }

    /// The server is gone; another one is made of the backup in another directory.
    pub(crate) fn restored_elsewhere(self, file: &Path) -> Result<Self> {
        let mut lab = self.stop()?;
        lab.state = "elsewhere";
        let output = lab.restore(file, &["--ip", "127.0.0.1"])?;
        let said = document(&output)?;
        ensure!(output.status.success(), "{said}");
        ensure!(
            said["setAside"].is_null() && said["voidInvitations"] == 1,
            "{said}"
        );
        lab.running()
    }

    /// The server is stopped, restored over itself, and started.
    pub(crate) fn restored_in_place(self, file: &Path) -> Result<(Self, Value)> {
        let lab = self.stop()?;
        let output = lab.restore(file, &[])?;
        let said = document(&output)?;
        ensure!(output.status.success(), "{said}");
        Ok((lab.running()?, said))
    }
}
