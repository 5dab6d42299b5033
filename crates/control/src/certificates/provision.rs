//! The certificates that a change serves, and what it writes for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use portlama_model::{Desired, Hostname, Timestamp};
use portlama_state::{Commit, FilePath, StateDir};

use super::leaf::{HostIssuer, NewCertificate, needs_renewal};
use super::stored::{load_folder, load_host};
use crate::http::BoxError;
use crate::{Activation, DataPlane, HostCertificate, HostCertificates, PrepareError};

/// What is provided beside the certificates that are served already.
pub(crate) enum Provide {
    /// For hosts that have none: what is stored, or a new one where an issuer is at hand.
    Missing,
    /// The same, and new ones where renewal is due and an issuer is at hand.
    Due,
    /// For hosts that have none, and this one, which was issued outside of the change.
    This(Hostname, NewCertificate),
}

/// Where certificates come from.
pub(crate) struct Sources<'a> {
    /// Those that are served.
    pub(crate) present: &'a Arc<HostCertificates>,
    /// The hosts for which the disk was asked before.
    pub(crate) before: &'a Desired,
    /// Where certificates are stored.
    pub(crate) dir: &'a StateDir,
    /// Who issues at once, if anybody does.
    pub(crate) issuer: Option<&'a dyn HostIssuer>,
}

/// The certificates that a desire needs: those that are there, and new ones. A host that has
/// none waits for the [certifier](crate::certifier).
pub(crate) struct Provision {
    pub(crate) certificates: Arc<HostCertificates>,
    new: Vec<(Hostname, NewCertificate)>,
    /// Hosts whose certificate was found on the disk.
    found: BTreeSet<Hostname>,
    /// What was found and cannot be used, and why.
    pub(crate) broken: Vec<(Hostname, String)>,
    /// Hosts that are gone, whose certificates can be had again at any time: one of a public
    /// authority is kept, because getting another one is rationed.
    gone: Vec<Hostname>,
}

impl Provision {
    pub(crate) fn of(
        desired: &Desired,
        sources: &Sources<'_>,
        provide: Provide,
        now: Timestamp,
    ) -> Result<Self, (Hostname, BoxError)> {
        let mut provision = Self {
            certificates: sources.present.clone(),
            new: Vec::new(),
            found: BTreeSet::new(),
            broken: Vec::new(),
            gone: Vec::new(),
        };
        provision.forget(desired, sources);
        let due = matches!(provide, Provide::Due);
        if let Provide::This(host, new) = provide {
            provision.take(desired, host, new);
        }
        let renew = |leaf: &HostCertificate| sources.issuer.is_some() && needs_renewal(leaf, now);
        for host in desired.hosts.keys() {
            let served = provision.certificates.get(host);
            if served.is_some_and(|leaf| !due || !renew(leaf)) {
                continue;
            }
            let asked = served.is_some() || sources.before.hosts.contains_key(host);
            if !asked && provision.find(host, sources.dir, renew) {
                continue;
            }
            provision.issue(host, sources, now)?;
        }
        Ok(provision)
    }

    /// Lets `plane` make ready what is provided. A stored certificate that it refuses is replaced
    /// where an issuer is at hand; else its host has none.
    pub(crate) fn prepare(
        &mut self,
        plane: &dyn DataPlane,
        desired: &Arc<Desired>,
        sources: &Sources<'_>,
        now: Timestamp,
    ) -> Result<Box<dyn Activation>, PrepareError> {
        loop {
            let refused = match plane.prepare(desired.clone(), &self.certificates) {
                Ok(activation) => return Ok(activation),
                Err(refused) => refused,
            };
            match &refused.host {
                Some(host) if self.found.remove(host) => {
                    Arc::make_mut(&mut self.certificates).remove(host);
                    self.note(host, refused.reason);
                    self.issue(host, sources, now)
                        .map_err(|(host, error)| PrepareError {
                            host: Some(host),
                            reason: error.to_string(),
                        })?;
                }
                _ => return Err(refused),
            }
        }
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_stored(&self) -> bool {
        self.new.is_empty() && self.gone.is_empty()
    }

    /// Adds the files of the new certificates, and takes out those of hosts that are gone.
    pub(crate) fn write_into(&self, mut commit: Commit) -> Commit {
        for (host, new) in &self.new {
            for (path, bytes) in new.host_files(host) {
                commit = commit.write(&path, bytes);
            }
        }
        for host in &self.gone {
            commit = commit
                .remove(&FilePath::host_chain(host))
                .remove(&FilePath::host_key(host));
        }
        commit
    }

    /// Lets go of what is stored for hosts that are gone since it was stored.
    pub(crate) fn forget_stored(
        &mut self,
        stored: Vec<Hostname>,
        desired: &Desired,
        sources: &Sources<'_>,
    ) {
        let Some(issuer) = sources.issuer else {
            return;
        };
        let left = stored
            .into_iter()
            .filter(|host| !desired.hosts.contains_key(host));
        let ours = |host: &Hostname| {
            load_folder(sources.dir, host)
                .is_ok_and(|leaf| leaf.is_some_and(|leaf| issuer.made(&leaf)))
        };
        self.gone.extend(left.filter(ours));
    }

    fn forget(&mut self, desired: &Desired, sources: &Sources<'_>) {
        let gone: Vec<Hostname> = sources
            .present
            .keys()
            .filter(|host| !desired.hosts.contains_key(*host))
            .cloned()
            .collect();
        for host in gone {
            let leaf = Arc::make_mut(&mut self.certificates).remove(&host);
            if leaf.is_some_and(|leaf| sources.issuer.is_some_and(|issuer| issuer.made(&leaf))) {
                self.gone.push(host);
            }
        }
    }

    /// Takes what is stored for `host`; whether that serves.
    fn find(
        &mut self,
        host: &Hostname,
        dir: &StateDir,
        renew: impl Fn(&HostCertificate) -> bool,
    ) -> bool {
        match load_host(dir, host) {
            Ok(Some(leaf)) if !renew(&leaf) => {
                let certificates = Arc::make_mut(&mut self.certificates);
                certificates.insert(host.clone(), Arc::new(leaf));
                self.found.insert(host.clone());
                true
            }
            Ok(_) => false,
            Err(problem) => {
                self.note(host, problem);
                false
            }
        }
    }

    fn issue(
        &mut self,
        host: &Hostname,
        sources: &Sources<'_>,
        now: Timestamp,
    ) -> Result<(), (Hostname, BoxError)> {
        let Some(issuer) = sources.issuer else {
            return Ok(());
        };
        let new = issuer.issue(host, now);
        let new = new.map_err(|error| (host.clone(), error))?;
        let certificates = Arc::make_mut(&mut self.certificates);
        certificates.insert(host.clone(), new.certificate.clone());
        self.new.push((host.clone(), new));
        Ok(())
    }

    fn note(&mut self, host: &Hostname, problem: String) {
        tracing::warn!(%host, problem, "the stored certificate cannot be used");
        self.broken.push((host.clone(), problem));
    }

    /// A host that nobody wants yet is stored for the day when somebody does.
    fn take(&mut self, desired: &Desired, host: Hostname, new: NewCertificate) {
        if desired.hosts.contains_key(&host) {
            let certificates = Arc::make_mut(&mut self.certificates);
            certificates.insert(host.clone(), new.certificate.clone());
        }
        self.new.push((host, new));
    }
}
