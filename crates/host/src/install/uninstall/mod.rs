//! The way back: what the manifest says was added is taken away, as a plan from manifest and
//! [`Facts`].
//!
//! A run that was cut short is gone on with by the next: every action can be done again, and the
//! manifest forgets a thing only when it is gone.

mod execute;
mod plan;
mod record;
#[cfg(test)]
mod tests;

use std::time::Instant;

pub use plan::{Remainder, RemovalOptions, TakeBack, plan_removal, remains};

use super::facts::Facts;
use super::plan::{Step, Work};
use super::{InstallError, Progress, gather};

/// Looks at the machine and says what would be taken back and what would stay.
///
/// # Errors
/// [`InstallError::Refused`].
pub fn prepare_removal(
    options: RemovalOptions,
) -> Result<(Facts, Vec<Step>, Vec<Remainder>), InstallError> {
    let facts = gather::facts(None).map_err(|why| InstallError::Refused(vec![why]))?;
    if !facts.is_root {
        let why = "this needs root: run it with sudo".to_owned();
        return Err(InstallError::Refused(vec![why]));
    }
    let steps = plan_removal(&facts, options);
    let remains = remains(&facts, options);
    Ok((facts, steps, remains))
}

/// Takes back, step by step. This blocks.
///
/// # Errors
/// [`InstallError::Step`].
pub fn take_back(
    facts: &Facts,
    steps: &[Step],
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), InstallError> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let mut manifest = facts.manifest.clone();
    for step in steps {
        let begun = Instant::now();
        progress(Progress::Begun(step));
        let mut say = |text: &str| progress(Progress::Says(step, text));
        let Work::Do(actions) = &step.work else {
            continue;
        };
        if let Err(reason) = execute::step(actions, &mut manifest, &mut say) {
            progress(Progress::Failed(step));
            let title = step.title;
            return Err(InstallError::Step { title, reason });
        }
        progress(Progress::Done(step, begun.elapsed()));
    }
    Ok(())
}
