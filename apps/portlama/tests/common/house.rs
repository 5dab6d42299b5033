//! A server process whose certificates come from a Pebble.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use portlama_testkit::{Answer, Curl, Pebble, PebbleOptions, Server};
use serde_json::{Value, json};

pub(crate) const DOMAIN: &str = "lab.test";

/// A server, its authority, and everything to ask both.
pub(crate) struct House {
    pub(crate) pebble: Pebble,
    folder: tempfile::TempDir,
    https_port: u16,
    server: Option<Server>,
}

impl House {
    /// A complete server in a new directory; `None` where there is no Pebble.
    pub(crate) fn start(options: PebbleOptions) -> Result<Option<Self>> {
        // Freed again, so another program may take it; the server then says so.
        let https_port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let options = PebbleOptions {
            tls_port: https_port,
            ..options
        };
        let Some(pebble) = Pebble::start(options)? else {
            return Ok(None);
        };
        let mut house = Self {
            pebble,
            folder: tempfile::tempdir()?,
            https_port,
            server: None,
        };
        house.initialise()?;
        house.run()?;
        Ok(Some(house))
    }

    fn initialise(&self) -> Result<()> {
        let (directory, ca_file) = (self.pebble.directory(), self.pebble.ca_file());
        let options = [
            OsStr::new("--domain"),
            OsStr::new(DOMAIN),
            OsStr::new("--email"),
            OsStr::new("owner@lab.test"),
            OsStr::new("--acme-directory"),
            OsStr::new(&directory),
            OsStr::new("--acme-ca-file"),
            ca_file.as_os_str(),
        ];
        Server::init_with(&super::common::binary(), &self.state_dir(), options)?;
        // What the first set-up ends with.
        let file = self.state_dir().join("panel.json");
        let mut panel: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
        panel["onboarding"]["status"] = json!("COMPLETED");
        std::fs::write(file, panel.to_string())?;
        Ok(())
    }

    /// Starts the server, which was stopped or killed before.
    pub(crate) fn run(&mut self) -> Result<()> {
        self.server = Some(Server::start_at(
            &super::common::binary(),
            &self.state_dir(),
            &self.folder.path().join("log"),
            self.https_port,
        )?);
        Ok(())
    }

    /// Ends the server as a power cut does.
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The admin, at the bare address.
    pub(crate) fn admin(&self) -> Curl {
        self.server().admin()
    }

    pub(crate) fn api(&self, path: &str) -> String {
        self.server().api(path)
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("the server was started")
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        let answer = self.admin().send(&self.api(path))?;
        if answer.status != 200 {
            bail!("{path}: {} {}", answer.status, answer.text());
        }
        answer.json()
    }

    pub(crate) fn create(&self, subdomain: &str, port: u16) -> Result<Answer> {
        let body = json!({"subdomain": subdomain, "port": port, "accessMode": "public"});
        self.admin().json("POST", &body).send(&self.api("tunnels"))
    }

    /// The same by a process of its own, which waits for an answer that may never come.
    pub(crate) fn create_in_background(&self, subdomain: &str, port: u16) -> Result<Child> {
        let body = json!({"subdomain": subdomain, "port": port, "accessMode": "public"});
        let output = self.folder.path().join("unread");
        let asking = self.admin().json("POST", &body);
        asking.start(&self.api("tunnels"), &output)
    }

    pub(crate) fn renew(&self, subdomain: &str) -> Result<Answer> {
        let path = format!("certs/{subdomain}.{DOMAIN}/renew");
        self.admin()
            .options(["--request", "POST"])
            .send(&self.api(&path))
    }

    pub(crate) fn tunnel(&self, subdomain: &str) -> Result<Value> {
        let all = self.get("tunnels")?;
        let mut found = all["tunnels"].as_array().into_iter().flatten();
        found
            .find(|tunnel| tunnel["subdomain"] == subdomain)
            .cloned()
            .with_context(|| format!("no tunnel {subdomain} in {all}"))
    }

    /// The answer that a visitor gets who trusts the authority's root and nobody else.
    pub(crate) fn visit(&self, subdomain: &str) -> Result<Answer> {
        let root = self.file("root.pem", &self.pebble.root_pem()?)?;
        self.visit_trusting(subdomain, &root)
    }

    pub(crate) fn visit_trusting(&self, subdomain: &str, root: &Path) -> Result<Answer> {
        let host = format!("{subdomain}.{DOMAIN}");
        let (visitor, url) = self.server().visitor(root, &host, "/");
        visitor.send(&url)
    }

    /// The certificate that visitors are shown, whoever issued it.
    pub(crate) fn shown(&self, subdomain: &str) -> Option<String> {
        let output = Command::new("openssl")
            .args([
                "s_client",
                "-connect",
                &format!("127.0.0.1:{}", self.https_port),
            ])
            .args(["-servername", &format!("{subdomain}.{DOMAIN}")])
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let begin = text.find("-----BEGIN CERTIFICATE-----")?;
        let end = text.find("-----END CERTIFICATE-----")?;
        text.get(begin..end).map(str::to_owned)
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content)?;
        Ok(path)
    }

    /// Waits until `condition` holds.
    pub(crate) fn until(
        &self,
        limit: Duration,
        what: &str,
        mut condition: impl FnMut() -> bool,
    ) -> Result<Duration> {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if condition() {
                return Ok(begun.elapsed());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!(
            "not within {limit:?}: {what}\n{}\n{}",
            self.log(),
            self.pebble.log()
        )
    }
}
