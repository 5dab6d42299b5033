//! The bounded place where passwords are hashed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use portlama_auth::{
    BCRYPT_COST, Network, Password, PasswordHash, VerifiedPassword, WrongPassword, verify_password,
};
use portlama_model::{Secret, Username};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::random::octets;

/// How many passwords are hashed at once: one for each core of a large small server, so that
/// a burst of sign-ins leaves time for everything else. Each takes a quarter of a second.
pub const MAX_PARALLEL_HASHES: usize = 2;
/// How many sign-ins wait for their turn; the next one is told that the server is busy. Ten
/// seconds of work.
pub const MAX_WAITING_HASHES: usize = 64;
/// How many sign-ins of one network (an IPv4 address, or an IPv6 /64) are checked or wait at
/// once: a large office at nine o'clock passes, and who tries passwords from one place leaves
/// most of the queue to others.
pub const MAX_HASHES_OF_ONE_NETWORK: usize = 16;

/// How many sign-ins wait out the delay of an account that is being guessed at; the next one
/// is told that the server is busy. They hold memory only, a few hundred octets each.
pub const MAX_DELAYED_SIGN_INS: usize = 1000;

/// The pool.
pub(crate) struct Passwords {
    delayed: Semaphore,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    networks: Arc<Mutex<HashMap<Network, usize>>>,
    checks: AtomicU64,
}

/// As many wait as may.
pub(crate) struct PoolFull;

/// A place in the queue; dropping it gives it back.
pub(crate) struct Turn {
    _place: OwnedSemaphorePermit,
    _share: Option<Share>,
}

/// One of the places of a network.
struct Share {
    network: Network,
    networks: Arc<Mutex<HashMap<Network, usize>>>,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut networks = self.networks.lock();
        if let Some(count) = networks.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                networks.remove(&self.network);
            }
        }
    }
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            delayed: Semaphore::new(MAX_DELAYED_SIGN_INS),
            running: Arc::new(Semaphore::new(MAX_PARALLEL_HASHES)),
            admitted: Arc::new(Semaphore::new(MAX_PARALLEL_HASHES + MAX_WAITING_HASHES)),
            networks: Arc::default(),
            checks: AtomicU64::new(0),
        }
    }

    /// Takes a place in the queue for somebody whose identity is known.
    pub(crate) fn queue(&self) -> Result<Turn, PoolFull> {
        self.place(None)
    }

    /// Takes a place in the queue for a stranger in `network`.
    pub(crate) fn queue_from(&self, network: Network) -> Result<Turn, PoolFull> {
        let mut networks = self.networks.lock();
        let count = networks.entry(network).or_default();
        if *count >= MAX_HASHES_OF_ONE_NETWORK {
            return Err(PoolFull);
        }
        *count += 1;
        drop(networks);
        let networks = self.networks.clone();
        self.place(Some(Share { network, networks }))
    }

    fn place(&self, share: Option<Share>) -> Result<Turn, PoolFull> {
        let place = self.admitted.clone().try_acquire_owned();
        Ok(Turn {
            _place: place.map_err(|_| PoolFull)?,
            _share: share,
        })
    }

    /// Waits before a check, without a place in the queue: who guesses at one account keeps
    /// nobody from another.
    pub(crate) async fn wait(&self, delay: Duration) -> Result<(), PoolFull> {
        if !delay.is_zero() {
            let _place = self.delayed.try_acquire().map_err(|_| PoolFull)?;
            tokio::time::sleep(delay).await;
        }
        Ok(())
    }

    /// How many passwords were checked, those of users that do not exist included.
    pub(crate) fn checks(&self) -> u64 {
        self.checks.load(Ordering::Relaxed)
    }

    /// Checks a password. `None` for a user that does not exist does the same work.
    pub(crate) async fn verify(
        &self,
        _turn: &Turn,
        account: Option<(Username, PasswordHash)>,
        typed: Secret,
    ) -> Result<VerifiedPassword, WrongPassword> {
        // Adopted argon2id takes tens of megabytes: it runs alone.
        let alone = account
            .as_ref()
            .is_some_and(|(_, hash)| hash.needs_memory());
        self.checks.fetch_add(1, Ordering::Relaxed);
        self.run(alone, move || {
            verify_password(account.as_ref().map(|(name, hash)| (name, hash)), &typed)
        })
        .await
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, _turn: &Turn, password: Password) -> PasswordHash {
        self.run(false, move || {
            PasswordHash::of(&password, BCRYPT_COST, octets())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        alone: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let permits = if alone { MAX_PARALLEL_HASHES } else { 1 } as u32;
        let permit = self.running.clone().acquire_many_owned(permits).await;
        let task = tokio::task::spawn_blocking(move || {
            // Held by the work itself: a caller that goes away does not let another one in early.
            let _permit = permit;
            work()
        });
        match task.await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn network(last: u8) -> Network {
        IpAddr::from(Ipv4Addr::new(198, 51, 100, last)).into()
    }

    #[test]
    fn one_network_leaves_room_for_others() {
        let pool = Passwords::new();
        let mut turns: Vec<Turn> = Vec::new();
        while let Ok(turn) = pool.queue_from(network(1)) {
            turns.push(turn);
        }
        assert_eq!(turns.len(), MAX_HASHES_OF_ONE_NETWORK);
        assert!(pool.queue_from(network(2)).is_ok());
        assert!(pool.queue().is_ok());
        turns.pop();
        assert!(pool.queue_from(network(1)).is_ok());
        turns.clear();
        assert!(
            pool.networks.lock().is_empty(),
            "nothing is kept of who is gone"
        );
    }

    #[test]
    fn the_queue_ends_whoever_waits() {
        let pool = Passwords::new();
        let turns: Vec<Turn> = (0..=u8::MAX)
            .map_while(|n| pool.queue_from(network(n)).ok())
            .collect();
        assert_eq!(turns.len(), MAX_PARALLEL_HASHES + MAX_WAITING_HASHES);
        assert!(pool.queue().is_err());
    }
}
