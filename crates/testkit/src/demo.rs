//! `portlama demo` as a process: started, read, and stopped when dropped.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{Answer, Curl, fresh_totp_code};

/// The line `portlama demo --json` writes when all is up.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(
    missing_docs,
    reason = "the members are documented where they are written"
)]
pub struct Ready {
    pub ready: bool,
    pub domain: String,
    pub https_port: u16,
    pub panel_port: u16,
    pub panel_url: String,
    pub auth_url: String,
    pub app_url: String,
    pub origin_url: String,
    pub ca_cert: PathBuf,
    pub admin_cert: PathBuf,
    pub admin_key: PathBuf,
    pub admin_p12: PathBuf,
    pub admin_p12_password: String,
    pub client_ca: PathBuf,
    pub username: String,
    pub password: String,
    pub totp_uri: String,
    pub state_dir: PathBuf,
    pub server_pid: u32,
    pub agent_pid: u32,
    pub agent_label: String,
}

/// How a demo is started.
#[derive(Debug, Default)]
pub struct DemoOptions {
    /// The state directory; a temporary one when absent.
    pub state_dir: Option<PathBuf>,
    /// The port for https; a free one when absent.
    pub port: Option<u16>,
}

/// A running demo.
#[derive(Debug)]
pub struct Demo {
    /// What it said when it was ready.
    pub ready: Ready,
    child: Child,
    log: Arc<Mutex<String>>,
    folder: tempfile::TempDir,
    last_code: Mutex<Option<String>>,
}

/// How long the demo may take to come up, with a debug build on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

impl Demo {
    /// Starts a demo with free ports and a temporary state.
    ///
    /// # Errors
    /// With the log, when it does not become ready.
    pub fn start(binary: &Path) -> Result<Self> {
        Self::start_with(binary, DemoOptions::default())
    }

    /// Starts a demo.
    ///
    /// # Errors
    /// With the log, when it does not become ready.
    pub fn start_with(binary: &Path, options: DemoOptions) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args([
            "demo",
            "--json",
            "--port",
            &options.port.unwrap_or(0).to_string(),
        ]);
        if let Some(folder) = &options.state_dir {
            command.arg("--state-dir").arg(folder);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let log = Arc::new(Mutex::new(String::new()));
        collect(
            child.stderr.take().context("no standard error")?,
            Arc::clone(&log),
        );
        let line = first_line(child.stdout.take().context("no standard output")?);
        let ready = match line.and_then(|l| {
            serde_json::from_str(&l).with_context(|| format!("not the ready line: {l:?}"))
        }) {
            Ok(ready) => ready,
            Err(error) => {
                let _ = rustix::process::kill_process(pid(&child), rustix::process::Signal::TERM);
                let _ = child.wait();
                let log = log.lock().map(|l| l.clone()).unwrap_or_default();
                bail!("the demo did not become ready: {error:#}\n{log}");
            }
        };
        Ok(Self {
            ready,
            child,
            log,
            folder: tempfile::tempdir()?,
            last_code: Mutex::new(None),
        })
    }

    /// Everything the demo and its two processes have written about themselves.
    #[must_use]
    pub fn log(&self) -> String {
        let mut all = self.log.lock().map(|log| log.clone()).unwrap_or_default();
        for part in ["server.log", "agent.log"] {
            let text = std::fs::read(self.ready.state_dir.join(part)).unwrap_or_default();
            all.push_str(&String::from_utf8_lossy(&text));
        }
        all
    }

    /// A file for this test, removed with the demo.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A visitor without any identity.
    #[must_use]
    pub fn visitor(&self) -> Curl {
        Curl::new(&self.ready.ca_cert)
    }

    /// A visitor with a cookie jar of that name.
    #[must_use]
    pub fn visitor_with_jar(&self, jar: &str) -> Curl {
        self.visitor().jar(&self.file(jar))
    }

    /// The admin, with the certificate.
    #[must_use]
    pub fn admin(&self) -> Curl {
        self.visitor()
            .identity(&self.ready.admin_cert, &self.ready.admin_key)
    }

    /// `<panel>/api/<path>`.
    #[must_use]
    pub fn api(&self, path: &str) -> String {
        format!("{}/api/{path}", self.ready.panel_url.trim_end_matches('/'))
    }

    /// The URL of a host below the demo's domain, with a path that begins with `/`.
    #[must_use]
    pub fn url(&self, subdomain: &str, path: &str) -> String {
        format!(
            "https://{subdomain}.{}:{}{path}",
            self.ready.domain, self.ready.https_port
        )
    }

    /// A code that was not used in this demo.
    ///
    /// # Errors
    /// When the demo's URI has no usable secret.
    pub fn totp_code(&self) -> Result<String> {
        let mut last = self
            .last_code
            .lock()
            .map_err(|_| anyhow::anyhow!("a test panicked"))?;
        let code = fresh_totp_code(&self.ready.totp_uri, last.as_deref())?;
        *last = Some(code.clone());
        Ok(code)
    }

    /// Signs in with JSON, password then code, keeping the cookies in a jar of that name.
    ///
    /// # Errors
    /// When a step is not answered with 200.
    pub fn sign_in(&self, jar: &str) -> Result<()> {
        let auth = |path: &str| format!("{}/api/{path}", self.ready.auth_url.trim_end_matches('/'));
        let password =
            serde_json::json!({"username": self.ready.username, "password": self.ready.password});
        expect_ok(
            self.visitor_with_jar(jar)
                .json("POST", &password)
                .send(&auth("firstfactor"))?,
        )?;
        let code = serde_json::json!({"token": self.totp_code()?});
        expect_ok(
            self.visitor_with_jar(jar)
                .json("POST", &code)
                .send(&auth("secondfactor/totp"))?,
        )?;
        Ok(())
    }

    /// Signs in and passes to the app, so that the jar holds the app's session.
    ///
    /// # Errors
    /// When the app does not answer with 200 in the end.
    pub fn sign_in_to_app(&self, jar: &str) -> Result<Answer> {
        self.sign_in(jar)?;
        expect_ok(
            self.visitor_with_jar(jar)
                .follow()
                .send(&self.ready.app_url)?,
        )
    }

    /// Makes a tunnel to a local port, allowed at home by the demo's agent.
    ///
    /// # Errors
    /// When the API does not answer 201.
    pub fn tunnel(
        &self,
        subdomain: &str,
        port: u16,
        access_mode: &str,
    ) -> Result<serde_json::Value> {
        let body =
            serde_json::json!({"subdomain": subdomain, "port": port, "accessMode": access_mode});
        let answer = self
            .admin()
            .json("POST", &body)
            .send(&self.api("tunnels"))?;
        if answer.status != 201 {
            bail!("creating the tunnel: {} {}", answer.status, answer.text());
        }
        Ok(answer.json()?["tunnel"].clone())
    }

    /// Asks for the process to end and waits for it.
    ///
    /// # Errors
    /// When it does not end by itself.
    pub fn stop(&mut self) -> Result<std::process::ExitStatus> {
        let _ = rustix::process::kill_process(pid(&self.child), rustix::process::Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(40) {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the demo did not stop\n{}", self.log())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if self.stop().is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln_lossy(&format!("── log of the demo\n{}", self.log()));
        }
    }
}

fn eprintln_lossy(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn pid(child: &Child) -> rustix::process::Pid {
    let raw = i32::try_from(child.id()).unwrap_or(i32::MAX);
    rustix::process::Pid::from_raw(raw).unwrap_or(rustix::process::Pid::INIT)
}

fn collect(mut from: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            if let Ok(mut log) = log.lock() {
                log.push_str(&String::from_utf8_lossy(&buffer[..n]));
            }
        }
    });
}

/// The first line, within the limit; the rest is read and dropped so that nothing blocks.
fn first_line(from: impl Read + Send + 'static) -> Result<String> {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _ = send.send(line);
        }
    });
    receive
        .recv_timeout(START_LIMIT)
        .context("it wrote no line")
}

fn expect_ok(answer: Answer) -> Result<Answer> {
    if answer.status != 200 {
        bail!(
            "{} answered {}: {}",
            answer.url,
            answer.status,
            answer.text()
        );
    }
    Ok(answer)
}
