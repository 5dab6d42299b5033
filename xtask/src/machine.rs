//! The machine that tests boot with a real systemd: its file system, made once, and its suite.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::shell::{cargo, output, run};
use crate::{demo, tools};

/// The release of Debian that is booted.
const SUITE: &str = "bookworm";

/// What a fresh server has.
const FRESH: &[&str] = &[
    "ca-certificates",
    "curl",
    "dbus",
    "iproute2",
    "openssh-server",
    "procps",
    "python3-minimal",
    "sudo",
    "systemd-sysv",
    "systemd-timesyncd",
];

/// What a hardened server has as well: a layer of its own, and packages for apt.
const EQUIPPED: &[&str] = &[
    "fail2ban",
    "nftables",
    "polkitd",
    "python3-systemd",
    "ufw",
    "unattended-upgrades",
];

/// What a fresh server of a provider has as well: a layer of its own, for the tests of the cloud.
const CLOUD: &[&str] = &["cloud-init"];

const ROOT_SCRIPT: &str = include_str!("../machine/root.sh");
const LAYER_SCRIPT: &str = include_str!("../machine/layer.sh");

/// Where the tests find the file systems.
const ROOTS: &str = "PORTLAMA_MACHINE_ROOTS";

/// Boots machines and tests Portlama on them; says why where this cannot be done.
pub fn test(long: bool) -> Result<()> {
    let Some(mut command) = on_machines(&["portlama", "portlama-testkit"], "machine*")? else {
        return Ok(());
    };
    if long {
        command.env("PORTLAMA_TEST_LONG", "1");
    }
    // Machines share this one's cores and memory, and times are measured.
    run(command.args(["--", "--test-threads", "1"]))
}

/// Boots machines and writes what installation, server and agent take of them; whether that
/// could be done. The variable tells the test which file to write.
pub fn measure(variable: &str, file: &Path) -> Result<bool> {
    let Some(mut command) = on_machines(&["portlama"], "figures")? else {
        return Ok(false);
    };
    run(command.env(variable, file))?;
    Ok(true)
}

/// The command that runs tests of these packages on machines, with the binary as users run it.
pub fn on_machines(packages: &[&str], tests: &str) -> Result<Option<Command>> {
    if let Some(why) = impossible() {
        println!("skipped: {why}");
        return Ok(None);
    }
    tools::ensure(tools::FOR_MACHINE)?;
    let Some(sources) = sources()? else {
        println!("skipped: the apt sources of this machine have no Debian {SUITE}");
        return Ok(None);
    };
    let roots = roots(&sources)?;
    let binary = demo::build_release()?;
    let mut command = cargo();
    command
        .args(["test", "--locked", "--quiet"])
        .args(packages.iter().flat_map(|name| ["--package", *name]))
        .args(["--features", "portlama/machine-tests"])
        .args([
            "--features",
            &format!("portlama/{}", demo::RELEASE_FEATURES),
        ])
        .args(["--test", tests])
        .env("PORTLAMA_BINARY", binary)
        .env(ROOTS, roots);
    Ok(Some(command))
}

/// Why no machine can be booted here.
fn impossible() -> Option<&'static str> {
    if !tools::is_root() {
        return Some("a machine is booted by root alone");
    }
    if !crate::shell::exists("apt-get") {
        return Some("the machine's file system is made with apt, which is not here");
    }
    let namespaces = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "mount"])
        .args(["-t", "tmpfs", "portlama", "/run"])
        .stderr(Stdio::null())
        .status();
    if !namespaces.is_ok_and(|status| status.success()) {
        return Some("namespaces with mounts of their own are not allowed here");
    }
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    if !mounts.lines().any(|line| line.contains(" cgroup2 rw")) {
        return Some("the tree of control groups (cgroup2) cannot be written here");
    }
    None
}

/// Where packages come from, by the machine's own settings.
struct Sources {
    mirror: String,
    lines: String,
}

fn sources() -> Result<Option<Sources>> {
    let listing = output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages",
    ]))?;
    let mut mirror = None;
    let mut lines = String::new();
    for target in listing.lines() {
        let fields: Vec<&str> = target.split_whitespace().collect();
        let [uri, release, "main"] = fields.as_slice() else {
            continue;
        };
        if *release == SUITE {
            mirror.get_or_insert_with(|| (*uri).to_owned());
        }
        if release.starts_with(SUITE) && !lines.contains(&format!("{uri} {release} ")) {
            writeln!(lines, "deb {uri} {release} main")?;
        }
    }
    Ok(mirror.map(|mirror| Sources { mirror, lines }))
}

/// The folder of the file systems, each made when it is not there or made of something else. It
/// lies beside our own builds and may be deleted.
fn roots(sources: &Sources) -> Result<PathBuf> {
    let folder = demo::target_directory()?.join("machine");
    let root = Recipe {
        name: "a machine",
        made_of: format!("{SUITE}\n{FRESH:?}\n{EQUIPPED:?}\n{ROOT_SCRIPT}"),
        marker: folder.join("made-of"),
        log: folder.join("log"),
    };
    if !root.is_made() {
        remove(&folder)?;
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let mut command = in_namespace(ROOT_SCRIPT, &folder);
        command
            .env("SUITE", SUITE)
            .env("MIRROR", &sources.mirror)
            .env("SOURCES", &sources.lines)
            .env("FRESH", FRESH.join(","))
            .env("EQUIPPED", EQUIPPED.join(" "));
        root.make(command)?;
    }
    let cloud = Recipe {
        name: "a provider's machine",
        made_of: format!("{}\n{CLOUD:?}\n{LAYER_SCRIPT}", root.made_of),
        marker: folder.join("made-of-cloud"),
        log: folder.join("log-cloud"),
    };
    if !cloud.is_made() {
        let mut command = in_namespace(LAYER_SCRIPT, &folder);
        command
            .arg("cloud")
            .env("SOURCES", &sources.lines)
            .env("PACKAGES", CLOUD.join(" "));
        cloud.make(command)?;
    }
    Ok(folder)
}

/// A script whose mounts go with it, and whose processes go with us.
fn in_namespace(script: &str, folder: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--pid", "--fork", "--kill-child", "--"])
        .args(["bash", "-c", script, "script"])
        .arg(folder)
        .stdin(Stdio::null());
    command
}

/// A file system, and what it is made of.
struct Recipe {
    name: &'static str,
    made_of: String,
    marker: PathBuf,
    log: PathBuf,
}

impl Recipe {
    fn is_made(&self) -> bool {
        std::fs::read_to_string(&self.marker).is_ok_and(|found| found == self.made_of)
    }

    fn make(&self, mut script: Command) -> Result<()> {
        println!("making the file system of {}, once", self.name);
        let begun = Instant::now();
        let file = std::fs::File::create(&self.log)?;
        script.stdout(file.try_clone()?).stderr(file);
        let status = script.status().context("cannot start unshare")?;
        if !status.success() {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = said.lines().collect();
            let last = lines[lines.len().saturating_sub(20)..].join("\n");
            bail!(
                "the file system of {} could not be made:\n{last}",
                self.name
            );
        }
        // Written last, so that half a file system is made anew.
        std::fs::write(&self.marker, &self.made_of)?;
        println!("made in {:.0} s", begun.elapsed().as_secs_f64());
        Ok(())
    }
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
