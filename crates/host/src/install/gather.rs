//! Looks at the machine and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde_json::Value;

use crate::packaged::belongs_to_package;
use crate::upgrade::SNAPSHOTS;

use super::facts::{Facts, FirewallFacts, Listener, ServerFacts, ServiceFacts, StateFacts, Swap};
use super::manifest::Manifest;
use super::preflight::{EARLIER_FILES, OWN_FILES};
use super::program::said;
use super::steps::packages::PACKAGES;
use super::steps::units;
use super::{PROGRAM, STATE_DIR, apt, file, gather_ssh, program_of};

const SERVICE: &str = "portlama.service";
const SOCKET: &str = "portlama.socket";
const HELPER: &str = "portlama-helper.socket";

/// Everything that the plan rests on. `address` is what the machine itself would send from.
///
/// # Errors
/// When the manifest cannot be read.
pub(super) fn facts(address: Option<IpAddr>) -> Result<Facts, String> {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        return Ok(Facts::default());
    }
    let listening = said("ss -H -l -t -n -p");
    let ssh = gather_ssh::facts(listening.as_deref());
    let is_packaged = std::env::current_exe().is_ok_and(|own| belongs_to_package(&own));
    Ok(Facts {
        is_root,
        system: system(&fs::read_to_string("/etc/os-release").unwrap_or_default()),
        has_systemd: Path::new("/run/systemd/system").is_dir(),
        container: said("systemd-detect-virt --container").filter(|kind| kind != "none"),
        has_ipv6: Path::new("/proc/net/if_inet6").exists(),
        address,
        free_disk_mib: free_disk_mib(),
        swap: swap(),
        listeners: listening.map(|text| listeners(&text, &our_pids())),
        packages: packages(),
        has_user: said("getent passwd portlama").is_some(),
        is_packaged,
        has_program: is_packaged || file::same(Path::new("/proc/self/exe"), Path::new(PROGRAM)),
        state: state(),
        files: files(),
        service: service(program_of(is_packaged)),
        ssh,
        firewall: firewall(),
        fail2ban_runs: is_active("fail2ban.service"),
        has_foreign_jail: fs::read_to_string("/etc/fail2ban/jail.local")
            .is_ok_and(|text| text.contains("[sshd]")),
        manifest: Manifest::read()?,
    })
}

fn system(os_release: &str) -> String {
    let value = |name: &str| {
        let mut lines = os_release.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(known, _)| *known == name);
        found.map_or("unknown", |(_, value)| value.trim_matches('"'))
    };
    format!("{} {}", value("ID"), value("VERSION_ID"))
}

fn free_disk_mib() -> u64 {
    let free = rustix::fs::statvfs("/").map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    free.unwrap_or(0) / 1024 / 1024
}

fn swap() -> Swap {
    let areas = fs::read_to_string("/proc/swaps").unwrap_or_default();
    if areas.lines().count() > 1 {
        return Swap::Some;
    }
    match said("stat --file-system --format=%T /").as_deref() {
        // stat(1) calls ext4 so.
        Some("ext2/ext3" | "xfs") => Swap::None,
        _ => Swap::Unsuited,
    }
}

/// Lines such as `LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=7,fd=3))`.
fn listeners(text: &str, our_pids: &[String]) -> Vec<Listener> {
    let one = |line: &str| {
        let port = line.split_whitespace().nth(3)?.rsplit_once(':')?.1;
        let users = line.split_once("users:((").map_or("", |(_, users)| users);
        let pids = users.split("pid=").skip(1);
        let pids: Vec<_> = pids.filter_map(|rest| rest.split(',').next()).collect();
        let name = users.split('"').nth(1).unwrap_or("an unknown program");
        Some(Listener {
            port: port.parse().ok()?,
            owner: match pids.first() {
                Some(pid) => format!("{name} (process {pid})"),
                None => name.to_owned(),
            },
            is_ours: !pids.is_empty()
                && pids.iter().all(|pid| our_pids.iter().any(|our| our == pid)),
        })
    };
    text.lines().filter_map(one).collect()
}

/// The texts of our files. What stands under an earlier name counts only if it is a file: a link
/// there is the alias of the present unit.
fn files() -> BTreeMap<String, String> {
    let is_file = |path: &str| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    let earlier = EARLIER_FILES.into_iter().filter(|path| is_file(path));
    OWN_FILES
        .into_iter()
        .chain(earlier)
        .filter_map(|path| Some((path.to_owned(), fs::read_to_string(path).ok()?)))
        .collect()
}

/// The processes that hold the installed server's ports: its own, and systemd for it.
fn our_pids() -> Vec<String> {
    let units = [
        (SOCKET, SERVICE),
        ("portlama-panel.socket", "portlama-panel.service"),
    ];
    let there = units.into_iter().filter(|(socket, _)| is_active(socket));
    there
        .flat_map(|(_, service)| {
            let show = format!("systemctl show --property=MainPID --value {service}");
            [Some("1".to_owned()), said(&show)].into_iter().flatten()
        })
        .collect()
}

fn packages() -> BTreeSet<String> {
    let installed = PACKAGES.into_iter().filter(|name| apt::is_installed(name));
    installed.map(str::to_owned).collect()
}

pub(super) fn state() -> StateFacts {
    let panel = fs::read(Path::new(STATE_DIR).join("panel.json")).ok();
    let panel = panel.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let uid = said("id --user portlama").and_then(|uid| uid.parse::<u32>().ok());
    let folder = fs::symlink_metadata(STATE_DIR).ok();
    StateFacts {
        server: panel.and_then(|panel| server(&panel)),
        exists: folder.is_some(),
        is_closed: folder
            .is_some_and(|folder| Some(folder.uid()) == uid && folder.mode() & 0o7777 == 0o700),
        aside: aside(Path::new(STATE_DIR)),
        has_snapshots: Path::new(SNAPSHOTS).exists(),
    }
}

/// What `server restore` set aside beside the state, under names that it makes itself.
fn aside(state: &Path) -> Vec<String> {
    let prefix = format!("{}.before-", state.display());
    let beside = state.parent().and_then(|parent| fs::read_dir(parent).ok());
    let entries = beside.into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.path().into_os_string().into_string().ok());
    let mut found: Vec<_> = names
        .filter(|name| {
            let time = name.strip_prefix(&prefix);
            time.is_some_and(|time| time.bytes().all(|octet| octet.is_ascii_alphanumeric()))
        })
        .collect();
    found.sort_unstable();
    found
}

fn server(panel: &Value) -> Option<ServerFacts> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let keys = panel["admin"]["publicKeys"].as_object();
    Some(ServerFacts {
        ip: panel["ip"].as_str()?.parse().ok()?,
        domain: text(&panel["domain"]),
        email: text(&panel["email"]),
        certificate_authority: text(&panel["certificateAuthority"]),
        acme_directory: text(&panel["acme"]["directory"]),
        admin_keys: keys
            .into_iter()
            .flatten()
            .filter_map(|(_, key)| text(key))
            .collect(),
    })
}

fn service(program: &str) -> ServiceFacts {
    let enabled = |unit: &str| {
        said(&format!("systemctl is-enabled {unit}")).is_some_and(|state| state == "enabled")
    };
    ServiceFacts {
        enabled: enabled(SOCKET) && enabled(SERVICE),
        current: is_active(SOCKET) && is_active(SERVICE) && started_after_changes(program),
        helper: enabled(HELPER) && is_active(HELPER),
    }
}

/// Whether the service was started after program and units were last written.
fn started_after_changes(program: &str) -> bool {
    let show = format!(
        "systemctl show --timestamp=unix --property=ExecMainStartTimestamp --value {SERVICE}"
    );
    let Some(started) = said(&show).and_then(|at| at.trim_start_matches('@').parse::<u64>().ok())
    else {
        return false;
    };
    [program, units::SERVICE, units::SOCKET].iter().all(|path| {
        let written = fs::metadata(path).and_then(|meta| meta.modified()).ok();
        let written = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        written.is_some_and(|at| at.as_secs() <= started)
    })
}

fn is_active(unit: &str) -> bool {
    said(&format!("systemctl is-active {unit}")).is_some()
}

fn firewall() -> FirewallFacts {
    let other = ["firewalld", "nftables", "shorewall", "netfilter-persistent"];
    let rules = said("ufw show added").unwrap_or_default();
    FirewallFacts {
        other: other
            .into_iter()
            .find(|name| is_active(&format!("{name}.service")))
            .map(str::to_owned),
        active: said("ufw status").is_some_and(|text| text.starts_with("Status: active")),
        rules: rules
            .lines()
            .filter(|line| line.starts_with("ufw "))
            .map(str::to_owned)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_a_restore_set_aside_by_its_own_names_alone() {
        let etc = tempfile::tempdir().expect("a directory");
        let state = etc.path().join("portlama");
        for name in [
            "portlama",
            "portlama.before-20270202T080000Z",
            "portlama.before-20260101T080000Z",
            "portlama.before-my copy",
            "portlama.restoring",
        ] {
            fs::create_dir(etc.path().join(name)).expect("a directory");
        }
        let name = |time| format!("{}.before-{time}", state.display());
        let known = ["20260101T080000Z", "20270202T080000Z"].map(name);
        assert_eq!(aside(&state), known);
    }

    #[test]
    fn names_who_has_a_port() {
        let text = "LISTEN 0 511 0.0.0.0:443 0.0.0.0:* users:((\"nginx\",pid=71,fd=6),(\"nginx\",pid=70,fd=6))\n\
                    LISTEN 0 128 [::]:22 [::]:*\n";
        let found = listeners(text, &["5".to_owned()]);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].port, found[0].owner.as_str()),
            (443, "nginx (process 71)")
        );
        assert_eq!((found[1].port, found[1].is_ours), (22, false));
        let text = "LISTEN 0 9 *:443 *:* users:((\"portlama\",pid=5,fd=3))";
        assert!(listeners(text, &["5".to_owned()])[0].is_ours);
    }

    #[test]
    fn knows_a_system_by_its_release_file() {
        assert_eq!(system("ID=debian\nVERSION_ID=\"12\"\n"), "debian 12");
        assert_eq!(system(""), "unknown unknown");
    }
}
