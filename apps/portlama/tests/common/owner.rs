//! Somebody with an account at the fake of DigitalOcean, a desktop and a home.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result};
use portlama_testkit::Desktop;
use portlama_testkit::fake_digitalocean::{FakeDigitalOcean, TokenSpec};

use crate::common::binary;

/// Looks like a token, and is one for the fake. It stands nowhere but where a test puts it.
pub(crate) const TOKEN: &str = "dop_v1_00c0ffee00c0ffee00c0ffee00c0ffee";

/// A person.
pub(crate) struct Owner {
    pub(crate) fake: FakeDigitalOcean,
    pub(crate) desktop: Desktop,
    folder: tempfile::TempDir,
}

#[allow(dead_code, reason = "not every test file uses every helper")]
impl Owner {
    /// Signed in to a desktop, with a token that fits, which is not kept yet.
    pub(crate) async fn new() -> Result<Self> {
        Self::with(TokenSpec::fitting(TOKEN)).await
    }

    /// The same with another token.
    pub(crate) async fn with(token: TokenSpec) -> Result<Self> {
        let mut desktop = Desktop::start()?;
        desktop.sign_in()?;
        Ok(Self {
            fake: FakeDigitalOcean::start([token]).await,
            desktop,
            folder: tempfile::tempdir()?,
        })
    }

    /// `~/.portlama`.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join(".portlama")
    }

    /// `portlama cloud` with these words.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(binary());
        command
            .arg("cloud")
            .args(words)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("PORTLAMA_CLOUD_API", &self.fake.url)
            .env("PORTLAMA_CLOUD_API_CA", &self.fake.ca_file)
            .envs(self.desktop.environment())
            .stdin(Stdio::null());
        command
    }

    /// Runs `portlama cloud` with these words.
    pub(crate) fn run<const N: usize>(&self, words: [&str; N]) -> Result<Output> {
        Ok(self.command(words).output()?)
    }

    /// Runs it with a text on its standard input.
    pub(crate) fn run_with_input<const N: usize>(
        &self,
        words: [&str; N],
        input: &str,
    ) -> Result<Output> {
        feed(self.command(words), input)
    }

    /// Keeps the token.
    pub(crate) fn keep_token(&self) -> Result<()> {
        self.desktop
            .store("com.portlama.cloud", "digitalocean", TOKEN)
    }

    /// Writes the list of servers as another program left it.
    pub(crate) fn write_list(&self, list: &serde_json::Value) -> Result<()> {
        std::fs::create_dir_all(self.home())?;
        std::fs::write(self.home().join("servers.json"), list.to_string())?;
        Ok(())
    }

    /// The list of servers as it lies on the disk.
    pub(crate) fn list(&self) -> Result<serde_json::Value> {
        let text = std::fs::read_to_string(self.home().join("servers.json"))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// The files of the home that hold this text.
    pub(crate) fn files_with(&self, text: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(self.folder.path(), &mut |path| {
            let octets = std::fs::read(path).unwrap_or_default();
            if octets
                .windows(text.len())
                .any(|part| part == text.as_bytes())
            {
                found.push(path.to_owned());
            }
        });
        found
    }
}

/// Runs a command with a text on its standard input.
#[allow(dead_code, reason = "not every test file uses every helper")]
pub(crate) fn feed(mut command: Command, input: &str) -> Result<Output> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().context("portlama")?;
    let mut stdin = child.stdin.take().context("a pipe")?;
    // A program that refuses before it reads closes its end.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    Ok(child.wait_with_output()?)
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => walk(&path, visit),
            false => visit(&path),
        }
    }
}

/// What a command wrote for people.
pub(crate) fn noted(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command wrote as data.
pub(crate) fn data(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The JSON document that a command wrote.
#[allow(dead_code, reason = "not every test file uses every helper")]
pub(crate) fn document(output: &Output) -> Result<serde_json::Value> {
    serde_json::from_slice(&output.stdout).with_context(|| noted(output))
}
