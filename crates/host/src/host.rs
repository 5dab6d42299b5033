//! The machine behind the seam.

use std::path::Path;

use portlama_control::logs::LogReader;
use portlama_control::{
    BoxFuture, LastUpdate, Machine, MachineError, MachineStats, ServiceAction, Unit, UnitView,
    UpdateError,
};
use portlama_model::{ReleaseSource, ReleaseVersion};

use crate::figures::Figures;
use crate::helper::Order;
use crate::{helper, journal, systemd, upgrade};

/// The machine that this process runs on.
#[derive(Debug)]
pub struct Host {
    figures: Figures,
    has_systemd: bool,
}

impl Host {
    /// Looks whether systemd runs this machine.
    #[must_use]
    pub fn detect() -> Self {
        // sd_booted(3).
        Self::new(Path::new("/run/systemd/system").is_dir())
    }

    /// A machine of which only the figures are known.
    #[must_use]
    pub fn without_systemd() -> Self {
        Self::new(false)
    }

    fn new(has_systemd: bool) -> Self {
        Self {
            figures: Figures::default(),
            has_systemd,
        }
    }

    /// Whether there are units and a journal.
    #[must_use]
    pub fn has_systemd(&self) -> bool {
        self.has_systemd
    }
}

impl Machine for Host {
    fn stats(&self) -> BoxFuture<'_, Result<MachineStats, MachineError>> {
        Box::pin(self.figures.read())
    }

    fn units(&self) -> BoxFuture<'_, Vec<UnitView>> {
        Box::pin(async {
            match self.has_systemd {
                true => systemd::units().await,
                false => vec![],
            }
        })
    }

    fn act(&self, unit: Unit, action: ServiceAction) -> BoxFuture<'_, Result<(), MachineError>> {
        Box::pin(async move {
            match self.has_systemd {
                true => helper::order(Order::Unit(unit, action)).await,
                false => Err(no_systemd()),
            }
        })
    }

    fn follow(&self, unit: Unit) -> Result<LogReader, MachineError> {
        match self.has_systemd {
            true => journal::follow(unit),
            false => Err(no_systemd()),
        }
    }

    fn update<'a>(
        &'a self,
        source: &'a ReleaseSource,
        version: &'a ReleaseVersion,
    ) -> BoxFuture<'a, Result<(), UpdateError>> {
        Box::pin(async move {
            match self.has_systemd {
                true => upgrade::fetch_and_order(source, version).await,
                false => Err(no_systemd().into()),
            }
        })
    }

    fn last_update(&self) -> BoxFuture<'_, Option<LastUpdate>> {
        Box::pin(upgrade::last())
    }
}

fn no_systemd() -> MachineError {
    MachineError::Refused("systemd does not run this machine".to_owned())
}
