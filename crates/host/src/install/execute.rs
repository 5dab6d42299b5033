//! Carries actions out.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use portlama_control::{Clock as _, SystemClock};

use super::manifest::Manifest;
use super::new_server::NewServer;
use super::plan::{Action, Step, Work};
use super::program::Program;
use super::steps::ssh::DROP_IN;
use super::{PROGRAM, STATE_DIR, apt, file, gather};

/// Does what a step takes. The manifest names what is added before it is, and the step until
/// all of it is done.
pub(super) fn carry_out(
    step: &Step,
    manifest: &mut Manifest,
    say: &mut dyn FnMut(&str),
) -> Result<(), String> {
    let Work::Do(actions) = &step.work else {
        return Ok(());
    };
    note(manifest, step, actions);
    manifest.write()?;
    for action in actions {
        act(action, manifest, say)?;
    }
    for action in actions {
        // Not before: a file that is left must be known as ours.
        if let Action::Remove(path) = action {
            manifest.files.remove(*path);
        }
    }
    manifest.under_way = None;
    manifest.write()
}

fn note(manifest: &mut Manifest, step: &Step, actions: &[Action]) {
    manifest.under_way = Some(step.key.to_owned());
    env!("CARGO_PKG_VERSION").clone_into(&mut manifest.written_by);
    for action in actions {
        match action {
            Action::User => manifest.user = true,
            Action::Program => note_file(manifest, PROGRAM),
            Action::File { path, .. } => note_file(manifest, path),
            Action::SshDropIn(_) => note_file(manifest, DROP_IN),
            Action::FirewallRule(rule) => {
                manifest.firewall_rules.insert(rule.clone());
            }
            Action::EnableFirewall => manifest.firewall_enabled = true,
            Action::Packages(_)
            | Action::State { .. }
            | Action::Remove(_)
            | Action::TakeBack(_)
            | Action::Run(_)
            | Action::Say(_) => {}
        }
    }
}

fn note_file(manifest: &mut Manifest, path: &str) {
    if !Path::new(path).exists() {
        manifest.files.insert(path.to_owned());
    }
}

pub(super) fn act(
    action: &Action,
    manifest: &mut Manifest,
    say: &mut dyn FnMut(&str),
) -> Result<(), String> {
    match action {
        Action::Packages(names) => {
            let mut note = |coming| {
                manifest.packages.extend::<Vec<String>>(coming);
                manifest.write()
            };
            apt::install(names, &mut note, say)
        }
        Action::User => run(
            "useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin portlama",
        ),
        Action::Program => file::copy(Path::new("/proc/self/exe"), Path::new(PROGRAM), 0o755),
        Action::State { ip, server } => make_state(*ip, server),
        Action::File { path, text } => file::put(Path::new(path), 0o644, text.as_bytes()),
        Action::Remove(path) => file::remove(Path::new(path)),
        Action::SshDropIn(text) => replace_ssh_drop_in(Some(text)),
        Action::FirewallRule(rule) => run(rule),
        Action::EnableFirewall => run("ufw --force enable"),
        Action::TakeBack(what) => Err(format!("{} is no part of an installation", what.describe())),
        Action::Run(program) => program.run().map(drop),
        Action::Say(text) => {
            say(text);
            Ok(())
        }
    }
}

pub(super) fn run(line: &str) -> Result<(), String> {
    Program::new(line).run().map(drop)
}

fn make_state(ip: IpAddr, server: &NewServer) -> Result<(), String> {
    let server = server.with_own_files()?;
    match server.make(Path::new(STATE_DIR), ip, SystemClock.now()) {
        Ok(_) => Ok(()),
        Err(error) => match gather::state().server {
            // It has completed an attempt that was cut short, of which the operator may have
            // said something else.
            Some(there) => match server.differences(&there).as_slice() {
                [] => Ok(()),
                reasons => Err(reasons.join("; ")),
            },
            None => Err(format!(
                "cannot make a server in {STATE_DIR}: {}",
                chain(&error)
            )),
        },
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// sshd judges what is there with the new file, or without any, before it reads it; what it
/// refuses does not stay.
pub(super) fn replace_ssh_drop_in(text: Option<&str>) -> Result<(), String> {
    let path = Path::new(DROP_IN);
    let put = |bytes: Option<&[u8]>| match bytes {
        Some(bytes) => file::put(path, 0o644, bytes),
        None => file::remove(path),
    };
    let before = fs::read(path).ok();
    // Where a socket starts sshd, this is there only while somebody is connected.
    let _ = fs::create_dir_all("/run/sshd");
    put(text.map(str::as_bytes))?;
    run("sshd -t").or_else(|refused| {
        put(before.as_deref())?;
        Err(format!("{refused}; {DROP_IN} is as it was"))
    })
}
