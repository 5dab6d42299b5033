//! What is so on the machine before anything is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::manifest::Manifest;

/// Everything that the plan rests on.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Whether this process is root's.
    pub is_root: bool,
    /// Distribution and version, such as `debian 12` (os-release(5)).
    pub system: String,
    /// Whether systemd runs the machine (sd_booted(3)).
    pub has_systemd: bool,
    /// The kind of container, if it is one (systemd-detect-virt(1)).
    pub container: Option<String>,
    /// Whether there is IPv6.
    pub has_ipv6: bool,
    /// The address that the machine itself would send from.
    pub address: Option<IpAddr>,
    /// Space for files that is left, MiB.
    pub free_disk_mib: u64,
    /// Whether the machine has swap, or its file system cannot hold a file for it.
    pub swap: Swap,
    /// Who listens: `None` when the machine does not say.
    pub listeners: Option<Vec<Listener>>,
    /// Packages that are installed, of those that matter.
    pub packages: BTreeSet<String>,
    /// Whether there is a user `portlama`.
    pub has_user: bool,
    /// Whether this program is a package's and stays where the package has it.
    pub is_packaged: bool,
    /// Whether the installed program is this one.
    pub has_program: bool,
    /// The state directory.
    pub state: StateFacts,
    /// Texts of the files that are there, of those that the installation writes.
    pub files: BTreeMap<String, String>,
    /// The units of the server.
    pub service: ServiceFacts,
    /// The SSH server, if there is one.
    pub ssh: Option<SshFacts>,
    /// The firewall.
    pub firewall: FirewallFacts,
    /// Whether fail2ban runs.
    pub fail2ban_runs: bool,
    /// Whether somebody else has set up fail2ban's jail for SSH.
    pub has_foreign_jail: bool,
    /// What earlier runs wrote down.
    pub manifest: Manifest,
}

/// Swap space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Swap {
    /// There is none.
    #[default]
    None,
    /// There is some.
    Some,
    /// There is none, and a file of this file system cannot be used.
    Unsuited,
}

/// A program that listens on TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Its port.
    pub port: u16,
    /// Its name and process id, for people.
    pub owner: String,
    /// Whether it is the installed server or its socket unit.
    pub is_ours: bool,
}

/// The state directory.
#[derive(Debug, Clone, Default)]
pub struct StateFacts {
    /// The server that lives there already.
    pub server: Option<ServerFacts>,
    /// Whether the directory is there.
    pub exists: bool,
    /// Whether the directory is the user's and closed to others.
    pub is_closed: bool,
    /// Earlier states that a restore set aside, each a whole directory with its keys.
    pub aside: Vec<String>,
    /// Whether there are copies of the state that upgrades made.
    pub has_snapshots: bool,
}

/// A server that is there, as its `panel.json` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// Its address.
    pub ip: IpAddr,
    /// Its base domain, once it was chosen.
    pub domain: Option<String>,
    /// The address certificate authorities write to.
    pub email: Option<String>,
    /// Who certifies host names.
    pub certificate_authority: Option<String>,
    /// The ACME directory that is asked.
    pub acme_directory: Option<String>,
    /// The SHA-256 of the admin's public keys, in hexadecimal.
    pub admin_keys: Vec<String>,
}

/// The units of the server.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServiceFacts {
    /// Whether both start with the machine.
    pub enabled: bool,
    /// Whether socket and service are active, by the installed program and the present units.
    pub current: bool,
    /// Whether root's helper listens, and starts with the machine.
    pub helper: bool,
}

/// The SSH server.
#[derive(Debug, Clone, Default)]
pub struct SshFacts {
    /// What it says against its present configuration.
    pub complaint: Option<String>,
    /// Whether systemd listens for it.
    pub by_socket: bool,
    /// Where it listens, as its settings, its socket unit and the system say; empty when none of
    /// them does.
    pub ports: Vec<u16>,
    /// Whether its configuration begins with the files of `sshd_config.d`.
    pub reads_drop_ins: bool,
    /// The account with which the operator is seen to get in by key.
    pub key_of: Option<String>,
}

/// The firewall.
#[derive(Debug, Clone, Default)]
pub struct FirewallFacts {
    /// Another one than ufw that is in charge.
    pub other: Option<String>,
    /// Whether ufw filters.
    pub active: bool,
    /// Its rules, as the commands that make them, such as `ufw allow 22/tcp`.
    pub rules: Vec<String>,
}
