//! May this caller use this route of the panel API?

use portlama_auth::PanelSession;
use portlama_model::{Capability, CapabilitySet, OnboardingStatus};

use crate::{Identity, NotIdentified};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Everybody; what guards the route is a token inside the request.
    Public,
    /// Any live identity, whatever its role.
    AnyIdentity,
    /// The admin.
    Admin,
    /// The admin by their certificate alone, also where a second factor is asked for: what it is
    /// shown with.
    AdminByCertificate,
    /// The admin, or an agent that holds the capability.
    Capability(Capability),
    /// An agent on its own behalf; the admin has no agent to be.
    AgentItself,
}

/// In which part of a server's life a route exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At any time.
    Always,
    /// Until the first set-up is complete.
    Onboarding,
    /// From then on.
    Management,
}

/// The rule of one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Who may use it.
    pub who: Who,
    /// When it exists.
    pub when: When,
}

/// Whoever [`may_call`] let pass. Handlers take it, so none runs without the decision.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A public route; nobody in particular.
    Anonymous,
    /// The identity that was let pass.
    Identified(Identity),
}

/// What is asked of the admin beside the certificate, and what they showed. Agents are never
/// asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecondFactor {
    /// Two-factor sign-in to the panel is off.
    NotAsked,
    /// It is on, and no live session came with the request.
    Missing,
    /// A session whose cookie was verified.
    Shown(PanelSession),
}

impl SecondFactor {
    /// Whether the admin who presents a certificate has shown what is asked for. A session
    /// counts for its own certificate alone.
    fn suffices(&self, admin: &Identity) -> bool {
        match self {
            Self::NotAsked => true,
            Self::Missing => false,
            Self::Shown(session) => session.serial() == admin.serial(),
        }
    }
}

/// Why a route was refused, in the order in which the reasons are looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody was identified.
    #[error(transparent)]
    NotIdentified(NotIdentified),
    /// The admin has not shown the second factor.
    #[error("the panel asks for a one-time code")]
    SecondFactor,
    /// The route belonged to the first set-up.
    #[error("Onboarding already completed")]
    OnboardingComplete,
    /// The route comes with the first set-up's end.
    #[error("Onboarding not complete")]
    OnboardingIncomplete(OnboardingStatus),
    /// The identity has another role.
    #[error("this needs the role {}", required.join(" or "))]
    Role {
        /// Roles that may.
        required: &'static [&'static str],
        /// The caller's.
        current: &'static str,
    },
    /// The agent lacks a right.
    #[error("this needs the capability {required}")]
    Capability {
        /// The right asked for.
        required: Capability,
        /// The rights held.
        granted: CapabilitySet,
    },
}

/// Decides whether a caller may use a route with `rule`.
///
/// # Errors
/// Says why not; the first reason in the documented order of checks wins.
pub fn may_call(
    rule: Rule,
    caller: Result<Identity, NotIdentified>,
    second_factor: &SecondFactor,
    onboarding: OnboardingStatus,
) -> Result<Caller, Denied> {
    let caller = match (rule.who, caller) {
        (Who::Public, _) => Caller::Anonymous,
        (_, Ok(identity)) => Caller::Identified(identity),
        (_, Err(reason)) => return Err(Denied::NotIdentified(reason)),
    };
    if let Caller::Identified(identity) = &caller
        && identity.is_admin()
        && rule.who != Who::AdminByCertificate
        && !second_factor.suffices(identity)
    {
        return Err(Denied::SecondFactor);
    }
    let completed = onboarding == OnboardingStatus::Completed;
    match rule.when {
        When::Onboarding if completed => return Err(Denied::OnboardingComplete),
        When::Management if !completed => return Err(Denied::OnboardingIncomplete(onboarding)),
        When::Always | When::Onboarding | When::Management => {}
    }
    if let Caller::Identified(identity) = &caller {
        has_role(rule.who, identity)?;
    }
    Ok(caller)
}

fn has_role(who: Who, identity: &Identity) -> Result<(), Denied> {
    let role_refused = |required| {
        Err(Denied::Role {
            required,
            current: identity.role(),
        })
    };
    match (who, identity) {
        (Who::Public | Who::AnyIdentity, _)
        | (Who::Admin | Who::AdminByCertificate | Who::Capability(_), Identity::Admin(_))
        | (Who::AgentItself, Identity::Agent(_)) => Ok(()),
        (Who::Admin | Who::AdminByCertificate, Identity::Agent(_)) => role_refused(&["admin"]),
        (Who::AgentItself, Identity::Admin(_)) => role_refused(&["agent"]),
        (Who::Capability(required), Identity::Agent(agent)) => {
            if agent.capabilities().contains(required) {
                Ok(())
            } else {
                Err(Denied::Capability {
                    required,
                    granted: agent.capabilities().clone(),
                })
            }
        }
    }
}
