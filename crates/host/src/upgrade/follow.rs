//! Orders an upgrade from the units and follows it to its end.

use std::process::{Command, Stdio};
use std::time::Duration;

use portlama_model::ReleaseVersion;
use serde_json::Value;

use super::units::{self, RESUME_UNIT, UPGRADE_UNIT};
use super::{Journal, Outcome, Place, Step, UpgradeError};
use crate::install::{Program, file};

/// How often it is looked how far it is.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the installed program may take to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// Whether this machine has the units of an upgrade.
#[must_use]
pub fn is_installed() -> bool {
    units::show(UPGRADE_UNIT, "LoadState").as_deref() == Some("loaded")
}

/// The version of the installed program.
///
/// # Errors
/// When it does not say.
pub fn installed_version(place: &Place) -> Result<ReleaseVersion, UpgradeError> {
    let line = format!("{} --version", place.program.display());
    let said = Program::new(&line).within(VERSION_LIMIT).run();
    let version = said.as_ref().ok().and_then(|said| {
        let version = said.strip_prefix("portlama ")?;
        version.parse().ok()
    });
    version.ok_or_else(|| {
        UpgradeError::Refused(format!(
            "the installed program does not say its version: {said:?}"
        ))
    })
}

/// Ends an upgrade that was cut short, if there is one, and says how.
///
/// # Errors
/// When it cannot be ended.
pub fn end_earlier(
    place: &Place,
    watch: &mut dyn FnMut(Step),
) -> Result<Option<Outcome>, UpgradeError> {
    match Journal::read(place).map_err(UpgradeError::File)? {
        None => Ok(None),
        Some(_) => run(RESUME_UNIT, place, watch).map(Some),
    }
}

/// Lets the unit put the staged release in place, and says how it went.
///
/// # Errors
/// When it does not say.
pub fn order(place: &Place, watch: &mut dyn FnMut(Step)) -> Result<Outcome, UpgradeError> {
    // What the last one said is not what this one says.
    for old in [place.progress(), place.outcome()] {
        file::remove(&old).map_err(UpgradeError::File)?;
    }
    let ended = run(UPGRADE_UNIT, place, watch);
    // Whoever was killed in the middle is succeeded by the other unit.
    match Journal::read(place) {
        Ok(Some(_)) => run(RESUME_UNIT, place, watch),
        _ => ended,
    }
}

fn run(unit: &str, place: &Place, watch: &mut dyn FnMut(Step)) -> Result<Outcome, UpgradeError> {
    let cannot = |why: String| UpgradeError::File(format!("{unit}: {why}"));
    let mut start = Command::new("systemctl")
        .args(["start", unit])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| cannot(error.to_string()))?;
    let mut seen = 0;
    loop {
        let ended = start
            .try_wait()
            .map_err(|error| cannot(error.to_string()))?;
        for step in steps(place).into_iter().skip(seen) {
            seen += 1;
            watch(step);
        }
        if ended.is_some() {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    Outcome::read(place).ok_or_else(|| {
        cannot(format!(
            "it does not say how it went: `journalctl -u {unit}` may"
        ))
    })
}

fn steps(place: &Place) -> Vec<Step> {
    let text = std::fs::read_to_string(place.progress()).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter_map(|line: Value| serde_json::from_value(line["step"].clone()).ok())
        .collect()
}
