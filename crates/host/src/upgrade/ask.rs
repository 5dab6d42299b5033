//! The server's part: it fetches a release, and asks that root looks at it.

use portlama_control::{LastUpdate, UpdateError};
use portlama_model::{ReleaseSource, ReleaseVersion};
use tokio::task::spawn_blocking;

use super::decide::may_replace;
use super::{Outcome, Place, is_installed};
use crate::helper::{self, Order};
use crate::release;

/// Fetches the release of this version to where root looks for it, and orders the upgrade. It is
/// verified here so that whoever asked hears of it; root verifies it again.
///
/// # Errors
/// When nothing was ordered.
pub async fn fetch_and_order(
    source: &ReleaseSource,
    version: &ReleaseVersion,
) -> Result<(), UpdateError> {
    let place = Place::installed();
    let running: ReleaseVersion = env!("CARGO_PKG_VERSION")
        .parse()
        .map_err(|error| UpdateError::Refused(format!("{error}")))?;
    may_replace(&running, version, false).map_err(|why| {
        UpdateError::Refused(format!("{why}, of `portlama server upgrade` on the server"))
    })?;
    can_be_replaced(place.clone()).await?;
    release::fetch(source, version, &place.inbox(), &mut |_, _| {})
        .await
        .map_err(|error| UpdateError::NotFetched(error.to_string()))?;
    helper::order(Order::Upgrade).await?;
    Ok(())
}

async fn can_be_replaced(place: Place) -> Result<(), UpdateError> {
    let has_units = spawn_blocking(is_installed).await.unwrap_or(false);
    if !has_units {
        return Err(UpdateError::Refused(
            "this server was set up by hand, without the units of an upgrade: give it the new \
             program by hand, and restart it"
                .to_owned(),
        ));
    }
    if !place.program.exists() {
        return Err(UpdateError::Refused(format!(
            "{} is not here: a program that came in a package is upgraded by the next one, \
             `apt install ./portlama_….deb`",
            place.program.display()
        )));
    }
    Ok(())
}

/// How the last upgrade of this machine ended; `None` when there was none, or it cannot be read.
pub async fn last() -> Option<LastUpdate> {
    let read = spawn_blocking(|| Outcome::read(&Place::installed()));
    let outcome = read.await.ok()??;
    Some(LastUpdate {
        upgraded: outcome.upgraded,
        from: outcome.from,
        to: outcome.to,
        reason: outcome.reason,
    })
}
