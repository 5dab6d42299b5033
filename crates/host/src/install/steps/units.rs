//! systemd owns the ports, so that the server needs no capability, and connections wait while it
//! restarts.

use crate::install::facts::Facts;
use crate::install::plan::{Action, Work};
use crate::install::{PROGRAM, program_of};

pub(in crate::install) const SERVICE: &str = "/etc/systemd/system/portlama.service";
pub(in crate::install) const SOCKET: &str = "/etc/systemd/system/portlama.socket";
/// The same units under the names they had first. One of these names is an alias today.
pub(in crate::install) const EARLIER: [&str; 2] = [
    "/etc/systemd/system/portlama-panel.socket",
    "/etc/systemd/system/portlama-panel.service",
];
/// The units by which one version follows another ([`crate::upgrade`]).
pub(in crate::install) const UPGRADE: [&str; 3] = [
    "/etc/systemd/system/portlama-upgrade.service",
    "/etc/systemd/system/portlama-upgrade-resume.service",
    "/etc/systemd/system/portlama-swap.service",
];
const UPGRADE_TEXTS: [&str; 3] = [
    include_str!("../files/portlama-upgrade.service"),
    include_str!("../files/portlama-upgrade-resume.service"),
    include_str!("../files/portlama-swap.service"),
];
const SERVICE_TEXT: &str = include_str!("../files/portlama.service");
const SOCKET_TEXT: &str = include_str!("../files/portlama.socket");

pub(in crate::install) fn work(facts: &Facts) -> Work {
    let socket = socket_text(facts.has_ipv6);
    let mut actions = take_away_earlier(facts);
    if facts
        .files
        .get(SOCKET)
        .is_some_and(|there| *there != socket)
    {
        // Open sockets don't follow their unit.
        actions.push(Action::run(
            "systemctl stop portlama.service portlama.socket",
        ));
    }
    let program = program_of(facts.is_packaged);
    let service = SERVICE_TEXT.replace(PROGRAM, program);
    let upgrade = UPGRADE_TEXTS.map(|text| text.replace(PROGRAM, program));
    let files = [(SOCKET, &socket), (SERVICE, &service)];
    for (path, text) in files.into_iter().chain(UPGRADE.into_iter().zip(&upgrade)) {
        if !facts.has_file(path, text) || facts.is_under_way("units") {
            let text = text.to_owned();
            actions.push(Action::File { path, text });
        }
    }
    if !actions.is_empty() {
        actions.push(Action::run("systemctl daemon-reload"));
    }
    if !actions.is_empty() || !facts.service.enabled {
        actions.push(Action::run(
            "systemctl enable portlama.socket portlama.service portlama-upgrade-resume.service",
        ));
    }
    match actions.is_empty() {
        true => Work::Nothing,
        false => Work::Do(actions),
    }
}

/// The socket goes first: it would wake the service.
fn take_away_earlier(facts: &Facts) -> Vec<Action> {
    let there = EARLIER
        .into_iter()
        .filter(|path| facts.files.contains_key(*path));
    there
        .flat_map(|path| {
            [
                Action::run(&format!("systemctl disable --now {}", unit_of(path))),
                Action::Remove(path),
            ]
        })
        .collect()
}

fn unit_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Without IPv6, systemd could not open its sockets and would open none.
fn socket_text(has_ipv6: bool) -> String {
    let lines = SOCKET_TEXT.split_inclusive('\n');
    lines
        .filter(|line| has_ipv6 || !line.starts_with("ListenStream=["))
        .collect()
}
