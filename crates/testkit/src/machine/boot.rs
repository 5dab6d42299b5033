//! A machine from power on to power off.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::lab::command;
use super::{Lab, cgroups, home, network};

/// How long a machine may take to come up, or to go down, on a busy host.
const BOOT_LIMIT: Duration = Duration::from_secs(60);
/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(20);
/// How systemd-nspawn ends when the machine wants to restart and the unit it is in is kept.
const WANTS_RESTART: i32 = 133;

/// Which packages a machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packages {
    /// Those of a fresh server. `apt-get install` brings those of [`Equipped`](Self::Equipped)
    /// from the machine's own disk.
    Fresh,
    /// Also ufw, nftables, fail2ban, polkit and unattended upgrades.
    Equipped,
    /// Those of a fresh server of a provider: with cloud-init.
    Cloud,
}

/// How a machine is made.
#[derive(Debug, Clone, Copy)]
pub struct MachineOptions {
    /// What is installed.
    pub packages: Packages,
    /// The size of its disk, MiB. It is kept in memory, and what lies on it at first takes none.
    pub disk_mib: u32,
}

impl Default for MachineOptions {
    fn default() -> Self {
        Self {
            packages: Packages::Equipped,
            disk_mib: 2048,
        }
    }
}

/// A Debian machine with systemd, sshd and a disk and addresses of its own. Dropping it pulls
/// the plug.
#[derive(Debug)]
pub struct Machine<'lab> {
    name: String,
    addresses: (Ipv4Addr, Ipv6Addr),
    folder: PathBuf,
    group: String,
    power: Option<Power>,
    _lab: &'lab Lab,
}

/// While it is on.
#[derive(Debug)]
struct Power {
    container: Child,
    groups: Vec<PathBuf>,
}

impl Lab {
    /// Boots a new machine and waits until all its units have started. `name` has at most 12
    /// letters.
    ///
    /// # Errors
    /// When it does not come up; the lab then shows its console.
    pub fn boot(&self, name: &str, options: MachineOptions) -> Result<Machine<'_>> {
        self.boot_prepared(name, options, |_| Ok(()))
    }

    /// The same with a disk on which something was written before: `prepare` is told where it
    /// is seen from outside.
    ///
    /// # Errors
    /// As [`boot`](Self::boot), and those of `prepare`.
    pub fn boot_prepared(
        &self,
        name: &str,
        options: MachineOptions,
        prepare: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Machine<'_>> {
        let (v4, v6) = network::addresses(self.next_number()?);
        network::connect(name, v4, v6)?;
        self.boot_connected(name, (v4, v6), options, prepare)
    }

    /// The address that the next machine will have.
    ///
    /// # Errors
    /// When there are too many.
    pub fn next_address(&self) -> Result<Ipv4Addr> {
        Ok(network::addresses(self.next_number()?).0)
    }

    /// The same at home: behind a router that lets nothing in, with an address that nobody
    /// outside knows.
    ///
    /// # Errors
    /// As [`boot`](Self::boot).
    pub fn boot_at_home(&self, name: &str, options: MachineOptions) -> Result<Machine<'_>> {
        let (line, _) = network::addresses(self.next_number()?);
        home::connect(name, line)?;
        self.boot_connected(name, home::ADDRESSES, options, |_| Ok(()))
    }

    fn next_number(&self) -> Result<u8> {
        u8::try_from(self.machines()).context("too many machines")
    }

    fn boot_connected(
        &self,
        name: &str,
        addresses: (Ipv4Addr, Ipv6Addr),
        options: MachineOptions,
        prepare: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Machine<'_>> {
        let folder = Path::new("/run/machines").join(name);
        self.add_machine(&folder);
        let mut machine = Machine {
            name: name.to_owned(),
            addresses,
            folder,
            group: self.group_of(name),
            power: None,
            _lab: self,
        };
        machine.make_disk(self.roots(), options)?;
        prepare(&machine.disk())?;
        machine.power_on()?;
        Ok(machine)
    }
}

impl Machine<'_> {
    /// Its host name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.addresses.0
    }

    /// Its address in IPv6.
    #[must_use]
    pub fn address_v6(&self) -> Ipv6Addr {
        self.addresses.1
    }

    /// Switches it on, and waits until all units have started or failed.
    ///
    /// # Errors
    /// When it is on, or does not come up.
    pub fn power_on(&mut self) -> Result<()> {
        if self.power.is_some() {
            bail!("{} is on", self.name);
        }
        let groups = cgroups::make(&self.group)?;
        let container = self.start_container(&groups)?;
        self.power = Some(Power { container, groups });
        self.wait_until("up", Self::is_up)
    }

    /// Lets it shut down in order.
    ///
    /// # Errors
    /// When it is off, or does not go down.
    pub fn power_off(&mut self) -> Result<()> {
        self.run(["systemctl", "poweroff"])?;
        let code = self.wait_for_end()?;
        self.pull_plug();
        if code != Some(0) {
            bail!("{} went down with {code:?}", self.name);
        }
        Ok(())
    }

    /// Restarts it, and waits until it is up again. Its network namespace stays, and with it
    /// what a firewall wrote there.
    ///
    /// # Errors
    /// When it is off, or does not come up again.
    pub fn reboot(&mut self) -> Result<()> {
        self.run(["systemctl", "reboot"])?;
        self.come_back()
    }

    /// Waits for a restart that something inside has ordered.
    ///
    /// # Errors
    /// When it goes down for another reason, or does not come up again.
    pub fn come_back(&mut self) -> Result<()> {
        let code = self.wait_for_end()?;
        self.pull_plug();
        if code != Some(WANTS_RESTART) {
            bail!("{} ended with {code:?} and not for a restart", self.name);
        }
        self.power_on()
    }

    /// Takes its power away: every process dies at once. What was written stays.
    pub fn pull_plug(&mut self) {
        let leader = self.leader();
        let Some(mut power) = self.power.take() else {
            return;
        };
        // With the first process of a namespace die all others.
        if let Some(leader) = leader.and_then(Pid::from_raw) {
            let _ = kill_process(leader, Signal::KILL);
        }
        let _ = power.container.kill();
        let _ = power.container.wait();
        for group in &power.groups {
            cgroups::remove_tree(group);
        }
    }

    /// The first process inside, as the lab numbers it.
    pub(super) fn leader(&self) -> Option<i32> {
        let container = self.power.as_ref()?.container.id();
        let children = format!("/proc/{container}/task/{container}/children");
        let children = std::fs::read_to_string(children).ok()?;
        children
            .split_whitespace()
            .find(|pid| {
                let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
                name.is_ok_and(|name| name.trim() == "systemd")
            })
            .and_then(|pid| pid.parse().ok())
    }

    /// Where its disk is seen from outside, also while it is off.
    pub(super) fn disk(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// A layer of its own above the file systems that all machines share.
    fn make_disk(&self, roots: &Path, options: MachineOptions) -> Result<()> {
        let folder = self.folder.display();
        std::fs::create_dir_all(&self.folder)?;
        let size = format!("size={}m,mode=755", options.disk_mib);
        command(
            "mount",
            &["-t", "tmpfs", "-o", &size, &self.name, &folder.to_string()],
        )?;
        for part in ["written", "work", "root"] {
            std::fs::create_dir(self.folder.join(part))?;
        }
        let roots = roots.display();
        let lower = match options.packages {
            Packages::Fresh => format!("{roots}/base"),
            Packages::Equipped => format!("{roots}/equipped:{roots}/base"),
            Packages::Cloud => format!("{roots}/cloud:{roots}/base"),
        };
        let layers = format!("lowerdir={lower},upperdir={folder}/written,workdir={folder}/work");
        let root = format!("{folder}/root");
        command(
            "mount",
            &["-t", "overlay", "-o", &layers, &self.name, &root],
        )?;
        let disk = self.disk();
        std::fs::write(disk.join("etc/hostname"), format!("{}\n", self.name))?;
        let hosts = format!("127.0.0.1 localhost\n{} {}\n", self.address(), self.name);
        std::fs::write(disk.join("etc/hosts"), hosts)?;
        Ok(())
    }

    fn start_container(&self, groups: &[PathBuf]) -> Result<Child> {
        let console = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("console.log"))?;
        // The machine's systemd takes the groups in which it begins for its own.
        let script = groups.iter().fold(String::new(), |script, group| {
            script + &format!("echo $$ > '{}/cgroup.procs' && ", group.display())
        });
        Command::new("sh")
            .args(["-c", &format!("{script} exec \"$@\""), "sh"])
            .args(["systemd-nspawn", "--quiet", "--boot", "--directory"])
            .arg(self.disk())
            .arg(format!("--machine={}", self.name))
            .arg(format!("--network-namespace-path=/run/netns/{}", self.name))
            // Firewalls; not granted by itself for a namespace that was there before.
            .arg("--capability=CAP_NET_ADMIN,CAP_NET_RAW")
            // The host's init need not be systemd.
            .args(["--register=no", "--keep-unit"])
            .args(["--console=pipe", "--resolv-conf=off", "--timezone=off"])
            .arg("--link-journal=no")
            .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
            .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
            .stdin(Stdio::null())
            .stdout(console.try_clone()?)
            .stderr(console)
            .spawn()
            .context("cannot start systemd-nspawn")
    }

    /// All units have started, or some have failed.
    fn is_up(&mut self) -> bool {
        let state = self.run(["systemctl", "is-system-running", "--wait"]);
        state.is_ok_and(|said| matches!(said.stdout.trim(), "running" | "degraded"))
    }

    fn wait_until(&mut self, what: &str, condition: impl Fn(&mut Self) -> bool) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < BOOT_LIMIT {
            if condition(self) {
                return Ok(());
            }
            let power = self.power.as_mut().context("it is off")?;
            if let Some(status) = power.container.try_wait()? {
                bail!("{} is not {what}: {status}", self.name);
            }
            std::thread::sleep(PAUSE);
        }
        bail!("{} is not {what} after {BOOT_LIMIT:?}", self.name)
    }

    fn wait_for_end(&mut self) -> Result<Option<i32>> {
        let name = self.name.clone();
        let power = self.power.as_mut().context("it is off")?;
        let begun = Instant::now();
        while begun.elapsed() < BOOT_LIMIT {
            if let Some(status) = power.container.try_wait()? {
                return Ok(status.code());
            }
            std::thread::sleep(PAUSE);
        }
        bail!("{name} did not go down within {BOOT_LIMIT:?}")
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        self.pull_plug();
    }
}
