//! The machine under the server, as a seam: what it has left, its units, their journals.
//!
//! `portlama-host` implements it. Without it, or on a machine without systemd, the server's own
//! parts are all there is.

use std::time::Duration;

use portlama_model::{ReleaseSource, ReleaseVersion};

use crate::logs::LogReader;
use crate::{BoxFuture, ServiceAction, ServiceStatus};

/// How long a unit may take to do as it was told.
pub const UNIT_ACTION_TIMEOUT: Duration = Duration::from_secs(30);

/// What is asked of a machine.
pub trait Machine: Send + Sync {
    /// What the machine has, and what of it is in use.
    fn stats(&self) -> BoxFuture<'_, Result<MachineStats, MachineError>>;

    /// The known units that are installed, in the order of [`Unit::ALL`]; none without systemd.
    fn units(&self) -> BoxFuture<'_, Vec<UnitView>>;

    /// Tells a unit what to do, and waits until it did, at most [`UNIT_ACTION_TIMEOUT`]. What
    /// ends this process is ordered and not waited for.
    fn act(&self, unit: Unit, action: ServiceAction) -> BoxFuture<'_, Result<(), MachineError>>;

    /// The last [`BACKFILL_LINES`](crate::logs::BACKFILL_LINES) lines of a unit's journal and
    /// those that follow. What reads them ends when the reader is dropped.
    ///
    /// # Errors
    /// When the journal's reader cannot be started.
    fn follow(&self, unit: Unit) -> Result<LogReader, MachineError>;

    /// Fetches the release of this version, verifies it, and orders that it takes the place of
    /// this program: done when that is ordered, because it ends this process. Nothing has
    /// happened when this is given up before.
    ///
    /// # Errors
    /// When nothing was ordered.
    fn update<'a>(
        &'a self,
        source: &'a ReleaseSource,
        version: &'a ReleaseVersion,
    ) -> BoxFuture<'a, Result<(), UpdateError>>;

    /// How the last change of the program's version ended; `None` when there was none.
    fn last_update(&self) -> BoxFuture<'_, Option<LastUpdate>>;
}

/// How a change of the program's version ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUpdate {
    /// Whether the version that was asked for serves.
    pub upgraded: bool,
    /// The version before.
    pub from: Option<ReleaseVersion>,
    /// The version that was asked for.
    pub to: Option<ReleaseVersion>,
    /// Why it does not serve.
    pub reason: Option<String>,
}

/// Why a program was not replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// It cannot be here, or not by this version; with the way out.
    #[error("{0}")]
    Refused(String),
    /// There is no such release, or what came is none.
    #[error("{0}")]
    NotFetched(String),
    /// The order was not taken.
    #[error(transparent)]
    Machine(#[from] MachineError),
}

/// A system unit that the panel may show: nothing else on the machine can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// This server as a service.
    Panel,
    /// Remote sign-in to the machine.
    Ssh,
    /// Bans of addresses that guess.
    Fail2ban,
    /// The clock, on which one-time codes and certificates depend.
    Timesyncd,
}

impl Unit {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Panel, Self::Ssh, Self::Fail2ban, Self::Timesyncd];

    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Panel => "portlama-panel",
            Self::Ssh => "ssh",
            Self::Fail2ban => "fail2ban",
            Self::Timesyncd => "systemd-timesyncd",
        }
    }
}

/// A unit that is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitView {
    /// Which.
    pub unit: Unit,
    /// How it is.
    pub status: ServiceStatus,
    /// How long it has been active.
    pub uptime: Option<Duration>,
    /// Whether it can take up its settings anew without a restart.
    pub can_reload: bool,
}

/// What a machine has, and what of it is in use. Sizes are in octets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MachineStats {
    /// Percent of all cores together that were busy, 0 to 100.
    pub cpu_percent: f64,
    /// Cores.
    pub cpu_cores: usize,
    /// All memory.
    pub memory_total: u64,
    /// Memory that programs can have, what is kept as a cache included.
    pub memory_available: u64,
    /// The root file system.
    pub disk_total: u64,
    /// What is written on it.
    pub disk_used: u64,
    /// What programs without privileges may still write.
    pub disk_free: u64,
    /// Since the machine started.
    pub uptime: Duration,
    /// Memory that this process holds resident.
    pub process_memory: u64,
}

/// Why a machine did not do as it was told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MachineError {
    /// A program of the machine could not be run.
    #[error("`{program}` cannot be run: {reason}")]
    Program {
        /// The program.
        program: &'static str,
        /// Why.
        reason: String,
    },
    /// It said no.
    #[error("{0}")]
    Refused(String),
    /// It did not end in time.
    #[error("not done after {} seconds; it may still happen", UNIT_ACTION_TIMEOUT.as_secs())]
    TimedOut,
    /// A figure cannot be read.
    #[error("the machine does not tell its {0}")]
    Unreadable(&'static str),
}
