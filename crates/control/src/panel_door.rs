//! Whether the admin has shown the second factor, in memory.

use portlama_access::{Identity, SecondFactor};
use portlama_auth::PanelSessionKey;
use portlama_model::{State, Timestamp};

use crate::PanelCookie;

/// What the panel asks of the admin beside the certificate: a snapshot of the state.
#[derive(Debug)]
pub(crate) enum PanelDoor {
    /// Nothing.
    Open,
    /// A session of this key; without a key nobody has one yet.
    Guarded(Option<PanelSessionKey>),
}

impl PanelDoor {
    pub(crate) fn of(state: &State) -> Self {
        if !state.panel.panel_2fa.enabled {
            return Self::Open;
        }
        let stored = state.panel.session_secret.as_ref();
        Self::Guarded(stored.and_then(|text| PanelSessionKey::from_hex(text).ok()))
    }

    /// What the holder of a certificate showed with this cookie, and the cookie that keeps the
    /// session alive when it is time for a new one.
    pub(crate) fn judge(
        &self,
        who: &Identity,
        cookie: Option<&str>,
        now: Timestamp,
    ) -> (SecondFactor, Option<PanelCookie>) {
        let Self::Guarded(key) = self else {
            return (SecondFactor::NotAsked, None);
        };
        let (Some(key), Some(cookie)) = (key, cookie) else {
            return (SecondFactor::Missing, None);
        };
        match key.open(cookie, who.serial(), now) {
            Ok(session) => {
                let renewed = session.refreshed(now).map(|session| PanelCookie {
                    value: key.seal(&session),
                    max_age: session.remaining(now),
                });
                (SecondFactor::Shown(session), renewed)
            }
            Err(reason) => {
                tracing::debug!(%reason, "a session cookie of the panel was refused");
                (SecondFactor::Missing, None)
            }
        }
    }
}
