//! From a fresh machine to a serving one: look ([`Facts`]), refuse or plan (pure), carry out.
//!
//! Every step looks first, so a second run changes nothing; a step that was cut short is done
//! again whole ([`Manifest::under_way`]).

mod apt;
mod execute;
mod facts;
pub(crate) mod file;
mod gather;
mod gather_ssh;
mod manifest;
mod new_server;
mod plan;
mod preflight;
mod program;
mod steps;
#[cfg(test)]
mod tests;
mod uninstall;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::packaged::PACKAGED_PROGRAM;

pub use facts::{
    Facts, FirewallFacts, Listener, ServerFacts, ServiceFacts, SshFacts, StateFacts, Swap,
};
pub use manifest::{MANIFEST, Manifest};
pub use new_server::{MadeServer, NewServer};
pub use plan::{Action, Options, Step, Work, plan};
pub use preflight::{MIN_FREE_DISK_MIB, SYSTEMS, refusals};
pub use program::{PACKAGES_LIMIT, PROGRAM_LIMIT, Program};
pub use uninstall::{
    Remainder, RemovalOptions, TakeBack, plan_removal, prepare_removal, remains, take_back,
};

/// Where the program is put, unless a package brought it.
pub const PROGRAM: &str = "/usr/local/bin/portlama";
/// Where the installed server's program is: a package keeps its own.
fn program_of(is_packaged: bool) -> &'static str {
    match is_packaged {
        true => PACKAGED_PROGRAM,
        false => PROGRAM,
    }
}

/// Where the server lives.
pub const STATE_DIR: &str = "/etc/portlama";
/// The port of visitors, sign-in and agents.
pub const HTTPS_PORT: u16 = 443;
/// The port on which the panel answers under the bare address.
pub const PANEL_PORT: u16 = 9292;

/// Why nothing, or not everything, was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The machine is not fit; nothing was changed.
    #[error("nothing was changed: {}", .0.join("; "))]
    Refused(Vec<String>),
    /// A step failed. Those before it stay, and another run goes on here.
    #[error("{title}: {reason} (what is done stays: run the command again when this is mended)")]
    Step {
        /// What the step brings.
        title: &'static str,
        /// What went wrong.
        reason: String,
    },
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A step begins.
    Begun(&'a Step),
    /// It tells the operator something.
    Says(&'a Step, &'a str),
    /// It ended well, after this time.
    Done(&'a Step, Duration),
    /// It failed.
    Failed(&'a Step),
}

/// Looks at the machine and says what would be done. `own_address` is what it would send from.
///
/// # Errors
/// [`InstallError::Refused`].
pub fn prepare(
    options: &Options,
    own_address: Option<IpAddr>,
) -> Result<(Facts, Vec<Step>), InstallError> {
    let facts = gather::facts(own_address).map_err(|why| InstallError::Refused(vec![why]))?;
    let reasons = refusals(&facts, options);
    if !reasons.is_empty() {
        return Err(InstallError::Refused(reasons));
    }
    let steps = plan(&facts, options);
    Ok((facts, steps))
}

/// Carries a plan out, step by step. This blocks.
///
/// # Errors
/// [`InstallError::Step`].
pub fn carry_out(
    facts: &Facts,
    steps: &[Step],
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), InstallError> {
    each_step(facts, steps, progress, execute::carry_out)
}

/// What does a step: it keeps the manifest true, and may say something.
type Act = fn(&Step, &mut Manifest, &mut dyn FnMut(&str)) -> Result<(), String>;

fn each_step(
    facts: &Facts,
    steps: &[Step],
    progress: &mut dyn FnMut(Progress<'_>),
    act: Act,
) -> Result<(), InstallError> {
    // Packages and folders get the modes that their makers want, whatever the operator's mask.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let mut manifest = facts.manifest.clone();
    for step in steps {
        let begun = Instant::now();
        progress(Progress::Begun(step));
        let mut say = |text: &str| progress(Progress::Says(step, text));
        if let Err(reason) = act(step, &mut manifest, &mut say) {
            progress(Progress::Failed(step));
            let title = step.title;
            return Err(InstallError::Step { title, reason });
        }
        progress(Progress::Done(step, begun.elapsed()));
    }
    Ok(())
}
