//! Static sites: list, create, change, delete.

use std::sync::Arc;

use portlama_access::{Identity, may_touch_site};
use portlama_model::{Hostname, Site, SiteName, SiteType, State, Username};
use serde_json::Value;
use uuid::Uuid;

use crate::certifier::Standing;
use crate::change::{Change, Forbids, audit_row, blocking};
use crate::control::Core;
use crate::operations::site_rules::{changed, new_site, takes_away};
use crate::operations::still_may;
use crate::site_files::SiteFileError;
use crate::{Control, OperationError, Step};

/// A site to be made.
#[derive(Debug, Clone)]
pub struct NewSite {
    /// Unique among sites; the label below the base domain of a managed one.
    pub name: SiteName,
    /// Below the base domain, or a name of the owner's.
    pub kind: SiteType,
    /// That name; ignored for a managed site.
    pub custom_domain: Option<Hostname>,
    /// Whether unknown paths answer with `index.html`.
    pub spa_mode: bool,
    /// Whether visitors must sign in.
    pub authelia_protected: bool,
}

/// What changes of a site; absent members stay as they are.
#[derive(Debug, Clone, Default)]
pub struct SiteChange {
    /// Whether unknown paths answer with `index.html`.
    pub spa_mode: Option<bool>,
    /// Whether visitors must sign in.
    pub authelia_protected: Option<bool>,
    /// Who may pass a protected site; empty means everybody who is signed in.
    pub allowed_users: Option<Vec<Username>>,
}

/// A site after a change.
#[derive(Debug, Clone)]
pub struct ChangedSite {
    /// As it is afterwards.
    pub site: Site,
    /// Whether anything is different.
    pub changed: bool,
}

impl Control {
    /// The sites that `by` may touch, the newest first. `cert_issued` is what is observed.
    #[must_use]
    pub fn sites(&self, by: &Identity) -> Vec<Site> {
        let state = self.core.state.load();
        let touchable = state
            .sites
            .iter()
            .rev()
            .filter(|site| may_touch_site(by, Some(&site.name)).is_ok());
        let mut sites: Vec<_> = touchable.map(|site| self.core.view_site(site)).collect();
        sites.sort_by_key(|site| std::cmp::Reverse(site.created_at));
        sites
    }

    /// Makes a site with a first page. One with a name of the owner's is served once
    /// [`verify_site_dns`](Self::verify_site_dns) has seen that the name leads here.
    ///
    /// # Errors
    /// The first check of the documented order that fails.
    pub async fn create_site(&self, by: &Identity, new: NewSite) -> Result<Site, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        let now = core.live.now();
        still_may(&state, by, None)?;
        let files = core.live.site_files().clone();
        let mut site = new_site(&state, new, now, |id| {
            files.root_path(id).display().to_string()
        })?;
        let page = placeholder(&site.name);
        site.total_size = page.len() as u64;
        let id = site.id;
        // The folder comes first: a site that is served has one. The mark lets the next start
        // remove it when the state never got to know the site.
        let making = files.clone();
        blocking(move || {
            making.doubt(id)?;
            making.create(id, page.as_bytes())
        })
        .await
        .map_err(files_failed)?;
        let mut next = State::clone(&state);
        next.sites.push(site.clone());
        let audit = audit_row(
            now,
            by.audit_name(),
            "site.create",
            &site.fqdn,
            None,
            Some(described(&site)),
        );
        let applied = core.apply(writer, Change::new(next, audit)).await;
        let core = core.clone();
        blocking(move || core.settle_site(id)).await;
        applied?;
        if site.dns_verified {
            self.core.await_certificate(&site.fqdn).await;
        }
        Ok(self.core.view_site(&site))
    }

    /// Changes a site. What takes a reader away acts at once.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn change_site(
        &self,
        by: &Identity,
        id: Uuid,
        change: SiteChange,
    ) -> Result<ChangedSite, OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let before = site_of(&state, id)?;
        let after = changed(before, change);
        let (old, new) = (described(before), described(&after));
        let is_new = old != new;
        if is_new {
            let mut next = State::clone(&state);
            replace(&mut next, &after);
            let forbids = Forbids {
                at_once: takes_away(before, &after),
                ..Forbids::default()
            };
            let audit = audit_row(
                core.live.now(),
                by.audit_name(),
                "site.change",
                &after.fqdn,
                Some(old),
                Some(new),
            );
            core.apply(writer, Change::new(next, audit).forbidding(forbids))
                .await?;
        }
        Ok(ChangedSite {
            site: core.view_site(&after),
            changed: is_new,
        })
    }

    /// Deletes a site with its files; it is out of service at once.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn delete_site(&self, by: &Identity, id: Uuid) -> Result<(), OperationError> {
        let core = self.core.clone();
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let site = site_of(&state, id)?;
        let mut next = State::clone(&state);
        next.sites.retain(|site| site.id != id);
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "site.delete",
            &site.fqdn,
            Some(described(site)),
            None,
        );
        let forbids = Forbids {
            at_once: true,
            ..Forbids::default()
        };
        let files = core.live.site_files().clone();
        blocking(move || {
            if let Err(error) = files.doubt(id) {
                tracing::warn!(site = %id, %error, "if this stops half-way, the site's folder stays");
            }
        })
        .await;
        let change = Change::new(next, audit).forbidding(forbids);
        // Removing the files goes on also when the caller has left.
        let task = tokio::spawn(async move {
            let denied = core.apply(writer, change).await;
            let disk_full = matches!(
                denied,
                Err(OperationError::NotDurable {
                    disk_full: true,
                    ..
                })
            );
            // A site that a restart may bring back keeps its files, but for room to write down
            // that it is gone.
            if denied.is_ok() || disk_full {
                let removing = core.clone();
                blocking(move || removing.settle_site(id)).await;
            }
            if disk_full && core.make_durable().await {
                return Ok(());
            }
            denied
        });
        task.await
            .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}

impl Core {
    /// Removes the folder of a site unless the state holds the site, and the mark that says this
    /// is to be done. Blocks.
    fn settle_site(self: &Arc<Self>, id: Uuid) {
        let files = self.live.site_files();
        if site_of(&self.state.load(), id).is_err()
            && let Err(error) = files.remove_site(id)
        {
            tracing::warn!(site = %id, %error, "the folder of a deleted site is removed at the next start");
            return;
        }
        files.settle(id);
    }

    /// A site with what is observed of it.
    pub(crate) fn view_site(&self, site: &Site) -> Site {
        Site {
            cert_issued: matches!(self.standing(&site.fqdn, self.live.now()), Standing::Good),
            ..site.clone()
        }
    }
}

/// The site with this id.
pub(crate) fn site_of(state: &State, id: Uuid) -> Result<&Site, OperationError> {
    let site = state.sites.iter().find(|site| site.id == id);
    site.ok_or(OperationError::NotFound { what: "Site" })
}

/// Puts a site in the place of its former self.
pub(crate) fn replace(state: &mut State, site: &Site) {
    for old in state.sites.iter_mut().filter(|old| old.id == site.id) {
        *old = site.clone();
    }
}

/// A site as the audit shows it; it holds no secrets.
pub(crate) fn described(site: &Site) -> Value {
    serde_json::to_value(site).unwrap_or(Value::Null)
}

/// The files could not be changed, and the state was not.
pub(crate) fn files_failed(error: SiteFileError) -> OperationError {
    match error {
        SiteFileError::DiskFull => OperationError::DiskFull,
        error => OperationError::Failed {
            step: Step::Directory,
            source: error.into(),
        },
    }
}

/// The first page of a new site. The name is of letters, digits and hyphens.
fn placeholder(name: &SiteName) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{name}</title>\n\
         <h1>{name}</h1>\n<p>This site is ready for its first files.</p>\n</html>\n"
    )
}
