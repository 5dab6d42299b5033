//! The parts of this process, as people see them, and everything that has a name as a service.

use std::str::FromStr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::Unit;

/// A part of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Listeners, request gate, proxy, panel, and what belongs to no other part.
    Edge,
    /// Sign-in.
    Portal,
    /// Agents and their connections.
    Tunnel,
    /// Certificates of host names.
    Acme,
}

impl Part {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Edge, Self::Portal, Self::Tunnel, Self::Acme];

    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Portal => "portal",
            Self::Tunnel => "tunnel",
            Self::Acme => "acme",
        }
    }

    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

/// What is listed as a service: a part of this process, or a unit of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceName {
    /// A part of this process.
    Part(Part),
    /// A unit of the machine.
    Unit(Unit),
}

impl ServiceName {
    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Part(part) => part.as_str(),
            Self::Unit(unit) => unit.as_str(),
        }
    }
}

/// A name that no service has. It says nothing about what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no service of this name is managed here")]
pub struct UnknownService;

impl FromStr for ServiceName {
    type Err = UnknownService;

    /// Finds the service with exactly this name.
    fn from_str(text: &str) -> Result<Self, UnknownService> {
        let parts = Part::ALL.into_iter().map(Self::Part);
        let units = Unit::ALL.into_iter().map(Self::Unit);
        parts
            .chain(units)
            .find(|name| name.as_str() == text)
            .ok_or(UnknownService)
    }
}

/// How a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceStatus {
    /// It does its work.
    Active,
    /// It does not, and is not meant to.
    Inactive,
    /// It is meant to, and does not.
    Failed,
    /// Something else, such as being about to start.
    Unknown,
}

/// What can be asked of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceAction {
    /// Begin.
    Start,
    /// End.
    Stop,
    /// End and begin.
    Restart,
    /// Take up changed settings or certificates while running.
    Reload,
}

impl ServiceAction {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Start, Self::Stop, Self::Restart, Self::Reload];

    /// The name in the API, which is systemd's as well.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
        }
    }
}

/// Not one of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the actions are start, stop, restart and reload")]
pub struct UnknownAction;

impl FromStr for ServiceAction {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        let mut all = Self::ALL.into_iter();
        all.find(|action| action.as_str() == text)
            .ok_or(UnknownAction)
    }
}

/// How each part is, and since when. Each part says so itself.
#[derive(Debug)]
pub struct Parts([Mutex<PartState>; Part::ALL.len()]);

/// How a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartState {
    /// In a word.
    pub status: ServiceStatus,
    /// Since when it is so.
    pub since: Instant,
    /// Why, where there is more to say.
    pub detail: Option<String>,
}

impl PartState {
    /// How long the part has been active at `now`.
    #[must_use]
    pub fn uptime(&self, now: Instant) -> Option<Duration> {
        let is_active = self.status == ServiceStatus::Active;
        is_active.then(|| now.saturating_duration_since(self.since))
    }
}

impl Parts {
    /// All parts active from `now` on.
    #[must_use]
    pub fn active(now: Instant) -> Self {
        let active = || {
            Mutex::new(PartState {
                status: ServiceStatus::Active,
                since: now,
                detail: None,
            })
        };
        Self(std::array::from_fn(|_| active()))
    }

    /// Notes how a part is. A state that lasts keeps its beginning.
    pub fn set(&self, part: Part, status: ServiceStatus, detail: Option<String>, now: Instant) {
        let mut state = self.0[part.index()].lock();
        if state.status != status {
            state.since = now;
        }
        state.status = status;
        state.detail = detail;
    }

    /// How a part is.
    #[must_use]
    pub fn get(&self, part: Part) -> PartState {
        self.0[part.index()].lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_exactly_or_not_at_all() {
        for name in ["edge", "portal", "tunnel", "acme", "portlama-panel", "ssh"] {
            assert_eq!(
                name.parse::<ServiceName>().map(ServiceName::as_str),
                Ok(name)
            );
        }
        for name in [
            "",
            "Edge",
            "edge ",
            "x;id",
            "../ssh",
            "ssh.service",
            "nginx",
            "ssh\0",
            "-M",
        ] {
            assert_eq!(name.parse::<ServiceName>(), Err(UnknownService), "{name}");
        }
    }

    #[test]
    fn a_state_that_lasts_keeps_its_beginning() {
        let start = Instant::now();
        let later = |seconds| start + Duration::from_secs(seconds);
        let parts = Parts::active(start);
        parts.set(Part::Acme, ServiceStatus::Active, None, later(5));
        assert_eq!(
            parts.get(Part::Acme).uptime(later(9)),
            Some(Duration::from_secs(9))
        );
        parts.set(
            Part::Acme,
            ServiceStatus::Failed,
            Some("no answer".into()),
            later(10),
        );
        assert_eq!(parts.get(Part::Acme).uptime(later(12)), None);
        parts.set(Part::Acme, ServiceStatus::Active, None, later(20));
        assert_eq!(
            parts.get(Part::Acme).uptime(later(21)),
            Some(Duration::from_secs(1))
        );
        assert_eq!(parts.get(Part::Edge).uptime(start), Some(Duration::ZERO));
    }
}
