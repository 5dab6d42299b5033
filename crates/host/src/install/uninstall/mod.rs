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

pub use plan::{Remainder, RemovalOptions, TakeBack, plan_removal, remains};

use super::facts::Facts;
use super::plan::Step;
use super::{InstallError, Progress, each_step, gather};

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
    each_step(facts, steps, progress, execute::step)
}
