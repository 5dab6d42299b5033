//! `portlama server` alone: made, started, killed without a word, started again.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::Curl;

/// A running server over a state directory. Dropping it kills it with SIGKILL.
#[derive(Debug)]
pub struct Server {
    state_dir: PathBuf,
    child: Child,
    /// Closing it would ask the server to stop.
    _stdin: Option<ChildStdin>,
    ports: Ports,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ports {
    https_port: u16,
    panel_port: u16,
}

impl Server {
    /// Makes a complete server for `lab.test` on loopback, with its own authority.
    ///
    /// # Errors
    /// With what the program says, when it fails.
    pub fn init(binary: &Path, state_dir: &Path) -> Result<()> {
        let options = ["--domain", "lab.test", "--certificates", "internal"];
        Self::init_with(binary, state_dir, options)
    }

    /// Makes a server on loopback with options of `server init`.
    ///
    /// # Errors
    /// With what the program says, when it fails.
    pub fn init_with<I: AsRef<OsStr>>(
        binary: &Path,
        state_dir: &Path,
        options: impl IntoIterator<Item = I>,
    ) -> Result<()> {
        let output = Command::new(binary)
            .args(["server", "init", "--ip", "127.0.0.1", "--state-dir"])
            .arg(state_dir)
            .args(options)
            .output()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Starts it on free ports of loopback; `log` gets what it says.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start(binary: &Path, state_dir: &Path, log: &Path) -> Result<Self> {
        Self::start_at(binary, state_dir, log, 0)
    }

    /// The same with visitors at a port that is known before; 0 for a free one.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start_at(binary: &Path, state_dir: &Path, log: &Path, https_port: u16) -> Result<Self> {
        Self::start_on(binary, state_dir, log, https_port, 0)
    }

    /// The same with the panel at a port that is known before, too: where agents come back to a
    /// server that was started again.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start_on(
        binary: &Path,
        state_dir: &Path,
        log: &Path,
        https_port: u16,
        panel_port: u16,
    ) -> Result<Self> {
        let log_file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)?;
        let mut child = Command::new(binary)
            .args(["server", "run", "--json"])
            .args(["--panel-port", &panel_port.to_string()])
            .args(["--https-port", &https_port.to_string()])
            .args(["--listen", "127.0.0.1", "--stop-with-stdin", "--state-dir"])
            .arg(state_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let stdin = child.stdin.take();
        let Ok(ports) = serde_json::from_str(&line) else {
            let _ = child.kill();
            let _ = child.wait();
            let log = std::fs::read_to_string(log).unwrap_or_default();
            bail!("the server did not become ready: {line:?}\n{log}");
        };
        Ok(Self {
            state_dir: state_dir.to_owned(),
            child,
            _stdin: stdin,
            ports,
        })
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its state lies.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// The port for visitors.
    #[must_use]
    pub fn https_port(&self) -> u16 {
        self.ports.https_port
    }

    /// The port of the panel on the bare address.
    #[must_use]
    pub fn panel_port(&self) -> u16 {
        self.ports.panel_port
    }

    /// A request as the admin.
    #[must_use]
    pub fn admin(&self) -> Curl {
        let (certificate, key) = self.admin_identity();
        Curl::new(&self.ca_file()).identity(&certificate, &key)
    }

    /// The admin's certificate and key.
    #[must_use]
    pub fn admin_identity(&self) -> (PathBuf, PathBuf) {
        let file = |name: &str| self.state_dir.join("pki").join(name);
        (file("client.crt"), file("client.key"))
    }

    /// The certificate of its own authority.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.state_dir.join("pki/ca.crt")
    }

    /// A visitor of one of its hosts who trusts `root` and nobody else, and the address of a path
    /// there.
    #[must_use]
    pub fn visitor(&self, root: &Path, host: &str, path: &str) -> (Curl, String) {
        let port = self.ports.https_port;
        let at = format!("{host}:{port}:127.0.0.1");
        let curl = Curl::new(root).options(["--resolve", &at, "--max-time", "10"]);
        (curl, format!("https://{host}:{port}{path}"))
    }

    /// The address of an API route, `tunnels` for `/api/tunnels`.
    #[must_use]
    pub fn api(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}/api/{path}", self.ports.panel_port)
    }

    /// Kills it without a word.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
