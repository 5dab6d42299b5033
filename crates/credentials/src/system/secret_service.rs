//! The Secret Service of Linux desktops: GNOME Keyring, KWallet, KeePassXC.
//!
//! Items have the attributes `service` and `account`, as `secret-tool` is given them, and lie in
//! the default collection. Source: the Secret Service API of freedesktop.org, draft 0.2.

use std::collections::HashMap;

use portlama_model::Secret;
use secret_service::blocking::{Item, SecretService};
use secret_service::{EncryptionType, Error};

use crate::{CredentialError, CredentialName, CredentialStore};

/// The Secret Service of this desktop session.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemStore;

impl CredentialStore for SystemStore {
    fn read(&self, name: &CredentialName) -> Result<Option<Secret>, CredentialError> {
        let text = with_service(name, |service| {
            let found = service.search_items(attributes(name))?;
            let items = unlocked(service, &found.unlocked, &found.locked)?;
            let Some(newest) = newest(&items)? else {
                return Ok(None);
            };
            newest.get_secret().map(Some)
        })?;
        let Some(octets) = text else { return Ok(None) };
        let text = String::from_utf8(octets).map_err(|_| CredentialError::Failed {
            name: name.clone(),
            source: "what it keeps there is no text".into(),
        })?;
        Ok(Some(Secret::new(text)))
    }

    fn write(&self, name: &CredentialName, secret: &Secret) -> Result<(), CredentialError> {
        let octets = secret.expose().as_bytes();
        with_service(name, |service| {
            let found = service.search_items(attributes(name))?;
            let items = unlocked(service, &found.unlocked, &found.locked)?;
            let Some(newest) = newest(&items)? else {
                return create(service, name, octets);
            };
            newest.set_secret(octets, CONTENT_TYPE)?;
            // Others of the same name, say of another program's making, would be found first some day.
            let others = items
                .iter()
                .filter(|item| item.item_path != newest.item_path);
            others.into_iter().try_for_each(|item| item.delete())
        })
    }

    fn remove(&self, name: &CredentialName) -> Result<(), CredentialError> {
        with_service(name, |service| {
            let found = service.search_items(attributes(name))?;
            let items = unlocked(service, &found.unlocked, &found.locked)?;
            items.iter().try_for_each(|item| item.delete())
        })
    }
}

const CONTENT_TYPE: &str = "text/plain";

fn attributes(name: &CredentialName) -> HashMap<&str, &str> {
    HashMap::from([
        ("service", name.service),
        ("account", name.account.as_str()),
    ])
}

/// All items that were found, after the person was asked to unlock those that are locked.
fn unlocked<'a, 'b>(
    service: &SecretService<'_>,
    open: &'b [Item<'a>],
    locked: &'b [Item<'a>],
) -> Result<Vec<&'b Item<'a>>, Error> {
    if !locked.is_empty() {
        service.unlock_all(&locked.iter().collect::<Vec<_>>())?;
    }
    Ok(open.iter().chain(locked).collect())
}

fn newest<'a, 'b>(items: &[&'b Item<'a>]) -> Result<Option<&'b Item<'a>>, Error> {
    let mut newest = None;
    for item in items {
        let changed = item.get_modified()?;
        if newest.is_none_or(|(_, other)| changed > other) {
            newest = Some((*item, changed));
        }
    }
    Ok(newest.map(|(item, _)| item))
}

fn create(service: &SecretService<'_>, name: &CredentialName, octets: &[u8]) -> Result<(), Error> {
    let collection = service.get_default_collection()?;
    if collection.is_locked()? {
        collection.unlock()?;
    }
    let label = format!("Portlama: {} / {}", name.service, name.account);
    let replace = true;
    collection.create_item(&label, attributes(name), octets, replace, CONTENT_TYPE)?;
    Ok(())
}

/// Does something with the service, on a thread of its own: it runs an event loop to wait with,
/// which a thread that has one already must not do. It is opened anew each time: a session may
/// begin or end while an agent runs.
fn with_service<T: Send>(
    name: &CredentialName,
    act: impl FnOnce(&SecretService<'_>) -> Result<T, Error> + Send,
) -> Result<T, CredentialError> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let service = SecretService::connect(EncryptionType::Dh)
                .map_err(|error| CredentialError::Unavailable(Box::new(error)))?;
            act(&service).map_err(|error| reason(name, error))
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn reason(name: &CredentialName, error: Error) -> CredentialError {
    match error {
        Error::Locked | Error::Prompt | Error::PromptDisconnected => {
            CredentialError::Locked(Box::new(error))
        }
        // There is no default collection: nobody has signed in yet.
        Error::NoResult => CredentialError::Unavailable(Box::new(error)),
        error => CredentialError::Failed {
            name: name.clone(),
            source: Box::new(error),
        },
    }
}
