//! Making a state that was unpacked from a backup one that can be served: what was granted for a
//! while is void, what was revoked or disabled stays so. Users who were deleted are back, and named.

use std::net::IpAddr;
use std::path::Path;

use portlama_auth::{TOTP_PERIOD, TOTP_WINDOW_STEPS};
use portlama_model::{AgentEntry, State, Timestamp};
use portlama_pki::IssueError;
use portlama_state::{Commit, Committed, FilePath, StateDir, StateError, Store, TokenHash};
use serde_json::json;

use crate::StartError;
use crate::certificates::{issue_leaf, own_names};
use crate::change::audit_row;
use crate::control::load_authority;
use crate::operations::keys;
use crate::reset_admin::LOCAL;

/// What is known beside the backup.
#[derive(Debug, Clone, Copy)]
pub struct Restoring<'a> {
    /// Where the state will lie.
    pub place: &'a Path,
    /// The server's new address, when it changes.
    pub ip: Option<IpAddr>,
    /// The moment that the backup shows.
    pub made_at: Timestamp,
    /// The present.
    pub now: Timestamp,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The epoch it is in.
    pub epoch: u64,
    /// The server's address.
    pub ip: IpAddr,
    /// What the state at the place had revoked since the backup, and is revoked in this one, too.
    pub revoked_since: Vec<String>,
    /// Users whom the state at the place does not have: they were deleted since the backup, and
    /// are back.
    pub back_again: Vec<String>,
    /// Whether there was a state of the same server, to know what was revoked since.
    pub knows_revocations: bool,
    /// Whether there is an admin certificate that opens the panel.
    pub has_admin: bool,
    /// Open invitations, which are void.
    pub invitations: usize,
}

/// Why a state was not made ready. It is of no use then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// A document or the database is not whole, or the disk refuses.
    #[error(transparent)]
    State(#[from] StateError),
    /// The authority cannot be used.
    #[error(transparent)]
    Authority(#[from] StartError),
    /// The server's own certificate cannot be made.
    #[error("a certificate for the server's address cannot be made")]
    Certificate(#[from] IssueError),
}

/// Checks the unpacked state in `dir` and makes it ready. The state that lies at the place is
/// looked at and not touched: it may be another user's. The caller sees to it that no server
/// runs there ([`hold`](crate::at_rest::hold)).
///
/// # Errors
/// When it could not be served.
pub fn make_ready(dir: &Path, with: Restoring<'_>) -> Result<Restored, RestoreError> {
    let (store, state) = Store::open(&StateDir::new(dir))?;
    store.runtime().check()?;
    let authority = load_authority(&store)?;
    let before = present_state(with.place, &store, &state);
    let before = before.as_ref();

    let mut next = State::clone(&state);
    let panel = &mut next.panel;
    let present_epoch = before.map_or(0, |before| before.panel.epoch);
    panel.epoch = panel.epoch.max(present_epoch).saturating_add(1);
    panel.ip = with.ip.unwrap_or(panel.ip);
    panel.data_dir = with.place.display().to_string();
    panel.session_secret = None;
    let invitations = void_invitations(&mut next, with.now);
    let revoked_since = before.map_or_else(Vec::new, |before| {
        take_over_certificates(&mut next, before);
        take_over_revocations(&mut next, before, with.now)
    });

    let back_again = before
        .map(|before| back_again(&next, before))
        .unwrap_or_default();

    let names = own_names(next.panel.ip, next.panel.domain.as_ref());
    let leaf = issue_leaf(&authority, &names, with.now)?.own_files();
    let commit = Commit::between(&state, &next)?;
    let commit = leaf
        .into_iter()
        .fold(commit, |commit, (path, bytes)| commit.write(&path, bytes));
    if let Committed::Recorded(error) = store.commit(commit)? {
        return Err(error.into());
    }
    store.enter_epoch(next.panel.epoch)?;
    use_up_codes(&store, &next, with.now)?;
    store.runtime().audit().append(&audit_row(
        with.now,
        LOCAL.to_owned(),
        "server.restore",
        "server",
        Some(json!({ "epoch": state.panel.epoch, "ip": state.panel.ip, "madeAt": with.made_at })),
        Some(json!({ "epoch": next.panel.epoch, "ip": next.panel.ip, "revoked": revoked_since, "backAgain": back_again })),
    ))?;
    Ok(Restored {
        epoch: next.panel.epoch,
        ip: next.panel.ip,
        revoked_since,
        back_again,
        knows_revocations: before.is_some(),
        has_admin: !next.panel.admin.serials.is_empty(),
        invitations,
    })
}

/// The state that lies at the place, if it is one of the same server. One that cannot be read is
/// no help, and no reason not to restore; nor is one that lacks what was committed last.
fn present_state(place: &Path, store: &Store, state: &State) -> Option<State> {
    let place = StateDir::new(place);
    let before = place.look().ok().filter(|_| !place.is_cut_short())?;
    let ca = place.read(&FilePath::CA_CERT).ok().flatten();
    let is_same = before.panel.server_id == state.panel.server_id
        && ca == store.read(&FilePath::CA_CERT).ok().flatten();
    is_same.then_some(before)
}

/// Ends open invitations, which somebody may have accepted since; they stay in the list.
fn void_invitations(next: &mut State, now: Timestamp) -> usize {
    let open = next.invitations.iter_mut();
    let open = open.filter(|invitation| !invitation.used && invitation.expires_at > now);
    open.map(|invitation| invitation.expires_at = now).count()
}

/// An agent that renewed its certificate since the backup holds the key of the new one alone, and
/// its old one counts as revoked: the entry gets the certificates of today. Rights and sites are
/// those of the backup.
fn take_over_certificates(next: &mut State, before: &State) {
    for agent in &mut next.registry.agents {
        let today = before.registry.live(&agent.label);
        let Some(today) = today.filter(|today| !agent.revoked && is_same(today, agent)) else {
            continue;
        };
        agent.serial = today.serial.clone();
        agent.expires_at = today.expires_at;
        agent.enrollment_method = today.enrollment_method;
        agent.successor.clone_from(&today.successor);
        agent.predecessor.clone_from(&today.predecessor);
        keys::remember_as(agent, today);
    }
}

/// Whether two entries are of one enrolment, which renewals keep and a new agent of the same
/// name does not.
fn is_same(one: &AgentEntry, other: &AgentEntry) -> bool {
    one.label == other.label && one.created_at == other.created_at
}

/// Whatever is nobody in `before` is nobody in `next`. The answer names them.
fn take_over_revocations(next: &mut State, before: &State, now: Timestamp) -> Vec<String> {
    let mut names = Vec::new();
    for old in &before.revoked.revoked {
        let known = &next.revoked.revoked;
        if known.iter().any(|known| known.serial == old.serial) {
            continue;
        }
        let key = old.public_key.clone();
        keys::revoke(next, &old.serial, old.label.clone(), None, old.revoked_at);
        if let Some(revoked) = next.revoked.revoked.last_mut() {
            revoked.public_key = revoked.public_key.take().or(key);
        }
        names.push(format!("{} ({})", old.label, old.serial));
    }
    let is_revoked = |agent: &AgentEntry| {
        let at_the_end = |serial| before.revoked.revoked.iter().any(|r| r.serial == serial);
        let mut entries = before.registry.agents.iter();
        at_the_end(agent.serial.clone()) || entries.any(|old| old.revoked && is_same(old, agent))
    };
    for agent in &mut next.registry.agents {
        if !agent.revoked && is_revoked(agent) {
            agent.revoked = true;
            agent.revoked_at = Some(now);
            let name = format!("agent:{}", agent.label);
            if !names
                .iter()
                .any(|known| known.starts_with(&format!("{name} ")))
            {
                names.push(format!("{name} ({})", agent.serial));
            }
        }
    }
    for (name, user) in &before.users.users {
        if user.disabled
            && let Some(known) = next.users.users.get_mut(name)
            && !known.disabled
        {
            known.disabled = true;
            names.push(format!("user:{name} (disabled)"));
        }
    }
    names
}

/// Whoever is in `next` and not in `before`. They are not left out: a user who is gone may as well
/// have been deleted by mistake, and be what the backup is for.
fn back_again(next: &State, before: &State) -> Vec<String> {
    let names = next.users.users.keys();
    let gone = names.filter(|name| !before.users.users.contains_key(*name));
    gone.map(ToString::to_string).collect()
}

/// No code that was shown before opens anything after.
fn use_up_codes(store: &Store, state: &State, now: Timestamp) -> Result<(), StateError> {
    let seconds = u64::try_from(now.unix_seconds()).unwrap_or_default();
    // Clocks of phones may be ahead, and such codes are accepted.
    let step = seconds / TOTP_PERIOD.as_secs() + TOTP_WINDOW_STEPS;
    store.runtime().use_up_codes(step)?;
    if let Some(seed) = &state.panel.panel_2fa.secret {
        let seed = TokenHash::of(seed.expose().as_bytes());
        store.runtime().panel_codes().accept_step(&seed, step)?;
    }
    Ok(())
}

/// Puts a state that is ready at its place; see [`portlama_state::swap`]. It is durable before.
///
/// # Errors
/// As there; nothing was moved then.
pub fn put_in_place(ready: &Path, place: &Path, aside: &Path) -> Result<bool, RestoreError> {
    portlama_state::make_durable(ready)?;
    Ok(portlama_state::swap(ready, place, aside)?)
}
