//! What is taken back, and what stays, as functions of what was added and what is so.

use crate::upgrade::SNAPSHOTS;

use super::super::facts::Facts;
use super::super::manifest::MANIFEST;
use super::super::plan::{Action, Step, Work};
use super::super::steps::{firewall, ssh};
use super::super::{PROGRAM, STATE_DIR};
use super::record::{Added, unit_of};

/// How much is taken back.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemovalOptions {
    /// The state directory stays.
    pub keep_data: bool,
    /// Packages and the hardening of SSH go, too.
    pub all: bool,
}

/// Something that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remainder {
    /// What.
    pub what: String,
    /// Why.
    pub why: &'static str,
}

/// One thing that is taken back. Each can be done again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeBack {
    /// Stop and disable units.
    Units(Vec<String>),
    /// Remove files.
    Files(Vec<String>),
    /// Remove the server's state.
    State,
    /// Remove a rule of the firewall, named by the command that made it.
    FirewallRule(String),
    /// Forget a rule of the firewall, which stays.
    KeepFirewallRule(String),
    /// Switch the firewall off.
    Firewall,
    /// Remove sshd's drop-in; it comes back when sshd refuses what is left.
    SshDropIn,
    /// Remove the user `portlama`.
    User,
    /// Remove packages, but for those that something else needs.
    Packages(Vec<String>),
    /// Remove the record itself, if nothing is left to be remembered.
    Record,
}

impl TakeBack {
    /// What it does, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Units(units) => format!("stop and disable {}", units.join(", ")),
            Self::Files(files) => format!("remove {}", files.join(", ")),
            Self::State => format!("remove {STATE_DIR} with all that is in it"),
            Self::FirewallRule(rule) => format!("run `{}`", deletion(rule)),
            Self::KeepFirewallRule(rule) => format!("leave `{rule}`"),
            Self::Firewall => "switch ufw off".to_owned(),
            Self::SshDropIn => format!("remove {}, checked by `sshd -t`", ssh::DROP_IN),
            Self::User => "remove the user portlama".to_owned(),
            Self::Packages(names) => format!("remove the packages {}", names.join(", ")),
            Self::Record => format!("remove {MANIFEST}, if nothing is left"),
        }
    }
}

/// The command that takes a rule back.
pub(super) fn deletion(rule: &str) -> String {
    rule.replacen("ufw ", "ufw delete ", 1)
}

/// All steps in their order. What lets the operator in is touched before anything that could
/// fail for long, and the program goes nearly last, so that a run that was cut short can be
/// gone on with.
#[must_use]
pub fn plan_removal(facts: &Facts, options: RemovalOptions) -> Vec<Step> {
    let added = Added::of(&facts.manifest);
    let keeps_state = options.keep_data && facts.state.exists;
    let is_installed = facts.manifest != Default::default();
    let mut steps = Vec::new();
    let mut step = |key, title, actions: Vec<Action>| {
        if !actions.is_empty() {
            let work = Work::Do(actions);
            steps.push(Step { key, title, work });
        }
    };
    step("units", "Service and socket", units(&added));
    step("fail2ban", "Bans", fail2ban(facts, &added));
    step("firewall", "Firewall", firewall(facts));
    if options.all && added.ssh {
        step("ssh", "SSH server", ssh_server(facts));
    }
    step("kernel", "Kernel settings", kernel(&added));
    step("swap", "Swap", swap(&added));
    if is_installed && facts.state.exists && !keeps_state {
        // A snapshot is a copy of the state, keys and all.
        let snapshots = Action::run(&format!("rm -rf {SNAPSHOTS}"));
        step("state", "State", vec![take(TakeBack::State), snapshots]);
    }
    if facts.manifest.user && !keeps_state {
        step("user", "User portlama", user(facts));
    }
    if options.all {
        step("packages", "Packages", packages(facts));
    }
    let mut others = files(&added.others);
    if is_installed {
        // What an upgrade keeps for its way back.
        others.push(Action::run(
            "rm -rf /var/lib/portlama/upgrade /var/lib/portlama/last-upgrade.json",
        ));
    }
    step("files", "Other files", others);
    if added.program {
        let program = vec![PROGRAM.to_owned()];
        step("program", "Program", files(&program));
    }
    if is_installed {
        step("record", "Record", vec![take(TakeBack::Record)]);
    }
    steps
}

fn take(what: TakeBack) -> Action {
    Action::TakeBack(what)
}

fn files(paths: &[String]) -> Vec<Action> {
    match paths.is_empty() {
        true => vec![],
        false => vec![take(TakeBack::Files(paths.to_vec()))],
    }
}

fn units(added: &Added) -> Vec<Action> {
    let names: Vec<_> = added
        .units
        .iter()
        .filter_map(|path| unit_of(path))
        .collect();
    let mut actions = files(&added.units);
    if !actions.is_empty() {
        actions.insert(0, take(TakeBack::Units(names)));
        actions.push(Action::run("systemctl daemon-reload"));
        // The service leaves it when it stops.
        actions.push(Action::run("rm -rf /run/portlama"));
    }
    actions
}

fn fail2ban(facts: &Facts, added: &Added) -> Vec<Action> {
    let mut actions = files(&added.fail2ban);
    if !actions.is_empty() {
        // Without a jail, one that came with the installation has nothing to guard.
        actions.push(match facts.manifest.packages.contains("fail2ban") {
            true => take(TakeBack::Units(vec!["fail2ban.service".to_owned()])),
            false => Action::run("systemctl try-restart fail2ban.service"),
        });
    }
    actions
}

/// A firewall that was switched on is switched off before a rule goes, so that no moment is
/// without the rule for SSH. One that filters by its owner's will keeps that rule.
fn firewall(facts: &Facts) -> Vec<Action> {
    let manifest = &facts.manifest;
    let mut actions = Vec::new();
    if manifest.firewall_enabled {
        actions.push(take(TakeBack::Firewall));
    }
    for rule in &manifest.firewall_rules {
        actions.push(take(match keeps_ssh_open(facts, rule) {
            true => TakeBack::KeepFirewallRule(rule.clone()),
            false => TakeBack::FirewallRule(rule.clone()),
        }));
    }
    actions
}

/// Whether a firewall that stays on would shut SSH without this rule of ours.
fn keeps_ssh_open(facts: &Facts, rule: &str) -> bool {
    let (manifest, firewall) = (&facts.manifest, &facts.firewall);
    if !firewall.active || manifest.firewall_enabled || !firewall.rules.iter().any(|r| r == rule) {
        return false;
    }
    let theirs: Vec<_> = firewall
        .rules
        .iter()
        .filter(|rule| !manifest.firewall_rules.contains(*rule))
        .cloned()
        .collect();
    firewall::ssh_ports(facts).into_iter().any(|port| {
        firewall::lets_in(&[rule.to_owned()], port) && !firewall::mentions(&theirs, port)
    })
}

/// What stays must not belong to whoever gets the free number next.
fn user(facts: &Facts) -> Vec<Action> {
    let aside = facts.state.aside.iter();
    let mut actions: Vec<_> = aside
        .map(|path| Action::run(&format!("chown -R --no-dereference root:root {path}")))
        .collect();
    actions.push(take(TakeBack::User));
    actions
}

fn ssh_server(facts: &Facts) -> Vec<Action> {
    match &facts.ssh {
        Some(sshd) => vec![take(TakeBack::SshDropIn), ssh::reload(sshd)],
        None => files(&[ssh::DROP_IN.to_owned()]),
    }
}

fn kernel(added: &Added) -> Vec<Action> {
    let mut actions = files(&added.settings);
    if !actions.is_empty() {
        // What other files set holds at once; what none sets, at the next start.
        actions.push(Action::run("/lib/systemd/systemd-sysctl"));
    }
    actions
}

fn swap(added: &Added) -> Vec<Action> {
    let mut actions = files(&added.swap);
    if !actions.is_empty() {
        actions.insert(0, take(TakeBack::Units(vec!["swapfile.swap".to_owned()])));
        actions.push(Action::run("systemctl daemon-reload"));
    }
    actions
}

/// Of a package that is gone already nothing is to be removed. The firewall of an operator who
/// switched it on stays.
fn packages(facts: &Facts) -> Vec<Action> {
    let manifest = &facts.manifest;
    let firewall_is_theirs = facts.firewall.active && !manifest.firewall_enabled;
    let names: Vec<_> = manifest
        .packages
        .iter()
        .filter(|name| !(firewall_is_theirs && *name == "ufw"))
        .cloned()
        .collect();
    match names.is_empty() {
        true => vec![],
        false => vec![take(TakeBack::Packages(names))],
    }
}

/// What stays on the machine, and why.
#[must_use]
pub fn remains(facts: &Facts, options: RemovalOptions) -> Vec<Remainder> {
    let (manifest, added) = (&facts.manifest, Added::of(&facts.manifest));
    let mut remains = Vec::new();
    let mut stay = |what: String, why| remains.push(Remainder { what, why });
    let mut is_recorded = false;
    if options.keep_data && facts.state.exists && *manifest != Default::default() {
        is_recorded |= manifest.user;
        stay(STATE_DIR.to_owned(), "`--keep-data` was given");
        if manifest.user {
            stay(
                "user portlama".to_owned(),
                "the files that stay are its own",
            );
        }
        if facts.state.has_snapshots {
            stay(
                SNAPSHOTS.to_owned(),
                "copies of the state that upgrades made, and `--keep-data` was given",
            );
        }
    }
    if *manifest != Default::default() {
        for path in &facts.state.aside {
            stay(
                path.clone(),
                "a restore set this state aside, keys and all: remove it when you no longer need it",
            );
        }
    }
    if !options.all && added.ssh {
        is_recorded = true;
        stay(
            ssh::DROP_IN.to_owned(),
            "SSH stays as hard as it is; `--all` takes it back",
        );
    }
    if !options.all && !manifest.packages.is_empty() {
        is_recorded = true;
        let names: Vec<_> = manifest.packages.iter().map(String::as_str).collect();
        stay(
            format!("packages {}", names.join(", ")),
            "others may use them by now; `--all` removes them",
        );
    }
    for rule in manifest
        .firewall_rules
        .iter()
        .filter(|rule| keeps_ssh_open(facts, rule))
    {
        stay(
            format!("firewall rule `{rule}`"),
            "ufw filters, and without it SSH would be shut",
        );
    }
    if !added.settings.is_empty() {
        stay(
            "kernel settings that are in force".to_owned(),
            "the next start of the machine forgets them",
        );
    }
    if is_recorded {
        stay(
            MANIFEST.to_owned(),
            "it remembers what stays, for the next install or uninstall",
        );
    }
    remains
}
