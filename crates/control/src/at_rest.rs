//! A server that does not run: as its files show it, and kept from starting.

use std::net::IpAddr;
use std::path::Path;

use portlama_model::{Domain, OnboardingStatus, Timestamp};
use portlama_state::{FilePath, StateDir, StateError, Store};

use crate::certificates::end_of;

/// What the files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtRest {
    /// The public address.
    pub ip: IpAddr,
    /// The base domain.
    pub domain: Option<Domain>,
    /// How far the first set-up has come.
    pub set_up: OnboardingStatus,
    /// Agents that may connect.
    pub agents: usize,
    /// The certificate that ends first, and when.
    pub next_end: Option<(String, Timestamp)>,
    /// A change is recorded that the next start completes; it is not in the rest.
    pub is_cut_short: bool,
}

/// Looks at a state directory. Nothing is touched.
///
/// # Errors
/// When there is no state, or it cannot be read.
pub fn look(dir: &Path) -> Result<AtRest, StateError> {
    let dir = StateDir::new(dir);
    let state = dir.look()?;
    let own = [
        ("the server's authority", FilePath::CA_CERT),
        ("the admin's certificate", FilePath::CLIENT_CERT),
    ];
    let own = own.map(|(name, path)| (name.to_owned(), path));
    let hosts = dir.hosts_with_certificates()?.into_iter();
    let hosts = hosts.map(|host| (host.to_string(), FilePath::host_chain(&host)));
    let mut ends = Vec::new();
    for (name, path) in own.into_iter().chain(hosts) {
        let end = dir.read(&path)?.as_deref().and_then(end_of);
        ends.extend(end.map(|end| (name, end)));
    }
    let agents = state.registry.agents.iter();
    Ok(AtRest {
        ip: state.panel.ip,
        domain: state.panel.domain,
        set_up: state.panel.onboarding.status,
        agents: agents.filter(|agent| !agent.revoked).count(),
        next_end: ends.into_iter().min_by_key(|(_, end)| *end),
        is_cut_short: dir.is_cut_short(),
    })
}

/// A state directory that no server can open meanwhile.
#[derive(Debug)]
pub struct HeldState {
    _store: Store,
}

/// What was found of a state that should be held.
#[derive(Debug)]
pub enum Present {
    /// It is held, and a change that was cut short is complete.
    Held(HeldState),
    /// There is none.
    Nothing,
    /// It cannot be opened, so no server can open it either.
    Unreadable(StateError),
}

/// Holds a state, so that no server starts over it until the value is dropped.
///
/// # Errors
/// [`StateError::Locked`], when somebody else holds it.
pub fn hold(dir: &Path) -> Result<Present, StateError> {
    match Store::open(&StateDir::new(dir)) {
        Ok((store, _)) => Ok(Present::Held(HeldState { _store: store })),
        Err(error @ StateError::Locked { .. }) => Err(error),
        Err(StateError::NotInitialised { .. }) => Ok(Present::Nothing),
        Err(error) => Ok(Present::Unreadable(error)),
    }
}

/// User and group of a state directory, when this process is root's and the directory is not.
#[must_use]
pub fn foreign_owner(dir: &Path) -> Option<(u32, u32)> {
    // One that is not there is nobody's; whoever opens it says so.
    StateDir::new(dir).foreign_owner().ok().flatten()
}
