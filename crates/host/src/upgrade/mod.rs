//! From one version to the next, and back by itself when the next does not serve.
//!
//! Three units do it, so that it outlives whoever ordered it and whoever is killed meanwhile:
//!
//! - `portlama-upgrade.service` takes the staged release and sees it through ([`apply`]);
//! - `portlama-swap.service` is ordered before the server: while it runs, connections wait in
//!   the sockets and no server starts. It does the files' part of the way, there or back
//!   (`swap`);
//! - `portlama-upgrade-resume.service` goes on where the first was cut short, at once or at the
//!   next boot ([`resume`]). It is the kept previous program, because the new one may be what is
//!   broken.
//!
//! What is under way stands in a [`Journal`]; what is decided from it is pure ([`decide`](mod@decide)).

mod ask;
mod carry_out;
pub mod decide;
mod follow;
mod journal;
mod outcome;
mod place;
mod snapshot;
mod stage;
mod swap;
mod units;

pub use ask::{fetch_and_order, last};
pub use carry_out::{
    DRAIN_LIMIT, HEALTH_LIMIT, Health, MAX_BACKWARD_TRIES, PROBE_PAUSE, STEADY, apply, resume,
};
pub use decide::may_replace;
pub use follow::{end_earlier, installed_version, is_installed, order};
pub use journal::{Journal, Phase};
pub use outcome::{Outcome, Progress, Step};
pub use place::Place;
pub(crate) use place::SNAPSHOTS;
pub use snapshot::KEPT_SNAPSHOTS;
pub use stage::{MIN_SPARE_MIB, REQUEST_LIMIT, Request, stage};
pub use swap::swap;
pub use units::{RESUME_UNIT, SWAP_UNIT, UPGRADE_UNIT};

use crate::release::ReleaseError;

/// Why there was no upgrade, or why it did not stay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The file is not a release.
    #[error("nothing was changed: {0}")]
    Release(#[from] ReleaseError),
    /// It is one, and not one for here.
    #[error("nothing was changed: {0}")]
    Refused(String),
    /// There is nothing to do.
    #[error("no release is staged: `portlama server upgrade --file FILE` stages one")]
    NothingStaged,
    /// An earlier one has not come to its end.
    #[error(
        "an earlier upgrade is under way or was cut short: `systemctl start {RESUME_UNIT}` ends it"
    )]
    UnderWay,
    /// A file stands in the way.
    #[error("{0}")]
    File(String),
    /// The previous version did not come back. The journal stays, and the next try goes on.
    #[error(
        "the previous version is not back yet: {0}; `systemctl start {RESUME_UNIT}` tries again"
    )]
    NotBack(String),
}
