//! Noticing the first use of a new admin certificate.

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use portlama_access::Identity;
use portlama_model::{Serial, State, Timestamp};
use tokio::sync::Notify;

/// What requests leave behind for the task that completes a rotation. A request pays one load
/// of a pointer, and only the admin's.
#[derive(Default)]
pub(crate) struct AdminWatch {
    /// The serial whose first use is waited for.
    awaited: ArcSwapOption<Serial>,
    /// A first use that may not be durable yet.
    seen: Mutex<Option<(Serial, Timestamp)>>,
    noticed: Notify,
}

impl AdminWatch {
    /// Waits for what the state waits for.
    pub(crate) fn follow(&self, state: &State) {
        let pending = state.panel.admin.pending.as_ref();
        let unused = pending.filter(|pending| pending.first_used_at.is_none());
        self.awaited
            .store(unused.map(|pending| pending.serial.clone().into()));
    }

    /// Notes that somebody was identified.
    pub(crate) fn notice(&self, identity: &Identity, now: Timestamp) {
        if !identity.is_admin() {
            return;
        }
        let awaited = self.awaited.load();
        let Some(serial) = awaited.as_deref().filter(|s| *s == identity.serial()) else {
            return;
        };
        let mut seen = self.seen.lock();
        if seen.as_ref().is_none_or(|(known, _)| known != serial) {
            *seen = Some((serial.clone(), now));
        }
        drop(seen);
        self.awaited.store(None);
        self.noticed.notify_one();
    }

    /// When this serial was first used, as far as this process saw it.
    pub(crate) fn first_use(&self, serial: &Serial) -> Option<Timestamp> {
        let seen = self.seen.lock();
        seen.as_ref()
            .filter(|(known, _)| known == serial)
            .map(|(_, at)| *at)
    }

    /// Waits until a first use was noticed.
    pub(crate) async fn noticed(&self) {
        self.noticed.notified().await;
    }
}
