//! Packages of the distribution, by apt.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::program::{PACKAGES_LIMIT, Program, said};

/// What programs that change packages hold while they do (apt-get(8), dpkg(1)).
const LOCKS: [&str; 4] = [
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
];
/// How often it is looked whether the lock is free.
const PAUSE: Duration = Duration::from_millis(500);
/// How apt begins to say that somebody else was quicker.
const NO_LOCK: &str = "Could not get lock";

/// Installs packages without those that they recommend, and none in the place of another that is
/// there, such as the operator's own firewall. `note` learns of all that will come, before any does.
pub(super) fn install(
    names: &[&str],
    note: &mut dyn FnMut(Vec<String>) -> Result<(), String>,
    say: &mut dyn FnMut(&str),
) -> Result<(), String> {
    let install = format!(
        "install -y --no-install-recommends --no-remove -o Dpkg::Options::=--force-confold {}",
        names.join(" ")
    );
    run("update", say)?;
    note(simulated(&install, &["Inst"])?)?;
    match run(&install, say) {
        // An earlier run, or somebody else, was cut short in the middle of a package.
        Err(why) if why.contains("dpkg --configure -a") => {
            let configure = Program::new("dpkg --force-confold --configure -a");
            configure.within(PACKAGES_LIMIT).run()?;
            note(simulated(&install, &["Inst"])?)?;
            run(&install, say)
        }
        said => said,
    }
}

/// The packages that the purge of one would remove.
pub(super) fn removals(name: &str) -> Result<Vec<String>, String> {
    simulated(&format!("purge {name}"), &["Purg", "Remv"])
}

/// Whether dpkg has a package, or its settings.
pub(super) fn is_known(name: &str) -> bool {
    status(name).is_some_and(|status| status != "not-installed")
}

/// Whether a package is installed.
pub(super) fn is_installed(name: &str) -> bool {
    status(name).is_some_and(|status| status == "installed")
}

fn status(name: &str) -> Option<String> {
    said(&format!(
        "dpkg-query --show --showformat=${{db:Status-Status}} {name}"
    ))
}

/// Runs `apt-get`. Whoever holds its lock, such as cloud-init on a machine's first day, is
/// waited for, and named.
pub(super) fn run(rest: &str, say: &mut dyn FnMut(&str)) -> Result<(), String> {
    let begun = Instant::now();
    let mut is_said = false;
    loop {
        if let Some(holder) = holder() {
            if begun.elapsed() > PACKAGES_LIMIT {
                return Err(format!("{holder} holds the lock of apt for too long"));
            }
            if !is_said {
                say(&format!(
                    "waiting for {holder}, which holds the lock of apt"
                ));
                is_said = true;
            }
            sleep(PAUSE);
            continue;
        }
        // Of `apt-get update` this limit is not heard.
        let limit = PACKAGES_LIMIT.as_secs();
        let line = format!("apt-get -q -o DPkg::Lock::Timeout={limit} {rest}");
        match Program::new(&line).within(PACKAGES_LIMIT).run() {
            // Between our look and its own, somebody else was quicker.
            Err(why) if why.contains(NO_LOCK) && begun.elapsed() < PACKAGES_LIMIT => sleep(PAUSE),
            done => return done.map(drop),
        }
    }
}

/// Who holds one of the locks, for people.
fn holder() -> Option<String> {
    let pid = LOCKS.iter().find_map(|path| {
        let file = File::open(path).ok()?;
        let wanted = Flock::from(FlockType::WriteLock);
        fcntl_getlk(file.as_fd(), &wanted).ok()??.pid
    })?;
    let pid = pid.as_raw_nonzero();
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
    let name = name.unwrap_or_else(|_| "a program".to_owned());
    Some(format!("{} (process {pid})", name.trim()))
}

/// What apt would do, of lines such as `Inst ufw (0.36.2-1 …)`.
fn simulated(rest: &str, verbs: &[&str]) -> Result<Vec<String>, String> {
    let text = Program::new(&format!("apt-get -q -s {rest}")).run()?;
    Ok(named(&text, verbs))
}

fn named(text: &str, verbs: &[&str]) -> Vec<String> {
    let named = text.lines().filter_map(|line| {
        let (verb, rest) = line.split_once(' ')?;
        let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        // `Inst name [old] (new …)` brings a newer version of what was there before.
        let is_meant = verbs.contains(&verb) && !(verb == "Inst" && rest.starts_with('['));
        is_meant.then(|| name.to_owned())
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_package_that_only_becomes_newer_is_not_added() {
        let text = "NOTE: This is only a simulation!\n\
                    Inst libc6 [2.36-9] (2.36-10 Debian:12 [amd64])\n\
                    Inst ufw (0.36.2-1 Debian:12 [all])\n\
                    Conf ufw (0.36.2-1 Debian:12 [all])\n";
        assert_eq!(named(text, &["Inst"]), ["ufw"]);
        let text = "Purg ufw [0.36.2-1]\nRemv nftables [1.0]\nRemv gone\n";
        assert_eq!(named(text, &["Purg", "Remv"]), ["ufw", "nftables", "gone"]);
    }
}
