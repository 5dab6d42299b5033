//! The whole way, and the rest of one that was cut short.

use std::time::{Duration, Instant};

use portlama_model::ReleaseVersion;

use super::decide::{InPlace, Watch, after_a_cut, may_replace};
use super::{
    Journal, Outcome, Phase, Place, Progress, Request, Step, UpgradeError, snapshot, stage, units,
};
use crate::install::file;

/// How long answers that are under way may take to end before the server is replaced. New
/// connections wait meanwhile, so a download that lasts longer is cut.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// How long a server may take to be well after it was started.
pub const HEALTH_LIMIT: Duration = Duration::from_secs(30);
/// How long one process must answer without a break to be well: one that crashes again and
/// again does so within seconds.
pub const STEADY: Duration = Duration::from_secs(10);
/// The pause between two looks.
pub const PROBE_PAUSE: Duration = Duration::from_millis(250);
/// How often state and program are tried to be brought back in one go.
pub const MAX_BACKWARD_TRIES: u32 = 3;

/// Asks the server for its version, through its port, within a bounded time.
pub type Health<'a> = &'a dyn Fn() -> Result<String, String>;

/// Puts the staged release in the place of the installed program, of version `installed`.
///
/// # Errors
/// When nothing was changed, or the way back could not be gone. A new version that does not
/// serve and was replaced by the previous one is an [`Outcome`].
pub fn apply(
    place: &Place,
    installed: &ReleaseVersion,
    now: &str,
    health: Health<'_>,
) -> Result<Outcome, UpgradeError> {
    place.make().map_err(UpgradeError::File)?;
    if Journal::read(place).map_err(UpgradeError::File)?.is_some() {
        return Err(UpgradeError::UnderWay);
    }
    let progress = Progress::begin(place);
    progress.say(Step::Verify);
    let _ = std::fs::remove_file(place.outcome());
    let journal = prepare(place, installed, now).inspect_err(|why| {
        stage::forget(place);
        let refused = Outcome {
            upgraded: false,
            from: Some(installed.clone()),
            to: None,
            reason: Some(why.to_string()),
            snapshot: None,
        };
        let _ = refused.write(place);
    })?;
    go_on(place, journal, &progress, health)
}

/// Ends an upgrade that was cut short; `None` when none was.
///
/// # Errors
/// When the way back could not be gone.
pub fn resume(place: &Place, health: Health<'_>) -> Result<Option<Outcome>, UpgradeError> {
    units::wait_for_swap().map_err(UpgradeError::File)?;
    let Some(mut journal) = Journal::read(place).map_err(UpgradeError::File)? else {
        return Ok(None);
    };
    take_up(place, &mut journal, None)?;
    go_on(place, journal, &Progress::go_on(place), health).map(Some)
}

/// Finds the place from where it goes on after something was cut short.
fn take_up(
    place: &Place,
    journal: &mut Journal,
    because: Option<String>,
) -> Result<(), UpgradeError> {
    let in_place = match file::same(&place.previous(), &place.program) {
        true => InPlace::Previous,
        false => InPlace::Another,
    };
    let (phase, why) = after_a_cut(journal.phase, in_place);
    let noted = match why {
        Some(why) => {
            let why = because.map_or(why.to_owned(), |because| format!("{why}: {because}"));
            journal.go_back(phase, why, place)
        }
        None => journal.go_on(phase, place),
    };
    noted.map_err(UpgradeError::File)
}

/// Everything that can be refused, and the way back. The journal comes last.
fn prepare(place: &Place, installed: &ReleaseVersion, now: &str) -> Result<Journal, UpgradeError> {
    let claim = stage::staged(place)?;
    let request = Request::read(place);
    may_replace(installed, &claim.version, request.allow_downgrade)
        .map_err(UpgradeError::Refused)?;
    stage::can_run(place, &claim)?;
    let state_bytes = snapshot::size(&place.state)
        .map_err(|error| UpgradeError::File(format!("the state cannot be read: {error}")))?;
    stage::has_room(place, state_bytes)?;
    file::copy(&place.program, &place.previous(), 0o700).map_err(UpgradeError::File)?;
    let journal = Journal {
        phase: Phase::Forward,
        from: installed.clone(),
        to: claim.version,
        snapshot: format!("{now}-{installed}"),
        reason: None,
    };
    journal.write(place).map_err(UpgradeError::File)?;
    Ok(journal)
}

fn go_on(
    place: &Place,
    mut journal: Journal,
    progress: &Progress,
    health: Health<'_>,
) -> Result<Outcome, UpgradeError> {
    let mut tries = 0;
    loop {
        match journal.phase {
            Phase::Forward => {
                progress.say(Step::Replace);
                let ran = units::run_swap();
                journal = again(place)?;
                if journal.phase == Phase::Forward {
                    let why = ran
                        .err()
                        .unwrap_or_else(|| "the swap did nothing".to_owned());
                    journal
                        .go_back(Phase::Returned, why, place)
                        .map_err(UpgradeError::File)?;
                }
            }
            Phase::Check => {
                progress.say(Step::Check);
                match is_well(&journal.to, health) {
                    Ok(()) => return finish(place, &journal, true),
                    Err(why) => journal
                        .go_back(Phase::Backward, why, place)
                        .map_err(UpgradeError::File)?,
                }
            }
            Phase::Backward => {
                progress.say(Step::Undo);
                tries += 1;
                let ran = units::run_swap();
                journal = again(place)?;
                if journal.phase == Phase::Backward && tries == MAX_BACKWARD_TRIES {
                    let why = ran
                        .err()
                        .unwrap_or_else(|| "the swap did nothing".to_owned());
                    return Err(UpgradeError::NotBack(why));
                }
            }
            Phase::Returned => {
                progress.say(Step::CheckPrevious);
                if let Err(why) = is_well(&journal.from, health) {
                    let before = journal.reason.take().unwrap_or_default();
                    journal.reason = Some(format!(
                        "{before}; and version {} does not serve either: {why}",
                        journal.from
                    ));
                }
                return finish(place, &journal, false);
            }
        }
    }
}

fn again(place: &Place) -> Result<Journal, UpgradeError> {
    Journal::read(place)
        .map_err(UpgradeError::File)?
        .ok_or(UpgradeError::UnderWay)
}

/// Starts the server if nobody has, and watches it.
fn is_well(version: &ReleaseVersion, health: Health<'_>) -> Result<(), String> {
    units::start_service();
    let mut watch = Watch::new(version, STEADY);
    let begun = Instant::now();
    while begun.elapsed() < HEALTH_LIMIT {
        let seen = units::look(health);
        if watch.see(Instant::now(), seen) {
            return Ok(());
        }
        std::thread::sleep(PROBE_PAUSE);
    }
    Err(format!(
        "version {version} was not well within {} s: {}",
        HEALTH_LIMIT.as_secs(),
        watch.last_trouble()
    ))
}

fn finish(place: &Place, journal: &Journal, upgraded: bool) -> Result<Outcome, UpgradeError> {
    let snapshot = place.snapshots.join(&journal.snapshot);
    let outcome = Outcome {
        upgraded,
        from: Some(journal.from.clone()),
        to: Some(journal.to.clone()),
        reason: journal.reason.clone().filter(|_| !upgraded),
        snapshot: snapshot.is_dir().then(|| snapshot.display().to_string()),
    };
    outcome.write(place).map_err(UpgradeError::File)?;
    stage::forget(place);
    Journal::forget(place).map_err(UpgradeError::File)?;
    // Old copies are no reason to call an upgrade failed.
    let _ = snapshot::prune(place);
    Ok(outcome)
}
