//! A desktop's credential store, real: a message bus of its own, and GNOME Keyring on it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// How long the keyring may take to come.
const PATIENCE: Duration = Duration::from_secs(30);
const PASSWORD: &str = "the password of the desktop";

/// A message bus and, while somebody is signed in, GNOME Keyring on it.
pub struct Desktop {
    folder: tempfile::TempDir,
    address: String,
    bus: Child,
    keyring: Option<Child>,
}

impl Desktop {
    /// A bus without a keyring.
    ///
    /// # Errors
    /// When the programs are not there.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        for name in ["data", "run"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        // Nothing is started by itself: no service files.
        let config = folder.path().join("bus.conf");
        std::fs::write(
            &config,
            format!(
                "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
                 <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
                 <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
                folder.path().join("run/bus").display()
            ),
        )?;
        let mut bus = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("dbus-daemon")?;
        let mut address = String::new();
        BufReader::new(bus.stdout.take().context("its address")?).read_line(&mut address)?;
        Ok(Self {
            folder,
            address: address.trim().to_owned(),
            bus,
            keyring: None,
        })
    }

    /// What programs of this desktop have in their environment.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let folder = |name: &str| self.folder.path().join(name).display().to_string();
        vec![
            ("DBUS_SESSION_BUS_ADDRESS".to_owned(), self.address.clone()),
            ("XDG_DATA_HOME".to_owned(), folder("data")),
            ("XDG_RUNTIME_DIR".to_owned(), folder("run")),
        ]
    }

    /// Somebody signs in; the first time makes the keyring.
    ///
    /// # Errors
    /// When the keyring does not come.
    pub fn sign_in(&mut self) -> Result<()> {
        self.keyring(Some(PASSWORD))
    }

    /// Somebody is signed in whose keyring stays shut, as after an automatic sign-in.
    ///
    /// # Errors
    /// When the keyring does not come.
    pub fn sign_in_without_password(&mut self) -> Result<()> {
        self.keyring(None)
    }

    fn keyring(&mut self, password: Option<&str>) -> Result<()> {
        self.sign_out();
        let mut command = Command::new("gnome-keyring-daemon");
        command
            .args(["--foreground", "--components=secrets"])
            .envs(self.environment())
            .env("HOME", self.folder.path())
            .env_remove("DISPLAY")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if password.is_some() {
            command.arg("--unlock");
        }
        let mut child = command.spawn().context("gnome-keyring-daemon")?;
        let mut stdin = child.stdin.take().context("a pipe")?;
        stdin.write_all(password.unwrap_or_default().as_bytes())?;
        drop(stdin);
        self.keyring = Some(child);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            // Whether it answers, whatever it says.
            let answer = self.secret_tool(&["search", "--all", "service", "nobody"])?;
            if answer.status.success() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the keyring did not come")
    }

    /// The keyring goes away.
    pub fn sign_out(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            let _ = keyring.kill();
            let _ = keyring.wait();
        }
    }

    /// Runs the desktop's own tool.
    ///
    /// # Errors
    /// When it does not start.
    pub fn secret_tool(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new("secret-tool");
        command
            .args(arguments)
            .envs(self.environment())
            .stdin(Stdio::null());
        Ok(command.output()?)
    }

    /// What the desktop's own tool finds for an account of a service; empty when nothing.
    ///
    /// # Errors
    /// When the tool does not start.
    pub fn lookup(&self, service: &str, account: &str) -> Result<String> {
        let found = self.secret_tool(&["lookup", "service", service, "account", account])?;
        Ok(String::from_utf8_lossy(&found.stdout).into_owned())
    }

    /// Has the desktop's own tool keep a secret.
    ///
    /// # Errors
    /// When it does not.
    pub fn store(&self, service: &str, account: &str, secret: &str) -> Result<()> {
        let mut child = Command::new("secret-tool")
            .args(["store", "--label", "of a test"])
            .args(["service", service, "account", account])
            .envs(self.environment())
            .stdin(Stdio::piped())
            .spawn()
            .context("secret-tool")?;
        let mut stdin = child.stdin.take().context("a pipe")?;
        stdin.write_all(secret.as_bytes())?;
        drop(stdin);
        ensure!(child.wait()?.success(), "secret-tool kept nothing");
        Ok(())
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.sign_out();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}
