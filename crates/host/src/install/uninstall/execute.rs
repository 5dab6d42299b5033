//! Takes things back.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::super::manifest::{MANIFEST, Manifest};
use super::super::plan::{Action, Step, Work};
use super::super::program::{Program, said};
use super::super::steps::ssh::DROP_IN;
use super::super::{STATE_DIR, apt, execute, file};
use super::plan::{TakeBack, deletion};

/// Does what a step takes, and forgets what is gone by then.
pub(super) fn step(
    step: &Step,
    manifest: &mut Manifest,
    say: &mut dyn FnMut(&str),
) -> Result<(), String> {
    let Work::Do(actions) = &step.work else {
        return Ok(());
    };
    for action in actions {
        match action {
            Action::TakeBack(what) => take_back(what, manifest, say)?,
            other => execute::act(other, manifest, say)?,
        }
    }
    for action in actions {
        if let Action::TakeBack(what) = action {
            forget(what, manifest);
        }
    }
    match actions.contains(&Action::TakeBack(TakeBack::Record)) {
        true => Ok(()),
        false => manifest.write(),
    }
}

fn forget(what: &TakeBack, manifest: &mut Manifest) {
    match what {
        TakeBack::Files(paths) => manifest.files.retain(|path| !paths.contains(path)),
        TakeBack::FirewallRule(rule) | TakeBack::KeepFirewallRule(rule) => {
            manifest.firewall_rules.remove(rule);
        }
        TakeBack::Firewall => manifest.firewall_enabled = false,
        TakeBack::SshDropIn => {
            manifest.files.remove(DROP_IN);
        }
        TakeBack::User => manifest.user = false,
        TakeBack::Packages(_) => manifest.packages.clear(),
        TakeBack::Units(_) | TakeBack::State | TakeBack::Record => {}
    }
}

fn take_back(
    what: &TakeBack,
    manifest: &Manifest,
    say: &mut dyn FnMut(&str),
) -> Result<(), String> {
    match what {
        TakeBack::Units(units) => stop(units),
        TakeBack::Files(paths) => paths
            .iter()
            .try_for_each(|path| file::remove(Path::new(path))),
        TakeBack::State => remove_tree(Path::new(STATE_DIR)),
        TakeBack::FirewallRule(rule) => remove_rule(rule),
        TakeBack::KeepFirewallRule(rule) => {
            say(&format!("kept, so that SSH stays open: {rule}"));
            Ok(())
        }
        TakeBack::Firewall => match said("ufw status") {
            Some(_) => execute::run("ufw disable"),
            None => Ok(()),
        },
        TakeBack::SshDropIn => execute::replace_ssh_drop_in(None),
        TakeBack::User => match said("getent passwd portlama") {
            Some(_) => execute::run("userdel portlama"),
            None => Ok(()),
        },
        TakeBack::Packages(names) => remove_packages(names, say),
        TakeBack::Record => remove_record(manifest),
    }
}

/// Units that are not there any more are stopped as well. What counts is that none runs.
fn stop(units: &[String]) -> Result<(), String> {
    let all = units.join(" ");
    let stopped = Program::new(&format!("systemctl stop {all}")).run();
    for unit in units {
        let _ = Program::new(&format!("systemctl disable {unit}")).run();
        if said(&format!("systemctl is-active {unit}")).is_some() {
            return Err(stopped.err().unwrap_or(format!("{unit} runs on")));
        }
        let _ = Program::new(&format!("systemctl reset-failed {unit}")).run();
    }
    Ok(())
}

fn remove_rule(rule: &str) -> Result<(), String> {
    let is_there = said("ufw show added").is_some_and(|all| all.lines().any(|line| line == rule));
    match is_there {
        true => execute::run(&deletion(rule)),
        false => Ok(()),
    }
}

fn remove_tree(path: &Path) -> Result<(), String> {
    // A link is removed and not followed.
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

/// With all their settings, as they were not there before. A package stays when its removal
/// would take one away that is not ours.
fn remove_packages(names: &[String], say: &mut dyn FnMut(&str)) -> Result<(), String> {
    let installed: Vec<_> = names.iter().filter(|name| apt::is_known(name)).collect();
    let ours: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut going = Vec::new();
    for name in installed {
        let taken = apt::removals(name)?;
        let foreign = taken.iter().find(|taken| !ours.contains(taken.as_str()));
        match foreign {
            Some(foreign) => say(&format!("{name} stays, because {foreign} needs it")),
            None => going.push(name.as_str()),
        }
    }
    if going.is_empty() {
        return Ok(());
    }
    apt::run(&format!("purge -y {}", going.join(" ")), say).map(drop)
}

/// The record goes when it says nothing any more, and the folder with it.
fn remove_record(manifest: &Manifest) -> Result<(), String> {
    let nothing = Manifest {
        written_by: manifest.written_by.clone(),
        under_way: manifest.under_way.clone(),
        ..Manifest::default()
    };
    if *manifest != nothing {
        return manifest.write();
    }
    remove_tree(Path::new(MANIFEST).parent().unwrap_or(Path::new(MANIFEST)))
}
