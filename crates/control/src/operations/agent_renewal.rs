//! How one certificate of an agent takes another's place.
//!
//! The agent asks with its present certificate and gets a successor, which is the agent's at
//! once beside the present one: an answer that is lost locks nobody out. With the successor's
//! first use the places change, and the certificate before lives on for [`RENEWAL_GRACE`], so
//! that connections which stand on it may end by themselves. Every step is one commit, so a
//! crash leaves one or two good certificates, and the next start goes on where the last one
//! stopped.

use std::sync::Arc;
use std::time::Duration;

use portlama_access::Identity;
use portlama_model::{
    AgentEntry, AgentLabel, AgentPredecessor, AgentSuccessor, EnrollmentMethod, Serial, State,
    Timestamp,
};
use portlama_pki::ParsedRequest;
use serde_json::{Map, json};

use crate::change::{Change, Forbids, audit_row};
use crate::control::Core;
use crate::operations::agent_certificates::without_files;
use crate::operations::agents::{NO_AGENT, live_entries};
use crate::operations::keys::{self, SignedClient, certificate_failed};
use crate::operations::{forbidden, still_may};
use crate::{Control, OperationError, Refusal};

/// From the first use of an agent's new certificate to the death of the one before: time for
/// downloads, deploys and commands that began with it to end. The agent has moved its tunnel
/// within seconds.
pub const RENEWAL_GRACE: Duration = Duration::from_secs(60 * 60);

/// How long an agent's new certificate may lie unused before it is given up, where the present
/// one holds for long: an agent that lost the answer has asked again by then.
pub const UNUSED_AGENT_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Who writes an audit row when the server acts by itself.
const SERVER: &str = "server";

impl Control {
    /// Signs a certificate for a new key of the calling agent's own. Rights and sites stay.
    ///
    /// The caller's certificate lives on until the new one is used, and [`RENEWAL_GRACE`]
    /// longer. A new one that was never used gives way to this one.
    ///
    /// # Errors
    /// When the request is not acceptable, or the caller's certificate has been replaced by one
    /// that is in use.
    pub async fn upgrade_agent(
        &self,
        by: &Identity,
        csr: &str,
    ) -> Result<SignedClient, OperationError> {
        let request = ParsedRequest::parse(csr).map_err(Refusal::Csr)?;
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let label = by.agent().ok_or(NO_AGENT)?.label();
        let now = core.live.now();
        let mut next = State::clone(&state);
        let entry = live_entries(&mut next, label).next().ok_or(NO_AGENT)?;
        let seen = |serial: &Serial| core.live.first_uses().first_use(serial).is_some();
        let used = entry
            .successor
            .as_ref()
            .is_some_and(|new| new.serial == *by.serial() || seen(&new.serial));
        let ended = used.then(|| take_over(entry, now)).flatten();
        if entry.serial != *by.serial() {
            return Err(forbidden("a newer certificate of this agent is in use"));
        }
        let digest = request.key_digest();
        if digest == by.key_digest() || is_of_predecessor(entry, &digest.to_string()) {
            return Err(Refusal::KeyInUse.into());
        }
        if let Some(old) = ended {
            end(&mut next, label, &old, now);
        }
        let key = request
            .admit(&core.authority, &keys::revoked(&next))
            .map_err(Refusal::Csr)?;
        let certificate = core
            .authority
            .sign_agent(label, &key, now)
            .map_err(certificate_failed)?;
        for entry in live_entries(&mut next, label) {
            entry
                .extra
                .extend(keys::remembered_text(by.key_digest().to_string()));
            entry.successor = Some(AgentSuccessor {
                serial: certificate.serial().clone(),
                expires_at: certificate.validity().not_after,
                public_key: certificate.key_digest().to_string(),
                unused_until: unused_until(entry, now),
                extra: Map::new(),
            });
        }
        let (was, is) = (
            json!({ "serial": by.serial() }),
            json!({ "serial": certificate.serial(), "expiresAt": certificate.validity().not_after }),
        );
        let audit = audit_row(
            now,
            by.audit_name(),
            "agent.upgrade",
            label,
            Some(was),
            Some(is),
        );
        let mut change = Change::new(next, audit);
        if used {
            change = denying(change.with_files(without_files(label)));
        }
        core.apply(writer, change).await?;
        Ok(SignedClient::of(&certificate, &core.authority))
    }
}

impl Core {
    /// Does what is due: a certificate that was used takes its place, one whose time is over
    /// ends. What cannot be written is tried again.
    pub(crate) async fn settle_agents(self: &Arc<Self>) {
        loop {
            if !self.state.load().registry.agents.iter().any(is_changing) {
                return;
            }
            let writer = self.writer().await;
            let state = self.state.load_full();
            let seen = |serial: &Serial| self.live.first_uses().first_use(serial).is_some();
            let Some(change) = next_step(&state, seen, self.live.now()) else {
                return;
            };
            if let Err(error) = self.apply(writer, change).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the renewal of an agent's certificate could not be carried on"
                );
                return;
            }
        }
    }
}

fn is_changing(entry: &AgentEntry) -> bool {
    !entry.revoked && (entry.successor.is_some() || entry.predecessor.is_some())
}

/// The first thing that is due, if any.
fn next_step(state: &State, seen: impl Fn(&Serial) -> bool, now: Timestamp) -> Option<Change> {
    let changing = state.registry.agents.iter().filter(|e| is_changing(e));
    changing.into_iter().find_map(|entry| {
        if entry
            .predecessor
            .as_ref()
            .is_some_and(|old| is_over(old, now))
        {
            return Some(retire(state, entry, now));
        }
        let new = entry.successor.as_ref()?;
        // One that ended by itself leaves its place to the one that was meant for it.
        if seen(&new.serial) || entry.expires_at <= now {
            Some(replace(state, entry, now))
        } else if new.unused_until.is_some_and(|until| now >= until) {
            Some(give_up(state, entry, now))
        } else {
            None
        }
    })
}

/// Whether the time of a predecessor is over. A clock that was ahead must not keep it alive.
fn is_over(old: &AgentPredecessor, now: Timestamp) -> bool {
    now >= old.until || old.until.since(now) > RENEWAL_GRACE
}

/// When a new certificate is given up unless it was used: never, where the present one ends soon
/// after, because then there will not be two for long.
fn unused_until(entry: &AgentEntry, now: Timestamp) -> Option<Timestamp> {
    let until = now.plus(UNUSED_AGENT_LIFETIME);
    (entry.expires_at >= until.plus(UNUSED_AGENT_LIFETIME)).then_some(until)
}

fn is_of_predecessor(entry: &AgentEntry, digest: &str) -> bool {
    let old = entry.predecessor.as_ref();
    old.and_then(|old| old.public_key.as_deref()) == Some(digest)
}

/// Puts the successor in its place; the predecessor before, which ends at once.
fn take_over(entry: &mut AgentEntry, now: Timestamp) -> Option<AgentPredecessor> {
    let new = entry.successor.take()?;
    let old = AgentPredecessor {
        serial: std::mem::replace(&mut entry.serial, new.serial),
        until: now.plus(RENEWAL_GRACE),
        public_key: keys::remembered_of(entry),
        enrollment_method: entry.enrollment_method,
        extra: Map::new(),
    };
    entry.expires_at = new.expires_at;
    entry.enrollment_method = EnrollmentMethod::HardwareBound;
    entry.extra.extend(keys::remembered_text(new.public_key));
    entry.predecessor.replace(old)
}

/// Makes a certificate that was replaced nobody's.
fn end(state: &mut State, label: &AgentLabel, old: &AgentPredecessor, now: Timestamp) {
    let why = match old.enrollment_method {
        EnrollmentMethod::P12 | EnrollmentMethod::Delegated => "upgraded to hardware-bound",
        EnrollmentMethod::HardwareBound => "renewed",
    };
    let text = format!("{} ({why})", label.common_name());
    keys::revoke_stored(state, &old.serial, text, old.public_key.clone(), now);
}

fn replace(state: &State, entry: &AgentEntry, now: Timestamp) -> Change {
    let (label, before) = (&entry.label, &entry.serial);
    let mut next = State::clone(state);
    let mut ended = None;
    for entry in live_entries(&mut next, label) {
        ended = take_over(entry, now);
    }
    if let Some(old) = &ended {
        end(&mut next, label, old, now);
    }
    let after = state
        .registry
        .live(label)
        .and_then(|entry| entry.successor.as_ref());
    let (was, is) = (
        json!({ "serial": before }),
        json!({ "serial": after.map(|new| &new.serial), "enrollmentMethod": EnrollmentMethod::HardwareBound }),
    );
    let audit = audit_row(
        now,
        label.common_name(),
        "agent.certificate.first-use",
        label,
        Some(was),
        Some(is),
    );
    let change = Change::new(next, audit).with_files(without_files(label));
    if ended.is_some() {
        denying(change)
    } else {
        change
    }
}

fn retire(state: &State, entry: &AgentEntry, now: Timestamp) -> Change {
    let label = &entry.label;
    let mut next = State::clone(state);
    let mut ended = None;
    for entry in live_entries(&mut next, label) {
        ended = entry.predecessor.take();
    }
    if let Some(old) = &ended {
        end(&mut next, label, old, now);
    }
    let (was, is) = (
        json!({ "serial": ended.map(|old| old.serial) }),
        json!({ "serial": entry.serial }),
    );
    let audit = audit_row(
        now,
        SERVER.to_owned(),
        "agent.certificate.retire",
        label,
        Some(was),
        Some(is),
    );
    denying(Change::new(next, audit))
}

fn give_up(state: &State, entry: &AgentEntry, now: Timestamp) -> Change {
    let label = &entry.label;
    let mut next = State::clone(state);
    let mut given_up = None;
    for entry in live_entries(&mut next, label) {
        given_up = entry.successor.take();
    }
    let was = json!({ "serial": given_up.map(|new| new.serial) });
    let audit = audit_row(
        now,
        SERVER.to_owned(),
        "agent.certificate.give-up",
        label,
        Some(was),
        None,
    );
    denying(Change::new(next, audit))
}

fn denying(change: Change) -> Change {
    change.forbidding(Forbids {
        at_once: true,
        ..Forbids::default()
    })
}
