//! A server at ports that stay, and agents at homes of their own, all real processes.
#![allow(dead_code, reason = "not every test file uses every helper")]

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use portlama_control::setup::Setup;
use portlama_model::{AgentLabel, Secret, Timestamp};
use portlama_pki::{AgentKey, Authority, IssuedCertificate, ParsedRequest};
use portlama_testkit::{Answer, Curl, Server};
use serde_json::{Value, json};

/// How long anything here may take to come about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How old the server of a household is: its authority can have issued what has ended.
const AGE: Duration = Duration::from_secs(800 * DAY.as_secs());

/// A server and a folder for homes.
pub(crate) struct Household {
    folder: tempfile::TempDir,
    ports: (u16, u16),
    server: Option<Server>,
}

impl Household {
    /// A complete server that was made more than two years ago, running.
    pub(crate) fn start() -> Result<Self> {
        let mut house = Self {
            folder: tempfile::tempdir()?,
            ports: (free_port()?, free_port()?),
            server: None,
        };
        let setup = Setup {
            ip: Ipv4Addr::LOCALHOST.into(),
            domain: Some("lab.test".parse()?),
            email: None,
            certificate_authority: portlama_model::CertificateAuthority::Internal,
            acme: Default::default(),
            dns: Default::default(),
            now: now().minus(AGE),
        };
        portlama_control::setup::initialise(&house.state_dir(), setup)?;
        house.renew_admin()?;
        Ok(house)
    }

    fn authority(&self) -> Result<Authority> {
        let read = |name: &str| std::fs::read_to_string(self.state_dir().join("pki").join(name));
        let key = Secret::new(read("ca.key")?);
        Ok(Authority::load(&read("ca.crt")?, &key)?)
    }

    /// The first certificate of the admin has ended long since.
    fn renew_admin(&mut self) -> Result<()> {
        let issued = self.authority()?.issue_admin(now())?;
        let pki = self.state_dir().join("pki");
        std::fs::write(pki.join("client.crt"), issued.certificate().pem())?;
        std::fs::write(pki.join("client.key"), issued.key_pem().expose())?;
        self.edit("panel.json", |panel| {
            panel["admin"] = json!({"serials": [issued.certificate().serial()]});
        })
    }

    /// Starts the server, which was stopped or killed before.
    pub(crate) fn run(&mut self) -> Result<()> {
        let (https, panel) = self.ports;
        self.server = Some(Server::start_on(
            &super::common::binary(),
            &self.state_dir(),
            &self.path("server.log"),
            https,
            panel,
        )?);
        Ok(())
    }

    /// Ends the server as a power cut does.
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    /// Kills the server, changes a document of its state, and starts it again.
    pub(crate) fn edit(&mut self, file: &str, change: impl FnOnce(&mut Value)) -> Result<()> {
        self.kill();
        let path = self.state_dir().join(file);
        let mut document: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
        change(&mut document);
        std::fs::write(path, document.to_string())?;
        self.run()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.path("state")
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("the server was started")
    }

    pub(crate) fn panel_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.1)
    }

    pub(crate) fn admin(&self, method: &str, path: &str, body: &Value) -> Result<Answer> {
        let ask = self.server().admin();
        let ask = if body.is_null() {
            ask.options(["--request", method])
        } else {
            ask.json(method, body)
        };
        ask.send(&self.server().api(path))
    }

    /// A document of the server's state.
    pub(crate) fn state(&self, file: &str) -> Result<Value> {
        let text = std::fs::read_to_string(self.state_dir().join(file))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// The one live entry of an agent in the registry.
    pub(crate) fn entry(&self, label: &str) -> Result<Value> {
        let registry = self.state("pki/agents/registry.json")?;
        let agents = registry["agents"].as_array().context("a list")?;
        let mut live = agents
            .iter()
            .filter(|agent| agent["label"] == label && agent["revoked"] != true);
        let entry = live.next().context("no entry")?.clone();
        assert!(live.next().is_none(), "two live entries: {registry}");
        Ok(entry)
    }

    /// A new agent, set up by a token and not running.
    pub(crate) fn enrol(&self, label: &str, options: &[&str]) -> Result<Agent> {
        let agent = self.agent(label)?;
        let done = agent.set_up_by_token(self, options)?;
        if !done.status.success() {
            bail!("{}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(agent)
    }

    /// A home without an agent.
    pub(crate) fn agent(&self, label: &str) -> Result<Agent> {
        let home = self.path(&format!("home of {label}"));
        std::fs::create_dir_all(&home)?;
        Ok(Agent {
            label: label.to_owned(),
            home,
            environment: Vec::new(),
            child: None,
        })
    }

    /// A token for an agent.
    pub(crate) fn token(&self, label: &str) -> Result<String> {
        let rights = json!({"label": label, "capabilities": ["tunnels:read", "tunnels:write"]});
        let answer = self.admin("POST", "certs/agent/enroll", &rights)?;
        let token = answer.json()?["setupToken"].as_str().map(str::to_owned);
        token.with_context(|| answer.text())
    }

    /// A key and a certificate that the authority issued so many days ago.
    fn issue(&self, label: &str, days: u32) -> Result<(AgentKey, IssuedCertificate)> {
        let authority = self.authority()?;
        let label: AgentLabel = label.parse()?;
        let key = AgentKey::generate()?;
        let request = ParsedRequest::parse(&key.request(&label)?)?;
        let admitted = request.admit(&authority, &Default::default())?;
        let issued = authority.sign_agent(&label, &admitted, now().minus(DAY * days))?;
        Ok((key, issued))
    }

    /// Gives an agent a certificate as if it had been enrolled so many days ago; it holds 730.
    pub(crate) fn age(&mut self, agent: &Agent, days: u32) -> Result<()> {
        let (key, issued) = self.issue(&agent.label, days)?;
        std::fs::write(agent.file("client.key"), key.to_pem().expose())?;
        std::fs::write(agent.file("client.crt"), issued.pem())?;
        self.edit("pki/agents/registry.json", |registry| {
            let entry = &mut registry["agents"][0];
            entry["serial"] = json!(issued.serial());
            entry["expiresAt"] = json!(issued.validity().not_after);
            entry["publicKeySha256"] = json!(issued.key_digest().to_string());
        })
    }

    /// What a visitor of a host gets.
    pub(crate) fn visit(&self, host: &str, path: &str) -> Result<Answer> {
        let (visitor, url) = self.visitor(host, path);
        visitor.send(&url)
    }

    pub(crate) fn visitor(&self, host: &str, path: &str) -> (Curl, String) {
        let server = self.server();
        server.visitor(&server.ca_file(), &format!("{host}.lab.test"), path)
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("server.log")).unwrap_or_default()
    }
}

/// An agent's home, and its process while it runs.
pub(crate) struct Agent {
    pub(crate) label: String,
    home: PathBuf,
    pub(crate) environment: Vec<(String, String)>,
    child: Option<Child>,
}

impl Agent {
    /// A command of this agent.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(super::common::binary());
        command
            .arg("agent")
            .args(arguments)
            .env("HOME", &self.home)
            .env_remove("PORTLAMA_HOME")
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("DISPLAY")
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn ask(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.command(arguments).output()?)
    }

    pub(crate) fn set_up_by_token(&self, house: &Household, options: &[&str]) -> Result<Output> {
        let url = house.panel_url();
        // The systemd of whoever runs the test is not the test's.
        let fixed = ["setup", "--no-service", "--allow-loopback", "--panel-url"];
        let mut words = [&fixed[..], &[&url]].concat();
        words.extend(options);
        let token = house.token(&self.label)?;
        let mut command = self.command(&words);
        Ok(command.env("PORTLAMA_ENROLLMENT_TOKEN", token).output()?)
    }

    /// Starts it. What it says goes to its log.
    pub(crate) fn run(&mut self) -> Result<()> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.home.join("log"))?;
        self.child = Some(self.command(&["run"]).stderr(log).spawn()?);
        Ok(())
    }

    /// Ends it as a power cut does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home
            .join(".portlama/agents")
            .join(&self.label)
            .join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    pub(crate) fn status(&self) -> Option<Value> {
        let output = self.ask(&["status", "--json"]).ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }

    /// Waits until its status is so.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let seen = super::common::within(PATIENCE, || self.status().filter(&holds));
        let last = || format!("{:?}\n{}", self.status(), self.log());
        seen.unwrap_or_else(|| panic!("not so: {what}\n{}", last()))
            .0
    }

    pub(crate) fn until_connected(&self) -> Value {
        self.until("connected", |status| {
            status["connection"]["connected"] == true
        })
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }

    /// A request with a certificate and key of this agent.
    pub(crate) fn curl(&self, house: &Household, certificate: &Path, key: &Path) -> Curl {
        Curl::new(&house.server().ca_file()).identity(certificate, key)
    }

    /// The status that the API gives whoever shows this certificate.
    pub(crate) fn fate(&self, house: &Household, certificate: &Path, key: &Path) -> Result<u16> {
        let path = house.server().api("tunnels/agent-config");
        Ok(self.curl(house, certificate, key).send(&path)?.status)
    }

    /// Copies of the present certificate and key.
    pub(crate) fn keep_identity(&self, name: &str) -> Result<(PathBuf, PathBuf)> {
        let (certificate, key) = (
            self.home.join(format!("{name}.crt")),
            self.home.join(format!("{name}.key")),
        );
        std::fs::copy(self.file("client.crt"), &certificate)?;
        std::fs::copy(self.file("client.key"), &key)?;
        Ok((certificate, key))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

/// Freed again, so another program may take it; the server then says so.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// Files with a certificate that has ended, of the household's authority, and its key.
pub(crate) fn ended(house: &Household, label: &str) -> Result<(PathBuf, PathBuf)> {
    let (key, certificate) = house.issue(label, 740)?;
    let (certificate_path, key_path) = (house.path("ended.crt"), house.path("ended.key"));
    std::fs::write(&certificate_path, certificate.pem())?;
    std::fs::write(&key_path, key.to_pem().expose())?;
    Ok((certificate_path, key_path))
}
