//! The eleven steps, one after the other.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use portlama_api::client::{ClientIdentity, PanelClient};
use portlama_model::Secret;
use portlama_pki::{AgentKey, ClientFile};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::clean::take_away;
use super::means::Means;
use super::remote::{Installed, LOGIN_COMMENT, Remote};
use super::user_data::user_data;
use super::{Event, Failure, Operation, Plan, ProvisionError, Step};
use crate::binary;
use crate::digitalocean::DropletStatus;
use crate::registry::{AuthMethod, DIGITALOCEAN, ServerEntry};
use crate::ssh::{HostKey, Ssh, SshError, SshKeyPair};
use crate::token::{Verdict, examine};

/// What stands on the admin's file in browsers and keychains.
const FRIENDLY_NAME: &str = "Portlama admin";
/// Random octets in the password of the admin's file.
const PASSWORD_BYTES: usize = 20;
/// How long one question to the new panel may take.
const PANEL_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// The keys of one provisioning. None of them is ever written to a disk here.
struct Keys {
    /// For the installation.
    login: SshKeyPair,
    /// The machine's, until it makes its own.
    host: SshKeyPair,
    /// The admin's.
    admin: AgentKey,
}

/// A provisioning under way.
struct Run<'a> {
    means: &'a Means<'a>,
    plan: &'a Plan,
    cancel: &'a CancellationToken,
    on_event: &'a mut (dyn FnMut(Event) + Send),
    operation: Operation,
    step: Step,
}

impl Means<'_> {
    /// Makes a server, or leaves nothing behind. Every step is told; the last that is told is
    /// [`Event::Complete`] or [`Event::Error`]. `accepted` are scopes in excess that the owner of
    /// the token takes upon themselves. `cancel` ends it at the next moment at which it is known
    /// what exists.
    ///
    /// Dropping this, like the death of the process, leaves what was made: [`Recovery`] finds it.
    ///
    /// [`Recovery`]: super::Recovery
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn provision(
        &self,
        plan: &Plan,
        accepted: &[String],
        cancel: &CancellationToken,
        on_event: &mut (dyn FnMut(Event) + Send),
    ) -> Result<ServerEntry, Failure> {
        let operation = Operation::new(plan.label.clone(), plan.region.clone(), (self.now)());
        let mut run = Run {
            means: self,
            plan,
            cancel,
            on_event,
            operation,
            step: Step::ValidateToken,
        };
        match run.turn(accepted).await {
            Ok(server) => {
                (run.on_event)(Event::Complete {
                    server: Box::new(server.clone()),
                });
                Ok(server)
            }
            Err(failure) => {
                (run.on_event)(Event::Error {
                    step: failure.step,
                    message: failure.message(),
                    recoverable: failure.left.is_empty(),
                    left: failure.left.clone(),
                });
                Err(failure)
            }
        }
    }
}

impl Run<'_> {
    /// The steps, and after a failure the way back.
    async fn turn(&mut self, accepted: &[String]) -> Result<ServerEntry, Failure> {
        let fail = |step, error| Failure {
            step,
            error,
            left: Vec::new(),
        };
        let turn = self.means.home.take_turn();
        let _turn = turn.map_err(|error| fail(self.step, busy(error)))?;
        let outcome = Box::pin(self.steps(accepted)).await;
        let outcome = outcome.map_err(|error| fail(self.step, error));
        match outcome {
            Ok(server) => Ok(server),
            Err(failure) => Err(Failure {
                left: take_away(self.means, &self.operation).await,
                ..failure
            }),
        }
    }

    async fn steps(&mut self, accepted: &[String]) -> Result<ServerEntry, ProvisionError> {
        self.validate_token(accepted).await?;
        let keys = self.generate_keys()?;
        let key = self.upload_key(&keys).await?;
        let droplet = self.create_droplet(&keys, key).await?;
        let address = self.wait_for_droplet(droplet).await?;
        let ssh = self.wait_for_ssh(address, &keys).await?;
        let installed = self.install(&ssh, address, &keys.admin).await?;
        let file = self.retrieve(&installed, keys.admin)?;
        let host_key = self.enroll(address, &file, ssh, &keys.login).await?;
        let server = self.save(droplet, address, &file, &host_key)?;
        self.clean_up(key).await;
        Ok(server)
    }

    async fn validate_token(&mut self, accepted: &[String]) -> Result<(), ProvisionError> {
        self.begin(Step::ValidateToken);
        binary::check(&self.plan.binary)?;
        let servers = self.means.home.registry().read()?;
        servers.may_have(&self.plan.label)?;
        let examining = examine(self.means.digital_ocean, accepted);
        let found = unless(self.cancel, examining).await??;
        if !found.verdict.is_valid() {
            return Err(ProvisionError::Token(unfit(&found.verdict)));
        }
        for warning in found.warnings() {
            self.goes_on(json!({ "warning": warning }));
        }
        self.operation.account = found.account.map(|account| account.email);
        self.done(None);
        Ok(())
    }

    fn generate_keys(&mut self) -> Result<Keys, ProvisionError> {
        self.begin(Step::GenerateSshKey);
        let admin = AgentKey::generate();
        let keys = Keys {
            login: SshKeyPair::generate(LOGIN_COMMENT)?,
            host: SshKeyPair::generate("")?,
            admin: admin.map_err(|error| ProvisionError::Credentials(error.to_string()))?,
        };
        self.done(None);
        Ok(keys)
    }

    /// Not cut short by a cancellation: what was asked for has to be known.
    async fn upload_key(&mut self, keys: &Keys) -> Result<u64, ProvisionError> {
        self.begin(Step::UploadSshKey);
        self.check_cancelled()?;
        let public = keys.login.public_openssh()?;
        self.operation.public_key = Some(public.clone());
        self.write_journal()?;
        let name = self.operation.id.key_name();
        let key = match self.means.digital_ocean.create_key(&name, &public).await {
            Ok(key) => key,
            Err(error) => {
                // A clear refusal: there is nothing to look for.
                if !error.may_have_been_done() {
                    self.operation.public_key = None;
                }
                return Err(error.into());
            }
        };
        self.done(Some(json!({ "keyId": key.id.to_string() })));
        Ok(key.id)
    }

    /// Not cut short by a cancellation, as above.
    async fn create_droplet(&mut self, keys: &Keys, key: u64) -> Result<u64, ProvisionError> {
        self.begin(Step::CreateDroplet);
        self.check_cancelled()?;
        let user_data = user_data(&keys.host)?;
        let new = self.plan.droplet(self.operation.id, key, user_data);
        self.operation.droplet_asked = true;
        self.write_journal()?;
        let droplet = match self.means.digital_ocean.create_droplet(&new).await {
            Ok(droplet) => droplet,
            Err(error) => {
                // A clear refusal: there is nothing to look for.
                self.operation.droplet_asked = error.may_have_been_done();
                return Err(error.into());
            }
        };
        self.operation.droplet = Some(droplet.id);
        self.write_journal()?;
        self.done(Some(json!({ "dropletId": droplet.id.to_string() })));
        Ok(droplet.id)
    }

    async fn wait_for_droplet(&mut self, id: u64) -> Result<Ipv4Addr, ProvisionError> {
        self.begin(Step::WaitDroplet);
        let limit = self.means.pace.boot;
        let deadline = Instant::now() + limit;
        let address = loop {
            let looking = self.means.digital_ocean.droplet(id);
            let droplet = unless(self.cancel, looking).await??;
            match (droplet.status, droplet.public_address()) {
                (DropletStatus::Active, Some(address)) => break address,
                (DropletStatus::Off | DropletStatus::Archive, _) => {
                    return Err(ProvisionError::WentAway);
                }
                _ if Instant::now() >= deadline => return Err(ProvisionError::NotUp(limit)),
                _ => unless(self.cancel, sleep(self.means.pace.look)).await?,
            }
        };
        self.done(Some(json!({ "ip": address })));
        Ok(address)
    }

    async fn wait_for_ssh(
        &mut self,
        address: Ipv4Addr,
        keys: &Keys,
    ) -> Result<Ssh, ProvisionError> {
        self.begin(Step::WaitSsh);
        let address = SocketAddr::new(address.into(), self.means.ports.ssh);
        let host_key = keys.host.host_key();
        let knocking = self.knock(address, &keys.login, &host_key, SshError::may_pass);
        let ssh = unless(self.cancel, knocking).await??;
        self.done(None);
        Ok(ssh)
    }

    /// Connects as soon as the machine lets us in. Refusals that `may_pass` are waited out.
    async fn knock(
        &self,
        address: SocketAddr,
        login: &SshKeyPair,
        host_key: &HostKey,
        may_pass: impl Fn(&SshError) -> bool,
    ) -> Result<Ssh, ProvisionError> {
        let pace = &self.means.pace;
        let deadline = Instant::now() + pace.let_in;
        loop {
            let error = match Ssh::connect(address, login, host_key).await {
                Ok(ssh) => return Ok(ssh),
                Err(error) if may_pass(&error) => error,
                Err(error) => return Err(error.into()),
            };
            if Instant::now() >= deadline {
                return Err(ProvisionError::NoSsh {
                    limit: pace.let_in,
                    last: error,
                });
            }
            sleep(match error {
                SshError::Denied { .. } => pace.knock_after_refusal,
                _ => pace.knock,
            })
            .await;
        }
    }

    async fn install(
        &mut self,
        ssh: &Ssh,
        address: Ipv4Addr,
        admin: &AgentKey,
    ) -> Result<Installed, ProvisionError> {
        self.begin(Step::InstallPortlama);
        let request = admin.admin_request();
        let request = request.map_err(|error| ProvisionError::Credentials(error.to_string()))?;
        let pace = &self.means.pace;
        let remote = Remote { ssh, pace };
        let (cancel, on_event) = (self.cancel, &mut *self.on_event);
        let mut tell = |data| on_event(Event::goes_on(Step::InstallPortlama, data));
        let installing = async {
            remote.wait_for_first_start().await?;
            let mut told = None;
            let bring = remote.bring(&self.plan.binary, &request, |sent| {
                let percent = (sent.octets * 100).checked_div(sent.of);
                if told != percent {
                    told = percent;
                    tell(json!({ "sentBytes": sent.octets, "totalBytes": sent.of }));
                }
            });
            bring.await?;
            remote.install(address, &mut tell).await
        };
        let installed = unless(cancel, installing).await??;
        self.done(None);
        Ok(installed)
    }

    fn retrieve(
        &mut self,
        installed: &Installed,
        key: AgentKey,
    ) -> Result<ClientFile, ProvisionError> {
        self.begin(Step::RetrieveCredentials);
        let file = installed.join(key)?;
        self.done(None);
        Ok(file)
    }

    /// Keeps the admin's file, asks the panel with it, and lets the server make a host key of
    /// its own.
    async fn enroll(
        &mut self,
        address: Ipv4Addr,
        file: &ClientFile,
        ssh: Ssh,
        login: &SshKeyPair,
    ) -> Result<HostKey, ProvisionError> {
        self.begin(Step::EnrollAdmin);
        let id = Uuid::new_v4();
        self.operation.server = Some(id);
        self.write_journal()?;
        let password = password()?;
        let packed = file.pack(FRIENDLY_NAME, &password);
        let packed = packed.map_err(|error| ProvisionError::Credentials(error.to_string()))?;
        self.means.home.keep_p12(id, &packed)?;
        let keeping = self.means.credentials.keep_password(id, &password);
        unless(self.cancel, keeping).await??;
        let asking = self.ask_panel(address, file);
        unless(self.cancel, asking).await??;
        let renewing = self.renew_host_key(ssh, login);
        let host_key = unless(self.cancel, renewing).await??;
        self.done(None);
        Ok(host_key)
    }

    async fn ask_panel(&self, address: Ipv4Addr, file: &ClientFile) -> Result<(), ProvisionError> {
        let identity = ClientIdentity {
            chain: vec![file.certificate().clone()],
            key: file.key().to_der(),
        };
        let url = panel_url(address, self.means.ports.panel);
        let url = url.parse().map_err(|error| {
            ProvisionError::Credentials(format!("the panel's address: {error}"))
        })?;
        let ca = Some(file.authority().clone());
        let failed = |limit| {
            move |last| ProvisionError::NoPanel {
                limit,
                last: Box::new(last),
            }
        };
        let limit = self.means.pace.answer;
        let panel = PanelClient::new(url, file.fingerprint().clone(), ca, Some(identity));
        let panel = panel.map_err(failed(limit))?.with_timeout(PANEL_TIMEOUT);
        let deadline = Instant::now() + limit;
        loop {
            // The first thing that only the admin is told.
            match panel.onboarding().await {
                Ok(_) => return Ok(()),
                Err(last) if Instant::now() >= deadline => return Err(failed(limit)(last)),
                Err(_) => sleep(self.means.pace.ask).await,
            }
        }
    }

    /// The connection that was pinned to the planted key brings the new one; only who holds that
    /// is told to forget ours.
    async fn renew_host_key(
        &self,
        ssh: Ssh,
        login: &SshKeyPair,
    ) -> Result<HostKey, ProvisionError> {
        let pace = &self.means.pace;
        let address = ssh.address();
        let new = Remote { ssh: &ssh, pace }.renew_host_key().await?;
        ssh.close().await;
        // The server there starts anew: for a moment nobody listens, or it still shows the old key.
        let is_starting =
            |error: &SshError| error.may_pass() || matches!(error, SshError::WrongHostKey { .. });
        let ssh = self.knock(address, login, &new, is_starting).await?;
        Remote { ssh: &ssh, pace }.forget_login().await?;
        ssh.close().await;
        Ok(new)
    }

    fn save(
        &mut self,
        droplet: u64,
        address: Ipv4Addr,
        file: &ClientFile,
        host_key: &HostKey,
    ) -> Result<ServerEntry, ProvisionError> {
        self.begin(Step::SaveRegistry);
        self.check_cancelled()?;
        let id = self.operation.server.unwrap_or_default();
        let server = ServerEntry {
            id,
            label: self.plan.label.clone(),
            panel_url: panel_url(address, self.means.ports.panel),
            ip: address.to_string(),
            domain: None,
            provider: Some(DIGITALOCEAN.to_owned()),
            provider_id: Some(droplet.to_string()),
            region: Some(self.plan.region.clone()),
            created_at: (self.means.now)(),
            active: true,
            auth_method: AuthMethod::P12,
            p12_path: Some(self.means.home.p12(id)),
            ca_fingerprint: Some(file.fingerprint().clone()),
            ssh_host_key: Some(host_key.to_line()?),
            further: serde_json::Map::new(),
        };
        let registry = self.means.home.registry();
        registry.change(|servers| servers.add(server.clone()))?;
        self.operation.registered = true;
        self.done(None);
        Ok(server)
    }

    /// The server stands: what fails now is a warning, and the journal stays for the next start.
    async fn clean_up(&mut self, key: u64) {
        self.begin(Step::Cleanup);
        if let Err(error) = self.write_journal() {
            self.goes_on(json!({ "warning": error.to_string() }));
        }
        let forgotten = match self.means.digital_ocean.delete_key(key).await {
            Ok(()) => {
                let operations = self.means.home.operations();
                let forgotten = operations.forget(self.operation.id);
                forgotten.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(warning) = forgotten {
            self.goes_on(json!({ "warning": warning }));
        }
        self.done(None);
    }

    fn begin(&mut self, step: Step) {
        self.step = step;
        (self.on_event)(Event::running(step));
    }

    fn goes_on(&mut self, data: Value) {
        (self.on_event)(Event::goes_on(self.step, data));
    }

    fn done(&mut self, data: Option<Value>) {
        (self.on_event)(Event::done(self.step, data));
    }

    fn write_journal(&self) -> Result<(), ProvisionError> {
        Ok(self.means.home.operations().write(&self.operation)?)
    }

    fn check_cancelled(&self) -> Result<(), ProvisionError> {
        match self.cancel.is_cancelled() {
            true => Err(ProvisionError::Cancelled),
            false => Ok(()),
        }
    }
}

/// Does something unless nobody wants it any more.
async fn unless<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, ProvisionError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(ProvisionError::Cancelled),
        done = work => Ok(done),
    }
}

pub(super) fn busy(error: portlama_files::FileError) -> ProvisionError {
    match error {
        portlama_files::FileError::Locked { path, .. } => ProvisionError::Busy(path),
        other => other.into(),
    }
}

fn panel_url(address: Ipv4Addr, port: u16) -> String {
    format!("https://{}", SocketAddr::new(IpAddr::V4(address), port))
}

fn password() -> Result<Secret, ProvisionError> {
    let mut octets = [0; PASSWORD_BYTES];
    getrandom::fill(&mut octets)
        .map_err(|error| ProvisionError::Credentials(format!("no randomness: {error}")))?;
    Ok(Secret::new(hex::encode(octets)))
}

/// What is wrong with a token.
fn unfit(verdict: &Verdict) -> String {
    let mut reasons = Vec::new();
    for missing in &verdict.missing {
        reasons.push(format!(
            "{} is missing ({})",
            missing.scope, missing.needed_for
        ));
    }
    for excess in &verdict.excess {
        reasons.push(format!("{excess} could harm what else is in the account"));
    }
    reasons.join("; ")
}
