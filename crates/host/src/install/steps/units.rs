//! systemd owns the ports, so that the server needs no capability, and connections wait while it
//! restarts.

use crate::install::facts::Facts;
use crate::install::plan::{Action, Work};

pub(in crate::install) const SERVICE: &str = "/etc/systemd/system/portlama-panel.service";
pub(in crate::install) const SOCKET: &str = "/etc/systemd/system/portlama-panel.socket";
const SERVICE_TEXT: &str = include_str!("../files/portlama-panel.service");
const SOCKET_TEXT: &str = include_str!("../files/portlama-panel.socket");

pub(in crate::install) fn work(facts: &Facts) -> Work {
    let socket = socket_text(facts.has_ipv6);
    let mut actions = Vec::new();
    if facts
        .files
        .get(SOCKET)
        .is_some_and(|there| *there != socket)
    {
        // Open sockets don't follow their unit.
        actions.push(Action::run(
            "systemctl stop portlama-panel.service portlama-panel.socket",
        ));
    }
    for (path, text) in [(SOCKET, socket.as_str()), (SERVICE, SERVICE_TEXT)] {
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
            "systemctl enable portlama-panel.socket portlama-panel.service",
        ));
    }
    match actions.is_empty() {
        true => Work::Nothing,
        false => Work::Do(actions),
    }
}

/// Without IPv6, systemd could not open its sockets and would open none.
fn socket_text(has_ipv6: bool) -> String {
    let lines = SOCKET_TEXT.split_inclusive('\n');
    lines
        .filter(|line| has_ipv6 || !line.starts_with("ListenStream=["))
        .collect()
}
