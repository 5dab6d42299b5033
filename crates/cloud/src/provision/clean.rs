//! The way back: everything that one operation made goes again, the droplet first, since it costs
//! money. Each thing is tried even when another could not be taken away.

use std::time::Duration;

use tokio::time::sleep;

use super::means::{Means, Pace};
use super::{Leftover, Operation};
use crate::digitalocean::{DigitalOcean, DigitalOceanError, Droplet};

/// After so long a droplet whose creation had no clear answer does not appear any more.
const APPEARS_WITHIN: Duration = Duration::from_secs(15 * 60);

/// What is left of an operation at DigitalOcean.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) leftovers: Vec<Leftover>,
    /// Why it is not known what else there is, one line each.
    pub(super) unknown: Vec<String>,
    /// Whether nothing can still appear.
    pub(super) is_settled: bool,
}

impl Look {
    fn has_droplet(&self) -> bool {
        let mut leftovers = self.leftovers.iter();
        leftovers.any(|leftover| matches!(leftover, Leftover::Droplet { .. }))
    }
}

/// Takes everything away; gives back what is left, one line each. The journal is forgotten when
/// nothing is left and nothing can still appear.
pub(super) async fn take_away(means: &Means<'_>, operation: &Operation) -> Vec<String> {
    let look = look(means, operation).await;
    take_away_what_was_seen(means, operation, look).await
}

pub(super) async fn take_away_what_was_seen(
    means: &Means<'_>,
    operation: &Operation,
    look: Look,
) -> Vec<String> {
    let unknown = look.unknown.into_iter();
    let mut left: Vec<_> = unknown
        .map(|why| format!("it is not known what is left: {why}"))
        .collect();
    for leftover in &look.leftovers {
        let deleted = match leftover {
            Leftover::Droplet { id, .. } => {
                delete_droplet(means.digital_ocean, &means.pace, *id).await
            }
            Leftover::Key { id, .. } => {
                let deleted = means.digital_ocean.delete_key(*id).await;
                deleted.map_err(|error| error.to_string())
            }
        };
        if let Err(why) = deleted {
            left.push(format!("{} ({why})", leftover.describe()));
        }
    }
    left.extend(take_away_here(means, operation).await);
    if left.is_empty()
        && look.is_settled
        && let Err(error) = means.home.operations().forget(operation.id)
    {
        left.push(error.to_string());
    }
    left
}

/// The admin's file and its password.
async fn take_away_here(means: &Means<'_>, operation: &Operation) -> Vec<String> {
    let mut left = Vec::new();
    if let Some(server) = operation.server.filter(|_| !operation.registered) {
        if let Err(error) = means.home.remove_server(server) {
            left.push(error.to_string());
        }
        if let Err(error) = means.credentials.forget_password(server).await {
            left.push(format!(
                "the password of the server {server} in the credential store ({error})"
            ));
        }
    }
    left
}

/// Looks for everything of an operation. A droplet whose creation had no clear answer is looked
/// for several times: it may appear in lists a while after it was made.
pub(super) async fn look(means: &Means<'_>, operation: &Operation) -> Look {
    let is_old = (means.now)().since(operation.begun) > APPEARS_WITHIN;
    let mut tries = match is_old {
        true => 1,
        false => means.pace.settle_tries,
    };
    loop {
        let mut look = look_once(means.digital_ocean, operation).await;
        let is_unclear = operation.droplet_asked
            && operation.droplet.is_none()
            && !operation.registered
            && !look.has_droplet();
        tries = tries.saturating_sub(1);
        if !is_unclear || tries == 0 {
            look.is_settled = look.unknown.is_empty() && (!is_unclear || is_old);
            return look;
        }
        sleep(means.pace.settle).await;
    }
}

async fn look_once(digital_ocean: &DigitalOcean, operation: &Operation) -> Look {
    let mut unknown = Vec::new();
    let (mut tagged, mut own, mut keys) = (Vec::new(), None, Vec::new());
    if operation.droplet_asked && !operation.registered {
        match digital_ocean.droplets_with(&operation.id.tag()).await {
            Ok(droplets) => tagged = droplets,
            Err(error) => unknown.push(error.to_string()),
        }
        match own_droplet(digital_ocean, operation).await {
            Ok(droplet) => own = droplet,
            Err(error) => unknown.push(error.to_string()),
        }
    }
    if operation.public_key.is_some() {
        match digital_ocean.keys().await {
            Ok(there) => keys = there,
            Err(error) => unknown.push(error.to_string()),
        }
    }
    Look {
        leftovers: operation.leftovers(&tagged, own.as_ref(), &keys),
        unknown,
        is_settled: false,
    }
}

/// The droplet with the number that the journal has. A token that may not list by tag finds it.
async fn own_droplet(
    digital_ocean: &DigitalOcean,
    operation: &Operation,
) -> Result<Option<Droplet>, DigitalOceanError> {
    let Some(id) = operation.droplet else {
        return Ok(None);
    };
    match digital_ocean.droplet(id).await {
        Ok(droplet) => Ok(Some(droplet)),
        Err(error) if error.is_gone() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes a droplet and waits until it is gone. While something else happens to it,
/// DigitalOcean refuses (422), and it is tried again.
///
/// # Errors
/// Why it is still there, or may be.
pub(crate) async fn delete_droplet(
    digital_ocean: &DigitalOcean,
    pace: &Pace,
    id: u64,
) -> Result<(), String> {
    let mut tries = pace.settle_tries;
    while let Err(error) = digital_ocean.delete_droplet(id).await {
        tries = tries.saturating_sub(1);
        if error.status() != Some(422) || tries == 0 {
            return Err(error.to_string());
        }
        sleep(pace.settle).await;
    }
    for _ in 0..pace.settle_tries {
        match digital_ocean.droplet(id).await {
            Ok(_) => sleep(pace.settle).await,
            Err(error) if error.is_gone() => return Ok(()),
            Err(error) => return Err(format!("deleted, but {error}")),
        }
    }
    Err("DigitalOcean took the deletion and still shows it".to_owned())
}
