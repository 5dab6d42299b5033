//! Services of the whole machine: root speaks for a person, and does what is the person's as the
//! person.
//!
//! Root never writes below a person's home directory, where links may lead anywhere.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use portlama_agent::Home;
use portlama_agent::service::{NoManager, Person};
use tokio::process::{Child, Command};

use super::Agents;

/// Who called sudo (sudo(8)).
const CALLER: &str = "SUDO_USER";

/// Only root changes services of the machine.
pub(super) fn is_root() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Err(NoManager::NotRoot.into());
    }
    Ok(())
}

/// The person whose agent is meant.
pub(super) fn person(named: Option<&str>) -> Result<Person> {
    let caller = std::env::var(CALLER).ok();
    let Some(name) = named.or(caller.as_deref()) else {
        bail!("whose agent is it? Name the person with --user NAME, or call this with sudo");
    };
    Ok(Person::named(name)?)
}

/// Where the person's agents are.
pub(super) fn home(agents: &Agents, person: &Person) -> Home {
    if agents.home_was_named {
        agents.home.clone()
    } else {
        Home::at(person.home().join(".portlama"))
    }
}

/// Starts this program as the person, with these words behind `portlama agent`. What it says as
/// JSON is for the caller to read; it asks and notes by itself.
pub(super) fn start_as(
    person: &Person,
    words: impl IntoIterator<Item = OsString>,
) -> Result<Child> {
    let program =
        std::env::current_exe().context("the system does not tell which program this is")?;
    let mut command = Command::new(&program);
    command.arg("agent").args(words);
    // The standard library gives the other groups of root up as well.
    command.uid(person.uid()).gid(person.gid());
    command
        .env("HOME", person.home())
        .env("USER", person.name())
        .env("LOGNAME", person.name());
    for of_root in [
        "XDG_RUNTIME_DIR",
        "XDG_CONFIG_HOME",
        "DBUS_SESSION_BUS_ADDRESS",
    ] {
        command.env_remove(of_root);
    }
    command.stdout(Stdio::piped()).kill_on_drop(true);
    command
        .spawn()
        .with_context(|| cannot_run(&program, person))
}

/// The words of this command for a process of the person's own: without `agent`, which
/// [`start_as`] says, and without what is for root.
pub(super) fn same_words(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut same = Vec::new();
    let mut words = words.peekable();
    let mut is_behind_agent = false;
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("agent") if !is_behind_agent => is_behind_agent = true,
            Some("--json" | "--system" | "--no-service" | "--yes") => {}
            Some("--user") => drop(words.next()),
            Some(text) if text.starts_with("--user=") => {}
            Some(_) | None => same.push(word),
        }
    }
    same
}

fn cannot_run(program: &Path, person: &Person) -> String {
    format!(
        "`{}` cannot be run by {}: put the program into /usr/local/bin first",
        program.display(),
        person.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_person_is_told_everything_but_what_is_roots() {
        let typed =
            "--json agent --label agent setup --system --user mira --panel-url https://h --user=x";
        let words = same_words(typed.split(' ').map(OsString::from));
        let words: Vec<_> = words.iter().filter_map(|word| word.to_str()).collect();
        assert_eq!(
            words,
            ["--label", "agent", "setup", "--panel-url", "https://h"]
        );
    }
}
