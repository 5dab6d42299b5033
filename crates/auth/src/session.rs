//! How long a sign-in lasts and how far it went.

use std::time::Duration;

use portlama_model::Timestamp;

/// The longest life of a session, whatever is done with it.
pub const SESSION_ABSOLUTE: Duration = Duration::from_secs(12 * 60 * 60);
/// How long a session lives without a request.
pub const SESSION_IDLE: Duration = Duration::from_secs(2 * 60 * 60);
/// How old `last_seen` must be before it is worth writing again.
pub const TOUCH_INTERVAL: Duration = Duration::from_secs(60);
/// How far the clock may step back without ending sessions: corrections of a time service are
/// far below.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// How far a sign-in went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SessionLevel {
    /// The password was right. Opens nothing but the second step.
    FirstFactor,
    /// Password and one-time code were right.
    TwoFactor,
}

/// The two limits of a session's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// The longest life since creation.
    pub absolute: Duration,
    /// The longest time without a request.
    pub idle: Duration,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self {
            absolute: SESSION_ABSOLUTE,
            idle: SESSION_IDLE,
        }
    }
}

/// Why a session is over. It must then be deleted: a session that is kept could come back to
/// life when the clock is set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionEnd {
    /// The absolute limit passed.
    #[error("the session reached its longest life")]
    Absolute,
    /// No request came for too long.
    #[error("the session was idle for too long")]
    Idle,
    /// The clock stands before what this session has already seen.
    #[error("the clock was set back")]
    ClockSetBack,
}

impl SessionPolicy {
    /// Whether a session lives: not older than [`absolute`](Self::absolute), not idle for
    /// [`idle`](Self::idle), and not from a future that the clock has left.
    ///
    /// # Errors
    /// [`SessionEnd`]: the caller deletes the session.
    pub fn check(
        &self,
        created: Timestamp,
        last_seen: Timestamp,
        now: Timestamp,
    ) -> Result<(), SessionEnd> {
        let latest = created.max(last_seen);
        if latest.since(now) > CLOCK_TOLERANCE {
            return Err(SessionEnd::ClockSetBack);
        }
        // Time never runs backwards for one session.
        let now = now.max(latest);
        if now.since(created) >= self.absolute {
            return Err(SessionEnd::Absolute);
        }
        if now.since(last_seen) >= self.idle {
            return Err(SessionEnd::Idle);
        }
        Ok(())
    }

    /// Whether [`check`](Self::check) passes.
    #[must_use]
    pub fn is_live(&self, created: Timestamp, last_seen: Timestamp, now: Timestamp) -> bool {
        self.check(created, last_seen, now).is_ok()
    }

    /// The `last_seen` to store after a live request, or `None` while the stored one is fresh
    /// enough. Never earlier than the stored one.
    #[must_use]
    pub fn touch(&self, last_seen: Timestamp, now: Timestamp) -> Option<Timestamp> {
        (now.since(last_seen) >= TOUCH_INTERVAL).then_some(now)
    }
}
