//! What comes in: SSH and the two ports of the server. Rules that are there stay.

use crate::install::facts::Facts;
use crate::install::plan::{Action, Work};
use crate::install::{HTTPS_PORT, PANEL_PORT};

/// Where sshd listens unless it says otherwise.
const SSH_PORT: u16 = 22;
/// Where browsers try before https: a refusal is quicker than silence.
const HTTP_PORT: u16 = 80;

pub(in crate::install) fn work(facts: &Facts) -> Work {
    let firewall = &facts.firewall;
    if let Some(other) = &firewall.other {
        return Work::Skip(format!(
            "{other} is the firewall here: let TCP {HTTPS_PORT} and {PANEL_PORT} in there"
        ));
    }
    if let Some(why) = ssh_is_not_seen(facts) {
        return Work::Skip(why);
    }
    let (mut actions, mut shut) = (Vec::new(), Vec::new());
    for port in &ssh_ports(facts) {
        // Who has narrowed SSH down in a firewall that filters already wants it so.
        let decided = firewall.active && mentions(&firewall.rules, *port);
        if !decided && !lets_in(&firewall.rules, *port) {
            actions.push(open(*port));
            shut.extend(shuts(&firewall.rules, *port));
        }
    }
    for port in [HTTPS_PORT, PANEL_PORT] {
        if !lets_in(&firewall.rules, port) {
            actions.push(open(port));
            shut.extend(shuts(&firewall.rules, port));
        }
    }
    if let Some(rule) = shut.first() {
        return Work::Skip(format!(
            "the rule `{rule}` stands in the way: delete it (`ufw delete …`) and install again"
        ));
    }
    let serves_http = facts.listeners.iter().flatten();
    let serves_http = serves_http.clone().any(|l| l.port == HTTP_PORT);
    if !serves_http && !mentions(&firewall.rules, HTTP_PORT) {
        actions.push(Action::FirewallRule(format!("ufw reject {HTTP_PORT}/tcp")));
    }
    if !firewall.active {
        actions.push(Action::EnableFirewall);
    }
    if actions.is_empty() {
        return Work::Nothing;
    }
    let kept = firewall
        .rules
        .iter()
        .filter(|rule| !facts.manifest.firewall_rules.contains(*rule));
    actions.extend(kept.map(|rule| Action::Say(format!("kept: {rule}"))));
    Work::Do(actions)
}

/// Why it is not known where sshd listens, if it is not: a guess could shut the operator out.
pub(in crate::install) fn ssh_is_not_seen(facts: &Facts) -> Option<String> {
    let ssh = facts.ssh.as_ref().filter(|ssh| ssh.ports.is_empty())?;
    let why = ssh.complaint.as_deref().unwrap_or("it names no port");
    Some(format!(
        "where sshd listens is not to be seen: {why}; repair it and install again"
    ))
}

/// Where sshd listens.
pub(in crate::install) fn ssh_ports(facts: &Facts) -> Vec<u16> {
    match &facts.ssh {
        Some(ssh) if !ssh.ports.is_empty() => ssh.ports.clone(),
        _ => vec![SSH_PORT],
    }
}

fn open(port: u16) -> Action {
    Action::FirewallRule(format!("ufw allow {port}/tcp"))
}

/// Whether everybody may come in to this port.
pub(in crate::install) fn lets_in(rules: &[String], port: u16) -> bool {
    ["allow", "limit"]
        .iter()
        .any(|verb| plain(rules, verb, port).is_some())
}

/// A rule of the same form that keeps everybody out.
fn shuts(rules: &[String], port: u16) -> Option<String> {
    let found = ["deny", "reject"]
        .iter()
        .find_map(|verb| plain(rules, verb, port));
    found.cloned()
}

fn plain<'r>(rules: &'r [String], verb: &str, port: u16) -> Option<&'r String> {
    let forms = [port.to_string(), format!("{port}/tcp")];
    let names: &[&str] = if port == SSH_PORT { &["OpenSSH"] } else { &[] };
    let mut targets = forms
        .iter()
        .map(String::as_str)
        .chain(names.iter().copied());
    targets.find_map(|target| {
        rules
            .iter()
            .find(|rule| **rule == format!("ufw {verb} {target}"))
    })
}

/// Whether a rule speaks of this port in whatever way.
pub(in crate::install) fn mentions(rules: &[String], port: u16) -> bool {
    let number = port.to_string();
    let name = match port {
        SSH_PORT => "SSH",
        HTTP_PORT => "Full",
        _ => "\0",
    };
    rules.iter().any(|rule| {
        let parts = rule.split(|c: char| !c.is_ascii_digit());
        parts.into_iter().any(|part| part == number) || rule.contains(name)
    })
}
