//! The end of a server: with its machine, or in the list alone.

use portlama_credentials::CredentialError;
use portlama_files::FileError;

use crate::MANAGED_TAG;
use crate::digitalocean::{DigitalOceanError, Droplet};
use crate::provision::{Means, delete_droplet};
use crate::registry::{RegistryError, ServerEntry};
use crate::{Credentials, Home, ServerLabel};

/// Why a server is still there.
#[derive(Debug, thiserror::Error)]
pub enum DestroyError {
    /// Nobody made it at DigitalOcean.
    #[error(
        "`{0}` is no droplet: `portlama cloud remove {0}` takes it off the list, and its machine is yours to switch off"
    )]
    NoDroplet(ServerLabel),
    /// It may be anybody's.
    #[error(
        "the droplet `{name}` has not the tag {MANAGED_TAG}, so it may be somebody else's: delete it at https://cloud.digitalocean.com/droplets/{id}, or take the server off the list with `portlama cloud remove {label}`"
    )]
    NotManaged {
        /// The server's label.
        label: ServerLabel,
        /// The droplet's number.
        id: u64,
        /// The droplet's name.
        name: String,
    },
    /// Another one is being made or cleared away.
    #[error("another server is being made or cleared away: wait until that is done")]
    Busy(#[source] FileError),
    /// DigitalOcean.
    #[error(transparent)]
    DigitalOcean(#[from] DigitalOceanError),
    /// It would not go.
    #[error(
        "the droplet of `{label}` may still be there and cost money, see https://cloud.digitalocean.com/droplets/{id}: {reason}"
    )]
    Remains {
        /// The server's label.
        label: ServerLabel,
        /// The droplet's number.
        id: u64,
        /// Why.
        reason: String,
    },
    /// The list of servers.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The credential store.
    #[error("the password of `{label}` is still in the credential store: say it again")]
    Credential {
        /// The server's label.
        label: ServerLabel,
        /// Why.
        #[source]
        source: CredentialError,
    },
    /// The folder of the server.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What a server's droplet is found to be, before it is destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doomed {
    /// It is gone already; what is here goes, too.
    Gone,
    /// The one that is in the list.
    Known(Droplet),
    /// One of ours, but with another name and another address than the list says: whoever
    /// destroys it has to know that.
    Another(Droplet),
}

/// Looks at the droplet of a server.
///
/// # Errors
/// [`DestroyError::NoDroplet`], [`DestroyError::NotManaged`], [`DestroyError::DigitalOcean`].
pub async fn look(means: &Means<'_>, server: &ServerEntry) -> Result<Doomed, DestroyError> {
    let no_droplet = || DestroyError::NoDroplet(server.label.clone());
    let id = server.droplet().ok_or_else(no_droplet)?;
    let droplet = match means.digital_ocean.droplet(id).await {
        Ok(droplet) => droplet,
        Err(error) if error.is_gone() => return Ok(Doomed::Gone),
        Err(error) => return Err(error.into()),
    };
    judge(server, droplet)
}

fn judge(server: &ServerEntry, droplet: Droplet) -> Result<Doomed, DestroyError> {
    if !droplet.has_tag(MANAGED_TAG) {
        return Err(DestroyError::NotManaged {
            label: server.label.clone(),
            id: droplet.id,
            name: droplet.name,
        });
    }
    // A server may be renamed here, and a machine may get another address, but hardly both.
    let address = droplet.public_address().map(|address| address.to_string());
    let is_known = droplet.name == server.label.droplet_name()
        || address.is_some_and(|address| address == server.ip);
    Ok(match is_known {
        true => Doomed::Known(droplet),
        false => Doomed::Another(droplet),
    })
}

/// Destroys the machine of a server that was looked at, then forgets the server. Cut short, it
/// can be said again: what is gone is gone.
///
/// # Errors
/// [`DestroyError`].
pub async fn destroy(
    means: &Means<'_>,
    server: &ServerEntry,
    doomed: &Doomed,
) -> Result<(), DestroyError> {
    let _turn = means.home.take_turn().map_err(busy)?;
    if let Doomed::Known(droplet) | Doomed::Another(droplet) = doomed {
        let deleting = delete_droplet(means.digital_ocean, &means.pace, droplet.id);
        deleting.await.map_err(|reason| DestroyError::Remains {
            label: server.label.clone(),
            id: droplet.id,
            reason,
        })?;
    }
    forget(means.home, means.credentials, server).await
}

/// Forgets a server: its password, its files, and last its line in the list, so that it can be
/// said again when one of them fails. Its machine goes on running.
///
/// # Errors
/// [`DestroyError`].
pub async fn forget(
    home: &Home,
    credentials: &Credentials,
    server: &ServerEntry,
) -> Result<(), DestroyError> {
    let forgotten = credentials.forget_password(server.id).await;
    forgotten.map_err(|source| DestroyError::Credential {
        label: server.label.clone(),
        source,
    })?;
    home.remove_server(server.id)?;
    home.registry()
        .change(|servers| servers.remove(server.label.as_str()))?;
    Ok(())
}

fn busy(error: FileError) -> DestroyError {
    match error {
        FileError::Locked { .. } => DestroyError::Busy(error),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn server() -> ServerEntry {
        serde_json::from_value(json!({
            "id": uuid::Uuid::new_v4(),
            "label": "home",
            "panelUrl": "https://198.51.100.7:9292",
            "ip": "198.51.100.7",
            "provider": "digitalocean",
            "providerId": "7",
            "createdAt": "2026-04-01T10:00:00.000Z",
        }))
        .expect("an entry")
    }

    fn droplet(name: &str, address: &str, tags: &[&str]) -> Droplet {
        serde_json::from_value(json!({
            "id": 7,
            "name": name,
            "status": "active",
            "tags": tags,
            "networks": {"v4": [{"ip_address": address, "type": "public"}]},
        }))
        .expect("a droplet")
    }

    #[test]
    fn only_what_has_the_very_tag_is_destroyed() {
        for tags in [&[][..], &["portlama"], &["portlama:managed-not"]] {
            let droplet = droplet("portlama-home", "198.51.100.7", tags);
            let refused = judge(&server(), droplet);
            assert!(matches!(refused, Err(DestroyError::NotManaged { .. })));
        }
    }

    #[test]
    fn a_droplet_with_another_name_and_another_address_is_another() {
        for (name, address, is_known) in [
            ("portlama-home", "198.51.100.7", true),
            ("portlama-home", "198.51.100.8", true),
            ("portlama-shop", "198.51.100.7", true),
            ("portlama-shop", "198.51.100.8", false),
        ] {
            let judged = judge(&server(), droplet(name, address, &[MANAGED_TAG]));
            let found = matches!(judged, Ok(Doomed::Known(_)));
            assert_eq!(found, is_known, "{name} {address}");
        }
    }
}
