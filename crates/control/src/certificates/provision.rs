//! The certificates that a change serves, and what it writes for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use portlama_model::{Desired, Hostname, Timestamp};
use portlama_state::{Commit, FilePath, MAX_FILE_BYTES, StateDir};

use super::leaf::{HostIssuer, NewCertificate, needs_renewal};
use super::stored::{load_folder, load_host};
use crate::http::BoxError;
use crate::{Activation, DataPlane, HostCertificate, HostCertificates, PrepareError};

/// How many octets of new certificates one commit carries: a quarter of what fits into its record.
const MAX_CERTIFICATES_BYTES: usize = MAX_FILE_BYTES / 4;

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
        let taken = provision.new.first().map(|(host, _)| host.clone());
        // Where every host has its certificate, only those can lack one that changed.
        let complete = sources.present.len() == sources.before.hosts.len();
        let hosts = match complete && !due {
            true => sources.before.hosts.changed(&desired.hosts, PartialEq::eq),
            false => desired.hosts.keys().collect(),
        };
        for host in hosts {
            let served = sources.present.get(host);
            let has_one = served.is_some_and(|leaf| !due || !renew(leaf));
            if has_one || taken.as_ref() == Some(host) || !desired.hosts.contains_key(host) {
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

    /// A change with the files of the new certificates, and without those of hosts that are gone.
    ///
    /// What does not fit into one commit is stored ahead of it, in further ones: what lies there
    /// for a host that is not served yet is found when it is. So is everything where the change
    /// goes into a log, which takes no files.
    pub(crate) fn write_with(&self, change: Commit) -> (Vec<Commit>, Commit) {
        let mut ahead = parts(&self.new);
        let last = if change.is_logged() {
            None
        } else {
            ahead.pop()
        };
        let mut change = with_certificates(change, last.unwrap_or_default());
        for host in &self.gone {
            change = change
                .remove(&FilePath::host_chain(host))
                .remove(&FilePath::host_key(host));
        }
        let ahead = ahead.into_iter();
        let ahead = ahead.map(|part| with_certificates(Commit::new(), part));
        (ahead.collect(), change)
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
        // A certificate is there for hosts that were served alone.
        let changed = sources.before.hosts.changed(&desired.hosts, PartialEq::eq);
        let is_gone = |host: &&Hostname| {
            !desired.hosts.contains_key(*host) && sources.present.contains_key(*host)
        };
        for host in changed.into_iter().filter(is_gone) {
            let leaf = Arc::make_mut(&mut self.certificates).remove(host);
            if leaf.is_some_and(|leaf| sources.issuer.is_some_and(|issuer| issuer.made(&leaf))) {
                self.gone.push(host.clone());
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

fn with_certificates(commit: Commit, new: &[(Hostname, NewCertificate)]) -> Commit {
    let files = new.iter().flat_map(|(host, new)| new.host_files(host));
    files.fold(commit, |commit, (path, bytes)| commit.write(&path, bytes))
}

/// Parts that one commit each can carry.
fn parts(new: &[(Hostname, NewCertificate)]) -> Vec<&[(Hostname, NewCertificate)]> {
    let mut bytes = 0;
    let together = |(_, one): &(_, NewCertificate), (_, next): &(_, NewCertificate)| {
        bytes += one.stored_bytes();
        let fits = bytes + next.stored_bytes() <= MAX_CERTIFICATES_BYTES;
        if !fits {
            bytes = 0;
        }
        fits
    };
    // The sum is kept from the first to the last, so they are taken in that order alone.
    new.chunk_by(together).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(host: usize, bytes: usize) -> (Hostname, NewCertificate) {
        let host = format!("app-{host}.lab.example.org").parse();
        (host.expect("a name"), NewCertificate::of_size(bytes))
    }

    /// How large each part is, in mebibytes, of certificates that are so large.
    fn sizes(certificates: &[usize]) -> Vec<usize> {
        let sized = certificates.iter().enumerate();
        let new: Vec<_> = sized.map(|(host, size)| new(host, size << 20)).collect();
        let all = parts(&new).into_iter().flatten().map(|(host, _)| host);
        assert!(all.eq(new.iter().map(|(host, _)| host)));
        let size = |part: &[(Hostname, NewCertificate)]| {
            let bytes = part.iter().map(|(_, one)| one.stored_bytes());
            bytes.sum::<usize>() >> 20
        };
        parts(&new).into_iter().map(size).collect()
    }

    #[test]
    fn certificates_are_stored_in_parts_of_at_most_a_quarter_of_a_record() {
        assert_eq!(MAX_CERTIFICATES_BYTES, 4 << 20);
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[1, 1, 2]), [4]);
        assert_eq!(sizes(&[1, 1, 1, 2, 3, 1, 1]), [3, 2, 4, 1]);
        // What is too large by itself must not hold up the others.
        assert_eq!(sizes(&[5, 1, 5]), [5, 1, 5]);
    }

    #[test]
    fn what_goes_ahead_and_what_goes_with_the_change_is_everything() {
        let provision = Provision {
            certificates: Arc::default(),
            new: (0..9).map(|host| new(host, 1 << 20)).collect(),
            found: BTreeSet::new(),
            broken: Vec::new(),
            gone: Vec::new(),
        };
        let (mut commits, change) = provision.write_with(Commit::new());
        commits.push(change);
        let named: Vec<String> = commits.iter().map(|commit| format!("{commit:?}")).collect();
        assert_eq!(named.len(), 3);
        for host in 0..9 {
            let name = format!("certificates/app-{host}.lab.example.org/fullchain.pem");
            assert_eq!(named.concat().matches(&name).count(), 1, "{named:?}");
        }
    }
}
