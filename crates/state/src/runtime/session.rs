//! Signed-in people.

use std::time::Duration;

use portlama_model::{Hostname, Timestamp, Username};
use rusqlite::{Connection, Row, Transaction, params};

use super::{Runtime, TokenHash, parsed, time};
use crate::StateError;

/// How often [`Sessions::flush_touches`] should be called: seldom enough that browsing does
/// not write to the disk, often enough that a crash shortens an idle limit by a minute at most.
pub const TOUCH_FLUSH_INTERVAL: Duration = Duration::from_secs(60);

/// A session as stored. Whether it still counts (idle limit) is decided by `auth`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The hash of its cookie.
    pub hash: TokenHash,
    /// Where it holds.
    pub kind: SessionKind,
    /// Whose it is.
    pub username: Username,
    /// What was proved.
    pub level: Level,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used.
    pub last_seen: Timestamp,
    /// When it ends, used or not.
    pub expires: Timestamp,
}

/// Where a session holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionKind {
    /// At the portal.
    Sso,
    /// At one host, for as long as its parent lives.
    Host {
        /// The host.
        host: Hostname,
        /// The portal's session it came from.
        parent: TokenHash,
    },
}

/// What a person proved when the session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The password.
    Password,
    /// The password and a one-time code.
    PasswordAndCode,
}

/// Whether a session was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Created {
    /// It holds.
    Stored,
    /// The session it was to hang on has ended.
    ParentEnded,
}

/// The sessions of a [`Runtime`].
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'a>(pub(super) &'a Runtime);

impl Sessions<'_> {
    /// Stores a new session.
    ///
    /// # Errors
    /// When the database fails, or has a session of this hash.
    pub fn create(&self, session: &Session) -> Result<Created, StateError> {
        self.0.write(|tx| insert(tx, session))
    }

    /// Ends `old` with its children and stores `new`, both or neither: a proof more gets a new
    /// cookie. When `old` has ended, nothing is stored.
    ///
    /// # Errors
    /// When the database fails, or has a session of the new hash.
    pub fn replace(&self, old: &TokenHash, new: &Session) -> Result<Created, StateError> {
        self.0.write(|tx| {
            if tx.execute("DELETE FROM sessions WHERE hash = ?1", [old])? == 0 {
                return Ok(Created::ParentEnded);
            }
            insert(tx, new)
        })
    }

    /// All sessions, as they are loaded at the start.
    ///
    /// # Errors
    /// When the database fails.
    pub fn all(&self) -> Result<Vec<Session>, StateError> {
        let rows: Vec<_> = self.0.read(|db| {
            db.prepare_cached("SELECT * FROM sessions ORDER BY created, hash")?
                .query_map([], session)?
                .collect()
        })?;
        Ok(rows.into_iter().map(|session| self.seen(session)).collect())
    }

    /// Notes that a session was used; memory only, never waits for the disk.
    pub fn touch(&self, hash: &TokenHash, now: Timestamp) {
        let mut touched = self.0.touched.lock();
        let seen = touched.entry(*hash).or_insert(now);
        *seen = now.max(*seen);
    }

    /// Writes what [`touch`](Self::touch) noted, in one transaction. Call it every
    /// [`TOUCH_FLUSH_INTERVAL`]; closing the database does it, too.
    ///
    /// # Errors
    /// When the database fails; the notes are kept for the next time.
    pub fn flush_touches(&self) -> Result<(), StateError> {
        let notes = std::mem::take(&mut *self.0.touched.lock());
        if notes.is_empty() {
            return Ok(());
        }
        let written = self.0.write(|tx| {
            let mut update = tx.prepare_cached(
                "UPDATE sessions SET last_seen = ?2 WHERE hash = ?1 AND last_seen < ?2",
            )?;
            for (hash, at) in &notes {
                update.execute(params![hash, at.unix_millis()])?;
            }
            Ok(())
        });
        if written.is_err() {
            for (hash, at) in &notes {
                self.touch(hash, *at);
            }
        }
        written
    }

    /// Ends a session and its children; the answer names all that ended.
    ///
    /// # Errors
    /// When the database fails.
    pub fn remove(&self, hash: &TokenHash) -> Result<Vec<TokenHash>, StateError> {
        let ended = self.0.write(|tx| {
            let ended: Vec<TokenHash> = tx
                .prepare_cached("SELECT hash FROM sessions WHERE hash = ?1 OR parent = ?1")?
                .query_map([hash], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            tx.execute(
                "DELETE FROM sessions WHERE hash = ?1 OR parent = ?1",
                [hash],
            )?;
            Ok(ended)
        })?;
        let mut touched = self.0.touched.lock();
        for hash in &ended {
            touched.remove(hash);
        }
        Ok(ended)
    }

    /// The session with what is not written yet.
    fn seen(&self, mut session: Session) -> Session {
        if let Some(at) = self.0.touched.lock().get(&session.hash) {
            session.last_seen = session.last_seen.max(*at);
        }
        session
    }
}

fn insert(tx: &Transaction<'_>, session: &Session) -> rusqlite::Result<Created> {
    let (host, parent) = match &session.kind {
        SessionKind::Sso => (None, None),
        SessionKind::Host { host, parent } => (Some(host.as_str()), Some(parent)),
    };
    if let Some(parent) = parent
        && !lives(tx, parent)?
    {
        return Ok(Created::ParentEnded);
    }
    tx.execute(
        "INSERT INTO sessions (hash, parent, host, username, level, created, last_seen, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            session.hash,
            parent,
            host,
            session.username.as_str(),
            session.level.number(),
            session.created.unix_millis(),
            session.last_seen.unix_millis(),
            session.expires.unix_millis(),
        ],
    )?;
    Ok(Created::Stored)
}

/// Whether a portal session exists.
pub(super) fn lives(db: &Connection, hash: &TokenHash) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM sessions WHERE hash = ?1 AND parent IS NULL")?
        .exists([hash])
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    let kind = match row.get::<_, Option<TokenHash>>("parent")? {
        None => SessionKind::Sso,
        Some(parent) => SessionKind::Host {
            host: parsed(row, "host")?,
            parent,
        },
    };
    Ok(Session {
        hash: row.get("hash")?,
        kind,
        username: parsed(row, "username")?,
        level: Level::of(row.get("level")?),
        created: time(row, "created")?,
        last_seen: time(row, "last_seen")?,
        expires: time(row, "expires")?,
    })
}

impl Level {
    fn number(self) -> i64 {
        match self {
            Self::Password => 1,
            Self::PasswordAndCode => 2,
        }
    }

    /// What is not known counts as the least.
    fn of(number: i64) -> Self {
        if number == 2 {
            Self::PasswordAndCode
        } else {
            Self::Password
        }
    }
}
