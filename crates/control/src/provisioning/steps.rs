//! What each task does. Every one can be done again.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use portlama_auth::{Password, PasswordHash, TotpSeed};
use portlama_model::{
    Domain, Hostname, OnboardingStatus, Secret, State, Timestamp, User, Username,
};
use portlama_state::StateError;
use serde_json::json;

use super::credentials::{ProvisionResult, Shown, random_password};
use super::task::{ProvisionTask, TaskStatus};
use crate::certifier::obtain::Obtained;
use crate::change::{Change, audit_row, blocking};
use crate::control::Core;
use crate::dns::{leads_here, own_among};
use crate::random::octets;
use crate::return_target::origin;
use crate::{OperationError, desired};

/// How long the task waits for the certificate authority: three names, each of them a minute at
/// a slow one. What is not there by then goes on being asked for, and a further run takes it up.
pub const CERTIFICATE_WAIT: Duration = Duration::from_secs(180);

/// How long the server's own ports have for an answer.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// What a task ends with: a sentence for the admin either way.
type TaskEnd = Result<String, String>;

/// The first account, made and not yet written down.
pub(crate) struct PreparedAdmin {
    /// `None` when the account was there before, with a password somebody knows.
    password: Option<(Secret, PasswordHash)>,
    /// `None` when the account was there before, with a seed.
    seed: Option<TotpSeed>,
}

/// One run. Dropping it ends it, and lets the next one begin.
pub(crate) struct Run {
    core: Arc<Core>,
    /// Who asked for it, for the audit.
    by: String,
    /// What the last task leaves to be told.
    shown: Option<Shown>,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.core.provisioning.progress.stop();
    }
}

impl Run {
    /// The run that [`Progress::begin`](super::Progress::begin) has let begin.
    pub(crate) fn new(core: Arc<Core>, by: String) -> Self {
        Self {
            core,
            by,
            shown: None,
        }
    }

    /// Does the tasks that are not done, in order, until one fails.
    pub(crate) async fn carry_out(mut self) {
        let core = self.core.clone();
        let progress = &core.provisioning.progress;
        for task in ProvisionTask::ALL {
            if progress.is_done(task) && self.still_holds(task).await {
                continue;
            }
            progress.note(task, TaskStatus::Running, task.title().to_owned());
            match self.task(task).await {
                Ok(message) => progress.note(task, TaskStatus::Done, message),
                Err(message) => {
                    tracing::warn!(task = task.id(), message, "the set-up stopped");
                    return progress.fail(task, message);
                }
            }
        }
        if let Some(shown) = self.shown.take() {
            progress.complete(shown);
        }
    }

    /// Whether what an earlier run did is there.
    async fn still_holds(&self, task: ProvisionTask) -> bool {
        match task {
            ProvisionTask::AdminAccount => self.core.provisioning.admin.lock().is_some(),
            ProvisionTask::Certificates => self.uncertified().await.is_none(),
            _ => true,
        }
    }

    /// A name of Portlama's own without a good certificate.
    async fn uncertified(&self) -> Option<Hostname> {
        let core = self.core.clone();
        blocking(move || {
            let state = core.state.load();
            let hosts = own_hosts(state.panel.domain.as_ref()?);
            hosts
                .into_iter()
                .find(|host| !core.has_good_certificate(host))
        })
        .await
    }

    async fn task(&mut self, task: ProvisionTask) -> TaskEnd {
        let domain = self.core.state.load().panel.domain.clone();
        let domain = domain.ok_or("the domain is not known: choose it first")?;
        match task {
            ProvisionTask::TunnelHub => self.tunnel_hub().await,
            ProvisionTask::AdminAccount => self.admin_account().await,
            ProvisionTask::Certificates => self.certificates(&domain).await,
            ProvisionTask::Routes => self.routes(&domain).await,
            ProvisionTask::Checks => self.checks().await,
            ProvisionTask::Finish => self.finish(&domain).await,
        }
    }

    /// Tells the watchers of a task what it is at.
    fn say(&self, task: ProvisionTask, message: String) {
        let progress = &self.core.provisioning.progress;
        progress.note(task, TaskStatus::Running, message);
    }

    /// Agents believe our own authority: its leaf gets the names they dial.
    async fn tunnel_hub(&self) -> TaskEnd {
        let core = self.core.clone();
        let renewed = blocking(move || core.renew_own_certificate(core.live.now())).await;
        match renewed {
            Ok(_) => Ok("agents can prove who this server is".to_owned()),
            Err(error) => Err(format!(
                "this server's own authority could not make a certificate: {error}"
            )),
        }
    }

    /// Makes the first account's secrets. They are written down with the server's completion.
    async fn admin_account(&self) -> TaskEnd {
        let core = &self.core;
        if core.provisioning.admin.lock().is_some() {
            return Ok("the account is ready to be made".to_owned());
        }
        let name = admin_name();
        let exists = core.state.load().users.users.contains_key(&name);
        let mut prepared = PreparedAdmin {
            password: None,
            seed: None,
        };
        if !exists {
            prepared.password = Some(self.new_password().await?);
        }
        if !(exists && self.has_seed(&name).await?) {
            prepared.seed = Some(TotpSeed::from_random(octets()));
        }
        *core.provisioning.admin.lock() = Some(prepared);
        Ok(if exists {
            "the account `admin` is there already and keeps its password".to_owned()
        } else {
            "the account is ready to be made".to_owned()
        })
    }

    async fn new_password(&self) -> Result<(Secret, PasswordHash), String> {
        let secret = random_password();
        let password = Password::parse(&secret).map_err(|error| error.to_string())?;
        let passwords = &self.core.passwords;
        let turn = passwords
            .queue()
            .map_err(|_| "too many people sign in at this moment: try again".to_owned())?;
        let hash = passwords.hash(&turn, password).await;
        Ok((secret, hash))
    }

    async fn has_seed(&self, name: &Username) -> Result<bool, String> {
        let (core, name) = (self.core.clone(), name.clone());
        let found = blocking(move || core.store.runtime().totp().get(&name)).await;
        found
            .map(|seed| seed.is_some())
            .map_err(|error| format!("the runtime database cannot be read: {error}"))
    }

    /// Certificates for the three names. That the names lead here is seen first, because a
    /// refused challenge counts against the authority's limits.
    async fn certificates(&self, domain: &Domain) -> TaskEnd {
        let hosts = own_hosts(domain);
        // All at once: resolvers that are silent cost their whole wait, once.
        join_all(hosts.iter().map(|host| self.leads_here(host)))
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
        let task = ProvisionTask::Certificates;
        let obtained = self
            .core
            .obtain(&hosts, CERTIFICATE_WAIT, |host, verdict| match verdict {
                Ok(()) => self.say(task, format!("{host}: the certificate is here")),
                Err(failure) => self.say(task, format!("{host}: {}", failure.message)),
            })
            .await
            .map_err(|error| error.to_string())?;
        match obtained {
            Obtained::All => Ok("all three names have their certificates".to_owned()),
            Obtained::Pending(hosts) => {
                let mut text = String::new();
                for (host, failure) in hosts {
                    // Asked again too soon, it is not asked: what it said before still holds.
                    let failure = failure.or_else(|| self.core.certifier.failure(&host));
                    let reason = failure.map_or_else(
                        || "the certificate authority has not answered yet".to_owned(),
                        |failure| failure.message,
                    );
                    let separator = if text.is_empty() { "" } else { "; " };
                    // Writing to a text cannot fail.
                    let _ = write!(text, "{separator}{host}: {reason}");
                }
                Err(text)
            }
        }
    }

    async fn leads_here(&self, host: &Hostname) -> Result<(), String> {
        let ip = self.core.state.load().panel.ip;
        let answers = self.core.dns.look(host).await;
        let verdict = leads_here(&answers, &own_among(&answers, ip));
        let text = verdict.explain(host, ip);
        if !verdict.is_here() {
            return Err(text);
        }
        self.say(ProvisionTask::Certificates, text);
        Ok(())
    }

    /// Whether the data plane can serve the complete server.
    async fn routes(&self, domain: &Domain) -> TaskEnd {
        let next = completed(&self.core.state.load());
        let hosts = desired(&next).hosts.len();
        self.core
            .rehearse(Arc::new(next))
            .await
            .map_err(|error| explained(&error))?;
        Ok(format!("{hosts} hosts of {domain} can be served"))
    }

    /// Whether the server answers on its own ports.
    async fn checks(&self) -> TaskEnd {
        match self.core.knock().await {
            None => Ok("nothing listens in this process, so there is nothing to check".to_owned()),
            Some(Ok(())) => Ok("the panel and the port for visitors answer".to_owned()),
            Some(Err(why)) => Err(why),
        }
    }

    /// Puts the server in service: the account and `COMPLETED` in one commit.
    async fn finish(&mut self, domain: &Domain) -> TaskEnd {
        let core = self.core.clone();
        let writer = core.writer().await;
        let state = core.state.load_full();
        if state.panel.onboarding.status != OnboardingStatus::Provisioning {
            return Err("the set-up is not at this point any more".to_owned());
        }
        if let Some(host) = self.uncertified().await {
            return Err(format!(
                "{host} has no certificate any more: run the set-up again"
            ));
        }
        let prepared = core.provisioning.admin.lock().take();
        let prepared = prepared.ok_or("the first account was not made: run the set-up again")?;
        let shown = Shown::new(core.to_tell(domain, &prepared), core.live.now());
        match self.put_in_service(writer, &state, &prepared, &shown).await {
            Ok(()) => {
                self.shown = Some(shown);
                Ok("the server is in service".to_owned())
            }
            Err(why) => {
                *core.provisioning.admin.lock() = Some(prepared);
                Err(why)
            }
        }
    }

    async fn put_in_service(
        &self,
        writer: crate::writer::WriterGuard,
        state: &State,
        prepared: &PreparedAdmin,
        shown: &Shown,
    ) -> Result<(), String> {
        let core = &self.core;
        let name = admin_name();
        self.keep_secrets(prepared, shown).await?;
        let mut next = completed(state);
        if let Some((_, hash)) = &prepared.password {
            let user = first_account(hash)?;
            next.users.users.insert(name.clone(), user);
        }
        let before = json!({ "status": state.panel.onboarding.status });
        let after = json!({ "status": next.panel.onboarding.status, "account": name.as_str() });
        let audit = audit_row(
            core.live.now(),
            self.by.clone(),
            "onboarding.complete",
            state.panel.domain.as_ref().map_or("", Domain::as_str),
            Some(before),
            Some(after),
        );
        let applied = core.apply(writer, Change::new(next, audit)).await;
        applied.map_err(|error| explained(&error))
    }

    /// Writes down what must outlive a crash right after the commit. Before the account it opens
    /// nothing, and a start without one removes it.
    async fn keep_secrets(&self, prepared: &PreparedAdmin, shown: &Shown) -> Result<(), String> {
        let runtime = self.core.store.runtime().clone();
        let seed = prepared.seed.as_ref().map(TotpSeed::to_base32);
        let secrets = shown.to_keep();
        let kept = blocking(move || {
            if let Some(seed) = seed {
                runtime.totp().set(&admin_name(), &seed)?;
            }
            secrets.map_or(Ok(()), |secrets| runtime.first_account().keep(&secrets))
        });
        kept.await
            .map_err(|error| format!("the first account's secrets could not be kept: {error}"))
    }
}

impl Core {
    /// Shows the first account's secrets again after a restart, as long as nobody acknowledged
    /// them and their time is not over; removes what is left of them otherwise.
    pub(crate) fn recall_first_account(&self, now: Timestamp) -> Result<(), StateError> {
        let kept = self.store.runtime().first_account();
        let Some(secrets) = kept.get()? else {
            return Ok(());
        };
        let state = self.state.load();
        let domain = state.panel.domain.as_ref();
        let domain =
            domain.filter(|_| state.panel.onboarding.status == OnboardingStatus::Completed);
        let nothing = PreparedAdmin {
            password: None,
            seed: None,
        };
        let shown =
            domain.and_then(|domain| Shown::recalled(self.to_tell(domain, &nothing), secrets, now));
        match shown {
            Some(shown) => self.provisioning.progress.recall(shown),
            // A full disk is no reason not to start; the sweep takes them when their time is over.
            None => {
                if let Err(error) = kept.forget() {
                    tracing::warn!(%error, "the first account's secrets could not be removed yet");
                }
            }
        }
        Ok(())
    }

    fn to_tell(&self, domain: &Domain, prepared: &PreparedAdmin) -> ProvisionResult {
        let name = admin_name();
        let port = self.settings.https_port;
        let password = prepared.password.as_ref();
        ProvisionResult {
            admin_password: password.map(|(secret, _)| secret.clone()),
            admin_totp_uri: prepared.seed.as_ref().map(|seed| seed.uri(&name)),
            admin_username: name,
            panel_url: origin(&domain.panel(), port),
            auth_url: origin(&domain.auth(), port),
        }
    }
}

/// The names that Portlama itself needs.
pub(crate) fn own_hosts(domain: &Domain) -> [Hostname; 3] {
    [domain.panel(), domain.auth(), domain.tunnel()]
}

fn completed(state: &State) -> State {
    let mut next = state.clone();
    next.panel.onboarding.status = OnboardingStatus::Completed;
    next
}

/// The first account's name.
pub(crate) fn admin_name() -> Username {
    "admin".parse().expect("`admin` is a user name")
}

fn first_account(hash: &PasswordHash) -> Result<User, String> {
    let wrong = |error: portlama_model::ParseError| error.to_string();
    Ok(User {
        displayname: "admin".parse().map_err(wrong)?,
        email: "admin@portlama.local".parse().map_err(wrong)?,
        password: hash.expose().clone(),
        groups: vec!["admins".parse().map_err(wrong)?],
        disabled: false,
        extra: serde_json::Map::new(),
    })
}

/// An error with its cause: the reader is the owner of the server.
fn explained(error: &OperationError) -> String {
    match error {
        OperationError::Failed { source, .. } => format!("{error}: {source}"),
        error => error.to_string(),
    }
}
