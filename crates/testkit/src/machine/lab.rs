//! The place where machines stand: entered, bounded in time, and told of when a test fails.

use std::cell::RefCell;
use std::fmt::Display;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{cgroups, network};

/// Names the folder with the file systems; without it nothing is booted.
pub const ROOTS: &str = "PORTLAMA_MACHINE_ROOTS";

/// Set for the copy of a test that runs inside: the folder it shares with the one outside.
const INSIDE: &str = "PORTLAMA_TEST_INSIDE_LAB";
/// Exists in that folder when the copy got as far as the test.
const ENTERED: &str = "entered";

/// Lines of each journal and console that are shown when a test fails.
const SHOWN_LINES: usize = 150;

/// A network with nothing in it but the test and its machines. The test itself stands in it, at
/// [`Lab::ADDRESS`] and on a loopback of its own, so whatever it starts reaches the machines.
#[derive(Debug)]
pub struct Lab {
    roots: PathBuf,
    group: String,
    machines: RefCell<Vec<PathBuf>>,
}

impl Lab {
    /// Runs `work` in a lab and ends everything after `limit`. `test` is the name of the calling
    /// test, which is run a second time, inside. Where no file systems were made it is skipped,
    /// which is said.
    ///
    /// # Errors
    /// Those of `work`, after what the machines' journals say; and when the lab cannot be made.
    pub fn enter(
        test: &str,
        limit: Duration,
        work: impl FnOnce(&Self) -> Result<()>,
    ) -> Result<()> {
        let Some(roots) = std::env::var_os(ROOTS).map(PathBuf::from) else {
            say("skipped: machines are booted by `cargo xtask test --only machine`")?;
            return Ok(());
        };
        match std::env::var_os(INSIDE).map(PathBuf::from) {
            None => run_inside(test, limit),
            Some(shared) => Self::make(roots, &shared)?.carry_out(work),
        }
    }

    /// Removes what tests that were killed left behind: control groups without a process, and
    /// empty folders. Who enters a lab does this first.
    pub fn sweep() {
        let is_left = |name: &str| {
            let owner = cgroups::owner(name);
            owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists())
        };
        cgroups::sweep(is_left);
        let folders = std::fs::read_dir(std::env::temp_dir());
        for folder in folders.into_iter().flatten().flatten() {
            if is_left(&folder.file_name().to_string_lossy()) {
                let _ = std::fs::remove_dir_all(folder.path());
            }
        }
    }

    fn make(roots: PathBuf, shared: &Path) -> Result<Self> {
        std::fs::write(shared.join(ENTERED), "")?;
        // What programs leave in /run goes with the lab, the names of network namespaces too.
        command("mount", &["-t", "tmpfs", "-o", "mode=755", "lab", "/run"])?;
        network::make_bridge()?;
        let group = shared.file_name().context("a folder with a name")?;
        Ok(Self {
            roots,
            group: group.to_string_lossy().into_owned(),
            machines: RefCell::default(),
        })
    }

    fn carry_out(self, work: impl FnOnce(&Self) -> Result<()>) -> Result<()> {
        let done = work(&self);
        if done.is_err() {
            self.show_machines();
        }
        done
    }

    /// Says something past the test harness, which keeps what passing tests print: how long
    /// something took.
    ///
    /// # Errors
    /// When standard error is closed.
    pub fn say(&self, what: impl Display) -> Result<()> {
        say(what)
    }

    /// Gives the test one more address in the network, such as that of an attacker.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn add_address(&self, address: std::net::Ipv4Addr) -> Result<()> {
        network::add_address(address)
    }

    /// Lets the test and its programs look names up at this address, as
    /// [`Machine::look_names_up`](super::Machine::look_names_up) does for a machine.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn look_names_up(&self, at: std::net::Ipv4Addr) -> Result<()> {
        let file = "/run/resolv.conf";
        std::fs::write(file, resolv_conf(at))?;
        command("mount", &["--bind", file, "/etc/resolv.conf"])
    }

    pub(super) fn roots(&self) -> &Path {
        &self.roots
    }

    /// A control group's name for a machine, which tells whose it is.
    pub(super) fn group_of(&self, machine: &str) -> String {
        format!("{}-{machine}", self.group)
    }

    /// How many machines there are, those included that are off.
    pub(super) fn machines(&self) -> usize {
        self.machines.borrow().len()
    }

    /// Remembers the folder of a machine.
    pub(super) fn add_machine(&self, folder: &Path) {
        self.machines.borrow_mut().push(folder.to_owned());
    }

    fn show_machines(&self) {
        for folder in self.machines.borrow().iter() {
            let journal = folder.join("root/var/log/journal");
            let mut reader = Command::new("journalctl");
            reader
                .args(["--no-pager", "--output=short-precise", "--lines"])
                .arg(SHOWN_LINES.to_string())
                .arg("--directory")
                .arg(journal);
            let said = reader.output().map(|output| output.stdout);
            let name = folder.display();
            let _ = say(format_args!("── journal of {name}"));
            let _ = say(String::from_utf8_lossy(&said.unwrap_or_default()));
            let console = std::fs::read_to_string(folder.join("console.log"));
            let _ = say(format_args!("── console of {name}"));
            let _ = say(last_lines(&console.unwrap_or_default(), SHOWN_LINES));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_machines();
        }
    }
}

/// Runs the same test again where nothing that it makes outlives it.
fn run_inside(test: &str, limit: Duration) -> Result<()> {
    Lab::sweep();
    let shared = tempfile::Builder::new()
        .prefix(&cgroups::prefix_of(std::process::id()))
        .tempdir()?;
    let inside = Command::new("setpriv")
        // Whoever kills this test ends `unshare`, `--kill-child` its first process inside, and
        // the kernel all others there.
        .args(["--pdeathsig", "KILL", "--"])
        .args(["unshare", "--net", "--mount", "--pid", "--mount-proc"])
        .args(["--fork", "--kill-child", "--"])
        .arg(std::env::current_exe()?)
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, shared.path())
        .stdin(Stdio::null())
        // Only the inner harness speaks there; the test speaks on standard error.
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start setpriv")?;
    let ended = wait(inside, limit);
    let name = shared.path().file_name().unwrap_or_default();
    cgroups::sweep(|group| group.starts_with(&*name.to_string_lossy()));
    let Some(status) = ended? else {
        bail!("{test} did not end within {limit:?}");
    };
    if !shared.path().join(ENTERED).exists() {
        bail!("{test}: {status} before the lab was entered; is this the test's own name?");
    }
    if !status.success() {
        bail!("{test} failed inside the lab ({status}); see above");
    }
    Ok(())
}

/// Waits for a process to end, at most so long, then ends it; `None` when it had to be.
fn wait(mut child: Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// Past the test harness, which would keep it to itself.
fn say(what: impl Display) -> Result<()> {
    writeln!(std::io::stderr(), "{what}")?;
    Ok(())
}

/// A resolver's settings; a name server that is out of reach is given up soon.
pub(super) fn resolv_conf(name_server: std::net::Ipv4Addr) -> String {
    format!("nameserver {name_server}\noptions timeout:1 attempts:2\n")
}

fn last_lines(text: &str, number: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(number)..].join("\n")
}

/// Runs a program of the host to its end.
pub(super) fn command(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {}: {}", arguments.join(" "), said.trim());
    }
    Ok(())
}
