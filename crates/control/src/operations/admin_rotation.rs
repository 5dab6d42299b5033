//! The end of a rotation: the old certificate dies a little after the new one's first use. A new
//! one that nobody ever uses is given up, and the files of the old one come back.
//!
//! Every step is durable before the next, so a crash leaves one or two good certificates, and
//! the next start goes on where the last one stopped.

use std::sync::Arc;
use std::time::Duration;

use portlama_access::Identity;
use portlama_model::{PendingAdmin, Serial, State, Timestamp};
use portlama_state::StateError;
use serde_json::json;

use crate::change::{Change, Forbids, audit_row, blocking};
use crate::control::Core;
use crate::operations::keys;
use crate::writer::Files;

/// From the first use of a new admin certificate to the death of the old one: time to find out
/// that the new one works in the other browser, too.
pub const ROTATION_GRACE: Duration = Duration::from_secs(5 * 60);

/// How long a new admin certificate may lie unused before it is given up: a month to find the
/// way to every browser. A lost P12 file opens the panel no longer than that.
pub const UNUSED_ADMIN_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How often it is looked whether an old admin certificate must die.
pub const ROTATION_INTERVAL: Duration = Duration::from_secs(5);

/// What `revoked.json` says of an admin certificate that was replaced.
pub(crate) const ROTATED: &str = "admin (rotated)";

/// What `revoked.json` says of a new admin certificate that nobody used.
const UNUSED: &str = "admin (never used)";

/// Who writes an audit row when the server acts by itself.
const SERVER: &str = "server";

/// When the new certificate is given up unless it was used: never, where the caller's own ends
/// soon after, because then the new one is the way in, and there will not be two for long.
pub(crate) fn unused_until(by: &Identity, now: Timestamp) -> Option<Timestamp> {
    let Identity::Admin(admin) = by else {
        return None;
    };
    let until = now.plus(UNUSED_ADMIN_LIFETIME);
    (admin.not_after() >= until.plus(UNUSED_ADMIN_LIFETIME)).then_some(until)
}

/// What is due.
enum Due {
    /// This and nothing else.
    Change(Change),
    /// This, and the files of the certificate before come back.
    GiveUp(Change),
}

impl Core {
    /// Does what is due: writes a first use down, or ends the old certificate, or the new one
    /// that nobody uses. What cannot be written is tried again.
    pub(crate) async fn settle_rotation(self: &Arc<Self>) {
        if self.state.load().panel.admin.pending.is_none() {
            return;
        }
        let writer = self.writer().await;
        let state = self.state.load_full();
        let seen = |serial: &Serial| self.live.first_uses().first_use(serial);
        let Some(due) = next_step(&state, seen, self.live.now()) else {
            return;
        };
        let change = match due {
            Due::Change(change) => change,
            Due::GiveUp(change) => match self.files_of_before(&state).await {
                Ok(files) => change.with_files(files),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the files of the admin's certificate could not be brought back"
                    );
                    return;
                }
            },
        };
        if let Err(error) = self.apply(writer, change).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the rotation of the admin's certificate could not be carried on"
            );
        }
    }

    async fn files_of_before(self: &Arc<Self>, state: &State) -> Result<Files, StateError> {
        let Some(pending) = state.panel.admin.pending.clone() else {
            return Ok(Files::new());
        };
        let core = self.clone();
        blocking(move || core.admin_of_before(&pending.serial)).await
    }
}

/// What is to be done about the rotation under way, if anything.
fn next_step(
    state: &State,
    seen: impl Fn(&Serial) -> Option<Timestamp>,
    now: Timestamp,
) -> Option<Due> {
    let admin = &state.panel.admin;
    let pending = admin.pending.as_ref()?;
    let revoked = &state.revoked.revoked;
    let is_live = admin.serials.contains(&pending.serial)
        && !revoked.iter().any(|known| known.serial == pending.serial);
    if !is_live {
        // Written by hand. Ending the other certificates would lock everybody out.
        return Some(Due::Change(forget(state, pending, now)));
    }
    // A clock that was ahead must not keep the old certificate alive.
    let noted = pending.first_used_at;
    let Some(used) = noted.or_else(|| seen(&pending.serial)) else {
        let is_over = pending.unused_until.is_some_and(|until| now >= until);
        // The last way in stays.
        let give_up = is_over && admin.serials.len() > 1;
        return give_up.then(|| Due::GiveUp(give_up_on(state, pending, now)));
    };
    let used = used.min(now);
    if now.since(used) >= ROTATION_GRACE {
        Some(Due::Change(complete(state, pending, now)))
    } else if noted != Some(used) {
        Some(Due::Change(note(state, pending, used, now)))
    } else {
        None
    }
}

fn note(state: &State, pending: &PendingAdmin, used: Timestamp, now: Timestamp) -> Change {
    let mut next = State::clone(state);
    next.panel.admin.pending = Some(PendingAdmin {
        first_used_at: Some(used),
        ..pending.clone()
    });
    let after = json!({ "firstUsedAt": used });
    let audit = audit_row(
        now,
        "admin".to_owned(),
        "admin.certificate.first-use",
        &pending.serial,
        None,
        Some(after),
    );
    Change::new(next, audit)
}

fn complete(state: &State, pending: &PendingAdmin, now: Timestamp) -> Change {
    let mut next = State::clone(state);
    next.panel.admin.pending = None;
    let others = state.panel.admin.serials.iter();
    let old: Vec<&Serial> = others.filter(|s| **s != pending.serial).collect();
    for serial in &old {
        keys::revoke(&mut next, serial, ROTATED.to_owned(), None, now);
    }
    let (before, after) = (
        json!({ "serials": old }),
        json!({ "serial": pending.serial }),
    );
    let audit = audit_row(
        now,
        SERVER.to_owned(),
        "admin.certificate.retire",
        "admin",
        Some(before),
        Some(after),
    );
    Change::new(next, audit).forbidding(Forbids {
        at_once: true,
        ..Forbids::default()
    })
}

fn give_up_on(state: &State, pending: &PendingAdmin, now: Timestamp) -> Change {
    let mut next = State::clone(state);
    next.panel.admin.pending = None;
    keys::revoke(&mut next, &pending.serial, UNUSED.to_owned(), None, now);
    let before = json!({ "serial": pending.serial });
    let audit = audit_row(
        now,
        SERVER.to_owned(),
        "admin.certificate.give-up",
        "admin",
        Some(before),
        None,
    );
    Change::new(next, audit).forbidding(Forbids {
        at_once: true,
        ..Forbids::default()
    })
}

fn forget(state: &State, pending: &PendingAdmin, now: Timestamp) -> Change {
    let mut next = State::clone(state);
    next.panel.admin.pending = None;
    let before = json!({ "serial": pending.serial });
    let audit = audit_row(
        now,
        SERVER.to_owned(),
        "admin.certificate.forget",
        "admin",
        Some(before),
        None,
    );
    Change::new(next, audit)
}
