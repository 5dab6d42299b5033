//! Services: the parts of this process and the known units of the machine.
//!
//! A part lives and ends with the process, so the only thing it can be told is to take up its
//! certificates anew. A unit is told by systemd, if it lets us.

use std::time::{Duration, Instant};

use portlama_access::Identity;
use portlama_model::{Capability, CertificateAuthority};
use portlama_state::AuditEntry;

use crate::certifier::CREATE_WAIT;
use crate::change::{audit_row, blocking, not_done};
use crate::logs::LogReader;
use crate::operations::certificate_renewal::unanswered;
use crate::operations::still_may;
use crate::{
    Control, MachineError, MachineStats, OperationError, Part, Parts, Refusal, ServiceAction,
    ServiceName, ServiceStatus, Surroundings, Unit, UnitView, UnknownService,
};

/// A service as it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceView {
    /// Which.
    pub name: ServiceName,
    /// How it is.
    pub status: ServiceStatus,
    /// How long it has been active.
    pub uptime: Option<Duration>,
    /// Why it is so, where there is more to say.
    pub detail: Option<String>,
    /// What it can be told.
    pub actions: Vec<ServiceAction>,
}

impl Control {
    /// Brings the machine and the parts' logs. Without it the parts alone are listed, and the
    /// machine's figures are not known.
    pub fn attach(&self, around: Surroundings) {
        self.core.services.attach(around);
    }

    /// How each part is; parts write here what becomes of them.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.core.services.parts
    }

    /// All services: the parts, then the units that this machine has.
    pub async fn services(&self) -> Vec<ServiceView> {
        let now = Instant::now();
        self.core.show_certifier(self.core.live.now());
        let parts = Part::ALL.into_iter().map(|part| self.view_part(part, now));
        let units = self.core.services.units().await;
        parts.chain(units.into_iter().map(view_unit)).collect()
    }

    /// Tells a service what to do. Written to the audit before it is done.
    ///
    /// # Errors
    /// When there is no such service here, it cannot be told this, the caller lost the right,
    /// or systemd says no.
    pub async fn act_on_service(
        &self,
        by: &Identity,
        name: ServiceName,
        action: ServiceAction,
    ) -> Result<(), OperationError> {
        match name {
            ServiceName::Part(part) => {
                self.may_act_on_part(part, action)?;
                self.note_action(by, name, action).await?;
                let done = self.act_on_part(part).await;
                self.note_failure(by, name, action, &done).await;
                done
            }
            ServiceName::Unit(unit) => {
                self.installed(unit).await?;
                may_act_on_unit(unit, action)?;
                let _place = self.core.services.action()?;
                self.note_action(by, name, action).await?;
                let done = self.act_on_unit(unit, action).await;
                self.note_failure(by, name, action, &done).await;
                done
            }
        }
    }

    /// The last lines of a service's log and those that follow, until the reader is dropped.
    ///
    /// # Errors
    /// When there is no such service here, too many logs are watched, or the journal's reader
    /// does not start.
    pub async fn follow_service(&self, name: ServiceName) -> Result<LogReader, OperationError> {
        let services = &self.core.services;
        if let ServiceName::Unit(unit) = name {
            self.installed(unit).await?;
        }
        let place = services.watcher()?;
        let reader = match name {
            ServiceName::Part(part) => services.logs(self.core.live.now()).follow(part),
            ServiceName::Unit(unit) => {
                let machine = services.machine().ok_or(Refusal::from(UnknownService))?;
                let followed = machine.follow(unit);
                followed.map_err(|error| failed("the reader of the log", &error))?
            }
        };
        Ok(reader.keeping(place).until(services.closing()))
    }

    /// Ends every reader of [`follow_service`](Self::follow_service): a server that stops does
    /// not wait for those who watch it.
    pub fn close_logs(&self) {
        self.core.services.close_logs();
    }

    /// What the machine has and what of it is in use, at most
    /// [`MACHINE_CACHE`](crate::MACHINE_CACHE) old.
    ///
    /// # Errors
    /// When the machine does not tell.
    pub async fn machine_stats(&self) -> Result<MachineStats, OperationError> {
        self.core.services.stats().await
    }

    fn view_part(&self, part: Part, now: Instant) -> ServiceView {
        let state = self.core.services.parts.get(part);
        let actions = match self.may_act_on_part(part, ServiceAction::Reload) {
            Ok(()) => vec![ServiceAction::Reload],
            Err(_) => vec![],
        };
        let view = ServiceView {
            name: ServiceName::Part(part),
            status: state.status,
            uptime: state.uptime(now),
            detail: state.detail,
            actions,
        };
        if part == Part::Acme && !self.asks_an_authority() {
            return ServiceView {
                status: ServiceStatus::Inactive,
                uptime: None,
                detail: Some("this server certifies its host names itself".to_owned()),
                ..view
            };
        }
        view
    }

    /// Whether certificates of host names come from outside.
    fn asks_an_authority(&self) -> bool {
        let authority = self.core.state.load().panel.certificate_authority;
        authority == CertificateAuthority::Acme
    }

    fn may_act_on_part(&self, part: Part, action: ServiceAction) -> Result<(), Refusal> {
        let reloads = match part {
            Part::Edge => true,
            Part::Acme => self.asks_an_authority(),
            Part::Portal | Part::Tunnel => false,
        };
        match action {
            ServiceAction::Reload if reloads => Ok(()),
            ServiceAction::Reload => Err(Refusal::NothingToReload),
            ServiceAction::Start | ServiceAction::Stop | ServiceAction::Restart => {
                Err(Refusal::PartOfTheServer)
            }
        }
    }

    /// The one thing a part can be told: certificates that are due are renewed, and what is
    /// served is made anew from the state.
    async fn act_on_part(&self, part: Part) -> Result<(), OperationError> {
        match part {
            Part::Acme => self.reload_acme().await,
            _ => self.core.renew_host_certificates(true).await,
        }
    }

    /// Done when every certificate that was due is there; the authority is waited for for
    /// [`CREATE_WAIT`] at most.
    async fn reload_acme(&self) -> Result<(), OperationError> {
        self.renew_certificates().await;
        let without = self.core.renew_due(CREATE_WAIT).await;
        let Some((host, failure)) = without.first() else {
            return Ok(());
        };
        let why = match failure {
            Some(failure) => failure.message.clone(),
            None => unanswered(CREATE_WAIT),
        };
        let more = match without.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Err(OperationError::ServiceFailed {
            what: "`reload acme`".to_owned(),
            details: crate::logs::plain(&format!("{host}: {why}{more}"), MAX_DETAILS_BYTES),
        })
    }

    async fn act_on_unit(&self, unit: Unit, action: ServiceAction) -> Result<(), OperationError> {
        let services = &self.core.services;
        let machine = services.machine().ok_or(Refusal::from(UnknownService))?;
        let done = machine.act(unit, action).await;
        services.forget_units().await;
        done.map_err(|error| failed(&format!("`{} {}`", action.as_str(), unit.as_str()), &error))
    }

    /// What this machine has of the known units; all others are no services here.
    async fn installed(&self, unit: Unit) -> Result<(), Refusal> {
        let units = self.core.services.units().await;
        match units.iter().any(|view| view.unit == unit) {
            true => Ok(()),
            false => Err(UnknownService.into()),
        }
    }

    /// Asks for the right and writes the row as one step, so that none is written for somebody
    /// who was revoked before.
    async fn note_action(
        &self,
        by: &Identity,
        name: ServiceName,
        action: ServiceAction,
    ) -> Result<(), OperationError> {
        let core = &self.core;
        let _writer = core.writer().await;
        still_may(&core.state.load(), by, Some(Capability::ServicesWrite))?;
        let row = self.row(by, name, &format!("service.{}", action.as_str()));
        let store = core.store.clone();
        let written = blocking(move || store.runtime().audit().append(&row)).await;
        written.map(drop).map_err(not_done)
    }

    /// Adds to the audit that what it tells of did not happen.
    async fn note_failure(
        &self,
        by: &Identity,
        name: ServiceName,
        action: ServiceAction,
        done: &Result<(), OperationError>,
    ) {
        if done.is_ok() {
            return;
        }
        let row = self.row(by, name, &format!("service.{}.failed", action.as_str()));
        let store = self.core.store.clone();
        let written = blocking(move || store.runtime().audit().append(&row)).await;
        if let Err(error) = written {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the audit could not be completed"
            );
        }
    }

    fn row(&self, by: &Identity, name: ServiceName, what: &str) -> AuditEntry {
        let now = self.core.live.now();
        audit_row(now, by.audit_name(), what, name.as_str(), None, None)
    }
}

fn view_unit(view: UnitView) -> ServiceView {
    let possible = |action: &ServiceAction| {
        (*action != ServiceAction::Reload || view.can_reload)
            && may_act_on_unit(view.unit, *action).is_ok()
    };
    ServiceView {
        name: ServiceName::Unit(view.unit),
        status: view.status,
        uptime: view.uptime,
        detail: None,
        actions: ServiceAction::ALL.into_iter().filter(possible).collect(),
    }
}

/// Nobody shuts themselves out with a click. Root's helper asks the same again.
///
/// # Errors
/// When the unit may not be told this.
pub fn may_act_on_unit(unit: Unit, action: ServiceAction) -> Result<(), Refusal> {
    match (unit, action) {
        (Unit::Panel, ServiceAction::Stop) => Err(Refusal::StopsThePanel),
        (Unit::Ssh, ServiceAction::Stop) => Err(Refusal::StopsSsh),
        _ => Ok(()),
    }
}

fn failed(what: &str, error: &MachineError) -> OperationError {
    OperationError::ServiceFailed {
        what: what.to_owned(),
        details: crate::logs::plain(&error.to_string(), MAX_DETAILS_BYTES),
    }
}

/// What is passed on of the words of the machine, octets: a few lines of systemctl.
const MAX_DETAILS_BYTES: usize = 2 * 1024;
