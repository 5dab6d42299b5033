//! The table of sessions: which there are, what lies below what, and how they are stored.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use portlama_auth::{SessionLevel, SessionPolicy, SessionToken};
use portlama_model::{Hostname, Timestamp, Username};
use portlama_state::{Level, Session, SessionKind, TokenHash};

/// The most sign-ins of one user; the oldest ends when there is one more. A person has a
/// handful of browsers.
pub const MAX_SIGN_INS_PER_USER: usize = 64;
/// The most host sessions below one sign-in; the oldest ends when there is one more.
pub const MAX_HOST_SESSIONS_PER_SIGN_IN: usize = 256;

/// Names a session without being able to open it: the SHA-256 of its token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId([u8; 32]);

impl SessionId {
    pub(crate) fn of(token: &SessionToken) -> Self {
        Self(*token.hash().as_bytes())
    }

    pub(crate) fn stored(self) -> TokenHash {
        TokenHash::from_bytes(self.0)
    }
}

impl From<TokenHash> for SessionId {
    fn from(hash: TokenHash) -> Self {
        Self(*hash.as_bytes())
    }
}

/// The first octets: enough to tell two apart in a log.
impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionId({}…)", hex::encode(&self.0[..4]))
    }
}

/// One session.
pub(crate) struct Entry {
    /// The host and the sign-in above; `None` for a sign-in itself.
    pub(crate) below: Option<(Hostname, SessionId)>,
    pub(crate) username: Username,
    pub(crate) level: SessionLevel,
    created: Timestamp,
    pub(crate) expires: Timestamp,
    /// Milliseconds since 1970.
    last_seen: AtomicI64,
}

/// All sessions and their order.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) entries: HashMap<SessionId, Entry>,
    /// The host sessions below each sign-in, oldest first.
    pub(crate) children: HashMap<SessionId, Vec<SessionId>>,
    /// The sign-ins of each user, oldest first.
    pub(crate) sign_ins: HashMap<Username, Vec<SessionId>>,
    /// How often everything of a user was ended; grows with what the admin does alone.
    pub(crate) endings: HashMap<Username, u64>,
}

impl Entry {
    pub(crate) fn new(
        below: Option<(Hostname, SessionId)>,
        username: Username,
        level: SessionLevel,
        now: Timestamp,
        expires: Timestamp,
    ) -> Self {
        Self {
            below,
            username,
            level,
            created: now,
            expires,
            last_seen: AtomicI64::new(now.unix_millis()),
        }
    }

    pub(crate) fn of(session: Session) -> Self {
        Self {
            below: match session.kind {
                SessionKind::Sso => None,
                SessionKind::Host { host, parent } => Some((host, parent.into())),
            },
            username: session.username,
            level: match session.level {
                Level::Password => SessionLevel::FirstFactor,
                Level::PasswordAndCode => SessionLevel::TwoFactor,
            },
            created: session.created,
            expires: session.expires,
            last_seen: AtomicI64::new(session.last_seen.unix_millis()),
        }
    }

    pub(crate) fn row(&self, id: SessionId) -> Session {
        Session {
            hash: id.stored(),
            kind: match &self.below {
                None => SessionKind::Sso,
                Some((host, above)) => SessionKind::Host {
                    host: host.clone(),
                    parent: above.stored(),
                },
            },
            username: self.username.clone(),
            level: match self.level {
                SessionLevel::FirstFactor => Level::Password,
                SessionLevel::TwoFactor => Level::PasswordAndCode,
            },
            created: self.created,
            last_seen: self.last_seen(),
            expires: self.expires,
        }
    }

    pub(crate) fn last_seen(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.last_seen.load(Ordering::Relaxed))
    }

    /// The session was used.
    pub(crate) fn see(&self, at: Timestamp) {
        self.last_seen
            .fetch_max(at.unix_millis(), Ordering::Relaxed);
    }

    pub(crate) fn lives(&self, policy: &SessionPolicy, now: Timestamp) -> bool {
        now < self.expires && policy.is_live(self.created, self.last_seen(), now)
    }
}

impl Table {
    /// A host session and the two-factor sign-in above it.
    pub(crate) fn host_session(&self, session: &SessionId) -> Option<(&Entry, &Entry)> {
        let entry = self.entries.get(session)?;
        let above = self.entries.get(&entry.below.as_ref()?.1)?;
        (above.level == SessionLevel::TwoFactor).then_some((entry, above))
    }

    /// Adds a session; the answer names those that had to make room.
    pub(crate) fn insert(&mut self, id: SessionId, entry: Entry) -> Vec<SessionId> {
        let (siblings, limit) = match &entry.below {
            None => (
                self.sign_ins.entry(entry.username.clone()).or_default(),
                MAX_SIGN_INS_PER_USER,
            ),
            Some((_, above)) => (
                self.children.entry(*above).or_default(),
                MAX_HOST_SESSIONS_PER_SIGN_IN,
            ),
        };
        siblings.push(id);
        let surplus = (siblings.len() > limit).then(|| siblings[0]);
        self.entries.insert(id, entry);
        surplus
            .map(|oldest| self.remove(&oldest))
            .unwrap_or_default()
    }

    /// Removes a session and everything below it; the answer names all of them.
    pub(crate) fn remove(&mut self, session: &SessionId) -> Vec<SessionId> {
        let mut removed = self.children.remove(session).unwrap_or_default();
        for child in &removed {
            self.entries.remove(child);
        }
        let Some(entry) = self.entries.remove(session) else {
            return removed;
        };
        removed.push(*session);
        match &entry.below {
            None => forget(&mut self.sign_ins, &entry.username, session),
            Some((_, above)) => forget(&mut self.children, above, session),
        }
        removed
    }
}

fn forget<K: std::hash::Hash + Eq>(
    index: &mut HashMap<K, Vec<SessionId>>,
    key: &K,
    session: &SessionId,
) {
    if let Some(list) = index.get_mut(key) {
        list.retain(|id| id != session);
        if list.is_empty() {
            index.remove(key);
        }
    }
}
