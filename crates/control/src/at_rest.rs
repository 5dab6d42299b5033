//! A server that does not run, as its files show it. Nothing is touched.

use std::net::IpAddr;
use std::path::Path;

use portlama_model::{Domain, OnboardingStatus, Timestamp};
use portlama_state::{FilePath, StateDir, StateError};

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

/// Looks at a state directory.
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
