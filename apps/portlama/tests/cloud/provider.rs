//! A provider in a lab: the fake API, and machines that start as those of a provider do, with
//! what it knows of them on their disk for cloud-init.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use portlama_credentials::{CredentialName, CredentialStore as _, EncryptedFile};
use portlama_model::Secret;
use portlama_testkit::fake_digitalocean::{FakeDigitalOcean, Machine as Birth, TokenSpec};
use portlama_testkit::machine::{Lab, Machine, MachineOptions, Packages};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::common;

/// Looks like a token, and is one for the fake.
pub(crate) const TOKEN: &str = "dop_v1_00c0ffee";
const PASSPHRASE: &str = "a passphrase for a test";
/// How long the fake may wait for a creation.
const BIRTH_LIMIT: Duration = Duration::from_secs(30);

/// The fake, and the person who uses it.
pub(crate) struct Provider {
    pub(crate) fake: FakeDigitalOcean,
    pub(crate) home: PathBuf,
    births: mpsc::Receiver<Birth>,
    next: Arc<Mutex<Ipv4Addr>>,
    _folder: tempfile::TempDir,
    _runtime: Runtime,
}

/// One event of the program, and when it was told.
pub(crate) type Told = (Instant, Value);

/// `portlama cloud create` under way.
pub(crate) struct Creation {
    process: Child,
    events: mpsc::Receiver<Told>,
    told: Vec<Told>,
}

impl Provider {
    pub(crate) fn start(lab: &Lab) -> Result<Self> {
        let runtime = Runtime::new()?;
        let fake = runtime.block_on(FakeDigitalOcean::start([TokenSpec::fitting(TOKEN)]));
        let next = Arc::new(Mutex::new(lab.next_address()?));
        let (tell, births) = mpsc::channel();
        let (tell, address) = (Mutex::new(tell), Arc::clone(&next));
        fake.boot(
            Arc::new(move |birth| {
                let _ = tell.lock().expect("unpoisoned").send(birth.clone());
                Some(*address.lock().expect("unpoisoned"))
            }),
            Arc::new(|_| {}),
        );
        let folder = tempfile::tempdir()?;
        Ok(Self {
            fake,
            home: folder.path().join("home"),
            births,
            next,
            _folder: folder,
            _runtime: runtime,
        })
    }

    /// `portlama cloud …` as a person calls it who has a token.
    pub(crate) fn portlama(&self, words: &[&str]) -> Command {
        let mut command = Command::new(common::binary());
        command
            .arg("cloud")
            .args(words)
            .env("PORTLAMA_HOME", &self.home)
            .env("PORTLAMA_CLOUD_API", &self.fake.url)
            .env("PORTLAMA_CLOUD_API_CA", &self.fake.ca_file)
            .env("PORTLAMA_CLOUD_TOKEN", TOKEN)
            .env("PORTLAMA_CREDENTIAL_STORE", "file")
            .env("PORTLAMA_CREDENTIAL_PASSPHRASE", PASSPHRASE)
            .stdin(Stdio::null());
        command
    }

    /// The same to its end, which is a good one.
    pub(crate) fn says(&self, words: &[&str]) -> Result<String> {
        let output = self.portlama(words).output()?;
        ensure!(output.status.success(), "{words:?}: {output:?}");
        no_secret(&output)?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Begins to make a server called `home`.
    pub(crate) fn create(&self) -> Result<Creation> {
        let words = [
            "create", "--label", "home", "--region", "fra1", "--yes", "--json",
        ];
        let mut process = self
            .portlama(&words)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = std::io::BufReader::new(process.stdout.take().context("its output")?);
        let (tell, events) = mpsc::channel();
        std::thread::spawn(move || {
            use std::io::BufRead as _;
            for line in lines.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if tell.send((Instant::now(), event)).is_err() {
                    break;
                }
            }
        });
        Ok(Creation {
            process,
            events,
            told: Vec::new(),
        })
    }

    /// Waits until a machine was asked for, and boots it.
    pub(crate) fn boot<'lab>(&self, lab: &'lab Lab, name: &str) -> Result<(Machine<'lab>, Birth)> {
        let birth = self.births.recv_timeout(BIRTH_LIMIT)?;
        let options = MachineOptions {
            packages: Packages::Cloud,
            ..MachineOptions::default()
        };
        let machine = lab.boot_prepared(name, options, |disk| seed(disk, &birth))?;
        *self.next.lock().expect("unpoisoned") = lab.next_address()?;
        Ok((machine, birth))
    }

    /// Nobody boots the machine that was asked for.
    pub(crate) fn boot_none(&self) {
        while self.births.try_recv().is_ok() {}
    }

    /// The password of a server's admin file.
    pub(crate) fn password(&self, server: &str) -> Result<Secret> {
        let file = self.home.join("credentials.age");
        let ask = |_, _: &Path| Ok(Secret::new(PASSPHRASE));
        let store = EncryptedFile::at(file, Box::new(ask));
        let name = CredentialName::new("com.portlama.server", server);
        store.read(&name)?.context("a password")
    }
}

impl Creation {
    /// Waits until an event fits; gives back when that was.
    pub(crate) fn wait_for(
        &mut self,
        limit: Duration,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<Instant> {
        if let Some((when, _)) = self.told.iter().find(|(_, event)| fits(event)) {
            return Ok(*when);
        }
        let begun = Instant::now();
        loop {
            let left = limit.saturating_sub(begun.elapsed());
            let next = self.events.recv_timeout(left);
            let told = next.with_context(|| format!("not told; {:?}", self.told.last()))?;
            self.told.push(told.clone());
            if fits(&told.1) {
                return Ok(told.0);
            }
        }
    }

    /// Ends the program as a crash does.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Waits for its good end; gives back everything that was told.
    pub(crate) fn finish(mut self, limit: Duration) -> Result<Vec<Told>> {
        self.wait_for(limit, |event| {
            matches!(event["event"].as_str(), Some("complete" | "error"))
        })?;
        let status = self.process.wait()?;
        ensure!(status.success(), "{:?}", self.told.last());
        Ok(self.told)
    }
}

/// Whether an event says that of a step.
pub(crate) fn is_step(event: &Value, step: &str, status: &str) -> bool {
    event["event"] == "step" && event["step"] == step && event["status"] == status
}

fn no_secret(output: &Output) -> Result<()> {
    let said = format!("{output:?}");
    ensure!(
        !said.contains("00c0ffee") && !said.contains(PASSPHRASE),
        "{said}"
    );
    Ok(())
}

/// Gives cloud-init what a provider's metadata service would.
fn seed(disk: &Path, birth: &Birth) -> Result<()> {
    let settings = disk.join("etc/cloud/cloud.cfg.d");
    let write = |name: &str, text: &str| std::fs::write(settings.join(name), text);
    write("90-source.cfg", "datasource_list: [NoCloud, None]\n")?;
    write(
        "99-local.cfg",
        "network: {config: disabled}\nlocale: false\n",
    )?;
    let seed = disk.join("var/lib/cloud/seed/nocloud");
    std::fs::create_dir_all(&seed)?;
    let metadata = serde_json::json!({
        "instance-id": birth.id.to_string(),
        "local-hostname": birth.name,
        "public-keys": birth.keys,
    });
    std::fs::write(seed.join("meta-data"), metadata.to_string())?;
    std::fs::write(seed.join("user-data"), &birth.user_data)?;
    Ok(())
}
