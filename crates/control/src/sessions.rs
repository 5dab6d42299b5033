//! Who is signed in: in memory, backed by the runtime database.
//!
//! Every look-up judges the session anew: its own limits, the sign-in above it, and the
//! account as it is at this moment. A session that is found to be over is removed for good,
//! so that it does not come back when the clock is set back.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};
use portlama_access::Visitor;
use portlama_auth::{SessionLevel, SessionPolicy, SessionToken};
use portlama_model::{Hostname, Timestamp, Username, Users};
use portlama_state::{Created, Runtime, StateError};

use crate::session_table::{Entry, Table};
use crate::{Clock, SessionId};

/// A visitor with a live session on a host.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who, as their account is at this moment.
    pub visitor: Arc<Visitor>,
    /// By which session.
    pub session: SessionId,
}

/// A live sign-in at the portal.
#[derive(Debug, Clone)]
pub(crate) struct SignIn {
    pub(crate) session: SessionId,
    pub(crate) level: SessionLevel,
    pub(crate) visitor: Arc<Visitor>,
}

/// A sign-in to begin.
pub(crate) struct NewSignIn {
    /// The one it replaces, which ends with everything below it.
    pub(crate) old: Option<SessionId>,
    pub(crate) username: Username,
    pub(crate) level: SessionLevel,
    pub(crate) expires: Timestamp,
    /// What [`Sessions::endings`] said before the check.
    pub(crate) endings: u64,
}

/// All sessions.
pub struct Sessions {
    clock: Arc<dyn Clock>,
    policy: SessionPolicy,
    runtime: Arc<Runtime>,
    /// The accounts that may be signed in, as they are at this moment.
    visitors: ArcSwap<HashMap<Username, Arc<Visitor>>>,
    table: RwLock<Table>,
    /// Ended here, perhaps not yet in the database.
    ended: Mutex<Vec<SessionId>>,
}

impl Sessions {
    /// Loads the sessions that were stored. Those whose user is gone, or whose time is over,
    /// are removed.
    pub(crate) fn load(
        clock: Arc<dyn Clock>,
        runtime: Arc<Runtime>,
        users: &Users,
    ) -> Result<Self, StateError> {
        let stored = runtime.sessions().all()?;
        let sessions = Self {
            clock,
            policy: SessionPolicy::default(),
            runtime,
            visitors: ArcSwap::from_pointee(visitors_of(users)),
            table: RwLock::default(),
            ended: Mutex::default(),
        };
        let (now, visitors) = (sessions.clock.now(), sessions.visitors.load_full());
        for session in stored {
            let id = SessionId::from(session.hash);
            let entry = Entry::of(session);
            if visitors.contains_key(&entry.username) && entry.lives(&sessions.policy, now) {
                let surplus = sessions.table.write().insert(id, entry);
                sessions.bury(surplus);
            } else {
                sessions.bury(vec![id]);
            }
        }
        Ok(sessions)
    }

    /// The visitor whom `token` signs in on `host`; the session counts as used.
    #[must_use]
    pub fn visitor(&self, host: &Hostname, token: &str) -> Option<SignedIn> {
        let session = SessionId::of(&token.parse().ok()?);
        let now = self.clock.now();
        let found = {
            let table = self.table.read();
            let (entry, above) = table.host_session(&session)?;
            if *entry.below.as_ref().map(|(host, _)| host)? != *host {
                return None;
            }
            if entry.lives(&self.policy, now) && above.lives(&self.policy, now) {
                self.touch(session, entry, now);
                // Using an app is using the sign-in that it rests on.
                let (_, above_id) = entry.below.as_ref()?;
                self.touch(*above_id, above, now);
                Some(entry.username.clone())
            } else {
                None
            }
        };
        let Some(username) = found else {
            self.end(&session);
            return None;
        };
        let visitor = self.visitors.load().get(&username)?.clone();
        Some(SignedIn { visitor, session })
    }

    /// Whether a host session still holds, for connections that outlive their request.
    #[must_use]
    pub fn is_live(&self, session: &SessionId) -> bool {
        let now = self.clock.now();
        let table = self.table.read();
        table.host_session(session).is_some_and(|(entry, above)| {
            entry.lives(&self.policy, now)
                && above.lives(&self.policy, now)
                && self.visitors.load().contains_key(&entry.username)
        })
    }

    /// The sign-in that a browser's portal cookie stands for; it counts as used.
    pub(crate) fn sign_in(&self, token: &str) -> Option<SignIn> {
        let session = SessionId::of(&token.parse().ok()?);
        let now = self.clock.now();
        let found = {
            let table = self.table.read();
            let entry = table
                .entries
                .get(&session)
                .filter(|entry| entry.below.is_none())?;
            entry.lives(&self.policy, now).then(|| {
                self.touch(session, entry, now);
                (entry.username.clone(), entry.level)
            })
        };
        let Some((username, level)) = found else {
            self.end(&session);
            return None;
        };
        let visitor = self.visitors.load().get(&username)?.clone();
        Some(SignIn {
            session,
            level,
            visitor,
        })
    }

    /// Whether a sign-in with both factors holds.
    pub(crate) fn is_signed_in(&self, session: &SessionId) -> Option<Username> {
        let now = self.clock.now();
        let table = self.table.read();
        let entry = table.entries.get(session)?;
        let holds = entry.below.is_none()
            && entry.level == SessionLevel::TwoFactor
            && entry.lives(&self.policy, now);
        holds.then(|| entry.username.clone())
    }

    /// The sign-in above a host session.
    pub(crate) fn above(&self, host: &Hostname, token: &str) -> Option<SessionId> {
        let session = SessionId::of(&token.parse().ok()?);
        let table = self.table.read();
        let (of, above) = table.entries.get(&session)?.below.as_ref()?;
        (of == host).then_some(*above)
    }

    /// How often everything of a user was ended: to be asked before a check that a sign-in
    /// rests on.
    pub(crate) fn endings(&self, username: &str) -> u64 {
        self.table
            .read()
            .endings
            .get(username)
            .copied()
            .unwrap_or(0)
    }

    /// Begins a sign-in. Blocks on the disk. `None` when it came too late: what a second
    /// factor was to complete has ended, or everything of the user was ended since the check.
    pub(crate) fn begin_sign_in(
        &self,
        token: &SessionToken,
        new: NewSignIn,
    ) -> Result<Option<SessionId>, StateError> {
        let NewSignIn {
            old,
            username,
            level,
            expires,
            endings,
        } = new;
        let id = SessionId::of(token);
        let now = self.clock.now();
        let entry = Entry::new(None, username, level, now, expires);
        let (stored, row) = (self.runtime.sessions(), entry.row(id));
        let replaced = match old {
            None => Created::ParentEnded,
            Some(old) => stored.replace(&old.stored(), &row)?,
        };
        if replaced == Created::ParentEnded {
            // There was nothing to replace: fine for a first step, too late for a second.
            if level == SessionLevel::TwoFactor || stored.create(&row)? == Created::ParentEnded {
                return Ok(None);
            }
        }
        let mut table = self.table.write();
        let ended = old.map(|old| table.remove(&old)).unwrap_or_default();
        // Whoever ended the first step, or everything of the user, did so before this moment,
        // or will find the new session.
        let completes = level == SessionLevel::FirstFactor || !ended.is_empty();
        let now_ended = table.endings.get(&entry.username).copied().unwrap_or(0);
        let holds = completes && endings == now_ended;
        let surplus = if holds {
            table.insert(id, entry)
        } else {
            vec![id]
        };
        drop(table);
        self.bury(ended);
        self.bury(surplus);
        Ok(holds.then_some(id))
    }

    /// Begins a session on a host below a sign-in; `false` when the sign-in has ended. Blocks
    /// on the disk.
    pub(crate) fn begin_host(
        &self,
        above: SessionId,
        host: Hostname,
        token: &SessionToken,
    ) -> Result<bool, StateError> {
        let Some((username, expires)) = self
            .table
            .read()
            .entries
            .get(&above)
            .map(|e| (e.username.clone(), e.expires))
        else {
            return Ok(false);
        };
        let id = SessionId::of(token);
        let now = self.clock.now();
        let entry = Entry::new(
            Some((host, above)),
            username,
            SessionLevel::TwoFactor,
            now,
            expires,
        );
        if self.runtime.sessions().create(&entry.row(id))? == Created::ParentEnded {
            return Ok(false);
        }
        let mut table = self.table.write();
        // A sign-out may have come between the row and here.
        let holds = table.entries.contains_key(&above);
        let surplus = if holds {
            table.insert(id, entry)
        } else {
            vec![id]
        };
        drop(table);
        self.bury(surplus);
        Ok(holds)
    }

    /// Ends a session and everything below it, in memory; the database follows with
    /// [`flush`](Self::flush).
    pub(crate) fn end(&self, session: &SessionId) {
        let ended = self.table.write().remove(session);
        self.bury(ended);
    }

    /// Ends everything of a user, in memory.
    pub(crate) fn end_user(&self, username: &Username) {
        let mut table = self.table.write();
        *table.endings.entry(username.clone()).or_default() += 1;
        let sign_ins = table.sign_ins.get(username).cloned().unwrap_or_default();
        let ended = sign_ins
            .iter()
            .flat_map(|session| table.remove(session))
            .collect();
        drop(table);
        self.bury(ended);
    }

    /// Replaces the accounts that may be signed in.
    pub(crate) fn set_users(&self, users: &Users) {
        self.visitors.store(Arc::new(visitors_of(users)));
    }

    /// Ends what is over, and brings the database to what memory says. Blocks on the disk.
    ///
    /// # Errors
    /// When the database fails; what was not written is written the next time.
    pub(crate) fn flush(&self) -> Result<(), StateError> {
        let now = self.clock.now();
        let over: Vec<SessionId> = {
            let table = self.table.read();
            let over = table
                .entries
                .iter()
                .filter(|(_, entry)| !entry.lives(&self.policy, now));
            over.map(|(id, _)| *id).collect()
        };
        for session in over {
            self.end(&session);
        }
        let ended = std::mem::take(&mut *self.ended.lock());
        for (done, session) in ended.iter().enumerate() {
            if let Err(error) = self.runtime.sessions().remove(&session.stored()) {
                self.ended.lock().extend(ended.iter().skip(done));
                return Err(error);
            }
        }
        self.runtime.sessions().flush_touches()
    }

    fn bury(&self, ended: Vec<SessionId>) {
        if !ended.is_empty() {
            self.ended.lock().extend(ended);
        }
    }

    fn touch(&self, id: SessionId, entry: &Entry, now: Timestamp) {
        if let Some(seen) = self.policy.touch(entry.last_seen(), now) {
            entry.see(seen);
            self.runtime.sessions().touch(&id.stored(), seen);
        }
    }
}

fn visitors_of(users: &Users) -> HashMap<Username, Arc<Visitor>> {
    let open = users.users.iter().filter(|(_, user)| !user.disabled);
    open.map(|(username, user)| {
        let visitor = Visitor {
            username: username.clone(),
            displayname: user.displayname.clone(),
            email: user.email.clone(),
            groups: user.groups.clone(),
        };
        (username.clone(), Arc::new(visitor))
    })
    .collect()
}
