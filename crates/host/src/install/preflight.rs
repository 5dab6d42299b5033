//! Why a machine is refused before anything is changed.

use std::net::IpAddr;

use super::facts::Facts;
use super::plan::Options;
use super::steps::{bans, fail2ban, helper, kernel, ssh, swap, units};
use super::{HTTPS_PORT, PANEL_PORT, STATE_DIR};

/// Space that packages, program and state need before there is anything to serve, MiB.
pub const MIN_FREE_DISK_MIB: u64 = 512;
/// Systems on which the way was walked or whose differences are known.
pub const SYSTEMS: [&str; 2] = ["debian 12", "ubuntu 24.04"];

/// Files that are the installation's own: under these names nobody else's are expected.
pub(super) const OWN_FILES: [&str; 13] = [
    units::SERVICE,
    units::SOCKET,
    units::UPGRADE[0],
    units::UPGRADE[1],
    units::UPGRADE[2],
    helper::SOCKET,
    helper::SERVICE,
    kernel::SETTINGS,
    ssh::DROP_IN,
    fail2ban::JAIL,
    bans::FILTER,
    bans::JAIL,
    swap::UNIT,
];

/// Files that an earlier installation made and that are not in use any more.
pub(super) const EARLIER_FILES: [&str; 3] = {
    let [socket, service] = units::EARLIER;
    [socket, service, helper::EARLIER_RULES]
};

/// All reasons to refuse; none when the way is free.
#[must_use]
pub fn refusals(facts: &Facts, options: &Options) -> Vec<String> {
    let mut reasons = Vec::new();
    if !facts.is_root {
        // Without root the rest is not to be seen.
        return vec!["this needs root: run it with sudo".to_owned()];
    }
    if !SYSTEMS.contains(&facts.system.as_str()) {
        reasons.push(format!(
            "this is {}, and the installation knows {}: `portlama server init` and `portlama \
             server run` work on any Linux",
            facts.system,
            SYSTEMS.join(" and ")
        ));
    }
    if !facts.has_systemd {
        reasons.push("systemd does not run this machine".to_owned());
    }
    if facts.free_disk_mib < MIN_FREE_DISK_MIB {
        reasons.push(format!(
            "only {} MiB of disk are left, and {MIN_FREE_DISK_MIB} are needed",
            facts.free_disk_mib
        ));
    }
    reasons.extend(taken_ports(facts));
    reasons.extend(foreign_files(facts));
    reasons.extend(address(facts, options));
    if let Some(there) = &facts.state.server {
        reasons.extend(options.server.differences(there));
    }
    reasons
}

fn taken_ports(facts: &Facts) -> Vec<String> {
    let Some(listeners) = &facts.listeners else {
        return vec!["`ss` does not say who listens: install iproute2".to_owned()];
    };
    let mut taken: Vec<_> = listeners
        .iter()
        .filter(|l| [HTTPS_PORT, PANEL_PORT].contains(&l.port) && !l.is_ours)
        .map(|l| {
            format!(
                "port {} is taken by {}: stop it, or move it to another port",
                l.port, l.owner
            )
        })
        .collect();
    taken.sort();
    taken.dedup();
    taken
}

fn foreign_files(facts: &Facts) -> Vec<String> {
    let foreign = OWN_FILES
        .iter()
        .chain(&EARLIER_FILES)
        .filter(|path| facts.files.contains_key(**path) && !facts.manifest.files.contains(**path));
    foreign
        .map(|path| format!("{path} was not made by this command: move it away first"))
        .collect()
}

fn address(facts: &Facts, options: &Options) -> Option<String> {
    if let Some(there) = facts.state.server.as_ref().map(|server| server.ip) {
        let other = options.ip.filter(|ip| *ip != there)?;
        return Some(format!(
            "the server in {STATE_DIR} has the address {there}, not {other}: leave `--ip` out to keep it"
        ));
    }
    match (options.ip, facts.address) {
        (Some(ip), _) if ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() => {
            Some(format!("nobody reaches this machine under {ip}"))
        }
        (Some(_), _) => None,
        (None, None) => {
            Some("this machine's address is not to be seen: give it with `--ip`".to_owned())
        }
        (None, Some(own)) if is_private(own) => Some(format!(
            "this machine sees itself as {own}, which is no public address: give the one that \
             visitors come to with `--ip`"
        )),
        (None, Some(_)) => None,
    }
}

/// RFC 1918, 3927, 6598, 4193, 4291.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            v4.is_private() || v4.is_link_local() || v4.is_loopback() || is_shared
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
    }
}
