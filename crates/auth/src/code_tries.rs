//! Who must wait after wrong one-time codes at the panel.
//!
//! Only wrong codes count, per network; a right one takes none of them back. Whoever tries has
//! shown the admin's certificate already, so this is kept in memory alone.

use std::collections::BTreeMap;
use std::time::Duration;

use portlama_model::Timestamp;

use crate::Network;

/// Wrong codes of a network within [`CODE_WINDOW`] after which its next request begins a ban.
pub const MAX_WRONG_CODES: usize = 5;
/// How long a wrong code counts.
pub const CODE_WINDOW: Duration = Duration::from_secs(120);
/// How long a ban lasts.
pub const CODE_BAN: Duration = Duration::from_secs(300);
/// The most networks that are remembered, about 100 KB. When all of them count, a new one waits:
/// room is never made by forgetting a ban.
pub const MAX_CODE_NETWORKS: usize = 1000;

/// A network must wait, and nothing was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many wrong codes")]
pub struct CodeBan {
    /// How long.
    pub retry_after: Duration,
}

/// The memory of wrong codes.
#[derive(Debug, Default)]
pub struct CodeTries {
    networks: BTreeMap<Network, Tries>,
}

#[derive(Debug, Default)]
struct Tries {
    wrong: Vec<Timestamp>,
    banned_until: Option<Timestamp>,
}

impl CodeTries {
    /// Remembers nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a code from this network is looked at.
    ///
    /// # Errors
    /// How long to wait.
    pub fn admit(&mut self, network: Network, now: Timestamp) -> Result<(), CodeBan> {
        if let Some(tries) = self.networks.get_mut(&network) {
            return tries.admit(now);
        }
        if self.networks.len() >= MAX_CODE_NETWORKS {
            self.networks.retain(|_, tries| !tries.is_over(now));
        }
        if self.networks.len() >= MAX_CODE_NETWORKS {
            return Err(CodeBan {
                retry_after: CODE_WINDOW,
            });
        }
        Ok(())
    }

    /// A code from this network was wrong.
    pub fn wrong(&mut self, network: Network, now: Timestamp) {
        if self.networks.len() < MAX_CODE_NETWORKS || self.networks.contains_key(&network) {
            self.networks.entry(network).or_default().wrong.push(now);
        }
    }
}

impl Tries {
    fn admit(&mut self, now: Timestamp) -> Result<(), CodeBan> {
        self.age(now);
        if self.banned_until.is_none() && self.wrong.len() >= MAX_WRONG_CODES {
            self.wrong.clear();
            self.banned_until = Some(now.plus(CODE_BAN));
        }
        match self.banned_until {
            None => Ok(()),
            Some(until) => Err(CodeBan {
                retry_after: until.since(now),
            }),
        }
    }

    /// Forgets what no longer counts. Where the clock was set back, no ban and no wrong code
    /// counts for longer than it would from the present on.
    fn age(&mut self, now: Timestamp) {
        for at in &mut self.wrong {
            *at = (*at).min(now);
        }
        self.wrong.retain(|at| now.since(*at) < CODE_WINDOW);
        self.banned_until = self
            .banned_until
            .map(|until| until.min(now.plus(CODE_BAN)))
            .filter(|until| *until > now);
    }

    fn is_over(&mut self, now: Timestamp) -> bool {
        self.age(now);
        self.wrong.is_empty() && self.banned_until.is_none()
    }
}
