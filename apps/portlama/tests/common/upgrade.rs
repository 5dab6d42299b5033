//! A machine with an installed server, and releases for it that the tests sign.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use portlama_testkit::machine::{Lab, Machine, MachineOptions, Packages, Said};
use portlama_testkit::{Curl, release};

use crate::{common, vps};

/// The version under test, and one that comes after it.
pub(crate) const INSTALLED: &str = env!("CARGO_PKG_VERSION");
pub(crate) const NEXT: &str = "0.2.0";

pub(crate) const JOURNAL: &str = "/var/lib/portlama/upgrade/journal.json";

/// The chapter on upgrades.
const GUIDE: &str = include_str!("../../../../docs/guide/35-upgrade.md");

/// How long an upgrade and its way back may take.
const UPGRADE_LIMIT: Duration = Duration::from_secs(180);

/// A machine whose server believes the tests' key.
pub(crate) struct Site<'lab> {
    pub(crate) machine: Machine<'lab>,
    /// The installed program.
    pub(crate) program: Vec<u8>,
    /// The same program as the next version.
    pub(crate) next: Vec<u8>,
}

/// Installs a server on a new machine.
pub(crate) fn boot<'lab>(lab: &'lab Lab, name: &str) -> Result<Site<'lab>> {
    let options = MachineOptions {
        packages: Packages::Equipped,
        ..MachineOptions::default()
    };
    let machine = lab.boot(name, options)?;
    let (program, next) = programs()?;
    machine.write("/root/portlama", &program, 0o755)?;
    // As its own authority a server is complete at once.
    machine.shell(&format!(
        "/root/portlama server install --certificates internal --domain lab.test --ip {}",
        machine.address()
    ))?;
    answers(&machine, INSTALLED)?;
    Ok(Site {
        machine,
        program,
        next,
    })
}

/// A program that believes the tests' key, and the same as the next version.
pub(crate) fn programs() -> Result<(Vec<u8>, Vec<u8>)> {
    // Programs that are given to people don't believe that key, so this is the build of these
    // tests whatever else is tested.
    let program = stripped(Path::new(env!("CARGO_BIN_EXE_portlama")))?;
    let next = renamed(&program)?;
    Ok((program, next))
}

/// As releases are: without what debuggers want to know.
fn stripped(program: &Path) -> Result<Vec<u8>> {
    let folder = tempfile_folder()?;
    let to = folder.join("portlama");
    let status = Command::new("strip")
        .arg("-o")
        .arg(&to)
        .arg(program)
        .status();
    ensure!(
        status.is_ok_and(|status| status.success()),
        "`strip` failed"
    );
    let bytes = std::fs::read(&to)?;
    std::fs::remove_dir_all(folder)?;
    Ok(bytes)
}

/// The network of the lab is a place of its own, and so is its `/run`.
fn tempfile_folder() -> Result<std::path::PathBuf> {
    let folder = Path::new("/run").join(format!("stripped-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    Ok(folder)
}

/// Another program with another digest, which says another version of itself wherever it says one:
/// its name for the version is exchanged for one of the same length.
fn renamed(program: &[u8]) -> Result<Vec<u8>> {
    let (old, new) = (INSTALLED.as_bytes(), NEXT.as_bytes());
    ensure!(old.len() == new.len() && old != new);
    let mut renamed = program.to_vec();
    let mut at = 0;
    let mut found = 0;
    while let Some(next) = renamed[at..]
        .windows(old.len())
        .position(|bytes| bytes == old)
    {
        at += next;
        renamed[at..at + old.len()].copy_from_slice(new);
        found += 1;
    }
    ensure!(found > 0, "the program does not hold its version");
    Ok(renamed)
}

/// The version that answers.
pub(crate) fn version(machine: &Machine<'_>) -> Result<String> {
    let answer = vps::admin(machine).send(&vps::api(machine, "health"))?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let health = answer.json()?;
    Ok(health["version"].as_str().context("a version")?.to_owned())
}

/// Waits until this version answers.
pub(crate) fn answers(machine: &Machine<'_>, wanted: &str) -> Result<()> {
    let answers = || (version(machine).ok()? == wanted).then_some(());
    common::within(vps::ANSWER_LIMIT, answers)
        .with_context(|| format!("{wanted} does not answer: {:?}", version(machine)))?;
    Ok(())
}

impl Site<'_> {
    /// Puts a signed release into a folder of root's; returns where the program lies.
    pub(crate) fn offer(&self, folder: &str, version: &str, program: &[u8]) -> Result<String> {
        let comment = release::comment(program, version);
        self.offer_saying(folder, version, program, &comment)
    }

    /// The same with whatever comment.
    pub(crate) fn offer_saying(
        &self,
        folder: &str,
        version: &str,
        program: &[u8],
        comment: &str,
    ) -> Result<String> {
        let path = format!("/root/{folder}/portlama-{version}-{}", release::target());
        self.machine.write(&path, program, 0o755)?;
        let signature = release::sign_saying(program, comment)?;
        self.machine
            .write(&format!("{path}.minisig"), signature, 0o644)?;
        Ok(path)
    }

    /// The guide's command with this file.
    fn command(&self, file: &str) -> Result<String> {
        let block = GUIDE
            .split("```\n")
            .skip(1)
            .step_by(2)
            .find(|block| block.starts_with("portlama server upgrade --file"))
            .context("the guide has no command")?;
        let mut words: Vec<_> = block.split_whitespace().collect();
        let place = words.last_mut().context("a file")?;
        *place = file;
        Ok(words.join(" "))
    }

    pub(crate) fn upgrade(&self, file: &str, options: &str) -> Result<Said> {
        let command = format!("{} {options}", self.command(file)?);
        let words = ["sh", "-c", &command];
        let output = self.machine.command(words, UPGRADE_LIMIT)?.output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Said {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        })
    }

    /// Refused with these words, and nothing is different.
    pub(crate) fn refuses(&self, file: &str, why: &str) -> Result<()> {
        let said = self.upgrade(file, "")?;
        ensure!(said.code == Some(1), "{said:?}");
        ensure!(said.stderr.contains(why), "no {why:?} in {said:?}");
        ensure!(said.stderr.contains("nothing was changed"), "{said:?}");
        self.machine
            .shell("test ! -e /var/lib/portlama/upgrade/release")?;
        Ok(())
    }

    /// Orders an upgrade and does not wait for it.
    pub(crate) fn begin(&self, file: &str) -> Result<()> {
        self.machine.shell(&format!(
            "rm -f /var/lib/portlama/upgrade/progress
             systemctl reset-failed ordered.service 2>/dev/null || true
             systemd-run --quiet --collect --unit=ordered {}",
            self.command(file)?
        ))?;
        Ok(())
    }

    /// Waits until this step has begun.
    pub(crate) fn wait_for(&self, step: &str) -> Result<()> {
        let line = format!("\"step\":\"{step}\"");
        let begun = || {
            let said = self
                .machine
                .read("/var/lib/portlama/upgrade/progress")
                .ok()?;
            said.contains(&line).then_some(())
        };
        common::within(UPGRADE_LIMIT, begun).with_context(|| format!("{step} does not begin"))?;
        Ok(())
    }

    /// Kills everything that carries an upgrade out, in this step.
    pub(crate) fn kill_at(&self, file: &str, step: &str) -> Result<()> {
        self.begin(file)?;
        self.wait_for(step)?;
        self.machine.shell(
            "for unit in portlama-upgrade portlama-swap ordered; do
                 systemctl kill --signal=KILL $unit.service 2>/dev/null || true
             done",
        )?;
        Ok(())
    }

    /// Whether an upgrade has not come to its end.
    pub(crate) fn is_under_way(&self) -> Result<bool> {
        let script = format!(
            "test -e {JOURNAL} || systemctl is-active -q portlama-upgrade portlama-upgrade-resume portlama-swap"
        );
        Ok(self.machine.run(["sh", "-c", &script])?.code == Some(0) || self.activating()?)
    }

    fn activating(&self) -> Result<bool> {
        let said = self.machine.shell(
            "systemctl show -p ActiveState --value portlama-upgrade portlama-upgrade-resume portlama-swap",
        )?;
        Ok(said.contains("activating"))
    }

    /// The documents of the state, by their digests: all but what changes with use.
    pub(crate) fn documents(&self) -> Result<String> {
        self.machine.shell(
            "cd /etc/portlama && find . -type f ! -name 'runtime.db*' ! -name lock -exec sha256sum {} + | sort -k 2
             stat -c '%n %a %U' . pki pki/ca.key runtime.db",
        )
    }

    /// Since when a unit is active.
    pub(crate) fn since(&self, unit: &str) -> Result<String> {
        self.machine.shell(&format!(
            "systemctl show -p ActiveEnterTimestamp --value {unit}"
        ))
    }
}

/// Somebody who asks for the server's health without a pause, each time by a connection of its own.
pub(crate) struct Poll {
    stop: Arc<AtomicBool>,
    asking: JoinHandle<Polled>,
}

/// What they saw.
#[derive(Debug, Default)]
pub(crate) struct Polled {
    pub(crate) answers: usize,
    pub(crate) failures: Vec<String>,
    pub(crate) longest: Duration,
    /// The versions that answered, each once, in their order.
    pub(crate) versions: Vec<String>,
}

impl Poll {
    pub(crate) fn begin(machine: &Machine<'_>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let ca = machine.path("/etc/portlama/pki/ca.crt");
        let url = vps::api(machine, "health");
        let stopped = Arc::clone(&stop);
        let asking = std::thread::spawn(move || {
            let mut polled = Polled::default();
            while !stopped.load(Ordering::Relaxed) {
                polled.ask(&ca, &url);
            }
            polled
        });
        Self { stop, asking }
    }

    pub(crate) fn end(self) -> Polled {
        self.stop.store(true, Ordering::Relaxed);
        self.asking.join().expect("the asking thread")
    }
}

impl Polled {
    fn ask(&mut self, ca: &Path, url: &str) {
        let begun = Instant::now();
        let answer = Curl::new(ca).options(["--max-time", "40"]).send(url);
        self.longest = self.longest.max(begun.elapsed());
        let version = answer.and_then(|answer| {
            ensure!(answer.status == 200, "{}", answer.status);
            let health = answer.json()?;
            Ok(health["version"].as_str().context("a version")?.to_owned())
        });
        match version {
            Ok(version) => {
                self.answers += 1;
                if self.versions.last() != Some(&version) {
                    self.versions.push(version);
                }
            }
            Err(error) => self.failures.push(format!("{error:#}")),
        }
    }
}
