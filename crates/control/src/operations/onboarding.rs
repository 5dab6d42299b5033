//! The first set-up: a domain, the proof that it leads here, and the run that puts the server
//! in service.

use std::net::IpAddr;
use std::sync::Arc;

use portlama_access::Identity;
use portlama_model::{Domain, Email, Hostname, OnboardingStatus, State, Timestamp};
use serde_json::json;
use tokio::sync::broadcast;

use crate::change::{Change, audit_row, blocking, not_done};
use crate::dns::{ResolverAnswer, Verdict, leads_here, own_among};
use crate::operations::still_may;
use crate::provisioning::{AlreadyRunning, Run, admin_name, own_hosts};
use crate::{
    Control, OperationError, ProvisionEvent, ProvisionFailure, ProvisionResult, ProvisionView,
};

/// What the DNS says of the domain.
#[derive(Debug, Clone)]
pub struct DnsCheck {
    /// The domain.
    pub domain: Domain,
    /// The address under which the server is known.
    pub expected: IpAddr,
    /// Whether the domain leads here. The server goes on when it does.
    pub verdict: Verdict,
    /// Whether names below it that nobody gave a record do.
    pub wildcard: Verdict,
    /// The domain's addresses.
    pub resolved: Vec<IpAddr>,
    /// The addresses of such a name.
    pub wildcard_resolved: Vec<IpAddr>,
    /// What is so and what to do about it.
    pub message: String,
    /// Whether each of the names that Portlama itself needs leads here.
    pub names: Vec<(Hostname, Verdict)>,
    /// What each resolver says of the domain, and the addresses it gives the wildcard.
    pub resolvers: Vec<(ResolverAnswer, Vec<IpAddr>)>,
}

impl Control {
    /// Chooses the domain, or another one while nothing was seen of it.
    ///
    /// # Errors
    /// When the set-up has gone further.
    pub async fn set_domain(
        &self,
        by: &Identity,
        domain: Domain,
        email: Email,
    ) -> Result<(), OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        match state.panel.onboarding.status {
            OnboardingStatus::Fresh | OnboardingStatus::DomainSet => {}
            status => {
                return Err(OperationError::WrongStage {
                    message: "the domain is fixed once it was seen to lead here".to_owned(),
                    status,
                });
            }
        }
        let mut next = State::clone(&state);
        next.panel.domain = Some(domain);
        next.panel.email = Some(email);
        next.panel.onboarding.status = OnboardingStatus::DomainSet;
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "onboarding.domain",
            next.panel.domain.as_ref().map_or("", Domain::as_str),
            Some(chosen(&state)),
            Some(chosen(&next)),
        );
        core.apply(writer, Change::new(next, audit)).await
    }

    /// Looks whether the domain leads here; the set-up goes on when it does.
    ///
    /// # Errors
    /// When no domain was chosen, or the set-up has gone further.
    pub async fn verify_dns(&self, by: &Identity) -> Result<DnsCheck, OperationError> {
        let core = &self.core;
        let domain = domain_to_verify(&core.state.load())?;
        let check = self.look_at(&domain).await;
        if !check.verdict.is_here() {
            return Ok(check);
        }
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        if domain_to_verify(&state)? != domain {
            return Err(OperationError::WrongStage {
                message: "another domain was chosen meanwhile: verify that one".to_owned(),
                status: state.panel.onboarding.status,
            });
        }
        if state.panel.onboarding.status == OnboardingStatus::DnsReady {
            return Ok(check);
        }
        let mut next = State::clone(&state);
        next.panel.onboarding.status = OnboardingStatus::DnsReady;
        let audit = audit_row(
            core.live.now(),
            by.audit_name(),
            "onboarding.dns",
            &domain,
            Some(chosen(&state)),
            Some(chosen(&next)),
        );
        core.apply(writer, Change::new(next, audit)).await?;
        Ok(check)
    }

    async fn look_at(&self, domain: &Domain) -> DnsCheck {
        let core = &self.core;
        let expected = core.state.load().panel.ip;
        let probe = domain.wildcard_probe();
        let hosts = own_hosts(domain);
        let (base, wildcard, names) = tokio::join!(
            core.dns.look(domain.hostname()),
            core.dns.look(&probe),
            futures_util::future::join_all(hosts.iter().map(|host| core.dns.look(host))),
        );
        let judge = |answers: &[ResolverAnswer]| leads_here(answers, &own_among(answers, expected));
        let names: Vec<(Hostname, Verdict)> = hosts
            .into_iter()
            .zip(names.iter().map(|answers| judge(answers)))
            .collect();
        let (verdict, below) = (judge(&base), judge(&wildcard));
        let of_probe = |answer: &ResolverAnswer| {
            let same = wildcard
                .iter()
                .find(|other| other.address == answer.address);
            same.map_or_else(Vec::new, |found| found.addresses().collect())
        };
        DnsCheck {
            message: message(domain, expected, &verdict, &below, &names),
            resolved: addresses(&base),
            wildcard_resolved: addresses(&wildcard),
            resolvers: base
                .iter()
                .map(|answer| (answer.clone(), of_probe(answer)))
                .collect(),
            domain: domain.clone(),
            expected,
            verdict,
            wildcard: below,
            names,
        }
    }

    /// Begins the run that puts the server in service, or takes up one that failed.
    ///
    /// # Errors
    /// When the domain was not seen to lead here, or a run is under way.
    pub async fn provision(&self, by: &Identity) -> Result<(), OperationError> {
        let core = &self.core;
        let writer = core.writer().await;
        let state = core.state.load_full();
        still_may(&state, by, None)?;
        let status = state.panel.onboarding.status;
        let wrong = |message: &str| OperationError::WrongStage {
            message: message.to_owned(),
            status,
        };
        match status {
            OnboardingStatus::DnsReady | OnboardingStatus::Provisioning => {}
            OnboardingStatus::Completed => return Err(wrong("the set-up is complete")),
            _ => {
                return Err(wrong(
                    "the domain was not seen to lead here: verify it first",
                ));
            }
        }
        core.provisioning
            .progress
            .begin()
            .map_err(|AlreadyRunning| wrong("a run is under way"))?;
        let run = Run::new(core.clone(), by.audit_name());
        if status == OnboardingStatus::DnsReady {
            let mut next = State::clone(&state);
            next.panel.onboarding.status = OnboardingStatus::Provisioning;
            let audit = audit_row(
                core.live.now(),
                by.audit_name(),
                "onboarding.provision",
                state.panel.domain.as_ref().map_or("", Domain::as_str),
                Some(chosen(&state)),
                Some(chosen(&next)),
            );
            core.apply(writer, Change::new(next, audit)).await?;
        } else {
            drop(writer);
        }
        let stop = self.stop.clone();
        // The server's shutdown ends it between two steps; what is committed stays.
        self.tasks.spawn(async move {
            stop.run_until_cancelled(run.carry_out()).await;
        });
        Ok(())
    }

    /// Where the run stands, and everything that happens from there on. Whoever falls behind by
    /// [`MAX_WAITING_FRAMES`](crate::MAX_WAITING_FRAMES) misses some.
    #[must_use]
    pub fn watch_provisioning(&self) -> (ProvisionView, broadcast::Receiver<ProvisionEvent>) {
        self.core.provisioning.progress.watch(self.core.live.now())
    }

    /// Where the run stands.
    #[must_use]
    pub fn provisioning(&self) -> ProvisionView {
        self.core.provisioning.progress.view(self.core.live.now())
    }

    /// What the last run failed at.
    #[must_use]
    pub fn provisioning_failure(&self) -> Option<ProvisionFailure> {
        self.core.provisioning.progress.failure()
    }

    /// The first account's secrets, until they are acknowledged or their time is over.
    ///
    /// # Errors
    /// When the set-up is not complete, or there is nothing to read any more.
    pub fn provisioning_result(&self) -> Result<ProvisionResult, OperationError> {
        let readable = self
            .core
            .provisioning
            .progress
            .readable(self.core.live.now());
        readable.ok_or_else(|| self.nothing_to_read())
    }

    /// Until when there are such secrets to read; `None` when there are none.
    #[must_use]
    pub fn provisioning_result_until(&self) -> Option<Timestamp> {
        let progress = &self.core.provisioning.progress;
        progress.readable_until(self.core.live.now())
    }

    /// Forgets the first account's secrets, because the admin has them: on the disk first.
    ///
    /// # Errors
    /// As [`provisioning_result`](Self::provisioning_result); and when they cannot be removed from
    /// the disk, so that they are there still.
    pub async fn acknowledge_provisioning(&self, by: &Identity) -> Result<(), OperationError> {
        let core: &Arc<_> = &self.core;
        still_may(&core.state.load(), by, None)?;
        self.provisioning_result()?;
        let runtime = core.store.runtime().clone();
        blocking(move || runtime.first_account().forget())
            .await
            .map_err(not_done)?;
        if core.provisioning.progress.acknowledge(core.live.now()) {
            return Ok(());
        }
        Err(self.nothing_to_read())
    }

    fn nothing_to_read(&self) -> OperationError {
        let state = self.core.state.load();
        let message = match state.panel.onboarding.status {
            // As after `init --domain … --certificates internal`, which makes no account.
            OnboardingStatus::Completed if !state.users.users.contains_key(&admin_name()) => {
                "the set-up made no account `admin`, or it was deleted: add a user, or send an \
                 invitation"
            }
            OnboardingStatus::Completed => {
                "the first account's password is not kept any longer: give the account \
                 a new password and a new one-time code"
            }
            status => {
                return OperationError::WrongStage {
                    message: "the set-up is not complete".to_owned(),
                    status,
                };
            }
        };
        OperationError::Gone {
            message: message.to_owned(),
        }
    }
}

fn domain_to_verify(state: &State) -> Result<Domain, OperationError> {
    let status = state.panel.onboarding.status;
    let wrong = |message: &str| OperationError::WrongStage {
        message: message.to_owned(),
        status,
    };
    match (status, &state.panel.domain) {
        (OnboardingStatus::DomainSet | OnboardingStatus::DnsReady, Some(domain)) => {
            Ok(domain.clone())
        }
        (OnboardingStatus::Provisioning | OnboardingStatus::Completed, _) => {
            Err(wrong("the domain was verified before"))
        }
        _ => Err(wrong("no domain was chosen: choose it first")),
    }
}

fn addresses(answers: &[ResolverAnswer]) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = answers.iter().flat_map(ResolverAnswer::addresses).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// One of four: both fine; no wildcard; a wrong address; none at all.
fn message(
    domain: &Domain,
    expected: IpAddr,
    verdict: &Verdict,
    wildcard: &Verdict,
    names: &[(Hostname, Verdict)],
) -> String {
    let base = verdict.explain(domain.hostname(), expected);
    if !verdict.is_here() {
        return base;
    }
    if wildcard.is_here() {
        return format!("{base}, and so does every name below it");
    }
    let missing: Vec<&str> = names
        .iter()
        .filter(|(_, verdict)| !verdict.is_here())
        .map(|(host, _)| host.as_str())
        .collect();
    let kind = if expected.is_ipv4() { "A" } else { "AAAA" };
    let way_out = format!(
        "add an {kind} record for *.{domain} with the value {expected}, or one for each app"
    );
    if missing.is_empty() {
        format!("{base}; names below it do not: {way_out}")
    } else {
        format!(
            "{base}; names below it do not, and the set-up needs {}: {way_out}",
            missing.join(", ")
        )
    }
}

fn chosen(state: &State) -> serde_json::Value {
    let panel = &state.panel;
    json!({
        "domain": panel.domain,
        "email": panel.email,
        "status": panel.onboarding.status,
    })
}
