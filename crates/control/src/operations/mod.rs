//! The operations, by what they change.

pub(crate) mod admin;
pub(crate) mod admin_rotation;
pub(crate) mod agent_certificates;
pub(crate) mod agent_panel;
pub(crate) mod agent_renewal;
pub(crate) mod agents;
pub(crate) mod audit;
pub(crate) mod certificate_list;
pub(crate) mod certificate_renewal;
pub(crate) mod enrolment;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod onboarding;
pub(crate) mod services;
pub(crate) mod sign_in;
pub(crate) mod site_dns;
pub(crate) mod site_files;
pub(crate) mod site_rules;
pub(crate) mod sites;
pub(crate) mod tunnel_rules;
pub(crate) mod tunnels;
pub(crate) mod two_factor;
pub(crate) mod update;
pub(crate) mod users;

use portlama_access::Identity;
use portlama_model::{Capability, State};

use crate::OperationError;

/// Whether the caller is still who it was when its request was let pass, and has the right it
/// needs. Asked under the writer's lock, so that a revocation that came first holds.
fn still_may(
    state: &State,
    by: &Identity,
    right: Option<Capability>,
) -> Result<(), OperationError> {
    let revoked = state
        .revoked
        .revoked
        .iter()
        .any(|entry| entry.serial == *by.serial());
    let holds = match by.agent() {
        None => state.panel.admin.serials.contains(by.serial()),
        Some(agent) => state.registry.live(agent.label()).is_some_and(|entry| {
            entry.serials().any(|known| known == by.serial())
                && right.is_none_or(|right| entry.capabilities.contains(right))
        }),
    };
    if holds && !revoked {
        Ok(())
    } else {
        Err(forbidden("the rights of this certificate were taken away"))
    }
}

fn forbidden(message: &str) -> OperationError {
    OperationError::Forbidden {
        message: message.to_owned(),
    }
}
