//! Who must wait after wrong passwords and codes.
//!
//! Two rules, from the outside in:
//!
//! 1. A **ban** belongs to a pair of account and network (an IPv4 address or an IPv6 /64):
//!    [`MAX_FAILURES`] wrong tries within [`FAILURE_WINDOW`] ban the pair for
//!    [`BAN_DURATION`]. Nobody can ban an account for everyone: other networks stay free.
//! 2. An **account** tried from many networks gets a growing delay before each check, at most
//!    [`MAX_USER_DELAY`], which fades by itself.
//!
//! Names that do not exist are counted like those that do, by the hash of the name, so that
//! the answers do not differ.
//!
//! A try counts as wrong from the moment it begins, so parallel tries cannot outrun the limit;
//! a right one takes its own mark back. It takes back nothing else: earlier wrong tries fade
//! with time alone, so that a right password does not buy new guesses at the code.
//!
//! The table is bounded. Bans are never dropped to make room; when nothing else is left to
//! drop, new pairs wait.

use std::collections::BTreeMap;
use std::time::Duration;

use portlama_model::Timestamp;

pub use self::key::{Account, LockoutKey, Network, NetworkError};

mod key;

/// Wrong tries of a pair within [`FAILURE_WINDOW`] that lead to a ban.
pub const MAX_FAILURES: usize = 5;
/// How long a wrong try counts for its pair.
pub const FAILURE_WINDOW: Duration = Duration::from_secs(2 * 60);
/// How long a ban lasts.
pub const BAN_DURATION: Duration = Duration::from_secs(5 * 60);
/// Wrong tries of an account, from anywhere, that cost no delay.
pub const USER_FREE_FAILURES: u32 = 5;
/// The longest delay before a check: annoying to the owner, never a lock.
pub const MAX_USER_DELAY: Duration = Duration::from_secs(8);
/// How long until one wrong try of an account is forgotten.
pub const USER_DELAY_DECAY: Duration = Duration::from_secs(60);
/// The most pairs, and the most accounts, that are remembered. About 6 MB when full.
pub const MAX_LOCKOUT_ENTRIES: usize = 20_000;
/// The most pairs of one network that are remembered: a network that tries more accounts than
/// this within [`FAILURE_WINDOW`] waits, whichever accounts they are.
pub const MAX_NETWORK_ENTRIES: usize = 64;

/// The delay after the first wrong try that is not free; it doubles with each further one.
const FIRST_USER_DELAY: Duration = Duration::from_millis(250);
/// Where the count of an account stops growing, so that the delay fades in bounded time.
const MAX_USER_LEVEL: u32 = USER_FREE_FAILURES + 12;

/// The pair must wait. The answer to the visitor is the one for a wrong password, and nothing
/// is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many wrong tries, wait {} seconds", .retry_after.as_secs() + 1)]
pub struct Refusal {
    /// How long.
    pub retry_after: Duration,
}

/// A try that began and already counts as wrong. It ends in [`Lockout::succeed`] or
/// [`Lockout::fail`]; one that is dropped stays counted for [`FAILURE_WINDOW`].
#[must_use = "a try that is not resolved counts as wrong"]
#[derive(Debug)]
pub struct Attempt {
    key: LockoutKey,
    mark: u64,
    delay: Duration,
}

impl Attempt {
    /// How long to wait before checking.
    #[must_use]
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// Who tries.
    #[must_use]
    pub fn key(&self) -> &LockoutKey {
        &self.key
    }
}

/// What is remembered of a pair, to be stored and restored across restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockoutRow {
    /// Who.
    pub key: LockoutKey,
    /// When the tries began that count as wrong.
    pub failures: Vec<Timestamp>,
    /// The end of the ban.
    pub banned_until: Option<Timestamp>,
}

/// The memory of wrong tries.
#[derive(Debug, Default)]
pub struct Lockout {
    pairs: BTreeMap<LockoutKey, Pair>,
    accounts: BTreeMap<Account, Level>,
    next_mark: u64,
}

impl Lockout {
    /// Remembers nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Restores what [`rows`](Self::rows) gave, whatever the clock did in between: no ban
    /// lasts longer than [`BAN_DURATION`] from now.
    #[must_use]
    pub fn restore(rows: impl IntoIterator<Item = LockoutRow>, now: Timestamp) -> Self {
        let mut lockout = Self::new();
        for row in rows.into_iter().take(MAX_LOCKOUT_ENTRIES) {
            let marks = row.failures.iter().rev().take(MAX_FAILURES);
            let marks = marks
                .map(|at| Mark {
                    id: lockout.take_mark(),
                    at: *at,
                    wrong: true,
                })
                .collect();
            let mut pair = Pair {
                marks,
                banned_until: row.banned_until,
            };
            pair.age(now);
            if !pair.is_empty() {
                lockout.pairs.insert(row.key, pair);
            }
        }
        lockout
    }

    /// Everything worth storing.
    pub fn rows(&self) -> impl Iterator<Item = LockoutRow> + '_ {
        self.pairs.iter().map(|(key, pair)| pair.row(*key))
    }

    /// What to store of one pair after a try was resolved; `None`: delete its row.
    #[must_use]
    pub fn row(&self, key: &LockoutKey) -> Option<LockoutRow> {
        self.pairs.get(key).map(|pair| pair.row(*key))
    }

    /// Whether this pair may try at present.
    ///
    /// # Errors
    /// [`Refusal`] with the time to wait.
    pub fn check(&self, key: &LockoutKey, now: Timestamp) -> Result<(), Refusal> {
        match self.pairs.get(key) {
            Some(pair) => pair.clone().check(now),
            None => Ok(()),
        }
    }

    /// Begins a try. From here on it counts as wrong.
    ///
    /// # Errors
    /// [`Refusal`]: nothing must be checked.
    pub fn begin(&mut self, key: LockoutKey, now: Timestamp) -> Result<Attempt, Refusal> {
        if let Some(pair) = self.pairs.get_mut(&key) {
            pair.age(now);
            pair.refusal(now).map_or(Ok(()), Err)?;
        } else {
            self.make_room(&key, now)?;
        }
        let mark = self.take_mark();
        self.pairs.entry(key).or_default().marks.push(Mark {
            id: mark,
            at: now,
            wrong: false,
        });
        Ok(Attempt {
            key,
            mark,
            delay: self.raise(key.account(), now),
        })
    }

    /// The try was wrong. The fifth wrong one in the window begins the ban.
    pub fn fail(&mut self, attempt: Attempt, now: Timestamp) {
        let pair = self.pairs.entry(attempt.key).or_default();
        pair.age(now);
        match pair.marks.iter_mut().find(|mark| mark.id == attempt.mark) {
            Some(mark) => mark.wrong = true,
            // It took longer than the window, and counts all the same.
            None => pair.marks.push(Mark {
                id: attempt.mark,
                at: now,
                wrong: true,
            }),
        }
        if pair.marks.iter().filter(|mark| mark.wrong).count() >= MAX_FAILURES {
            pair.marks.clear();
            pair.banned_until = Some(now.plus(BAN_DURATION));
        }
    }

    /// The try was right: its own mark is taken back, and nothing else. A ban that began in
    /// the meantime stays.
    pub fn succeed(&mut self, attempt: Attempt, now: Timestamp) {
        if let Some(pair) = self.pairs.get_mut(&attempt.key) {
            pair.marks.retain(|mark| mark.id != attempt.mark);
            pair.age(now);
            if pair.is_empty() {
                self.pairs.remove(&attempt.key);
            }
        }
        if let Some(level) = self.accounts.get_mut(&attempt.key.account()) {
            level.count = level.count.saturating_sub(1);
        }
    }

    /// Forgets what no longer counts. To be called now and then; correctness does not need it.
    pub fn sweep(&mut self, now: Timestamp) {
        self.pairs.retain(|_, pair| {
            pair.age(now);
            !pair.is_empty()
        });
        self.accounts.retain(|_, level| {
            level.fade(now);
            level.count > 0
        });
    }

    fn take_mark(&mut self) -> u64 {
        self.next_mark += 1;
        self.next_mark
    }

    fn make_room(&mut self, key: &LockoutKey, now: Timestamp) -> Result<(), Refusal> {
        if self.network_entries(key.network(), now) >= MAX_NETWORK_ENTRIES {
            return Err(Refusal {
                retry_after: FAILURE_WINDOW,
            });
        }
        if self.pairs.len() >= MAX_LOCKOUT_ENTRIES {
            self.sweep(now);
            if self.pairs.len() >= MAX_LOCKOUT_ENTRIES && !self.evict_oldest() {
                return Err(Refusal {
                    retry_after: BAN_DURATION,
                });
            }
        }
        Ok(())
    }

    /// How many pairs of a network still count; the others are forgotten.
    fn network_entries(&mut self, network: Network, now: Timestamp) -> usize {
        let (mut counting, mut over) = (0, Vec::new());
        for (key, pair) in self.pairs.range_mut(LockoutKey::all_of(network)) {
            pair.age(now);
            if pair.is_empty() {
                over.push(*key)
            } else {
                counting += 1
            }
        }
        for key in over {
            self.pairs.remove(&key);
        }
        counting
    }

    /// Drops the pair whose last try is the longest ago, among those that are not banned.
    fn evict_oldest(&mut self) -> bool {
        let oldest = self
            .pairs
            .iter()
            .filter(|(_, pair)| pair.banned_until.is_none())
            .min_by_key(|(_, pair)| pair.marks.iter().map(|mark| mark.at).max())
            .map(|(key, _)| *key);
        oldest.is_some_and(|key| self.pairs.remove(&key).is_some())
    }

    /// Counts a try of the account and gives the delay before it is checked.
    fn raise(&mut self, account: Account, now: Timestamp) -> Duration {
        if self.accounts.len() >= MAX_LOCKOUT_ENTRIES && !self.accounts.contains_key(&account) {
            self.drop_lowest_account(now);
        }
        let level = self.accounts.entry(account).or_insert(Level {
            count: 0,
            since: now,
        });
        level.fade(now);
        let delay = level.delay();
        level.count = (level.count + 1).min(MAX_USER_LEVEL);
        delay
    }

    fn drop_lowest_account(&mut self, now: Timestamp) {
        self.sweep(now);
        if self.accounts.len() < MAX_LOCKOUT_ENTRIES {
            return;
        }
        let lowest = self
            .accounts
            .iter()
            .min_by_key(|(_, level)| level.count)
            .map(|(key, _)| *key);
        if let Some(lowest) = lowest {
            self.accounts.remove(&lowest);
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    id: u64,
    at: Timestamp,
    /// Known to be wrong, and not only begun.
    wrong: bool,
}

#[derive(Debug, Clone, Default)]
struct Pair {
    marks: Vec<Mark>,
    banned_until: Option<Timestamp>,
}

impl Pair {
    /// Drops what is over. A clock that was set back neither lengthens nor shortens anything
    /// beyond its own length.
    fn age(&mut self, now: Timestamp) {
        for mark in &mut self.marks {
            mark.at = mark.at.min(now);
        }
        self.marks
            .retain(|mark| now.since(mark.at) < FAILURE_WINDOW);
        self.banned_until = self
            .banned_until
            .map(|until| until.min(now.plus(BAN_DURATION)))
            .filter(|until| *until > now);
    }

    fn check(mut self, now: Timestamp) -> Result<(), Refusal> {
        self.age(now);
        self.refusal(now).map_or(Ok(()), Err)
    }

    /// After [`age`](Self::age).
    fn refusal(&self, now: Timestamp) -> Option<Refusal> {
        if let Some(until) = self.banned_until {
            return Some(Refusal {
                retry_after: until.since(now),
            });
        }
        if self.marks.len() < MAX_FAILURES {
            return None;
        }
        let oldest = self.marks.iter().map(|mark| mark.at).min()?;
        Some(Refusal {
            retry_after: oldest.plus(FAILURE_WINDOW).since(now),
        })
    }

    fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.banned_until.is_none()
    }

    fn row(&self, key: LockoutKey) -> LockoutRow {
        LockoutRow {
            key,
            failures: self.marks.iter().map(|mark| mark.at).collect(),
            banned_until: self.banned_until,
        }
    }
}

/// Wrong tries of one account from anywhere, fading with time.
#[derive(Debug, Clone, Copy)]
struct Level {
    count: u32,
    since: Timestamp,
}

impl Level {
    fn fade(&mut self, now: Timestamp) {
        self.since = self.since.min(now);
        let faded = now.since(self.since).as_secs() / USER_DELAY_DECAY.as_secs();
        let faded_whole = u32::try_from(faded).unwrap_or(u32::MAX);
        if faded_whole >= self.count {
            *self = Self {
                count: 0,
                since: now,
            };
        } else {
            self.count -= faded_whole;
            self.since = self.since.plus(USER_DELAY_DECAY * faded_whole);
        }
    }

    fn delay(&self) -> Duration {
        match self.count.checked_sub(USER_FREE_FAILURES) {
            None => Duration::ZERO,
            Some(steps) => FIRST_USER_DELAY
                .saturating_mul(1_u32.checked_shl(steps).unwrap_or(u32::MAX))
                .min(MAX_USER_DELAY),
        }
    }
}
