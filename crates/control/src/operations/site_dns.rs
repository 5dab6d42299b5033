//! Whether a name of the owner's leads here: the proof after which its site is served.

use std::net::IpAddr;

use portlama_access::Identity;
use portlama_model::{Hostname, Site, SiteType, State};
use uuid::Uuid;

use crate::change::{Change, audit_row};
use crate::dns::{ResolverAnswer, leads_here, own_among};
use crate::operations::sites::{described, replace, site_of};
use crate::operations::still_may;
use crate::{Control, OperationError, Refusal};

/// What came of looking at the name of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteProof {
    /// It leads here, and the site is served.
    Here {
        /// Whether that was known before.
        already: bool,
        /// Whether the site has its certificate; else it waits for it.
        certificate: bool,
    },
    /// It does not lead here; nothing was changed.
    NotHere {
        /// The name.
        fqdn: Hostname,
        /// Where it should lead.
        expected: IpAddr,
        /// Where it leads.
        found: Vec<IpAddr>,
        /// What was found and what to do, for the owner.
        message: String,
    },
}

impl Control {
    /// Looks where the name of a site leads, and serves the site when it leads here. Nothing is
    /// sent to the addresses found.
    ///
    /// # Errors
    /// When the site does not exist, or is below the base domain and has nothing to prove.
    pub async fn verify_site_dns(
        &self,
        by: &Identity,
        id: Uuid,
    ) -> Result<SiteProof, OperationError> {
        let core = &self.core;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let site = provable(&state, id)?;
        let already = site.dns_verified;
        if !already {
            let answers = core.dns.look(&site.fqdn).await;
            let expected = state.panel.ip;
            let verdict = leads_here(&answers, &own_among(&answers, expected));
            if !verdict.is_here() {
                return Ok(SiteProof::NotHere {
                    message: verdict.explain(&site.fqdn, expected),
                    fqdn: site.fqdn.clone(),
                    expected,
                    found: found(&answers),
                });
            }
            self.note_site_proof(by, id, &site.fqdn).await?;
        }
        core.await_certificate(&site.fqdn).await;
        Ok(SiteProof::Here {
            already,
            certificate: core.view_site(site).cert_issued,
        })
    }

    async fn note_site_proof(
        &self,
        by: &Identity,
        id: Uuid,
        proven: &Hostname,
    ) -> Result<(), OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let before = provable(&state, id)?;
        if before.dns_verified || before.fqdn != *proven {
            return Ok(());
        }
        let after = Site {
            dns_verified: true,
            ..before.clone()
        };
        let mut next = State::clone(&state);
        replace(&mut next, &after);
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "site.verify",
            &after.fqdn,
            Some(described(before)),
            Some(described(&after)),
        );
        core.apply(writer, Change::new(next, audit)).await
    }
}

/// The site with this id, if its name is one of the owner's.
fn provable(state: &State, id: Uuid) -> Result<&Site, OperationError> {
    let site = site_of(state, id)?;
    match site.kind {
        SiteType::Managed => Err(Refusal::NothingToVerify.into()),
        SiteType::Custom => Ok(site),
    }
}

/// All addresses that any resolver gave, each once.
fn found(answers: &[ResolverAnswer]) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = Vec::new();
    for address in answers.iter().flat_map(ResolverAnswer::addresses) {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all
}
